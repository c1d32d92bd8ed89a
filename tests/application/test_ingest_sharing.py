"""Many orders for one CRL: fetched once, remembered for a second, and stored one after the other in a thread."""

import asyncio
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import pytest

from service.adapters.lmdb.store import Store
from service.adapters.spool import FileSpool
from service.application import settled as settling
from service.application.evidence_store import CrlWriter, HeldCrl
from service.application.ingest import Ingester, IngestRules
from service.application.origin import OriginError
from service.application.settled import MAX_DOWNLOADS, SETTLED_S
from service.core.model.attempt import Attempt, Problem
from service.core.model.crl import CrlRow, Watermark
from service.core.model.policy import Policy
from tests.application.chain import CRL_URL, NAMESAKE, ROOT, STRANGER, SUB, order
from tests.application.fakes import BrokenStore, Failing, Recorder, ScriptedOrigin, settle
from tests.application.manual_clock import ManualClock
from tests.pki import key

pytestmark = pytest.mark.anyio

ORDER: Final = order(CRL_URL)
NOT_FOUND: Final = OriginError(Problem.HTTP_STATUS, "404")


class Process:
    """An ingesting process, its clock and what it asks."""

    def __init__(self, answer: bytes | OriginError, writer: CrlWriter, directory: Path) -> None:
        """Answer every URL the same."""
        self.clock = ManualClock()
        self.recorder = Recorder()
        self.origin = ScriptedOrigin({"http://": answer})
        rules = IngestRules(1 << 20, 1.0, Policy())
        self.ingester = Ingester(self.origin, writer, FileSpool(directory), self.clock, self.recorder, rules)


@pytest.mark.parametrize(("answer", "failed"), [(SUB.crl(), 0), (NOT_FOUND, 1)], ids=["held", "failed"])
async def test_orders_under_way_are_joined(
    store: Store, tmp_path: Path, answer: bytes | OriginError, failed: int
) -> None:
    """A hundred workers order the same, and the CA is asked once."""
    process = Process(answer, store, tmp_path)
    process.origin.gate.clear()
    orders = [asyncio.create_task(process.ingester.fetch(ORDER)) for _ in range(100)]
    await settle()
    process.origin.gate.set()
    reports = await asyncio.gather(*orders)
    assert {failed} == {len(report) for report in reports}
    assert (1, 1) == (len(process.origin.requests), len(process.recorder.fetches))


@pytest.mark.parametrize(("answer", "failed"), [(SUB.crl(), 0), (NOT_FOUND, 1)], ids=["held", "failed"])
async def test_what_has_settled_answers_for_a_second(
    store: Store, tmp_path: Path, answer: bytes | OriginError, failed: int
) -> None:
    """Who comes just after it is told the same without anybody asking the CA, and who comes later is not."""
    process = Process(answer, store, tmp_path)
    counts = []
    for pause in (0.0, SETTLED_S - 0.01, 0.01, SETTLED_S - 0.01):
        process.clock.advance(pause)
        assert failed == len(await process.ingester.fetch(ORDER))
        counts.append(len(process.origin.requests))
    assert [1, 1, 2, 2] == counts


async def test_the_second_begins_when_it_has_settled(store: Store, tmp_path: Path) -> None:
    """A download of an hour is as good as new when it ends, and its length is told."""
    process = Process(SUB.crl(), store, tmp_path)
    process.origin.gate.clear()
    asking = asyncio.create_task(process.ingester.fetch(ORDER))
    await process.origin.asked.wait()
    process.clock.advance(3600)
    process.origin.gate.set()
    await asking
    await process.ingester.fetch(ORDER)
    assert (1, [3600.0]) == (len(process.origin.requests), [one.duration_s for one in process.recorder.fetches])


async def test_another_signer_is_another_order(store: Store, tmp_path: Path) -> None:
    """What was no CRL of one issuer may be one of another."""
    process = Process(SUB.crl(), store, tmp_path)
    (attempt,) = await process.ingester.fetch(order(CRL_URL, signers=(NAMESAKE,)))
    assert Problem.BAD_SIGNATURE is attempt.problem
    assert () == await process.ingester.fetch(ORDER)


async def test_who_has_the_key_that_signed_and_who_has_not(store: Store, tmp_path: Path) -> None:
    """What verified once is not fetched again for those who cannot verify it: it is not theirs, whoever they are."""
    process = Process(SUB.crl(), store, tmp_path)
    assert () == await process.ingester.fetch(order(CRL_URL, signers=(NAMESAKE, SUB)))
    assert () == await process.ingester.fetch(ORDER)
    told = [await process.ingester.fetch(order(CRL_URL, signers=(other,))) for other in (NAMESAKE, ROOT)]
    assert [(Attempt(CRL_URL, Problem.BAD_SIGNATURE),), (Attempt(CRL_URL, Problem.WRONG_ISSUER),)] == told
    assert 1 == len(process.origin.requests)


async def test_orders_under_way_have_other_keys(store: Store, tmp_path: Path) -> None:
    """Who joins a fetch that came to nothing for want of the right key tries its own; who had no other one does not."""
    process = Process(SUB.crl(), store, tmp_path)
    process.origin.gate.clear()
    signers = [(NAMESAKE,), (NAMESAKE, ROOT), (NAMESAKE,), (NAMESAKE, SUB), (NAMESAKE, SUB)]
    orders = [asyncio.create_task(process.ingester.fetch(order(CRL_URL, signers=each))) for each in signers]
    await settle()
    process.origin.gate.set()
    reports = await asyncio.gather(*orders)
    assert [1, 1, 1, 0, 0] == [len(report) for report in reports]
    assert [Problem.BAD_SIGNATURE] * 3 == [attempt.problem for report in reports for attempt in report]
    assert 3 == len(process.origin.requests)


