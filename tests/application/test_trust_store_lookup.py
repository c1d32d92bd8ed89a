"""Trust stores that are asked for before they are known, and the task that keeps all of them up to date."""

import asyncio
from pathlib import Path

import pytest

from service.adapters.trust_store_files import TrustStoreFiles
from service.application.trust_store_source import Scan
from service.application.trust_stores import RELOAD_EVERY_S, RESCAN_EVERY_S, TrustStores, UnknownTrustStoreError
from service.core.model.trust_store import TrustStore
from tests.application.manual_clock import ManualClock
from tests.application.trust_store_parts import OTHER, ROOT, subjects

pytestmark = pytest.mark.anyio


class EndOfTestError(Exception):
    """What runs for ever has run long enough."""


@pytest.fixture
def clock() -> ManualClock:
    """Time that passes when somebody sleeps."""
    return ManualClock()


async def test_unknown_names_are_looked_for_together_and_seldom(
    tmp_path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many ask, the files are looked at once for all of them, and not before the time has come."""
    (tmp_path / "clients.pem").write_text(ROOT.pem)
    files = TrustStoreFiles(None, tmp_path)
    stores = TrustStores(files, clock)
    stores.load()
    looks = 0
    scan = files.scan

    def counted() -> Scan:
        nonlocal looks
        looks += 1
        return scan()

    monkeypatch.setattr(files, "scan", counted)
    asked = await asyncio.gather(*(stores.get(f"unknown{number}") for number in range(100)), return_exceptions=True)
    assert [UnknownTrustStoreError] * 100 == [type(answer) for answer in asked]
    assert (1, [RESCAN_EVERY_S]) == (looks, clock.slept)
    clock.advance(RESCAN_EVERY_S)
    with pytest.raises(UnknownTrustStoreError):
        await stores.get("unknown")
    assert (2, 1) == (looks, len(clock.slept))


async def test_a_look_that_is_under_way_is_not_enough(
    tmp_path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may have passed the file before it was written: another one begins after the question."""
    (tmp_path / "clients.pem").write_text(ROOT.pem)
    files = TrustStoreFiles(None, tmp_path)
    stores = TrustStores(files, clock)
    stores.load()
    scan = files.scan
    loop = asyncio.get_running_loop()
    under_way = asyncio.Event()
    asked: list[asyncio.Task[TrustStore]] = []

    def passed_by() -> Scan:
        seen = scan()
        monkeypatch.setattr(files, "scan", scan)
        (tmp_path / "new.pem").write_text(OTHER.pem)
        loop.call_soon_threadsafe(under_way.set)
        return seen

    monkeypatch.setattr(files, "scan", passed_by)
    reload = asyncio.create_task(stores.reload())
    await under_way.wait()
    asked.append(asyncio.create_task(stores.get("new")))
    await reload
    assert {"CN=Other"} == subjects((await asked[0]).anchors)


async def test_who_gives_up_does_not_stop_the_look(tmp_path: Path) -> None:
    """A deadline that ends one request leaves the look to the others."""
    asleep = asyncio.Event()

    class Telling(ManualClock):
        async def sleep(self, seconds: float) -> None:
            asleep.set()
            await super().sleep(seconds)

    clock = Telling()
    (tmp_path / "clients.pem").write_text(ROOT.pem)
    stores = TrustStores(TrustStoreFiles(None, tmp_path), clock)
    stores.load()
    (tmp_path / "new.pem").write_text(OTHER.pem)
    impatient = asyncio.create_task(stores.get("new"))
    patient = asyncio.create_task(stores.get("new"))
    await asleep.wait()
    impatient.cancel()
    assert {"CN=Other"} == subjects((await patient).anchors)
    assert [RESCAN_EVERY_S] == clock.slept
    assert impatient.cancelled()


@pytest.mark.parametrize("name", ["", "../default", "a/b", "x" * 65, "nul\0", "ä"])
async def test_what_is_no_name_is_not_looked_for(tmp_path: Path, clock: ManualClock, name: str) -> None:
    """Whatever a client sends, it is no path."""
    stores = TrustStores(TrustStoreFiles(None, tmp_path), clock)
    stores.load()
    with pytest.raises(UnknownTrustStoreError):
        await stores.get(name)
    assert [] == clock.slept


async def test_the_task_reloads_every_second(tmp_path: Path) -> None:
    """A change is in force after one round of it: two seconds at most."""

    class OneRound(ManualClock):
        async def sleep(self, seconds: float) -> None:
            if self.slept:
                raise EndOfTestError
            await super().sleep(seconds)

    clock = OneRound()
    (tmp_path / "clients.pem").write_text(ROOT.pem)
    stores = TrustStores(TrustStoreFiles(None, tmp_path), clock)
    stores.load()
    (tmp_path / "clients.pem").write_text(OTHER.pem)
    with pytest.raises(EndOfTestError):
        await stores.run()
    assert {"CN=Other"} == subjects((await stores.get("clients")).anchors)
    assert [RELOAD_EVERY_S] == clock.slept
    assert RELOAD_EVERY_S < 2
