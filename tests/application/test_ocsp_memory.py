"""What was read once is not read again, and never in place of what the host holds now."""

from pathlib import Path
from typing import Final

import pytest

from service.adapters.lmdb.role import Role
from service.adapters.lmdb.store import Store
from service.application.cache_counting import EVICTIONS, own_cells
from service.application.evidence_store import HeldOcsp
from service.application.gather import Gatherer
from service.application.ocsp_memory import OcspMemory
from service.core.der.ocsp import ResponderError, read_ocsp_response
from service.core.model.evidence import Evidence, OcspWanted, Reach
from service.core.model.evidence_tier import Tier
from service.core.model.malformed import MalformedError
from service.core.ocsp.cert_id import store_key
from tests.application.chain import OCSP_URL, SUB, leaf, read
from tests.application.fakes import NeverFetcher
from tests.application.world import ALLOWED, REVOKED, World, world
from tests.pki import NOW, days, hours, ocsp_error

pytestmark = pytest.mark.anyio

LEAF: Final = leaf(ocsp_urls=OCSP_URL)
SERIAL: Final = LEAF.serial_number
KEY: Final = store_key(LEAF, read(SUB))
GOOD: Final = SUB.ocsp(SERIAL)
REVOKING: Final = SUB.ocsp(SERIAL, status="revoked")


def row(response: bytes, source: str = OCSP_URL) -> HeldOcsp:
    """A row of the store."""
    return HeldOcsp(response, source, NOW, NOW + days(1))


def test_the_first_look_reads() -> None:
    """The second one remembers, and has the very same answer."""
    memory = OcspMemory()
    first, second, third = (memory.recall(KEY, row(GOOD)) for _ in range(3))
    assert (Tier.HOST, Tier.MEMORY) == (first.tier, second.tier)
    assert (read_ocsp_response(GOOD), OCSP_URL) == (second.response, second.source)
    assert second is third


@pytest.mark.parametrize("changed", [row(REVOKING), row(GOOD, "http://other.example/")], ids=["answer", "source"])
def test_another_row_is_read(changed: HeldOcsp) -> None:
    """What was remembered under the key is gone."""
    memory = OcspMemory()
    for _ in range(2):
        memory.recall(KEY, row(GOOD))
    finding = memory.recall(KEY, changed)
    expected = (Tier.HOST, changed.source, read_ocsp_response(changed.response))
    assert expected == (finding.tier, finding.source, finding.response)
    assert Tier.MEMORY is memory.recall(KEY, changed).tier


def test_questions_are_told_apart() -> None:
    """The same response under two keys is read for each."""
    memory = OcspMemory()
    memory.recall(KEY, row(GOOD))
    assert Tier.HOST is memory.recall(bytes(32), row(GOOD)).tier


@pytest.mark.parametrize(
    ("response", "error"), [(b"garbage", MalformedError), (ocsp_error("tryLater"), ResponderError)]
)
def test_what_cannot_be_read_is_not_remembered(response: bytes, error: type[Exception]) -> None:
    """It is an error each time, and what is put in its place is read."""
    memory = OcspMemory()
    for _ in range(2):
        with pytest.raises(error):
            memory.recall(KEY, row(response))
    assert (Tier.HOST, 1) == (memory.recall(KEY, row(GOOD)).tier, len(memory))


def test_no_more_than_so_many() -> None:
    """What was not asked for longest goes."""
    cells = own_cells()
    memory = OcspMemory(most_responses=2, cells=cells)
    for key in (b"a", b"b", b"a", b"c"):
        memory.recall(key, row(GOOD))
    assert (1, 2 * len(GOOD)) == (cells[EVICTIONS], memory.octets)
    tiers = {key: memory.recall(key, row(GOOD)).tier for key in (b"a", b"c", b"b")}
    assert {b"a": Tier.MEMORY, b"c": Tier.MEMORY, b"b": Tier.HOST} == tiers
    assert 2 == len(memory)


def test_no_more_than_so_many_octets() -> None:
    """Replacing one counts its octets once; one that is larger than all the room is not remembered."""
    memory = OcspMemory(most_octets=2 * len(GOOD))
    for key in (b"a", b"b", b"a", b"b", b"a"):
        memory.recall(key, row(GOOD, f"http://{key.decode()}.example/"))
    for number in range(5):
        memory.recall(b"a", row(GOOD, f"http://{number}.example/"))
    assert 2 == len(memory)
    memory.recall(b"c", row(GOOD))
    assert 2 == len(memory)
    small = OcspMemory(most_octets=len(GOOD) - 1)
    assert [Tier.HOST, Tier.HOST] == [small.recall(KEY, row(GOOD)).tier for _ in range(2)]


def test_everything_is_read_anew() -> None:
    """Also what is still held."""
    memory = OcspMemory()
    memory.recall(KEY, row(GOOD))
    memory.forget()
    assert (0, Tier.HOST) == (len(memory), memory.recall(KEY, row(GOOD)).tier)


# --- in a worker -----------------------------------------------------------------------------------------------------

HELD: Final = OcspWanted(LEAF, read(SUB), Reach.HELD)


async def tier(here: World) -> Tier | None:
    """Where the answer of the next verdict was found."""
    await here.ask(LEAF)
    return here.asked[-1].verdict.path[0].revocation.tier


async def test_tiers(store: Store, tmp_path: Path) -> None:
    """From the responder, from the host's store, and then from memory."""
    here = world(store, tmp_path)
    here.origin.answers[OCSP_URL] = GOOD
    assert [Tier.ORIGIN, Tier.HOST, Tier.MEMORY, Tier.MEMORY] == [await tier(here) for _ in range(4)]
    report = here.client.report()
    assert ({"host": 1, "memory": 2}, 1) == (dict(report.events), report.in_memory)
    here.client.forget()
    assert Tier.HOST is await tier(here)


async def test_what_another_worker_has_heard(store: Store, tmp_path: Path) -> None:
    """A revocation that it put into the store counts with the next request, whatever is remembered here."""
    here = world(store, tmp_path)
    here.origin.answers[OCSP_URL] = GOOD
    assert [ALLOWED] * 3 == [await here.ask(LEAF) for _ in range(3)]
    revoked = SUB.ocsp(SERIAL, status="revoked", this_update=NOW + hours(0.01))
    await store.put_ocsp(KEY, row(revoked))
    assert (REVOKED, Tier.HOST) == (await here.ask(LEAF), here.asked[-1].verdict.path[0].revocation.tier)
    assert (REVOKED, Tier.MEMORY) == (await here.ask(LEAF), here.asked[-1].verdict.path[0].revocation.tier)


async def test_a_row_that_is_gone(store: Store, tmp_path: Path) -> None:
    """What is not held is not remembered either."""
    here = world(store, tmp_path)
    here.origin.answers[OCSP_URL] = GOOD
    for _ in range(3):
        await here.ask(LEAF)
    with Store.open(tmp_path / "empty", Role.WORKER) as empty:
        gatherer = Gatherer(empty, empty, NeverFetcher(), here.client, here.clock)
        gathered = await gatherer.gather([HELD], Evidence(), here.gatherer.requests[-1])
    assert () == gathered.ocsp[HELD].findings
