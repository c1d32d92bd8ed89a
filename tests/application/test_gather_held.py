"""What this host holds, and what came with the request: looked up at once, and never a reason to go out."""

from dataclasses import replace
from typing import Final

import pytest

from service.adapters.lmdb.store import Store
from service.adapters.nonces import RandomNonces
from service.application.evidence_store import HeldOcsp
from service.application.gather import Gatherer, GatherRequest, Sources
from service.application.inline_evidence import InlineEvidence, read_inline_evidence
from service.application.observer import NullObserver
from service.application.ocsp_client import OcspClient, OcspRules
from service.core.crl.scope import MAX_CRL_ISSUERS
from service.core.model.attempt import Attempt, Problem
from service.core.model.certificate import Certificate
from service.core.model.crl import CrlEntry
from service.core.model.evidence import CrlWanted, Evidence, GatheredCrls, GatheredOcsp, OcspWanted, Reach, Wanted
from service.core.model.evidence_tier import Tier
from service.core.model.policy import Policy
from service.core.model.reason import Reason
from service.core.ocsp.cert_id import store_key
from tests.application import holding
from tests.application.chain import CRL_URL, NAMESAKE, OCSP_URL, ROOT, SUB, crls_wanted, leaf, read
from tests.application.fakes import BrokenStore, Failing, NeverFetcher, ScriptedOrigin
from tests.application.manual_clock import ManualClock
from tests.pki import (
    NOW,
    REVOKED_AT,
    Authority,
    DistributionPoint,
    Entry,
    IssuingDistributionPoint,
    days,
    ocsp_error,
)

pytestmark = pytest.mark.anyio

LEAF: Final = leaf(crl_urls=CRL_URL, ocsp_urls=OCSP_URL)
CRL: Final = CrlWanted(LEAF, read(SUB), Reach.HELD)
OCSP: Final = OcspWanted(LEAF, read(SUB), Reach.HELD)
NOTHING: Final = InlineEvidence()
LISTS: Final = ROOT.subordinate("Lists")
INDIRECT: Final = leaf("indirect", crl_urls=[DistributionPoint([CRL_URL], crl_issuer="Lists")])
GONE: Final = Attempt("store", Problem.INTERNAL, "the disk is gone")


def hold_crl(store: Store, crl: bytes, signer: Authority = SUB) -> None:
    """Put a CRL into the store, as if it verified under the signer's key."""
    holding.hold_crl(store, crl, signer, CRL_URL)


async def hold_ocsp(store: Store, response: bytes) -> None:
    """Put an OCSP answer about the leaf into the store."""
    await store.put_ocsp(store_key(LEAF, read(SUB)), HeldOcsp(response, OCSP_URL, NOW, NOW + days(1)))


async def gather(
    store: Store | BrokenStore,
    wanted: Wanted,
    inline: InlineEvidence = NOTHING,
    sources: Sources = Sources.ALL,
) -> Evidence:
    """Gather one thing when there is no time left for anything that waits, and where nobody outside would answer."""
    origin, fetcher, clock = ScriptedOrigin(), NeverFetcher(), ManualClock()
    origin.gate.clear()
    client = OcspClient(origin, store, clock, NullObserver(), OcspRules(Policy(), 1.0), RandomNonces())
    gatherer = Gatherer(store, store, fetcher, client, clock)
    evidence = await gatherer.gather([wanted], Evidence(), GatherRequest(inline, sources, clock.monotonic() - 1))
    await client.aclose()
    assert ([], []) == (fetcher.orders, origin.urls)
    return evidence


async def crls(
    store: Store | BrokenStore, inline: InlineEvidence = NOTHING, sources: Sources = Sources.ALL
) -> GatheredCrls:
    """The CRLs about the leaf that are at hand."""
    return (await gather(store, CRL, inline, sources)).crls[CRL]


async def ocsp(
    store: Store | BrokenStore, inline: InlineEvidence = NOTHING, sources: Sources = Sources.ALL
) -> GatheredOcsp:
    """The OCSP answers about the leaf that are at hand."""
    return (await gather(store, OCSP, inline, sources)).ocsp[OCSP]


