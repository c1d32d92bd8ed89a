"""A held CRL is heard whichever certificates a request brings along: its signer's is kept beside it.

Somebody asks first who has the signer's certificate; somebody else asks then, and leaves it out.
"""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from service.adapters.lmdb.store import Store
from service.application.observer import Ingested
from service.application.settled import SETTLED_S
from service.application.signer_paths import MAX_PATHS
from service.core.model.certificate import Certificate
from service.core.model.policy import EvidenceOrder, Policy, RevocationMode, RevocationScope
from tests.application.chain import CRL_URL, NAMESAKE, OCSP_URL, ROOT, SUB, leaf, read
from tests.application.world import ALLOWED, LEAF_ALONE, REVOKED, UNAVAILABLE, World, request, world
from tests.pki import NOW, Authority, DistributionPoint, Entry, IssuingDistributionPoint, days, hours, key
from tests.pki.extensions import KeyUsage

pytestmark = pytest.mark.anyio

FOR_CRLS: Final[frozenset[KeyUsage]] = frozenset({"cRLSign"})
RENEWED: Final = ROOT.subordinate("Sub", key=key("p256", 11))
CRL_KEY: Final = ROOT.subordinate("Sub", key=key("p256", 12), ca=False, key_usage=FOR_CRLS)
OWN_CRL_KEY: Final = SUB.subordinate("Sub", key=key("p256", 13), ca=False, key_usage=FOR_CRLS)
SECOND_CRL_KEY: Final = RENEWED.subordinate("Sub", key=key("p256", 14), ca=False, key_usage=FOR_CRLS)
"""A key for CRLs of the renewed one: its path has a certificate more."""
LISTS: Final = ROOT.subordinate("Lists", key=key("p256", 15), ca=False, key_usage=FOR_CRLS)

SISTER: Final = ROOT.subordinate("Sister", key=key("p256", 16))
IMPOSTOR: Final = SISTER.subordinate("Sub", key=key("p256", 17))

OTHER_URL: Final = "http://crl.example/another.crl"
LEAF: Final = leaf("declaring", crl_urls=CRL_URL, ocsp_urls=OCSP_URL)
SIBLING: Final = leaf("sibling", crl_urls=CRL_URL)
SHARDED: Final = leaf("sharded", crl_urls=OTHER_URL)
UNDECLARED: Final = leaf("undeclared")
INDIRECT: Final = leaf("indirect", crl_urls=[DistributionPoint([CRL_URL], crl_issuer="Lists")], ocsp_urls=OCSP_URL)

SOFT: Final = replace(LEAF_ALONE, revocation_mode=RevocationMode.SOFT_FAIL)
OCSP_FIRST: Final = replace(LEAF_ALONE, evidence_order=EvidenceOrder.OCSP_FIRST)
NOT_ANSWERED: Final = ("allow", "unknown", "ok")


@pytest.fixture
def service(store: Store, tmp_path: Path) -> World:
    """A service with nothing outside."""
    return world(store, tmp_path)


async def ask(
    service: World, about: Certificate, *brought: Authority, policy: Policy = LEAF_ALONE
) -> tuple[str, str, str]:
    """What is decided where these certificates come with the request, beside Sub; nothing is remembered of before."""
    service.clock.advance(SETTLED_S)
    asked = request(about, policy)
    return await service.validate(replace(asked, intermediates=(*asked.intermediates, *map(read, brought))))


async def hold(
    service: World,
    crl: bytes,
    about: Certificate,
    *brought: Authority,
    url: str = CRL_URL,
    outcome: Ingested = Ingested.STORED,
) -> None:
    """Have a CRL held by asking about a certificate that names its URL; nobody has it afterwards."""
    service.origin.answers = {url: crl}
    await ask(service, about, *brought)
    service.origin.answers = {}
    (held,) = (one for one in service.recorder.ingestions if one.url == url)
    assert outcome is held.outcome
    service.recorder.ingestions.clear()


