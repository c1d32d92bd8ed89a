"""A trust store that is written down elsewhere: in S3, or at a URL.

What it does: asks for a newer version now and then, judges what comes, and holds the last good one, on the disk too, so
that a start while the place cannot be reached serves with that.

Rules it keeps: what does not have the pinned digest, and what is no trust store, never replaces what is held, wherever
it comes from; whoever looks is never kept waiting for the network, since what is held is all there is to look at; one
version of an object cannot change, and is not asked for again.

What it does not do: put a version into force (`trust_stores`), or take back one that the place does not have any more.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Final, Protocol
from urllib.parse import urlsplit

from service.application.clock import Clock
from service.application.evidence_store import StoreError
from service.application.origin import OriginError
from service.application.places import Content, NotModified, PinnedPlace, Place, Places, S3Place, UrlPlace
from service.application.trust_store_loading import UnusableError, certificates_in
from service.application.trust_store_source import (
    DEFAULT_STORE,
    ContentStamp,
    Scan,
    Snapshot,
    SourceFile,
    TrustStoreSource,
    TrustStoreSourceError,
)

POLL_S: Final = 30.0
"""Seconds between two looks where the settings say nothing: a request with an ETag costs a few hundred octets."""

FIRST_RETRY_S: Final = 1.0
"""Seconds after the first failure; each in a row doubles them, up to the usual interval."""

MAX_BYTES: Final = 16 * 2**20
"""Of a trust store, as of one in a file."""

MAX_DOUBLINGS: Final = 12
"""Of the interval after failures: over an hour, which is more than the usual interval may be."""

WANTED_EVERY_S: Final = 1.0
"""Seconds between two looks whether somebody wants the next one sooner."""

_UNREAD: Final = "it has not been read since the start"


class KeptCopies(Protocol):
    """The last good versions, on this host's disk."""

    def load(self, name: str) -> bytes | None:
        """The copy of that name; None where there is none that can be read."""

    def keep(self, name: str, content: bytes) -> None:
        """Replace it as a whole.

        Raises:
            OSError: it cannot be written.
        """


@dataclass(frozen=True, slots=True)
class _Held:
    """A version that may be put into force.

    Attributes:
        content: PEM text, or DER.
        digest: Its SHA-256.
        is_copy: It comes from this host's disk, and the place has not confirmed it.
    """

    content: bytes = field(repr=False)
    digest: bytes
    is_copy: bool


@dataclass(frozen=True, slots=True)
class _Seen:
    """What is known of the place.

    Attributes:
        held: The last good version; None before the first.
        version: Of what was read last, good or not; empty where it has to be read again.
        refusal: Why what was read last is not what is held; None where it is.
        problem: What is wrong now; None where what is held is what is there.
        failures: To reach the place, in a row.
    """

    held: _Held | None = None
    version: str = ""
    refusal: str | None = None
    problem: str | None = _UNREAD
    failures: int = 0