async def test_a_held_crl(store: Store) -> None:
    """It is asked about the certificate's serial number, and says under whose key it was verified."""
    hold_crl(store, SUB.crl(revoked={LEAF.serial_number: "keyCompromise"}, number=7))
    gathered = await crls(store)
    (finding,) = gathered.findings
    assert finding.entry is not None
    assert (Reason.KEY_COMPROMISE, 7) == (finding.entry.reason, finding.meta.crl_number)
    assert (SUB.issued.spki, CRL_URL, Tier.HOST) == (finding.signer_spki, finding.source, finding.tier)
    assert ((), True) == (gathered.attempts, gathered.names_issuer)


async def test_nothing_held(store: Store) -> None:
    """Nothing is found, nothing failed, and nobody names the issuer."""
    assert GatheredCrls() == await crls(store)
    assert GatheredOcsp() == await ocsp(store)


async def test_a_crl_of_somebody_else(store: Store) -> None:
    """The issuer's own issuer is another CRL issuer."""
    hold_crl(store, ROOT.crl(), ROOT)
    assert GatheredCrls() == await crls(store)


async def test_a_held_crl_for_other_certificates(store: Store) -> None:
    """A partition that does not cover the certificate is no finding, but an answer is needed now."""
    hold_crl(store, SUB.crl(idp=IssuingDistributionPoint(["http://crl.example/another.crl"])))
    assert GatheredCrls(names_issuer=True) == await crls(store)


async def test_a_held_crl_under_another_key(store: Store) -> None:
    """It is found by the keys that names lead to, and refused later; it makes no answer needed."""
    hold_crl(store, NAMESAKE.crl(), NAMESAKE)
    assert GatheredCrls() == await crls(store)
    wanted = replace(CRL, authorities=frozenset({NAMESAKE.issued.spki}))
    gathered = (await gather(store, wanted)).crls[wanted]
    assert ([NAMESAKE.issued.spki], False) == (
        [finding.signer_spki for finding in gathered.findings],
        gathered.names_issuer,
    )


@pytest.mark.parametrize(("signer", "is_needed"), [(NAMESAKE, True), (LISTS, False)], ids=["of this name", "another"])
async def test_a_held_crl_under_a_key_that_may_be_the_issuers(store: Store, signer: Authority, is_needed: bool) -> None:
    """A renewed key, or one for CRLs alone: an answer is needed. Who bears another name does not speak in this one."""
    hold_crl(store, SUB.crl(idp=IssuingDistributionPoint(["http://crl.example/another.crl"])), signer)
    wanted = replace(crls_wanted(LEAF, SUB, signer), reach=Reach.HELD)
    assert GatheredCrls(names_issuer=is_needed) == (await gather(store, wanted)).crls[wanted]


async def test_a_held_crl_of_its_own_partition(store: Store) -> None:
    """The distribution points of the certificate are what the store is asked with."""
    hold_crl(store, SUB.crl(idp=IssuingDistributionPoint([CRL_URL])))
    assert 1 == len((await crls(store)).findings)


async def crls_about(store: Store, certificate: Certificate, inline: InlineEvidence = NOTHING) -> GatheredCrls:
    """The CRLs about a certificate below Sub that are at hand."""
    wanted = replace(crls_wanted(certificate, SUB, LISTS), reach=Reach.HELD)
    return (await gather(store, wanted, inline)).crls[wanted]


@pytest.mark.parametrize("how", ["held", "inline"])
async def test_an_indirect_crl(store: Store, how: str) -> None:
    """The CRLs of whoever the certificate names are asked, about the certificate of its own issuer."""
    crl = LISTS.crl(
        idp=IssuingDistributionPoint([CRL_URL], indirect=True),
        revoked=[Entry(INDIRECT.serial_number), Entry(INDIRECT.serial_number, "superseded", certificate_issuer="Sub")],
    )
    if how == "held":
        hold_crl(store, crl, LISTS)
    gathered = await crls_about(store, INDIRECT, read_inline_evidence([crl] if how == "inline" else [], []))
    (finding,) = gathered.findings
    assert (CrlEntry(REVOKED_AT, Reason.SUPERSEDED), LISTS.issued.spki) == (finding.entry, finding.signer_spki)
    assert not gathered.names_issuer  # it is not a CRL of the certificate's own issuer


