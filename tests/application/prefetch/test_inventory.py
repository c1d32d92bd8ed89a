"""Sources in memory and written down."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest

from service.application.crl_fetcher import CrlSigner
from service.application.evidence_store import StoreError
from service.application.prefetch.inventory import USED_EVERY, Inventory
from service.application.prefetch.source_record import MAX_RECORD_SIGNERS, PlaceRecord, SourceRecord
from service.core.prefetch.inventory import SourceKind
from tests.application.chain import CRL_URL
from tests.application.manual_clock import ManualClock
from tests.application.prefetch.world import MIRROR, Told

pytestmark = pytest.mark.anyio


class Flaky:
    """A store in memory that fails while the test says so. Implements `SourceStore`."""

    def __init__(self) -> None:
        """Empty, and well."""
        self.records: dict[str, SourceRecord] = {}
        self.listed: tuple[PlaceRecord, ...] = ()
        self.is_broken = False
        self.writes = 0

    def sources(self) -> tuple[SourceRecord, ...]:
        """All."""
        return tuple(self.records.values())

    def places(self) -> tuple[PlaceRecord, ...]:
        """All."""
        return self.listed

    async def put_sources(self, records: tuple[SourceRecord, ...]) -> None:
        """Write them."""
        self._check()
        self.records.update((one.source.key, one) for one in records)

    async def forget_sources(self, keys: tuple[str, ...]) -> None:
        """Remove them."""
        self._check()
        for key in keys:
            self.records.pop(key, None)

    async def put_places(self, records: tuple[PlaceRecord, ...]) -> None:
        """Write them."""
        self._check()
        self.listed = records

    def _check(self) -> None:
        self.writes += 1
        if self.is_broken:
            raise StoreError("the disk is gone")


def signers(*numbers: int) -> tuple[CrlSigner, ...]:
    """Keys."""
    return tuple(CrlSigner(bytes(32), bytes([number])) for number in numbers)


def nothing_waits(digests: frozenset[bytes], named: Callable[[], frozenset[bytes]]) -> None:
    """Nothing is to be let go of."""
    del named
    assert not digests


def inventory() -> tuple[Inventory, Flaky, ManualClock, Told]:
    """An empty one."""
    store, clock, told = Flaky(), ManualClock(), Told()
    return Inventory(store, clock, told, nothing_waits), store, clock, told


async def test_what_could_not_be_written_is_written_later() -> None:
    """It counts all the while, and the trouble is told."""
    made, store, _, told = inventory()
    made.learn((CRL_URL,), signers(1))
    store.is_broken = True
    await made.write()
    await made.put_place(PlaceRecord("a", None))
    assert ({}, 2, CRL_URL) == (store.records, len(told.reasons), made[CRL_URL].source.key)
    store.is_broken = False
    made.learn((MIRROR,), signers(1))
    await made.write()
    assert {CRL_URL, MIRROR} == store.records.keys()


async def test_nothing_is_written_without_a_change() -> None:
    """Neither sources nor places."""
    made, store, _, _ = inventory()
    made.learn((CRL_URL,), signers(1))
    for _ in range(2):
        await made.write()
        await made.put_place(PlaceRecord("a", None))
        await made.keep_places(["a"])
        await made.forget(["nobody"])
    assert 2 == store.writes


def test_keys_join_while_there_is_room() -> None:
    """What was known stays and comes first, so that whoever comes later puts nobody out."""
    made, _, _, _ = inventory()
    assert made.learn((CRL_URL,), signers(1, 2))
    assert not made.learn((CRL_URL,), signers(2))
    assert made.learn((CRL_URL,), signers(3, 1))
    assert signers(1, 2, 3) == made[CRL_URL].signers
    made.learn((CRL_URL,), signers(*range(10, 30)))
    kept = made[CRL_URL].signers
    assert (MAX_RECORD_SIGNERS, signers(1, 2, 3)) == (len(kept), kept[:3])
    assert not made.learn((CRL_URL,), signers(200))


def places(made: Inventory) -> dict[str, tuple[str, ...]]:
    """Of every source."""
    return {one.source.key: one.source.places for one in made.records()}


A, B, C, D = (f"http://crl.example/{name}" for name in "abcd")


@pytest.mark.parametrize(
    ("lists", "expected"),
    [
        ([(A, B), (A, B)], {A: (A, B)}),
        ([(A, B), (A, C)], {A: (A,), B: (B,), C: (C,)}),
        ([(A, C), (A, B)], {A: (A,), B: (B,), C: (C,)}),
        ([(A, B), (A,)], {A: (A,), B: (B,)}),
        ([(A,), (A, B)], {A: (A,), B: (B,)}),
        ([(A, B, C), (A, B, D)], {A: (A, B), C: (C,), D: (D,)}),
        ([(A, B, C), (A, D, C)], {A: (A,), B: (B, C), D: (D, C)}),
        ([(A, B), (B, A)], {A: (A, B), B: (B, A)}),
        ([(A, B), (B, C), (A, D)], {A: (A,), B: (B,), C: (C,), D: (D,)}),
        ([(A, A, B), (A, B)], {A: (A,), B: (B,)}),
    ],
)
def test_a_source_has_the_places_on_which_all_agree(
    lists: list[tuple[str, ...]], expected: dict[str, tuple[str, ...]]
) -> None:
    """The others are sources of their own: nobody's place is lost, or stands behind a place that he does not name."""
    made, _, _, _ = inventory()
    for urls in lists:
        made.learn(urls, signers(1))
    assert expected == places(made)
    for urls in lists:
        assert not made.learn(urls, signers(1))
        have = [place for key in made.sources_of(urls) for place in made[key].source.places]
        assert set(urls) == set(have)
    assert expected == places(made)