@pytest.mark.parametrize(
    "signers",
    [[RENEWED], [CRL_KEY], [OWN_CRL_KEY], [SECOND_CRL_KEY, RENEWED]],
    ids=["renewed", "for CRLs", "of the issuer", "two certificates away"],
)
@pytest.mark.parametrize("policy", [LEAF_ALONE, SOFT, OCSP_FIRST], ids=["hard-fail", "soft-fail", "ocsp-first"])
async def test_whoever_leaves_the_signers_certificate_out(
    service: World, signers: list[Authority], policy: Policy
) -> None:
    """What is held is heard, although OCSP says good."""
    await hold(service, signers[0].crl(revoked=[LEAF.serial_number]), LEAF, *signers)
    service.origin.answers = {OCSP_URL: SUB.ocsp(LEAF.serial_number)}
    assert [REVOKED, REVOKED] == [await ask(service, LEAF, *each, policy=policy) for each in (signers, [])]


@pytest.mark.parametrize("brought", [[], [LISTS]], ids=["without it", "with it"])
async def test_another_crl_issuer(service: World, brought: list[Authority]) -> None:
    """The certificate names who lists it."""
    listed = Entry(INDIRECT.serial_number, certificate_issuer="Sub")
    crl = LISTS.crl(idp=IssuingDistributionPoint([CRL_URL], indirect=True), revoked=[listed])
    await hold(service, crl, INDIRECT, LISTS)
    service.origin.answers = {OCSP_URL: SUB.ocsp(INDIRECT.serial_number)}
    assert REVOKED == await ask(service, INDIRECT, *brought, policy=SOFT)


async def test_the_issuer_of_one_signs_for_the_other(service: World) -> None:
    """Who signs about certificates of its own is another key for those of the older one."""
    new = read(RENEWED.issue("new", crl_urls=CRL_URL))
    await hold(service, RENEWED.crl(revoked=[LEAF.serial_number]), new, RENEWED)
    assert REVOKED == await ask(service, LEAF, policy=SOFT)


async def test_what_is_kept_makes_nothing_good(service: World) -> None:
    """Good is what the request can show: without the signer's certificate there is no answer, as on a fresh host."""
    await hold(service, RENEWED.crl(), SIBLING, RENEWED)
    assert [ALLOWED, UNAVAILABLE] == [await ask(service, SIBLING, *each) for each in ([RENEWED], [])]


async def test_the_next_crl_of_the_same_signer(service: World) -> None:
    """It is recognized, fetched and held, and what is kept stays."""
    await hold(service, RENEWED.crl(number=1, next_update=NOW + hours(1)), LEAF, RENEWED)
    service.clock.advance(2 * 3600)
    crl = RENEWED.crl(number=2, this_update=NOW + hours(1), revoked=[LEAF.serial_number])
    await hold(service, crl, LEAF)
    assert REVOKED == await ask(service, LEAF, policy=SOFT)


@pytest.mark.parametrize("bogus", [RENEWED.reissue(not_after=NOW - days(1)), NAMESAKE])
async def test_whoever_brings_another_certificate_instead(service: World, bogus: Authority) -> None:
    """One of the same key that has expired, or one of another key: neither takes the place of the one that is kept."""
    await hold(service, RENEWED.crl(revoked=[LEAF.serial_number]), LEAF, RENEWED)
    assert REVOKED == await ask(service, LEAF, bogus, policy=SOFT)


# --- a certificate that declares nothing -----------------------------------------------------------------------------

EXPIRING: Final = RENEWED.crl(revoked=[UNDECLARED.serial_number], next_update=NOW + hours(1))
ELSEWHERE: Final = RENEWED.crl(idp=IssuingDistributionPoint([OTHER_URL]))


@pytest.mark.parametrize(
    ("crl", "about", "url"), [(EXPIRING, SIBLING, CRL_URL), (ELSEWHERE, SHARDED, OTHER_URL)], ids=["stale", "a shard"]
)
async def test_an_answer_is_needed_whoever_asks(service: World, crl: bytes, about: Certificate, url: str) -> None:
    """A CRL of its issuer is held, and none answers: hard-fail denies, and leaving its signer out changes nothing."""
    assert NOT_ANSWERED == await ask(service, UNDECLARED, RENEWED)
    await hold(service, crl, about, RENEWED, url=url)
    service.clock.advance(2 * 3600)
    assert [UNAVAILABLE] * 2 == [await ask(service, UNDECLARED, *each) for each in ([RENEWED], [])]