async def test_an_indirect_crl_that_nobody_names(store: Store) -> None:
    """Who lists certificates of others is not asked about those that do not say so."""
    hold_crl(store, LISTS.crl(idp=IssuingDistributionPoint([CRL_URL], indirect=True)), LISTS)
    assert GatheredCrls() == await crls(store)


async def test_crls_of_the_issuer_beside_those_of_another(store: Store) -> None:
    """Both are asked, each under its own name for the certificate."""
    hold_crl(store, LISTS.crl(revoked=[INDIRECT.serial_number]), LISTS)
    hold_crl(store, SUB.crl(revoked=[INDIRECT.serial_number]))
    gathered = await crls_about(store, INDIRECT)
    assert [("CN=Sub", True), ("CN=Lists", False)] == [
        (finding.meta.issuer.text, finding.entry is not None) for finding in gathered.findings
    ]
    assert gathered.names_issuer


async def test_more_crl_issuers_than_are_asked(store: Store) -> None:
    """It is said, and those in front are asked."""
    points = [DistributionPoint([CRL_URL], crl_issuer=f"Lists {number}") for number in range(MAX_CRL_ISSUERS)]
    hold_crl(store, SUB.crl())
    gathered = await crls_about(store, leaf("many", crl_urls=points))
    assert (1, (Attempt("distribution point", Problem.UNSUPPORTED, "more than 16 CRL issuers"),)) == (
        len(gathered.findings),
        gathered.attempts,
    )


async def test_a_delta_is_held_beside_its_base(store: Store) -> None:
    """Both are findings: the core combines them."""
    hold_crl(store, SUB.crl(number=1, revoked=[LEAF.serial_number]))
    hold_crl(store, SUB.crl(number=2, delta_base=1, revoked={LEAF.serial_number: "removeFromCRL"}))
    found = {finding.meta.base_crl_number: finding.entry for finding in (await crls(store)).findings}
    assert {None: CrlEntry(REVOKED_AT), 1: CrlEntry(REVOKED_AT, Reason.REMOVE_FROM_CRL)} == found


async def test_an_inline_crl_beside_a_held_one(store: Store) -> None:
    """Both count: the core decides which of them is the newer."""
    hold_crl(store, SUB.crl(number=1))
    inline = read_inline_evidence([SUB.crl(number=2)], [])
    gathered = await crls(store, inline)
    assert {("evidence", Tier.EVIDENCE), (CRL_URL, Tier.HOST)} == {
        (finding.source, finding.tier) for finding in gathered.findings
    }


async def test_an_inline_crl_names_the_issuer(store: Store) -> None:
    """Who brings a CRL of the issuer needs an answer, as if it were held."""
    gathered = await crls(store, read_inline_evidence([SUB.crl()], []))
    assert (1, True) == (len(gathered.findings), gathered.names_issuer)


async def test_an_inline_crl_by_a_namesake(store: Store) -> None:
    """It verifies under no key of the chain, which its finding says; nobody can make it say otherwise."""
    gathered = await crls(store, read_inline_evidence([NAMESAKE.crl()], []))
    assert [None] == [finding.signer_spki for finding in gathered.findings]


async def test_the_past_knows_inline_crls_alone(store: Store) -> None:
    """What is held today says nothing about then."""
    hold_crl(store, SUB.crl())
    assert GatheredCrls() == await crls(store, sources=Sources.INLINE)
    gathered = await crls(store, read_inline_evidence([SUB.crl()], []), Sources.INLINE)
    assert (["evidence"], True) == ([finding.source for finding in gathered.findings], gathered.names_issuer)


async def test_offline_counts_what_is_held(store: Store) -> None:
    """Not to fetch is not to forget."""
    hold_crl(store, SUB.crl())
    await hold_ocsp(store, SUB.ocsp(_issued()))
    assert 1 == len((await crls(store, sources=Sources.HELD)).findings)
    assert 1 == len((await ocsp(store, sources=Sources.HELD)).findings)


@pytest.mark.parametrize("failing", [Failing.CRLS, Failing.ISSUERS])
async def test_a_store_that_fails_for_crls(failing: Failing) -> None:
    """Whether a CRL of the issuer is held is not known then: an answer is needed."""
    assert GatheredCrls((), (GONE,), names_issuer=True) == await crls(BrokenStore(failing))


