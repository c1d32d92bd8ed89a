"""What is fetched: all at once, under one deadline, and with every failure an attempt."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from service.adapters.lmdb.store import Store
from service.adapters.nonces import RandomNonces
from service.adapters.spool import FileSpool
from service.application.crl_fetcher import MAX_ORDER_SIGNERS, CrlFetcher
from service.application.gather import Gatherer, GatherRequest, Sources
from service.application.ingest import Ingester, IngestRules
from service.application.inline_evidence import InlineEvidence
from service.application.observer import NullObserver
from service.application.ocsp_client import OcspClient, OcspRules
from service.core.model.attempt import Attempt, Problem
from service.core.model.evidence import CrlWanted, Evidence, GatheredCrls, GatheredOcsp, OcspWanted, Reach
from service.core.model.evidence_tier import Tier
from service.core.model.policy import Policy
from tests.application.chain import CRL_URL, NAMESAKE, OCSP_URL, ROOT, SUB, crls_wanted, leaf, order, read
from tests.application.fakes import (
    BrokenStore,
    Failing,
    Meeting,
    MeetingFetcher,
    MeetingOrigin,
    NeverFetcher,
    ScriptedFetcher,
    ScriptedOrigin,
    settle,
)
from tests.application.manual_clock import ManualClock
from tests.pki import DistributionPoint, Entry, IssuingDistributionPoint, der, key

pytestmark = pytest.mark.anyio

LEAF: Final = leaf(crl_urls=CRL_URL, ocsp_urls=OCSP_URL)
CRL: Final = crls_wanted(LEAF)
OCSP: Final = OcspWanted(LEAF, read(SUB), Reach.ORIGIN)
HELD_CRL: Final = CrlWanted(LEAF, read(SUB), Reach.HELD)
HELD_OCSP: Final = OcspWanted(LEAF, read(SUB), Reach.HELD)
PATIENCE_S: Final = 60.0
"""As long as a hung test may take: what is to come in time comes at once."""

NOW_OR_NEVER: Final = 0.0


@dataclass(slots=True)
class Shell:
    """A gatherer over this host's store."""

    store: Store | BrokenStore
    fetcher: CrlFetcher
    origin: ScriptedOrigin
    clock: ManualClock
    client: OcspClient
    gatherer: Gatherer

    async def gather(
        self,
        *wanted: CrlWanted | OcspWanted,
        patience_s: float = PATIENCE_S,
        sources: Sources = Sources.ALL,
    ) -> Evidence:
        """Gather, waiting for so long and no longer than a test may take."""
        request = GatherRequest(InlineEvidence(), sources, self.clock.monotonic() + patience_s)
        async with asyncio.timeout(PATIENCE_S / 6):
            return await self.gatherer.gather(wanted, Evidence(), request)


def shell(store: Store | BrokenStore, fetcher: CrlFetcher | None = None, origin: ScriptedOrigin | None = None) -> Shell:
    """A gatherer; whatever is not given has nothing."""
    clock, fetcher, origin = ManualClock(), fetcher or ScriptedFetcher(), origin or ScriptedOrigin()
    client = OcspClient(origin, store, clock, NullObserver(), OcspRules(Policy(), 1.0), RandomNonces())
    return Shell(store, fetcher, origin, clock, client, Gatherer(store, store, fetcher, client, clock))


def ingester(store: Store, origin: ScriptedOrigin, directory: Path) -> Ingester:
    """An ingesting process over the same store."""
    rules = IngestRules(1 << 20, 1.0, Policy())
    return Ingester(origin, store, FileSpool(directory), ManualClock(), NullObserver(), rules)


async def test_a_crl_is_ordered_and_found(store: Store, tmp_path: Path) -> None:
    """The order names the URLs and the issuer's key; what it brought into the store is what the origin says."""
    origin = ScriptedOrigin({CRL_URL: SUB.crl(revoked=[LEAF.serial_number])})
    gathered = (await shell(store, ingester(store, origin, tmp_path)).gather(CRL)).crls[CRL]
    assert [Tier.ORIGIN] == [finding.tier for finding in gathered.findings]
    assert [True] == [finding.entry is not None for finding in gathered.findings]
    assert () == gathered.attempts


async def test_the_order(store: Store) -> None:
    """It is for the key of the issuer in this path, and for no other."""
    fetcher = ScriptedFetcher()
    await shell(store, fetcher).gather(CRL)
    assert [order(CRL_URL)] == fetcher.orders


