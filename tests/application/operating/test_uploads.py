"""Several uploads at once, by several workers: each is told of its own."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import pytest

from service.adapters.upload_files import UploadFiles
from service.application.operating.uploads import (
    MAX_UPLOADS,
    TooManyUploadsError,
    Upload,
    UploadOutcome,
    UploadRefusedError,
    Uploads,
)
from service.application.prefetch.desk import RefreshReport, SourceOutcome, Waiting
from service.application.prefetch.source_record import PlaceRecord, SourceRecord
from service.core.model.attempt import Problem
from tests.api.world import ROOT
from tests.application.manual_clock import ManualClock
from tests.operators import Asked, Operators, given, held_crl, source

pytestmark = pytest.mark.anyio

NAME: Final = "root.crl"
OLDER: Final = 1
NEWER: Final = 2
A_FEW: Final = 3
"""Looks after which it is clear that somebody waits."""
PATIENCE: Final = 1000
A_MOMENT_S: Final = 0.001


class Unhurried(ManualClock):
    """Time that passes no faster than threads come to their turn."""

    async def sleep(self, seconds: float) -> None:
        """Let that much time pass, and a moment in fact."""
        await super().sleep(seconds)
        await asyncio.sleep(A_MOMENT_S)


@dataclass(slots=True)
class Prefetcher:
    """Reads the file when it is told to, a number for a CRL, and holds nothing older than it has seen.

    Attributes:
        record: What it remembers of the file; it has seen it before.
        seen: The number that it holds.
        reads: How often it has read.
    """

    path: Path
    clock: ManualClock
    key: str
    record: SourceRecord = field(init=False)
    seen: int = 0
    reads: int = 0

    def __post_init__(self) -> None:
        """Remember a file that it has not tried."""
        self.record = source(self.key, at=None)

    def sources(self) -> tuple[SourceRecord, ...]:
        """The file."""
        return (self.record,)

    def places(self) -> tuple[PlaceRecord, ...]:
        """Nobody asks."""
        return ()

    async def refresh(self, source: str | None, waiting: Waiting) -> RefreshReport:
        """Read the file; the first time not before somebody has replaced it, or waits for that."""
        assert (self.key, Waiting.DONE) == (source, waiting)
        self.reads += 1
        before, waited = self.path.read_bytes(), len(self.clock.slept)
        for _ in range(PATIENCE if self.reads == 1 else 0):
            if before != self.path.read_bytes() or len(self.clock.slept) >= waited + A_FEW:
                break
            await asyncio.sleep(A_MOMENT_S)
        number = int(self.path.read_bytes())
        state = replace(self.record.state, tried_at=self.clock.now(), failures=int(number < self.seen))
        if number < self.seen:
            self.record = replace(self.record, state=state, problem=Problem.ROLLED_BACK)
        else:
            self.seen = number
            crl = given(held_crl(ROOT, self.key, number=number))
            self.record = replace(self.record, state=state, problem=None, given=(crl,))
        return RefreshReport(1, (self.key,), (SourceOutcome(self.key, self.record.problem, ""),))


def content(directory: Path) -> dict[str, bytes]:
    """Every file."""
    return {path.name: path.read_bytes() for path in directory.iterdir()}


async def pieces(number: int) -> AsyncIterator[bytes]:
    """What is uploaded."""
    yield str(number).encode()


def full(uploads: int) -> Operators:
    """A shelf with some uploads."""
    operators = Operators(ManualClock())
    operators.shelf.content |= {f"{number}.crl": b"" for number in range(uploads)}
    return operators


async def test_two_at_once(tmp_path: Path) -> None:
    """Whoever is told that his is held, it is his that is; whichever comes first, the older one lasts no longer."""
    clock, path = Unhurried(), tmp_path / NAME
    key = UploadFiles(tmp_path, clock).key(NAME)
    prefetcher = Prefetcher(path, clock, key)
    workers = [Uploads(UploadFiles(tmp_path, clock), prefetcher, prefetcher, clock, Asked()) for _ in range(2)]
    answers = await asyncio.gather(
        workers[0].add(NAME, pieces(NEWER), "somebody"),
        workers[1].add(NAME, pieces(OLDER), "somebody else"),
        return_exceptions=True,
    )
    for number, answer in zip((NEWER, OLDER), answers, strict=True):
        if isinstance(answer, Upload):
            numbers = [one.crl_number for one in answer.given]
            assert (UploadOutcome.HELD, [number]) == (answer.outcome, numbers)
        else:
            assert isinstance(answer, UploadRefusedError)
            assert (OLDER, Problem.ROLLED_BACK) == (number, answer.problem)
    assert (NEWER, {NAME: str(NEWER).encode()}) == (
        prefetcher.seen,
        content(tmp_path),
    )


async def test_nothing_is_taken_where_there_is_no_room() -> None:
    """Nobody sends a gigabyte to hear that."""
    operators = full(MAX_UPLOADS)
    body = pieces(NEWER)
    with pytest.raises(TooManyUploadsError):
        await operators.services().uploads.add(NAME, body, "somebody")
    assert str(NEWER).encode() == await anext(body)


async def test_room_that_went_while_it_arrived() -> None:
    """Whoever is there first has the last place, however long the other took."""
    operators = full(MAX_UPLOADS - 1)

    async def slowly() -> AsyncIterator[bytes]:
        operators.shelf.content["first.crl"] = b""
        yield b"a crl"

    with pytest.raises(TooManyUploadsError):
        await operators.services().uploads.add(NAME, slowly(), "somebody")
    assert NAME not in operators.shelf.content
    assert set() == operators.shelf.claimed


async def test_what_came_while_it_arrived_is_read_again() -> None:
    """An upload that is refused takes nothing from the one before, although that was not there when it began."""
    operators = full(0)

    def refuse(record: SourceRecord) -> SourceRecord:
        return replace(record, state=replace(record.state, failures=1), problem=Problem.MALFORMED)

    async def slowly() -> AsyncIterator[bytes]:
        operators.shelf.content[NAME] = b"before"
        yield b"a crl"

    operators.prefetcher.attempt = refuse
    with pytest.raises(UploadRefusedError):
        await operators.services().uploads.add(NAME, slowly(), "somebody")
    assert {NAME: b"before"} == operators.shelf.content
    assert [(operators.shelf.key(NAME), Waiting.DONE)] * 2 == operators.prefetcher.refreshes