async def test_keys_that_were_tried_are_remembered(store: Store, tmp_path: Path) -> None:
    """In any order and together: only a key that nobody has tried is a reason to ask again."""
    process = Process(STRANGER.crl(issuer_name="Sub"), store, tmp_path)
    counts = []
    for signers in [(SUB,), (NAMESAKE,), (NAMESAKE, SUB), (SUB,), (SUB, ROOT), (ROOT,)]:
        (attempt,) = await process.ingester.fetch(order(CRL_URL, signers=signers))
        assert attempt.problem in (Problem.BAD_SIGNATURE, Problem.WRONG_ISSUER)
        counts.append(len(process.origin.requests))
    assert [1, 2, 2, 2, 3, 3] == counts


async def test_nobody_makes_us_ask_without_end_by_bringing_keys(store: Store, tmp_path: Path) -> None:
    """After a few keys in a row everybody is told what the last was, until a second has passed without a fetch."""
    process = Process(SUB.crl(), store, tmp_path)
    forgers = [ROOT.subordinate("Sub", key=key("p256", 100 + number)) for number in range(MAX_DOWNLOADS + 2)]
    for forger in forgers:
        process.clock.advance(SETTLED_S - 0.01)
        (attempt,) = await process.ingester.fetch(order(CRL_URL, signers=(forger,)))
        assert Problem.BAD_SIGNATURE is attempt.problem
        if len(process.origin.requests) == MAX_DOWNLOADS:
            break
    for forger in forgers:
        await process.ingester.fetch(order(CRL_URL, signers=(forger,)))
    assert 1 == len(await process.ingester.fetch(ORDER))
    assert MAX_DOWNLOADS == len(process.origin.requests)
    process.clock.advance(SETTLED_S)
    assert () == await process.ingester.fetch(ORDER)


async def test_what_is_remembered_is_bounded(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest outcome goes first."""
    monkeypatch.setattr(settling, "MAX_SETTLED", 2)
    process = Process(NOT_FOUND, store, tmp_path)
    urls = [f"http://{number}.example/" for number in range(3)]
    for url in urls:
        await process.ingester.fetch(order(url))
    for url in reversed(urls):
        await process.ingester.fetch(order(url))
    assert [*urls, urls[0]] == process.origin.urls


async def test_what_is_fetched_again_is_remembered_longer(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its outcome is as new as its last fetch."""
    monkeypatch.setattr(settling, "MAX_SETTLED", 2)
    process = Process(NOT_FOUND, store, tmp_path)
    one, two, three = (order(f"http://{number}.example/") for number in range(3))
    for each in (one, two):
        await process.ingester.fetch(each)
    process.clock.advance(SETTLED_S)
    for each in (one, three, one):
        await process.ingester.fetch(each)
    assert 4 == len(process.origin.requests)


async def test_who_gives_up_does_not_end_the_fetch(store: Store, tmp_path: Path) -> None:
    """The next order joins it."""
    process = Process(SUB.crl(), store, tmp_path)
    process.origin.gate.clear()
    impatient = asyncio.create_task(process.ingester.fetch(ORDER))
    await process.origin.asked.wait()
    impatient.cancel()
    patient = asyncio.create_task(process.ingester.fetch(ORDER))
    await settle()
    process.origin.gate.set()
    assert () == await patient
    assert (1, 1) == (len(process.origin.requests), len(store.held()))


async def test_closing_ends_what_is_under_way(store: Store, tmp_path: Path) -> None:
    """Who ordered it is told."""
    process = Process(SUB.crl(), store, tmp_path)
    process.origin.gate.clear()
    asking = asyncio.create_task(process.ingester.fetch(ORDER))
    await process.origin.asked.wait()
    await process.ingester.aclose()
    with pytest.raises(asyncio.CancelledError):
        async with asyncio.timeout(10):  # what is not ended would never end
            await asking


class SlowWriter(BrokenStore):
    """A store whose first CRL waits a little for a second one to be published beside it."""

    def __init__(self) -> None:
        """Nothing fails."""
        super().__init__(Failing(0))
        self.threads: list[int] = []
        self.met = False
        self._second = threading.Event()

    def publish(self, held: HeldCrl, rows: Iterable[CrlRow], watermark: Watermark) -> None:
        """Note the thread, and whether anybody else came while it was here."""
        del held, rows, watermark
        self.threads.append(threading.get_ident())
        if len(self.threads) > 1:
            self._second.set()
        else:
            self.met = self._second.wait(timeout=0.2)


async def test_one_crl_at_a_time_and_in_a_thread(tmp_path: Path) -> None:
    """Reading one holds its size in memory, and takes longer than the event loop may wait."""
    writer = SlowWriter()
    process = Process(SUB.crl(), writer, tmp_path)
    urls = ("http://one.example/", "http://two.example/")
    reports = await asyncio.gather(*(process.ingester.fetch(order(url)) for url in urls))
    assert [(), ()] == reports
    assert (2, False, False) == (len(writer.threads), writer.met, threading.get_ident() in writer.threads)


async def test_a_failure_is_shared_too(tmp_path: Path) -> None:
    """Everybody who waits for the same fetch is told what went wrong."""
    process = Process(SUB.crl(), BrokenStore(Failing.PUBLISH), tmp_path)
    reports = await asyncio.gather(*(process.ingester.fetch(ORDER) for _ in range(3)))
    assert [(Attempt(CRL_URL, Problem.INTERNAL, "the disk is gone"),)] * 3 == reports
