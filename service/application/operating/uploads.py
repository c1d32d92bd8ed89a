"""CRLs that an administrator uploads: a file each in a directory of the operator's, which the prefetcher watches.

Rules it keeps: an upload is whole on the disk before it has its name; what is refused changes nothing, so that what
had the name before has it again; what has become of an upload is what the prefetcher says of it, not what is hoped.
A name is changed by one request at a time, whichever worker has it: what is said of a file is said of one's own.

What it does not do: read a CRL. The prefetcher does, as it does with those of every other place.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, Protocol

from service.application.clock import Clock
from service.application.operating.telling import OperatorObserver, Uploaded, UploadRemoved
from service.application.prefetch.desk import PrefetcherUnavailableError, Refresher, Waiting
from service.application.prefetch.source_record import GivenCrl, SourceReader, SourceRecord
from service.core.model.attempt import Problem

NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}\.crl")
"""What an upload may be called: a file name that means the same everywhere, and what the prefetcher takes for a CRL."""

MAX_UPLOADS: Final = 1000
"""Files: each is a source that is looked at every second. More are a place of their own."""

SEEN_WITHIN_S: Final = 10.0
"""Seconds until the prefetcher has noticed a file: it looks every second, unless it is being replaced."""

LOOK_EVERY_S: Final = 0.1
"""Seconds between two looks whether it has."""

READ_WITHIN_S: Final = 60.0
"""Seconds until it has read the CRL: 10,000,000 entries take less, while nothing else is read."""


TURN_WITHIN_S: Final = 60.0
"""Seconds until whoever changes the same name has done so: as long as his file may be read."""


class UploadOutcome(StrEnum):
    """What has become of an upload."""

    HELD = "held"
    """It is in force; of a file with several CRLs, some of it, and the problem says what is wrong with the others."""
    PENDING = "pending"
    """Nobody here is known by the name of its issuer: it is tried again when a trust store changes."""
    REFUSED = "refused"
    """It is no CRL, or one that may not be held; what was held stays."""
    WAITING = "waiting"
    """It is on the disk, and the prefetcher has not read it yet."""


class TooManyUploadsError(Exception):
    """There is no room for another file."""


class UploadUnderWayError(Exception):
    """Somebody else is changing what has this name, and it takes long."""


class UnknownUploadError(LookupError):
    """There is no upload of this name."""


class UploadRefusedError(Exception):
    """An upload is nothing that may be held; all is as it was before.

    Attributes:
        problem: Why.
        detail: More about that, for a person.
    """

    def __init__(self, problem: Problem, detail: str) -> None:
        """Keep why."""
        super().__init__(problem.value)
        self.problem = problem
        self.detail = detail


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """A file among the uploads.

    Attributes:
        octets: How long it is.
        modified_at: When it was uploaded.
    """

    name: str
    octets: int
    modified_at: datetime


@dataclass(frozen=True, slots=True)
class Upload:
    """An uploaded file, and what has become of it.

    Attributes:
        given: The CRLs of it that are held.
        problem: What is wrong; None where nothing is. What is held may have one too: that it has ended.
        detail: More about that, for a person.
    """

    file: UploadedFile
    outcome: UploadOutcome
    given: tuple[GivenCrl, ...] = ()
    problem: Problem | None = None
    detail: str = ""


class Arrival(Protocol):
    """An upload that is being written, without a name. Its methods are for threads."""

    def write(self, piece: bytes) -> None:
        """Write more of it.

        Raises:
            OSError: it cannot be written.
        """

    def keep(self, name: str) -> None:
        """Make it durable, and give it its name; what had the name before is kept aside.

        Raises:
            OSError: it could not be.
        """

    def take_back(self) -> None:
        """Give the name back to what had it before; unless somebody else has taken it meanwhile.

        Raises:
            OSError: it could not be.
        """

    def end(self) -> None:
        """Leave nothing behind but what has a name."""


class UploadShelf(Protocol):
    """Where uploads are. Its methods are for threads."""

    def key(self, name: str) -> str:
        """What the source of an upload is called."""

    def files(self) -> tuple[UploadedFile, ...]:
        """Every upload, by name.

        Raises:
            OSError: they cannot be listed.
        """

    def begin(self) -> Arrival:
        """Begin to write one.

        Raises:
            OSError: it cannot be written.
        """

    def remove(self, name: str) -> bool:
        """Remove one; whether there was any.

        Raises:
            OSError: it could not be removed.
        """

    def claim(self, name: str) -> Callable[[], None] | None:
        """Have a name to oneself, until what is returned is called or this process ends; does not wait.

        Returns:
            None while somebody has it, in whatever process of this host.

        Raises:
            OSError: nobody can say.
        """


class Uploads:
    """Takes uploads, and tells what has become of them."""

    def __init__(
        self,
        shelf: UploadShelf,
        refresher: Refresher,
        sources: SourceReader,
        clock: Clock,
        observer: OperatorObserver,
    ) -> None:
        """Take where they are, who reads them, who remembers what came of it, and who is told."""
        self._shelf = shelf
        self._refresher = refresher
        self._sources = sources
        self._clock = clock
        self._observer = observer

    def source(self, name: str) -> str:
        """What the source of an upload is called."""
        return self._shelf.key(name)

    async def list(self) -> tuple[Upload, ...]:
        """Every upload, by name.

        Raises:
            OSError: the directory cannot be read.
            StoreError: nobody can say what has become of them.
        """
        return await asyncio.to_thread(self._list)

    async def add(self, name: str, pieces: AsyncIterator[bytes], by: str) -> Upload:
        """Take an upload, and wait until the prefetcher has read it, within a limit.

        Args:
            name: What it is called (`NAME`); what is called so already is replaced.
            pieces: Its octets; what they raise passes through, and nothing has changed.
            by: Who uploads, for people.

        Raises:
            TooManyUploadsError: there is no room for another.
            UploadUnderWayError: another upload of this name is under way; nothing has changed.
            UploadRefusedError: it is nothing that may be held; nothing has changed.
            OSError: it cannot be written.
            StoreError: nobody can say what has become of it.
        """
        await self._find_room(name)
        arrival = await asyncio.to_thread(self._shelf.begin)
        octets = 0
        try:
            async for piece in pieces:
                octets += len(piece)
                await asyncio.to_thread(arrival.write, piece)
            async with self._alone(name):
                return await self._keep(arrival, name, octets, by)
        finally:
            await asyncio.to_thread(arrival.end)

    async def remove(self, name: str, by: str) -> None:
        """Remove an upload. What it gave stays held: removing a file is no way to take back what it said.

        Args:
            name: What it is called.
            by: Who removes it, for people.

        Raises:
            UnknownUploadError: there is none.
            UploadUnderWayError: an upload of this name is under way.
            OSError: it could not be removed.
        """
        async with self._alone(name):
            if not await asyncio.to_thread(self._shelf.remove, name):
                raise UnknownUploadError
        self._observer.upload_removed(UploadRemoved(by, name))

    async def _keep(self, arrival: Arrival, name: str, octets: int, by: str) -> Upload:
        """Give what has arrived its name, and see what becomes of it; nobody else changes the name meanwhile."""
        was_there, key = await self._find_room(name), self._shelf.key(name)
        before = await asyncio.to_thread(self._record, key)
        await asyncio.to_thread(arrival.keep, name)
        record = await self._read(key)
        file = UploadedFile(name, octets, self._clock.now())
        upload = Upload(file, UploadOutcome.WAITING)
        if record is not None:
            upload = _became(file, record, gave=not _digests(record) <= _digests(before))
        self._observer.uploaded(Uploaded(by, name, octets, upload.outcome.value))
        if upload.outcome is UploadOutcome.REFUSED:
            await asyncio.to_thread(arrival.take_back)
            await self._forgotten(name, was_there=was_there)
            raise UploadRefusedError(upload.problem or Problem.INTERNAL, upload.detail)
        return upload

    async def _find_room(self, name: str) -> bool:
        """Whether there is an upload of this name.

        Raises:
            TooManyUploadsError: there is none, and no room for it.
        """
        names = {file.name for file in await asyncio.to_thread(self._shelf.files)}
        if name not in names and len(names) >= MAX_UPLOADS:
            raise TooManyUploadsError
        return name in names

    @asynccontextmanager
    async def _alone(self, name: str) -> AsyncIterator[None]:
        """Have a name to oneself, among all workers.

        Raises:
            UploadUnderWayError: others have it for longer than anybody waits.
        """
        give_up_at = self._clock.monotonic() + TURN_WITHIN_S
        while (release := await asyncio.to_thread(self._shelf.claim, name)) is None:
            if self._clock.monotonic() >= give_up_at:
                raise UploadUnderWayError
            await self._clock.sleep(LOOK_EVERY_S)
        try:
            yield
        finally:
            await asyncio.to_thread(release)

    async def _read(self, key: str) -> SourceRecord | None:
        """What the prefetcher remembers of a file after it has read it anew; None where it has not yet."""
        try:
            async with asyncio.timeout(READ_WITHIN_S):
                if not await self._is_seen(key):
                    return None
                await self._refresher.refresh(key, Waiting.DONE)
        except (PrefetcherUnavailableError, TimeoutError):
            return None
        return await asyncio.to_thread(self._record, key)

    async def _forgotten(self, name: str, *, was_there: bool) -> None:
        """Wait, within a limit, until the prefetcher has let go of what was refused, which may need an answer."""
        key = self._shelf.key(name)
        if was_there:
            await self._read(key)
            return
        give_up_at = self._clock.monotonic() + SEEN_WITHIN_S
        while await asyncio.to_thread(self._record, key) is not None and self._clock.monotonic() < give_up_at:
            await self._clock.sleep(LOOK_EVERY_S)

    async def _is_seen(self, key: str) -> bool:
        give_up_at = self._clock.monotonic() + SEEN_WITHIN_S
        while await asyncio.to_thread(self._record, key) is None:
            if self._clock.monotonic() >= give_up_at:
                return False
            await self._clock.sleep(LOOK_EVERY_S)
        return True

    def _record(self, key: str) -> SourceRecord | None:
        return next((one for one in self._sources.sources() if one.source.key == key), None)

    def _list(self) -> tuple[Upload, ...]:
        records = {one.source.key: one for one in self._sources.sources()}
        found = []
        for file in self._shelf.files():
            record = records.get(self._shelf.key(file.name))
            is_read = record is not None and record.state.tried_at is not None
            upload = Upload(file, UploadOutcome.WAITING)
            if record is not None and is_read:
                # What gave nothing leaves the version as it was; what gave some of it is no version to ask by.
                upload = _became(file, record, gave=bool(record.given) and not record.validators.conditions)
            found.append(upload)
        return tuple(found)


def _digests(record: SourceRecord | None) -> frozenset[bytes]:
    return frozenset() if record is None else frozenset(one.digest for one in record.given)


def _became(file: UploadedFile, record: SourceRecord, *, gave: bool) -> Upload:
    """What is remembered of a file that was read: what it gave before stays remembered through a failure.

    Args:
        file: The file.
        record: What is remembered.
        gave: Whether, though it counts as a failure, it gave something that is held.
    """
    outcome = UploadOutcome.HELD
    if record.state.failures and not gave:
        outcome = UploadOutcome.REFUSED
    elif record.pending:
        outcome = UploadOutcome.PENDING
    return Upload(file, outcome, record.given, record.problem, record.detail)
