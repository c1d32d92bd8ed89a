"""What caches count: in which tier something was found, and where it was looked for in vain."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from service.adapters.lmdb.role import Role
from service.adapters.lmdb.store import Store
from service.adapters.nonces import RandomNonces
from service.application.cache_counting import (
    ASKED_OCSP,
    COUNTED,
    EVICTING,
    EVICTIONS,
    HELD_CRLS,
    HELD_OCSP,
    HITS,
    MISSES,
    READ_OCSP,
    CacheName,
    Cells,
    HeldLooks,
    looked,
    own_cells,
)
from service.application.evidence_store import HeldOcsp
from service.application.gather import Gatherer, GatherRequest, Sources
from service.application.inline_evidence import InlineEvidence
from service.application.observer import NullObserver
from service.application.ocsp_client import OcspClient, OcspRules
from service.application.ocsp_memory import OcspMemory
from service.core.model.evidence import CrlWanted, Evidence, OcspWanted, Reach
from service.core.model.policy import Policy
from service.core.ocsp.cert_id import store_key
from tests.application import holding
from tests.application.chain import CRL_URL, OCSP_URL, SUB, leaf, read
from tests.application.fakes import NeverFetcher, ScriptedOrigin
from tests.application.manual_clock import ManualClock
from tests.pki import NOW

pytestmark = pytest.mark.anyio

LEAF = leaf(crl_urls=CRL_URL, ocsp_urls=OCSP_URL)
OTHER = leaf("other", crl_urls=CRL_URL, ocsp_urls=OCSP_URL)
ISSUER = read(SUB)


class Counting:
    """Cells for every cache, and what is in them."""

    def __init__(self) -> None:
        """All zero."""
        self._cells: dict[CacheName, Cells] = {name: own_cells() for name in COUNTED}

    def of(self, name: CacheName) -> Cells:
        """Those of one."""
        return self._cells[name]

    def counted(self, name: CacheName) -> tuple[int, int]:
        """Its hits and misses."""
        cells = self._cells[name]
        return cells[HITS], cells[MISSES]


class Worker:
    """Gathers, and counts what it has looked for."""

    def __init__(self, store: Store) -> None:
        """Over a store that is open."""
        self.counting = Counting()
        clock, origin = ManualClock(), ScriptedOrigin()
        rules = OcspRules(Policy(), 1.0, memory=OcspMemory(cells=self.counting.of(READ_OCSP)))
        self.client = OcspClient(origin, store, clock, NullObserver(), rules, RandomNonces())
        looks = HeldLooks(self.counting.of)
        self.gatherer = Gatherer(store, store, NeverFetcher(), self.client, clock, looks=looks)
        self.clock = clock

    async def look(self, *wanted: CrlWanted | OcspWanted, sources: Sources = Sources.HELD) -> None:
        """Gather these."""
        request = GatherRequest(InlineEvidence(), sources, self.clock.monotonic() + 1)
        await self.gatherer.gather(wanted, Evidence(), request)


@asynccontextmanager
async def worker(directory: Path) -> AsyncIterator[tuple[Worker, Store]]:
    """One with a store of its own."""
    with Store.open(directory / "store", Role.INGESTER) as store:
        made = Worker(store)
        yield made, store
        await made.client.aclose()


async def hold(store: Store) -> None:
    """An answer about the first leaf."""
    response = SUB.ocsp(LEAF.serial_number)
    await store.put_ocsp(store_key(LEAF, ISSUER), HeldOcsp(response, OCSP_URL, NOW, NOW + timedelta(days=1)))


async def test_ocsp_answers(tmp_path: Path) -> None:
    """Read from the host once and then from memory; what the host has not, neither has."""
    async with worker(tmp_path) as (made, store):
        await hold(store)
        for wanted in (LEAF, LEAF, LEAF, OTHER):
            await made.look(OcspWanted(wanted, ISSUER, Reach.HELD))
        assert [(2, 2), (1, 1)] == [made.counting.counted(name) for name in (READ_OCSP, HELD_OCSP)]


async def test_crls(tmp_path: Path) -> None:
    """One that covers a certificate, or none."""
    async with worker(tmp_path) as (made, store):
        await made.look(CrlWanted(LEAF, ISSUER, Reach.HELD))
        holding.hold_crl(store, SUB.crl(number=1), SUB, CRL_URL)
        for wanted in (LEAF, OTHER):
            await made.look(CrlWanted(wanted, ISSUER, Reach.HELD))
        assert (2, 1) == made.counting.counted(HELD_CRLS)


async def test_the_second_look_is_no_other_question(tmp_path: Path) -> None:
    """Before a responder is asked the host is looked at once more: that is not counted."""
    async with worker(tmp_path) as (made, _):
        await made.look(OcspWanted(LEAF, ISSUER, Reach.ORIGIN), sources=Sources.ALL)
        assert [(0, 0), (0, 0)] == [made.counting.counted(name) for name in (READ_OCSP, HELD_OCSP)]


async def test_a_moment_of_the_past(tmp_path: Path) -> None:
    """Nothing is looked for on this host."""
    async with worker(tmp_path) as (made, _):
        wanted = (CrlWanted(LEAF, ISSUER, Reach.HELD), OcspWanted(LEAF, ISSUER, Reach.HELD))
        await made.look(*wanted, sources=Sources.INLINE)
        assert {(0, 0)} == {made.counting.counted(name) for name in COUNTED}


def test_looked() -> None:
    """A cell for each."""
    cells = own_cells(ASKED_OCSP)
    for found in (True, None, "something", ()):
        looked(cells, found=found)
    assert [2, 2, 0] == [cells[HITS], cells[MISSES], cells[EVICTIONS]]


def test_what_is_put_out_is_counted_somewhere() -> None:
    """Whatever evicts is one of those that count."""
    assert set() == set(EVICTING) - set(COUNTED)
    assert len(COUNTED) == len(set(COUNTED))