def test_whose_keys_the_places_have_that_become_sources() -> None:
    """Those that were remembered for them, and those of whoever names them."""
    made, _, _, _ = inventory()
    made.learn((A, B), signers(1))
    assert made.learn((A, C), signers(2))
    assert [signers(1, 2), signers(1, 2), signers(2)] == [made[key].signers for key in (A, B, C)]


def test_a_configured_source_keeps_its_places() -> None:
    """The operator's source has the places that he named, and those of others make no other of it."""
    made, _, _, _ = inventory()
    made.learn((CRL_URL,), signers(1))
    record = made[CRL_URL]
    source = replace(record.source, kind=SourceKind.CONFIGURED)
    made.remember(replace(record, state=replace(record.state, source=source)))
    assert not made.learn((CRL_URL, MIRROR), signers(1))
    assert {CRL_URL: (CRL_URL,)} == places(made)
    assert (CRL_URL,) == made.sources_of((CRL_URL, MIRROR))


@pytest.mark.parametrize(("after", "expected"), [(USED_EVERY - timedelta(seconds=1), False), (USED_EVERY, True)])
def test_its_use_is_noted_seldom(after: timedelta, expected: bool) -> None:
    """Forgetting counts in days."""
    made, _, clock, _ = inventory()
    made.learn((CRL_URL,), signers(1))
    clock.advance(after.total_seconds())
    assert made.use(CRL_URL)
    assert expected == (made[CRL_URL].state.used_at == clock.now())
    assert not made.use("nobody")


def test_a_long_chain_of_lists() -> None:
    """Each list names what the next one begins with: one order divides them all, however many there are."""
    made, _, _, _ = inventory()
    chain = [f"http://crl.example/{number}" for number in range(1500)]
    for first, second in pairwise(chain):
        made.learn((first, second, f"{first}/last"), signers(1))
    assert made.learn((chain[0], "http://crl.example/another"), signers(2))
    assert {(key,) for key in chain[:-1]} <= {one.source.places for one in made.records()}
