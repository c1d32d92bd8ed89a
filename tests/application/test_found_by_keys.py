"""Held CRLs of other signers are found by whoever certified these, however little is kept beside them."""

from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from service.adapters.lmdb.store import Store
from service.application.crl_fetcher import CrlOrder, CrlSigner
from service.application.settled import SETTLED_S
from service.application.signer_paths import MAX_PATH_CERTIFICATES, MAX_PATH_OCTETS, MAX_PATHS
from service.core.model.certificate import Certificate
from service.core.model.policy import Policy
from service.core.names.comparison import canonical
from tests.application.chain import CRL_URL, ROOT, SUB, leaf, read
from tests.application.test_kept_signers import FOR_CRLS, OTHER_URL, SISTER, SOFT, ask, hold
from tests.application.world import LEAF_ALONE, REVOKED, UNAVAILABLE, World, request, summary, world
from tests.pki import Authority, DistributionPoint, IssuingDistributionPoint, key
from tests.pki.extensions import Extension

pytestmark = pytest.mark.anyio

LEAF: Final = leaf("declaring", crl_urls=CRL_URL)
UNDECLARED: Final = leaf("undeclared")
CRL_KEY: Final = ROOT.subordinate("Sub", key=key("p256", 12), ca=False, key_usage=FOR_CRLS)
OPERATORS_URL: Final = "http://operator.example/sub.crl"


@pytest.fixture
def service(store: Store, tmp_path: Path) -> World:
    """A service with nothing outside."""
    return world(store, tmp_path)


async def test_a_key_that_was_renewed_again_and_again(service: World) -> None:
    """Each certified by the one before: what is kept of the path ends below the issuer."""
    renewed = [SUB]
    for number in range(MAX_PATH_CERTIFICATES - 1):
        renewed.append(renewed[-1].subordinate("Sub", key=key("p256", 21 + number)))
    signer = renewed[-1].subordinate("Sub", key=key("p256", 30), ca=False, key_usage=FOR_CRLS)
    crl = signer.crl(revoked=[LEAF.serial_number, UNDECLARED.serial_number])
    await hold(service, crl, LEAF, signer, *renewed[1:])
    assert [REVOKED, REVOKED] == [await ask(service, one, policy=SOFT) for one in (LEAF, UNDECLARED)]
    assert [REVOKED, REVOKED] == [await ask(service, one) for one in (LEAF, UNDECLARED)]


async def test_large_certificates(service: World) -> None:
    """The anchor that certified the signer has no room beside the CRL, and need not."""
    large = [Extension("1.3.6.1.4.1.99999.1", b"\x04\x82\x2e\xe0" + bytes(12_000))]
    anchor = Authority.root("Large", extensions=large)
    (service.files / "large.pem").write_text(anchor.pem)
    service.stores.load()
    issuer = anchor.subordinate("Sub", key=key("p256", 31))
    signer = anchor.subordinate("Sub", key=key("p256", 32), ca=False, key_usage=FOR_CRLS, extensions=large[:1])
    assert len(anchor.der) + len(signer.der) > MAX_PATH_OCTETS
    revoked = read(issuer.issue("revoked", crl_urls=CRL_URL))

    async def asked(about: Certificate, *brought: Authority, policy: Policy = LEAF_ALONE) -> tuple[str, str, str]:
        service.clock.advance(SETTLED_S)
        chain = tuple(map(read, (issuer, *brought)))
        return summary(
            await service.validator.validate(replace(request(about, policy), trust_store="large", intermediates=chain))
        )

    service.origin.answers = {CRL_URL: signer.crl(revoked=[revoked.serial_number])}
    assert REVOKED == await asked(revoked, signer)
    service.origin.answers = {}
    assert REVOKED == await asked(revoked, policy=SOFT)


async def test_another_crl_of_the_same_signer(service: World) -> None:
    """One that was verified under the operator's word: its signer's path is kept beside another one alone."""
    await hold(service, CRL_KEY.crl(number=1, idp=IssuingDistributionPoint([CRL_URL])), LEAF, CRL_KEY)
    service.origin.answers = {OPERATORS_URL: CRL_KEY.crl(number=2, revoked=[LEAF.serial_number])}
    assert () == await service.ingester.fetch(CrlOrder((OPERATORS_URL,), (CrlSigner.of(read(CRL_KEY)),)))
    assert [REVOKED, REVOKED] == [await ask(service, LEAF, *brought, policy=SOFT) for brought in ((), (CRL_KEY,))]


async def test_a_crowd_beside_it(service: World) -> None:
    """Strangers' paths are all that is kept beside the CRL that revokes; the signer's is kept beside another of his."""
    await hold(service, CRL_KEY.crl(number=1, idp=IssuingDistributionPoint([CRL_URL])), LEAF, CRL_KEY)
    revokes = CRL_KEY.crl(number=2, revoked=[LEAF.serial_number])
    mine = read(SISTER.issue("mine", crl_urls=[DistributionPoint([OTHER_URL], crl_issuer="Sub")]))
    for number in range(1, MAX_PATHS + 1):
        service.origin.answers = {OTHER_URL: revokes}
        service.clock.advance(SETTLED_S)
        brought = (SISTER.cross_sign(CRL_KEY, serial=number), SISTER)
        await service.validator.validate(replace(request(mine), intermediates=tuple(map(read, brought))))
    service.origin.answers = {}
    assert REVOKED == await ask(service, LEAF, policy=SOFT)


async def test_whom_an_anchor_further_up_has_certified(service: World) -> None:
    """His CRL is found by the anchor's key, however many are between it and the issuer."""
    middle = ROOT.subordinate("Middle")
    deep = middle.subordinate("Sub")
    revoked = read(deep.issue("revoked", crl_urls=CRL_URL))
    await hold(service, CRL_KEY.crl(revoked=[revoked.serial_number]), revoked, deep, middle, CRL_KEY)
    assert REVOKED == await ask(service, revoked, deep, middle, policy=SOFT)


async def test_somebody_else_who_certified_the_signer(service: World, store: Store) -> None:
    """What is held and has not changed is found by him from now on."""
    crl, issuer = SUB.crl(), canonical(read(SUB).subject.der)
    service.origin.answers = {CRL_URL: crl}
    for above in (b"one", b"another"):
        service.clock.advance(SETTLED_S)
        signer = CrlSigner.of(read(SUB), authorities=frozenset({above}))
        assert () == await service.ingester.fetch(CrlOrder((CRL_URL,), (signer,)))
        assert 1 == len(store.find(issuer, frozenset(), frozenset({above}), b"\x01"))


async def test_namesakes_cost_nothing(service: World, store: Store) -> None:
    """CRLs in the issuer's name that others below the same anchor had fetched are not looked at."""
    for number in range(5):
        namesake = SISTER.subordinate("Sub", key=key("p256", 50 + number))
        theirs = read(namesake.issue("theirs", crl_urls=f"http://crl.example/{number}.crl"))
        await hold(service, namesake.crl(), theirs, namesake, SISTER, url=f"http://crl.example/{number}.crl")
    assert 5 == len(store.held())
    verdict = await ask(service, LEAF)
    assert UNAVAILABLE == verdict
