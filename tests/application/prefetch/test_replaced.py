"""What was learned before the operator wrote a rule that replaces it goes at the next start."""

from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from service.application.crl_fetcher import CrlOrder, CrlSigner
from service.core.model.certificate import Certificate
from service.core.model.policy import IssuerMatch, IssuerRule, UrlRule, Urls
from service.core.names.rfc4514 import canonical_of_text
from tests.application.chain import CRL_URL, ROOT, STRANGER, SUB, leaf, order, read
from tests.application.prefetch.world import DAY, HOUR, Setup, VersionedOrigin, World, crl, trust, world
from tests.application.world import ALLOWED, LEAF_ALONE
from tests.pki import bundle

pytestmark = pytest.mark.anyio

LEAF: Final = leaf(crl_urls=[CRL_URL])
OPERATORS: Final = "http://operator.example/sub.crl"
DELTA_URL: Final = "http://crl.example/delta.crl"
NOWHERE: Final = Urls((), UrlRule.REPLACE)
NAME: Final = IssuerMatch(name=canonical_of_text("CN=Sub"))
SUBS: Final = order("").signers[0]
STRANGERS: Final = order("", signers=(STRANGER,)).signers[0]
KEY_IDENTIFIER: Final = read(SUB).extensions.subject_key_identifier


def ruled(urls: Urls | None, match: IssuerMatch = NAME) -> Setup:
    """A rule for an issuer."""
    return Setup(policy=replace(LEAF_ALONE, issuer_rules=(IssuerRule(match, crl_urls=urls),)))


async def asked(directory: Path, origin: VersionedOrigin, *certificates: Certificate) -> World:
    """A service before there was a rule, which was asked about these."""
    with world(directory, origin=origin) as service:
        await service.loops.begin()
        for certificate in certificates:
            assert ALLOWED == await service.ask(certificate)
    return service


@pytest.mark.parametrize(
    ("setup", "kept"),
    [
        (ruled(NOWHERE), []),
        (ruled(NOWHERE, IssuerMatch(key_identifier=KEY_IDENTIFIER)), []),
        (ruled(NOWHERE, IssuerMatch(spki=read(SUB).public_key.spki)), []),
        (ruled(Urls((OPERATORS,), UrlRule.REPLACE)), []),
        (ruled(Urls((CRL_URL,), UrlRule.REPLACE)), [CRL_URL]),
        (ruled(Urls((OPERATORS,))), [CRL_URL]),
        (ruled(None), [CRL_URL]),
        (ruled(NOWHERE, IssuerMatch(name=canonical_of_text("CN=Root"))), [CRL_URL]),
        (Setup(policy=LEAF_ALONE), [CRL_URL]),
    ],
    ids=[
        "name",
        "key identifier",
        "key",
        "other URLs",
        "the same URL",
        "added",
        "no URLs",
        "another issuer",
        "no rule",
    ],
)
@pytest.mark.parametrize("is_known", [False, True])
async def test_what_a_rule_replaces_is_forgotten(
    store_directory: Path, setup: Setup, kept: list[str], is_known: bool
) -> None:
    """Whether its issuer came with a request or is in the trust store; what it gave stays held, and nobody asks it."""
    origin = VersionedOrigin({CRL_URL: crl(1, life=2 * DAY)})
    if is_known:
        (store_directory / "stores").mkdir()
        (store_directory / "stores" / "default.pem").write_text(bundle([SUB]))
    before = await asked(store_directory, origin, LEAF)
    with world(store_directory, setup, origin, before.clock) as service:
        await service.loops.begin()
        assert kept == [one.source.key for one in service.store.sources()]
        assert 1 - len(kept) == service.told.forgotten_count
        await service.go(DAY)
        assert 1 + len(kept) == len(origin.requests)
        assert ALLOWED == await service.ask(LEAF)


async def test_what_the_rule_itself_has_taught_stays(store_directory: Path) -> None:
    """Through restarts: it is what the rule names."""
    origin = VersionedOrigin({OPERATORS: crl(1)})
    setup, clock = ruled(Urls((OPERATORS,), UrlRule.REPLACE)), None
    for _ in range(2):
        with world(store_directory, setup, origin, clock) as service:
            await service.loops.begin()
            await service.prefetcher.fetch(order(OPERATORS))
            await service.go(HOUR)
            assert [OPERATORS] == [one.source.key for one in service.store.sources()]
            clock = service.clock


async def test_an_issuer_whose_certificate_nobody_has_keeps_his(store_directory: Path) -> None:
    """Whether a rule is about him cannot be told, nor from what is no certificate, or not his."""
    signers = (SUBS, replace(SUBS, path=(b"\x05\x00",)), replace(STRANGERS, path=(SUB.der,)))
    orders = [CrlOrder((f"{CRL_URL}{number}",), (signer,)) for number, signer in enumerate(signers)]
    with world(store_directory) as before:
        for one in orders:
            await before.prefetcher.fetch(one)
    with world(store_directory, ruled(NOWHERE), clock=before.clock) as service:
        await service.loops.begin()
        assert [one.urls[0] for one in orders] == sorted(one.source.key for one in service.store.sources())


async def test_the_first_to_name_a_source_counts(store_directory: Path) -> None:
    """It may be another issuer's as well, whom no rule is about; whoever uses it next has it learned again."""
    mine, other = CrlSigner.of(read(SUB), (SUB.der,)), order("", signers=(ROOT,)).signers[0]
    with world(store_directory) as before:
        await before.prefetcher.fetch(CrlOrder(("http://a.example/",), (mine, other)))
        await before.prefetcher.fetch(CrlOrder(("http://b.example/",), (other, mine)))
    with world(store_directory, ruled(NOWHERE), clock=before.clock) as service:
        await service.loops.begin()
        assert ["http://b.example/"] == [one.source.key for one in service.store.sources()]


async def test_the_deltas_of_a_held_crl_stay(store_directory: Path) -> None:
    """Its issuer has signed where they are; a certificate's word for it is replaced."""
    origin = VersionedOrigin({CRL_URL: crl(1, freshest_crl_urls=[DELTA_URL])})
    before = await asked(store_directory, origin, LEAF)
    with world(store_directory, origin=origin, clock=before.clock) as before:
        await before.loops.begin()
        for url in (DELTA_URL, "http://crl.example/other.crl"):
            await before.prefetcher.fetch(CrlOrder((url,), (CrlSigner.of(read(SUB), (SUB.der,)),)))
    with world(store_directory, ruled(NOWHERE), origin, before.clock) as service:
        await service.loops.begin()
        assert [DELTA_URL] == [one.source.key for one in service.store.sources()]


async def test_what_is_configured_stays(store_directory: Path) -> None:
    """The operator's place is no word of a certificate, although a certificate names it too."""
    setup, origin = replace(ruled(NOWHERE), sources=(CRL_URL,)), VersionedOrigin({CRL_URL: crl(1)})
    trust(store_directory, SUB)
    before = await asked(store_directory, origin, LEAF)
    with world(store_directory, replace(setup, policy=LEAF_ALONE), origin, before.clock) as before:
        await before.loops.begin()
        await before.go(1)
    with world(store_directory, setup, origin, before.clock) as service:
        await service.loops.begin()
        assert [CRL_URL] == [one.source.key for one in service.store.sources()]