class RemoteTrustStore:
    """One trust store that is written down elsewhere."""

    def __init__(
        self,
        pinned: PinnedPlace,
        places: Places,
        copies: KeptCopies,
        clock: Clock,
        poll_s: float = POLL_S,
        wanted: Callable[[], int] | None = None,
    ) -> None:
        """Begin with the copy on this host's disk, where there is one that fits.

        Args:
            pinned: Where it is written down, and what it has to be.
            places: Reads it.
            copies: Keeps the last good version.
            clock: Time.
            poll_s: Seconds between two looks.
            wanted: A number that is raised when it is worth looking sooner; may raise `StoreError`. None where nobody
                says so.
        """
        self._pinned = pinned
        self._places = places
        self._copies = copies
        self._clock = clock
        self._poll_s = poll_s
        self._wanted = wanted
        self._shown = shown(pinned.place)
        self._looked = asyncio.Event()
        copy = copies.load(str(pinned.place))
        held = None if copy is None or self._refusal(copy) is not None else _Held(copy, _digest(copy), is_copy=True)
        self._copied = None if held is None else held.digest
        self._seen = _Seen(held)

    @property
    def shown(self) -> str:
        """What it is called in messages."""
        return self._shown

    @property
    def snapshot(self) -> Snapshot:
        """What tells the version that is held; empty where there is none."""
        held = self._seen.held
        return () if held is None else (ContentStamp(self._shown, held.digest),)

    @property
    def problem(self) -> str | None:
        """Why what is there is not in force, or is not known to be; None where it is."""
        seen = self._seen
        if seen.problem is None or seen.held is None:
            return None if seen.problem is None else f"{self._shown}: {seen.problem}"
        kept = "the copy that this host kept" if seen.held.is_copy else "the last good version"
        return f"{self._shown}: {seen.problem}; {kept} stays in force"

    def read(self) -> SourceFile:
        """The version that is held.

        Raises:
            TrustStoreSourceError: there is none.
        """
        held = self._seen.held
        if held is None:
            raise TrustStoreSourceError(self.problem or self._shown)
        return SourceFile(self._shown, held.content)

    async def looked(self, timeout_s: float) -> None:
        """Wait until it was looked at once, but no longer than this."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._looked.wait()
        except TimeoutError:
            pass

    async def run(self) -> None:
        """Look again and again, until cancelled, or until nothing can change any more."""
        while True:
            known = self._wants()  # before looking, since whoever wants it meanwhile may know of something newer
            await self.look()
            seen = self._seen
            if seen.problem is None and _cannot_change(self._pinned.place):
                return
            await self._pause(self._wait_s(seen.failures), known)

    async def _pause(self, seconds: float, known: int | None) -> None:
        """Wait, until somebody wants a look at the longest."""
        if self._wanted is None:
            await self._clock.sleep(seconds)
            return
        until = self._clock.monotonic() + seconds
        while self._wants() == known and (left := until - self._clock.monotonic()) > 0:
            await self._clock.sleep(min(left, WANTED_EVERY_S))

    def _wants(self) -> int | None:
        try:
            return None if self._wanted is None else self._wanted()
        except StoreError:  # then it looks when it is time
            return None

    async def look(self) -> None:
        """Look once whether there is another version, and hold it where it is good."""
        seen = self._seen
        try:
            async with self._places.read(self._pinned.place, MAX_BYTES, seen.version) as found:
                match found:
                    case NotModified():
                        seen = replace(seen, problem=seen.refusal, failures=0)
                    case Content(version, chunks):
                        content = b"".join([chunk async for chunk in chunks])
                        seen = replace(await asyncio.to_thread(self._judged, seen, content), version=version)
            self._seen = await asyncio.to_thread(self._kept, seen)
        except OriginError as error:
            self._seen = replace(seen, problem=f"{error.problem.value}: {error.detail}", failures=seen.failures + 1)
        except Exception as error:  # noqa: BLE001 - nobody waits for this; a fault must not end the looking unseen
            self._seen = replace(seen, problem=f"internal: {type(error).__name__}", failures=seen.failures + 1)
        finally:
            self._looked.set()

    def _judged(self, seen: _Seen, content: bytes) -> _Seen:
        """What is known once this content was read."""
        held = seen.held
        if held is not None and held.digest == _digest(content):
            return _Seen(replace(held, is_copy=False), problem=None)
        refusal = self._refusal(content)
        if refusal is not None:
            return replace(seen, refusal=refusal, problem=refusal, failures=0)
        return _Seen(_Held(content, _digest(content), is_copy=False), problem=None)

    def _refusal(self, content: bytes) -> str | None:
        """Why a content is not to be trusted; None where it is."""
        pin = self._pinned.sha256
        if pin is not None and pin != _digest(content):
            return f"its SHA-256 is {_digest(content).hex()} and not the pinned {pin.hex()}"
        try:
            certificates_in((SourceFile("what is there", content),))
        except UnusableError as error:
            return error.reason
        return None

    def _kept(self, seen: _Seen) -> _Seen:
        """Keep a copy of what is held, where the one on the disk is another."""
        held = seen.held
        if held is None or held.digest == self._copied:
            return seen
        try:
            self._copies.keep(str(self._pinned.place), held.content)
        except OSError as error:
            return replace(seen, problem=seen.problem or f"no copy can be kept on this host: {error.strerror}")
        self._copied = held.digest
        return seen

    def _wait_s(self, failures: int) -> float:
        if not failures:
            return self._poll_s
        return min(self._poll_s, FIRST_RETRY_S * 2.0 ** min(failures - 1, MAX_DOUBLINGS))


class WithRemoteDefault:
    """Implements `service.application.trust_store_source.TrustStoreSource`: one remote store beside local ones."""

    def __init__(self, local: TrustStoreSource, default: RemoteTrustStore) -> None:
        """Take both.

        Args:
            local: All other stores, and the intermediates for every one.
            default: The store called `default`.
        """
        self._local = local
        self._default = default

    def scan(self) -> Scan:
        """Look what is on the disks, and what is held of the remote store."""
        scan = self._local.scan()
        snapshot, problem = self._default.snapshot, self._default.problem
        problems = dict(scan.problems)
        if DEFAULT_STORE in scan.stores:
            for file in scan.stores[DEFAULT_STORE]:
                name = file.place if isinstance(file, ContentStamp) else file.path
                problems[name] = f"{name} is passed over: the store {DEFAULT_STORE} is {self._default.shown}"
        # Without any version, reading it says what is wrong.
        outdated = {DEFAULT_STORE: problem} if snapshot and problem is not None else {}
        stores = {**scan.stores, DEFAULT_STORE: snapshot}
        return replace(scan, stores=stores, problems=problems, outdated={**scan.outdated, **outdated})

    def read(self, name: str) -> tuple[SourceFile, ...]:
        """Read a trust store.

        Raises:
            TrustStoreSourceError: a file cannot be read, or nothing has come from the remote place yet.
        """
        return (self._default.read(),) if name == DEFAULT_STORE else self._local.read(name)

    def read_intermediates(self) -> tuple[SourceFile, ...]:
        """Read the files with intermediates for all stores.

        Raises:
            TrustStoreSourceError: one cannot be read or is too long.
        """
        return self._local.read_intermediates()


def shown(place: Place) -> str:
    """A place as messages and metrics have it: without the query of a URL, which may be what lets one in."""
    match place:
        case UrlPlace(url):
            parts = urlsplit(url)
            return f"{parts.scheme}://{parts.netloc}{parts.path}"
        case _:
            return str(place)


def _cannot_change(place: Place) -> bool:
    return isinstance(place, S3Place) and place.version_id is not None


def _digest(content: bytes) -> bytes:
    return sha256(content).digest()