async def test_who_else_may_have_signed(store: Store) -> None:
    """The others come after the issuer; keys that nothing here reads, and those nobody uses, are left out."""
    unread = ROOT.subordinate(
        "Sub", key=key("p256", 8), public_key=der.seq(der.seq(der.oid("1.2.3")), der.bit_string(b""))
    )
    others = (NAMESAKE, unread, SUB.reissue(), NAMESAKE.reissue(), ROOT)
    fetcher = ScriptedFetcher()
    await shell(store, fetcher).gather(crls_wanted(LEAF, SUB, *others))
    assert [order(CRL_URL, signers=(SUB, NAMESAKE, ROOT))] == fetcher.orders


async def test_no_order_is_for_more_keys_than_the_core_tries(store: Store) -> None:
    """Who comes last is left out, never the issuer."""
    others = tuple(ROOT.subordinate("Sub", key=key("p256", 100 + number)) for number in range(MAX_ORDER_SIGNERS))
    fetcher = ScriptedFetcher()
    await shell(store, fetcher).gather(crls_wanted(LEAF, SUB, *others))
    assert [order(CRL_URL, signers=(SUB, *others[:-1]))] == fetcher.orders


async def test_deltas_are_fetched_where_they_are_said_to_be(store: Store, tmp_path: Path) -> None:
    """The points come with what is wanted, be they the certificate's or those of its CRL."""
    origin = ScriptedOrigin({"http://delta.example/": SUB.crl(number=2, delta_base=1)})
    certificate = leaf("fresh", crl_urls=CRL_URL, freshest_crl_urls="http://delta.example/")
    points = certificate.extensions.freshest_crl
    wanted = CrlWanted(certificate, read(SUB), Reach.FRESHEST, points=points)
    gathered = (await shell(store, ingester(store, origin, tmp_path)).gather(wanted)).crls[wanted]
    assert (["http://delta.example/"], ()) == (origin.urls, gathered.attempts)
    assert [(1, Tier.ORIGIN)] == [(finding.meta.base_crl_number, finding.tier) for finding in gathered.findings]


@pytest.mark.parametrize(
    ("sources", "problem"), [(Sources.ALL, Problem.UNREACHABLE), (Sources.HELD, Problem.OFFLINE)], ids=["dead", "off"]
)
async def test_deltas_that_cannot_be_had(store: Store, tmp_path: Path, sources: Sources, problem: Problem) -> None:
    """They are attempts like any other."""
    certificate = leaf("fresh", freshest_crl_urls=["http://delta.example/", "ldap://delta.example/"])
    wanted = CrlWanted(certificate, read(SUB), Reach.FRESHEST, points=certificate.extensions.freshest_crl)
    world = shell(store, ingester(store, ScriptedOrigin(), tmp_path))
    gathered = (await world.gather(wanted, sources=sources)).crls[wanted]
    assert [("ldap://delta.example/", Problem.UNSUPPORTED_SCHEME), ("http://delta.example/", problem)] == [
        (attempt.source, attempt.problem) for attempt in gathered.attempts
    ]


async def test_a_crl_of_another_issuer(store: Store, tmp_path: Path) -> None:
    """It is stored under the name and the key of whoever signed it, and found for the certificate that names them."""
    lists = ROOT.subordinate("Lists")
    certificate = leaf("indirect", crl_urls=[DistributionPoint([CRL_URL], crl_issuer="Lists")])
    crl = lists.crl(
        idp=IssuingDistributionPoint([CRL_URL], indirect=True),
        revoked=[Entry(certificate.serial_number, certificate_issuer="Sub")],
    )
    wanted = crls_wanted(certificate, SUB, lists)
    world = shell(store, ingester(store, ScriptedOrigin({CRL_URL: crl}), tmp_path))
    gathered = (await world.gather(wanted)).crls[wanted]
    assert [(lists.issued.spki, True)] == [
        (finding.signer_spki, finding.entry is not None) for finding in gathered.findings
    ]


async def test_a_crl_that_could_not_be_had(store: Store) -> None:
    """What the ingesting process reports is kept, and there is no finding."""
    failed = Attempt(CRL_URL, Problem.HTTP_STATUS, "404")
    evidence = await shell(store, ScriptedFetcher((failed,))).gather(CRL)
    assert GatheredCrls((), (failed,)) == evidence.crls[CRL]


