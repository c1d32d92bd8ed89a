"""What verdicts rested on, as a worker tells the prefetcher."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import pytest

from service.application.crl_fetcher import CrlOrder, CrlSigner, key_digest
from service.application.prefetch.desk import PrefetcherUnavailableError
from service.application.prefetch.reporting import UsedReporter
from service.core.model.certificate import Certificate
from service.core.model.policy import IssuerMatch, IssuerRule, RevocationMode, UrlRule, Urls
from service.core.names.rfc4514 import canonical_of_text
from tests.application.chain import CRL_URL, ROOT, SUB, leaf, order, read
from tests.application.fakes import ScriptedFetcher
from tests.application.manual_clock import ManualClock
from tests.application.prefetch.world import HOUR, MIRROR, Setup, VersionedOrigin, World, crl, world
from tests.application.world import ALLOWED, LEAF_ALONE, REVOKED, UNAVAILABLE, request, summary
from tests.pki import Authority, DistributionPoint, key

pytestmark = pytest.mark.anyio

LEAF: Final = leaf(crl_urls=[CRL_URL])
OPERATORS: Final = "http://operator.example/sub.crl"
DELTA_URL: Final = "http://crl.example/delta.crl"
STRANGE: Final = leaf(crl_urls=["http://stranger.example/x.crl"])


@dataclass(slots=True)
class Desk(ScriptedFetcher):
    """A prefetcher that knows some sources, unless it is away."""

    known: set[str] = field(default_factory=set)
    used: list[str] = field(default_factory=list)
    learned: list[CrlOrder] = field(default_factory=list)
    is_away: bool = False

    async def note_used(self, keys: tuple[str, ...]) -> tuple[str, ...]:
        """Remember them.

        Raises:
            PrefetcherUnavailableError: it is away.
        """
        if self.is_away:
            raise PrefetcherUnavailableError("away")
        self.used += keys
        return tuple(key for key in keys if key not in self.known)

    async def learn(self, orders: tuple[CrlOrder, ...]) -> None:
        """Remember them."""
        self.learned += orders


async def test_a_verdict_is_noted_with_the_keys_of_its_path(service: World) -> None:
    """An allow and a revocation rest on what the certificates of their paths name; others rest on nothing."""
    assert UNAVAILABLE == await service.ask(STRANGE)
    service.origin.answers = {CRL_URL: crl(1)}
    assert ALLOWED == await service.ask(LEAF)
    (noted,) = service.used.take()
    assert ((CRL_URL,), (CrlSigner.of(read(SUB)),)) == (noted.urls, noted.signers)
    assert ((SUB.der,),) == tuple(one.path for one in noted.signers)
    service.origin.answers = {CRL_URL: crl(2, revoked=[LEAF.serial_number])}
    await service.go(HOUR)
    assert REVOKED == await service.ask(LEAF)
    assert [(CRL_URL,)] == [one.urls for one in service.used.take()]


async def test_issuers_count_too(service: World) -> None:
    """The points of an intermediate are named by its issuer's key."""
    sub_url = "http://crl.example/root.crl"
    sub = ROOT.subordinate("Sub", crl_urls=[sub_url])
    certificate = read(sub.issue("leaf", crl_urls=[CRL_URL]))
    service.origin.answers = {CRL_URL: crl(1), sub_url: ROOT.crl()}
    assert ALLOWED == await service.ask(certificate, sub)
    noted = {one.urls[0]: one.signers for one in service.used.take()}
    assert {CRL_URL: (CrlSigner.of(read(sub)),), sub_url: (CrlSigner.of(read(ROOT)),)} == noted


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (Urls((OPERATORS,)), [OPERATORS, CRL_URL, DELTA_URL]),
        (Urls((OPERATORS,), UrlRule.REPLACE), [OPERATORS]),
        (Urls((), UrlRule.REPLACE), []),
    ],
)
async def test_what_the_operator_replaces_is_not_used(store_directory: Path, given: Urls, expected: list[str]) -> None:
    """A rule for the issuer says where CRLs are fetched from, ahead of need as well."""
    rule = IssuerRule(IssuerMatch(name=canonical_of_text("CN=Sub")), crl_urls=given)
    policy = replace(LEAF_ALONE, issuer_rules=(rule,))
    certificate = leaf(crl_urls=[CRL_URL], freshest_crl_urls=DELTA_URL)
    with world(store_directory, Setup(policy=policy), VersionedOrigin({CRL_URL: crl(1)})) as service:
        await service.prefetcher.fetch(order(CRL_URL))
        asked = replace(request(certificate, policy), intermediates=(read(SUB),))
        assert ALLOWED == summary(await service.validator.validate(asked))
        assert expected == [one.urls[0] for one in service.used.take()]


async def test_a_certificate_is_looked_at_once(service: World) -> None:
    """Between two reports; each report has each source once."""
    service.origin.answers = {CRL_URL: crl(1)}
    for certificate in (LEAF, LEAF, leaf("another", crl_urls=[CRL_URL])):
        await service.ask(certificate)
    assert 1 == len(service.used.take())
    assert () == service.used.take()
    await service.ask(LEAF)
    assert 1 == len(service.used.take())