async def test_inline_crls_count_where_the_store_fails() -> None:
    """They make an answer needed by themselves, so that nobody asks the store whether it holds one of the issuer."""
    inline = read_inline_evidence([SUB.crl()], [])
    gathered = await crls(BrokenStore(Failing.CRLS), inline)
    assert (1, (GONE,), True) == (len(gathered.findings), gathered.attempts, gathered.names_issuer)
    gathered = await crls(BrokenStore(Failing.ISSUERS), inline)
    assert (1, (), True) == (len(gathered.findings), gathered.attempts, gathered.names_issuer)


async def test_a_store_that_fails_matters_only_where_it_is_asked() -> None:
    """In the past nobody asks it."""
    broken = BrokenStore(Failing.CRLS | Failing.ISSUERS | Failing.OCSP)
    assert GatheredCrls() == await crls(broken, sources=Sources.INLINE)
    assert GatheredOcsp() == await ocsp(broken, sources=Sources.INLINE)


async def test_a_held_ocsp_answer(store: Store) -> None:
    """It is read again, and says where it came from."""
    await hold_ocsp(store, SUB.ocsp(_issued(), status="revoked"))
    gathered = await ocsp(store)
    assert [(OCSP_URL, Tier.HOST)] == [(finding.source, finding.tier) for finding in gathered.findings]
    assert () == gathered.attempts


async def test_inline_ocsp_answers_beside_a_held_one(store: Store) -> None:
    """All of them count."""
    await hold_ocsp(store, SUB.ocsp(_issued()))
    inline = read_inline_evidence([], [SUB.ocsp(_issued(), status="revoked")])
    gathered = await ocsp(store, inline)
    assert [Tier.EVIDENCE, Tier.HOST] == [finding.tier for finding in gathered.findings]


async def test_inline_ocsp_answers_alone(store: Store) -> None:
    """Nothing has to be held for them to count, and in the past nothing that is held does."""
    inline = read_inline_evidence([], [SUB.ocsp(_issued())])
    assert GatheredOcsp(inline.ocsp) == await ocsp(store, inline)
    await hold_ocsp(store, SUB.ocsp(_issued()))
    assert GatheredOcsp(inline.ocsp) == await ocsp(store, inline, Sources.INLINE)


@pytest.mark.parametrize(
    ("response", "detail"), [(b"garbage", "DER"), (ocsp_error("tryLater"), "try_later")], ids=["garbage", "error"]
)
async def test_a_held_ocsp_answer_that_cannot_be_read(store: Store, response: bytes, detail: str) -> None:
    """It is ours that is broken: named, and inline answers still count."""
    await hold_ocsp(store, response)
    inline = read_inline_evidence([], [SUB.ocsp(_issued())])
    gathered = await ocsp(store, inline)
    (attempt,) = gathered.attempts
    assert (inline.ocsp, "store", Problem.INTERNAL) == (gathered.findings, attempt.source, attempt.problem)
    assert detail in attempt.detail


async def test_a_store_that_fails_for_ocsp() -> None:
    """It is named, and inline answers still count."""
    inline = read_inline_evidence([], [SUB.ocsp(_issued())])
    assert GatheredOcsp(inline.ocsp, (GONE,)) == await ocsp(BrokenStore(Failing.OCSP), inline)


async def test_what_was_gathered_before_stays(store: Store) -> None:
    """A round adds to the evidence of those before."""
    client = OcspClient(
        ScriptedOrigin(), store, ManualClock(), NullObserver(), OcspRules(Policy(), 1.0), RandomNonces()
    )
    gatherer = Gatherer(store, store, NeverFetcher(), client, ManualClock())
    request = GatherRequest(NOTHING, Sources.ALL, 0.0)
    first = await gatherer.gather([CRL], Evidence(), request)
    second = await gatherer.gather([OCSP], first, request)
    assert ({CRL}, {OCSP}) == (set(second.crls), set(second.ocsp))
    assert replace(second, ocsp={}) == first


def _issued() -> int:
    return LEAF.serial_number