async def test_a_crl_that_is_there_and_covers_others(store: Store, tmp_path: Path) -> None:
    """A partition in place of the one that was asked for is named, and by the URL that gave it."""
    partition = SUB.crl(idp=IssuingDistributionPoint(["http://crl.example/another.crl"]))
    origin = ScriptedOrigin({"http://b.example/": partition})
    two = ("http://a.example/", "http://b.example/", "http://c.example/")
    certificate = leaf("two", crl_urls=[DistributionPoint(two)])
    wanted = crls_wanted(certificate)
    gathered = (await shell(store, ingester(store, origin, tmp_path)).gather(wanted)).crls[wanted]
    dead = Attempt("http://a.example/", Problem.UNREACHABLE, "nobody there")
    assert GatheredCrls((), (dead, Attempt("http://b.example/", Problem.WRONG_SCOPE))) == gathered


async def test_a_crl_that_covers_others_beside_one_that_covers(store: Store, tmp_path: Path) -> None:
    """Where another distribution point gave the right one, nobody needs to hear of it."""
    partition = SUB.crl(idp=IssuingDistributionPoint(["http://crl.example/another.crl"]))
    origin = ScriptedOrigin({"http://a.example/": partition, "http://b.example/": SUB.crl()})
    wanted = crls_wanted(leaf("two", crl_urls=["http://a.example/", "http://b.example/"]))
    gathered = (await shell(store, ingester(store, origin, tmp_path)).gather(wanted)).crls[wanted]
    assert (1, ()) == (len(gathered.findings), gathered.attempts)


async def test_a_store_that_fails_after_the_fetch() -> None:
    """The attempts of the fetch are not lost with it."""
    failed = Attempt(CRL_URL, Problem.HTTP_STATUS, "404")
    evidence = await shell(BrokenStore(Failing.CRLS), ScriptedFetcher((failed,))).gather(CRL)
    gone = Attempt("store", Problem.INTERNAL, "the disk is gone")
    assert GatheredCrls((), (failed, gone)) == evidence.crls[CRL]


async def test_an_ocsp_answer(store: Store) -> None:
    """It comes with what failed before it came."""
    certificate = leaf("two", ocsp_urls=("http://dead.example/", OCSP_URL))
    wanted = OcspWanted(certificate, read(SUB), Reach.ORIGIN)
    answers = ScriptedOrigin({OCSP_URL: SUB.ocsp(certificate.serial_number)})
    gathered = (await shell(store, origin=answers).gather(wanted)).ocsp[wanted]
    assert [(OCSP_URL, Tier.ORIGIN)] == [(finding.source, finding.tier) for finding in gathered.findings]
    assert (Attempt("http://dead.example/", Problem.UNREACHABLE, "nobody there"),) == gathered.attempts


async def test_no_ocsp_answer(store: Store) -> None:
    """Nothing is found, and why."""
    evidence = await shell(store).gather(OCSP)
    assert GatheredOcsp((), (Attempt(OCSP_URL, Problem.UNREACHABLE, "nobody there"),)) == evidence.ocsp[OCSP]


@pytest.mark.parametrize("sources", [Sources.HELD, Sources.INLINE])
async def test_nothing_is_fetched_where_nothing_may_be(store: Store, sources: Sources) -> None:
    """Every source that a certificate declares is an attempt that was not made."""
    certificate = leaf("many", crl_urls=["http://a.example/", "http://b.example/"], ocsp_urls=[OCSP_URL, "http://o/"])
    crl, ocsp = crls_wanted(certificate), OcspWanted(certificate, read(SUB), Reach.ORIGIN)
    fetcher, origin = ScriptedFetcher(), ScriptedOrigin()
    evidence = await shell(store, fetcher, origin).gather(crl, ocsp, sources=sources)
    assert ([], []) == (fetcher.orders, origin.urls)
    assert [("http://a.example/", Problem.OFFLINE), ("http://b.example/", Problem.OFFLINE)] == [
        (attempt.source, attempt.problem) for one in evidence.crls.values() for attempt in one.attempts
    ]
    assert [(OCSP_URL, Problem.OFFLINE), ("http://o/", Problem.OFFLINE)] == [
        (attempt.source, attempt.problem) for one in evidence.ocsp.values() for attempt in one.attempts
    ]