async def test_what_is_not_known_is_learned(service: World) -> None:
    """The rest is merely used; an empty report is none."""
    service.origin.answers = {"http://crl.example/": crl(1)}
    desk = Desk(known={CRL_URL})
    reporter = UsedReporter(service.used, desk, ManualClock())  # type: ignore[arg-type] # nobody asks it to refresh
    await reporter.report()
    for url in (CRL_URL, "http://crl.example/other.crl"):
        await service.ask(leaf(crl_urls=[url]))
    await reporter.report()
    assert [CRL_URL, "http://crl.example/other.crl"] == desk.used
    assert [("http://crl.example/other.crl",)] == [one.urls for one in desk.learned]


async def test_a_prefetcher_that_is_away_is_told_the_next_time(service: World) -> None:
    """What is in use is used again."""
    service.origin.answers = {CRL_URL: crl(1)}
    desk = Desk(is_away=True)
    reporter = UsedReporter(service.used, desk, ManualClock())  # type: ignore[arg-type] # as above
    await service.ask(LEAF)
    await reporter.report()
    desk.is_away = False
    await service.ask(LEAF)
    await reporter.report()
    assert [CRL_URL] == desk.used


async def test_what_is_held_and_was_never_ordered_is_learned(store_directory: Path) -> None:
    """As after the inventory was lost: the key that the held CRL verifies under is one of them, and it is refreshed."""
    origin = VersionedOrigin({CRL_URL: crl(1)})
    with world(store_directory, origin=origin) as service:
        await service.prefetcher.fetch(order(CRL_URL))
        await service.inventory.forget([CRL_URL])
        assert (CRL_URL,) == await service.desk.note_used((CRL_URL,))
        await service.desk.learn((CrlOrder((CRL_URL,), order(CRL_URL, signers=(ROOT,)).signers),))
        origin.answers = {CRL_URL: crl(2)}
        await service.go(1)
        assert {2} == service.numbers
        assert (CrlSigner.of(read(ROOT)), CrlSigner.of(read(SUB))) == service.record(CRL_URL).signers


SIGNER: Final = ROOT.subordinate("Sub", key=key("p256", 77))
"""Another key of Sub's, which signs its CRLs."""
SISTER: Final = ROOT.subordinate("Sister", key=key("p256", 78))
SOFT: Final = replace(LEAF_ALONE, revocation_mode=RevocationMode.SOFT_FAIL)


async def ask_with(service: World, certificate: Certificate, *brought: Authority) -> tuple[str, str, str]:
    """What is decided where these come along."""
    asked = replace(request(certificate, SOFT), intermediates=tuple(map(read, brought)))
    return summary(await service.validator.validate(asked))


async def test_whoever_had_a_crl_fetched_silences_nobody(store_directory: Path) -> None:
    """He has another path of its signer's: the one that verdicts rest on is kept as well, once it is told."""
    revoked = leaf(crl_urls=[CRL_URL])
    crossed = SISTER.cross_sign(SIGNER)
    crl = SIGNER.crl(revoked=[revoked.serial_number])
    with world(store_directory, Setup(policy=SOFT), VersionedOrigin({CRL_URL: crl})) as service:
        await service.loops.begin()
        point = DistributionPoint([CRL_URL], crl_issuer="Sub")
        await ask_with(service, read(SISTER.issue("theirs", crl_urls=[point])), SISTER, crossed)
        assert [(crossed.der, SISTER.der)] == [path for one in service.store.held() for path in one.signer_paths]
        assert REVOKED == await ask_with(service, revoked, SUB, SIGNER)
        await UsedReporter(service.used, service.desk, service.clock).report()
        assert REVOKED == await ask_with(service, revoked, SUB)
        assert {(crossed.der, SISTER.der), (SIGNER.der,)} == set(service.store.held()[0].signer_paths)


async def test_signers_are_told_once(service: World) -> None:
    """Of the CRLs that verdicts rest on, where they are others than the issuers; and again after a report."""
    service.origin.answers = {CRL_URL: SIGNER.crl()}
    await service.loops.begin()
    for _ in range(2):
        for _ in range(2):
            assert ALLOWED == await ask_with(service, leaf(crl_urls=[CRL_URL]), SUB, SIGNER)
        (signer,) = service.used.take_signers()
        assert (SIGNER.issued.spki, (SIGNER.der,)) == (signer.spki, signer.path)
        assert {key_digest(one.public_key.spki) for one in (read(SIGNER), read(ROOT))} == signer.authorities
        assert () == service.used.take_signers()
    service.origin.answers = {MIRROR: SUB.crl(number=2)}
    assert ALLOWED == await ask_with(service, leaf(crl_urls=[MIRROR]), SUB)
    assert () == service.used.take_signers()


async def test_a_signer_of_many_is_kept_once(service: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many orders name it; and again once something else of anybody's is held."""
    await service.loops.begin()
    told: list[CrlSigner] = []
    monkeypatch.setattr(type(service.store), "keep_path", lambda _, signer, *_at: told.append(signer))
    orders = tuple(CrlOrder((f"http://crl.example/{number}",), order(CRL_URL).signers) for number in range(9))
    kept = tuple(replace(one, signers=(replace(one.signers[0], path=(SUB.der,)),)) for one in orders)
    for _ in range(2):
        await service.desk.learn(kept)
    assert 1 == len(told)
    service.origin.answers = {CRL_URL: crl(1)}
    await service.prefetcher.fetch(order(CRL_URL))
    await service.desk.learn(kept)
    assert 2 == len(told)