async def test_a_crl_that_revokes_what_declares_nothing(service: World) -> None:
    """It is found as ever, and heard."""
    await hold(service, RENEWED.crl(revoked=[UNDECLARED.serial_number]), SIBLING, RENEWED)
    assert [REVOKED] * 2 == [await ask(service, UNDECLARED, *each) for each in ([RENEWED], [])]


# --- what strangers have kept ----------------------------------------------------------------------------------------


async def poison(service: World, stranger: Authority, *above: Authority, trusting: str) -> None:
    """Have a CRL held in Sub's name that a stranger signed, and the certificates of the stranger with it."""
    mine = read(stranger.issue("mine", crl_urls=OTHER_URL))
    listed = [one.serial_number for one in (LEAF, SIBLING, UNDECLARED)]
    service.origin.answers = {OTHER_URL: stranger.crl(revoked=listed)}
    brought: Iterable[Certificate] = map(read, (stranger, *above))
    asked = replace(request(mine), trust_store=trusting, intermediates=tuple(brought))
    assert ALLOWED == await service.validate(asked)


@pytest.mark.parametrize(
    ("stranger", "above", "trusting"),
    [(NAMESAKE, (), "stranger"), (IMPOSTOR, (SISTER,), "default")],
    ids=["another anchor", "a sister"],
)
async def test_what_a_stranger_has_kept(
    service: World, stranger: Authority, above: tuple[Authority, ...], trusting: str
) -> None:
    """It changes nothing for others: neither revoked, nor needed, nor good."""
    await poison(service, stranger, *above, trusting=trusting)
    assert NOT_ANSWERED == await ask(service, UNDECLARED)
    service.origin.answers = {CRL_URL: SUB.crl()}
    assert ALLOWED == await ask(service, SIBLING)
    service.origin.answers = {}
    assert [ALLOWED, ALLOWED] == [await ask(service, each) for each in (LEAF, UNDECLARED)]


async def test_a_stranger_puts_nobody_out(service: World, store: Store) -> None:
    """Certificates of the signer's key that a sister makes by the dozen leave that which is kept where it is."""
    ended = RENEWED.crl(number=1, next_update=NOW - hours(1))
    await hold(service, ended, LEAF, RENEWED)
    mine = read(RENEWED.issue("mine", crl_urls=CRL_URL))
    for number in range(1, 2 * MAX_PATHS):
        crossed = SISTER.cross_sign(RENEWED, serial=number)
        outcome = Ingested.STORED if number < MAX_PATHS else Ingested.UNCHANGED
        await hold(service, ended, mine, crossed, SISTER, outcome=outcome)
    crossed = SISTER.cross_sign(RENEWED, serial=2 * MAX_PATHS)
    await hold(service, RENEWED.crl(number=2, revoked=[LEAF.serial_number]), mine, crossed, SISTER)
    (held,) = store.held()
    assert ((RENEWED.der,), MAX_PATHS) == (held.signer_paths[0], len(held.signer_paths))
    assert REVOKED == await ask(service, LEAF, policy=SOFT)


async def test_a_revoked_signer_is_not_heard(service: World) -> None:
    """Nothing that is kept makes good what the authority has taken back."""
    whole = replace(LEAF_ALONE, revocation_scope=RevocationScope.CHAIN)
    await hold(service, RENEWED.crl(revoked=[LEAF.serial_number]), LEAF, RENEWED)
    about_root = read(ROOT.issue("below root", crl_urls=OTHER_URL))
    await hold(service, ROOT.crl(revoked=[RENEWED.serial]), about_root, url=OTHER_URL)
    service.origin.answers = {OCSP_URL: SUB.ocsp(LEAF.serial_number)}
    assert [ALLOWED, ALLOWED] == [await ask(service, LEAF, *each, policy=whole) for each in ([RENEWED], [])]