async def test_certificates_are_fetched_for_together(store: Store) -> None:
    """CRLs and OCSP answers of a whole chain, and each distribution point: nobody waits for another."""
    sub = crls_wanted(read(ROOT.subordinate("Sub", crl_urls="http://crl.example/root.crl")), ROOT)
    many = crls_wanted(leaf("many", crl_urls=["http://a.example/", "http://b.example/"]))
    meeting = Meeting(5)
    answers = MeetingOrigin(meeting, {OCSP_URL: SUB.ocsp(LEAF.serial_number)})
    evidence = await shell(store, MeetingFetcher(meeting), answers).gather(CRL, sub, many, OCSP)
    problems = {attempt.problem for one in (CRL, sub, many) for attempt in evidence.crls[one].attempts}
    assert {Problem.WRONG_SCOPE} == problems  # all were told that it is there, and nobody put it there
    assert 1 == len(evidence.ocsp[OCSP].findings)


async def test_what_never_comes_times_out(store: Store) -> None:
    """A process and a responder that do not answer are attempts when the time is up."""
    origin = ScriptedOrigin()
    origin.gate.clear()
    world = shell(store, NeverFetcher(), origin)
    evidence = await world.gather(CRL, OCSP, patience_s=0.01)
    assert GatheredCrls((), (Attempt(CRL_URL, Problem.TIMED_OUT),)) == evidence.crls[CRL]
    assert GatheredOcsp((), (Attempt(OCSP_URL, Problem.TIMED_OUT),)) == evidence.ocsp[OCSP]
    await world.client.aclose()


async def test_the_deadline_is_one_moment(store: Store) -> None:
    """A later round has what the earlier ones have left of it, which here is nothing."""
    world = shell(store, NeverFetcher())
    request = GatherRequest(InlineEvidence(), Sources.ALL, world.clock.monotonic() + PATIENCE_S)
    world.clock.advance(PATIENCE_S + 1)
    async with asyncio.timeout(PATIENCE_S / 6):
        evidence = await world.gatherer.gather([CRL], Evidence(), request)
    assert (Attempt(CRL_URL, Problem.TIMED_OUT),) == evidence.crls[CRL].attempts


async def test_a_slow_responder_answers_the_next_request(store: Store) -> None:
    """The flight goes on without the request that began it: the responder is asked once, and its answer is held."""
    origin = ScriptedOrigin({OCSP_URL: SUB.ocsp(LEAF.serial_number)})
    origin.gate.clear()
    world = shell(store, origin=origin)
    slow = (await world.gather(OCSP, patience_s=NOW_OR_NEVER)).ocsp[OCSP]
    assert (Attempt(OCSP_URL, Problem.TIMED_OUT),) == slow.attempts
    next_one = asyncio.create_task(world.gather(OCSP))
    await settle()
    origin.gate.set()
    assert 1 == len((await next_one).ocsp[OCSP].findings)
    assert 1 == len((await world.gather(HELD_OCSP)).ocsp[HELD_OCSP].findings)
    assert 1 == len(origin.requests)


async def test_a_slow_crl_is_there_for_the_next_request(store: Store, tmp_path: Path) -> None:
    """The same for what the ingesting process fetches."""
    origin = ScriptedOrigin({CRL_URL: SUB.crl()})
    origin.gate.clear()
    world = shell(store, ingester(store, origin, tmp_path))
    slow = (await world.gather(CRL, patience_s=NOW_OR_NEVER)).crls[CRL]
    assert ((), (Attempt(CRL_URL, Problem.TIMED_OUT),)) == (slow.findings, slow.attempts)
    next_one = asyncio.create_task(world.gather(CRL))
    await settle()
    origin.gate.set()
    assert 1 == len((await next_one).crls[CRL].findings)
    assert 1 == len((await world.gather(HELD_CRL)).crls[HELD_CRL].findings)
    assert 1 == len(origin.requests)


async def test_what_came_too_late_may_be_held_by_now(store: Store, tmp_path: Path) -> None:
    """The store is looked into after the time is up too: another request may have brought it."""
    origin = ScriptedOrigin({CRL_URL: SUB.crl()})
    await shell(store, ingester(store, origin, tmp_path)).gather(CRL)
    gathered = (await shell(store, NeverFetcher()).gather(CRL, patience_s=NOW_OR_NEVER)).crls[CRL]
    assert (1, Problem.TIMED_OUT) == (len(gathered.findings), gathered.attempts[0].problem)
