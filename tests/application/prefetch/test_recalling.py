"""Under whose keys what a learned source has is tried."""

from dataclasses import replace

import pytest

from service.application.crl_fetcher import CrlSigner
from service.application.evidence_store import HeldCrl, StoreError
from service.application.prefetch.recalling import LOOK_EVERY_S, HeldSigners
from tests.application.chain import CRL_URL, NAMESAKE, STRANGER, SUB, order, read
from tests.application.prefetch.world import World, crl, signer

pytestmark = pytest.mark.anyio


class Counted:
    """What a store holds, and how often somebody read all of it. Implements `HeldCrls`."""

    def __init__(self, service: World) -> None:
        """Nobody has."""
        self._store = service.store
        self.walks = 0
        self.is_broken = False

    def held(self) -> tuple[HeldCrl, ...]:
        """Everything.

        Raises:
            StoreError: it is broken.
        """
        self.walks += 1
        if self.is_broken:
            raise StoreError("the disk is gone")
        return self._store.held()

    def held_in(self, slot: bytes) -> HeldCrl | None:
        """One."""
        return self._store.held_in(slot)


async def test_those_of_what_is_held_come_first(service: World) -> None:
    """By what the record says that it gave, and by where it came from; each once, with an order's certificates."""
    service.origin.answers = {CRL_URL: crl(1)}
    await service.prefetcher.fetch(order(CRL_URL, signers=(STRANGER, SUB)))
    record = service.record(CRL_URL)
    mine = CrlSigner.of(read(SUB), (SUB.der,))
    strangers = (signer(STRANGER), signer(NAMESAKE))
    known = HeldSigners(Counted(service), service.clock)
    for given in (record.given, ()):
        assert (signer(SUB), *strangers) == known.of(replace(record, given=given, signers=strangers))
        found = known.of(replace(record, given=given, signers=(*strangers, mine)))
        assert ((mine, *strangers), mine.path) == (found, found[0].path)
    elsewhere = replace(record.state, source=replace(record.source, places=("http://elsewhere.example/",)))
    assert strangers == known.of(replace(record, state=elsewhere, given=(), signers=strangers))


async def test_all_of_it_is_read_seldom(service: World) -> None:
    """It takes long where there is much."""
    crls = Counted(service)
    known = HeldSigners(crls, service.clock)
    service.origin.answers = {CRL_URL: crl(1)}
    await service.prefetcher.fetch(order(CRL_URL))
    for seconds, walks in ((0.0, 1), (LOOK_EVERY_S - 1, 1), (1.0, 2)):
        service.clock.advance(seconds)
        known.of(service.record(CRL_URL))
        assert walks == crls.walks


async def test_a_store_that_cannot_be_read(service: World) -> None:
    """Those that are remembered are tried all the same."""
    crls = Counted(service)
    crls.is_broken = True
    await service.prefetcher.fetch(order(CRL_URL))
    assert (signer(SUB),) == HeldSigners(crls, service.clock).of(service.record(CRL_URL))
