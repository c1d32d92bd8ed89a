"""Emptying caches, in every worker: what was decided is decided anew, and what was refused is asked again.

Rules it keeps: nothing is forgotten that anybody relies upon. CRLs, watermarks, blocks and the OCSP answers of the host
stay, those that say revoked above all; what is forgotten is what each worker remembers in memory of having read, been
refused or decided.

How every worker hears of it: numbers in the store, which each looks at before it asks a responder and besides twice a
second, and the generation of the decisions, which each looks at with every request. So the next request after a purge
is decided without anything that was purged, in every worker; a warm verdict costs no look more than before.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Final, Protocol

from service.application.clock import Clock
from service.application.evidence_store import StoreError
from service.application.operating.telling import OperatorObserver, Purged

LOOK_EVERY_S: Final = 0.5
"""Seconds between two looks of a worker that is asked nothing: what it says of itself is true within a second."""


class CacheKind(StrEnum):
    """What may be purged."""

    VERDICTS = "verdicts"
    """Decisions that are answered again."""
    OCSP = "ocsp"
    """OCSP answers as workers have read them: they are read from the host's store again."""
    NEGATIVE = "negative"
    """Refusals of responders, and hosts that are left alone because they failed: all are asked again."""


class PurgeNumbers(Protocol):
    """How often each kind was purged, for all processes that share the store."""

    def purges(self) -> Mapping[str, int]:
        """The numbers, by the name of the kind.

        Raises:
            StoreError: they cannot be read.
        """

    async def purge(self, kinds: tuple[str, ...]) -> None:
        """Raise these, and the generation of the decisions, in one transaction.

        Raises:
            StoreError: nothing was raised.
        """

    def generation(self) -> int:
        """The generation of the decisions.

        Raises:
            StoreError: it cannot be read.
        """


class Memories(Protocol):
    """What a worker remembers of OCSP (`OcspClient`)."""

    def forget_answers(self) -> None:
        """Read answers anew."""

    def forget_failures(self) -> None:
        """Ask everybody everything."""


class PurgeWatch:
    """Has this worker forget what was purged in any of them."""

    def __init__(self, numbers: PurgeNumbers) -> None:
        """Nothing is remembered yet, so that earlier purges mean nothing."""
        self._numbers = numbers
        self._seen = self._read()

    def look(self, memories: Memories) -> None:
        """Look once; where the store cannot be read, nothing is answered from anywhere, and the next look tells.

        Args:
            memories: What is to be forgotten; the same each time.
        """
        now = self._read()
        if now is None or now == self._seen:
            return
        before, self._seen = self._seen or {}, now
        if now.get(CacheKind.OCSP) != before.get(CacheKind.OCSP):
            memories.forget_answers()
        if now.get(CacheKind.NEGATIVE) != before.get(CacheKind.NEGATIVE):
            memories.forget_failures()

    def _read(self) -> Mapping[str, int] | None:
        try:
            return self._numbers.purges()
        except StoreError:
            return None


async def follow_purges(follow: Callable[[], None], clock: Clock) -> None:
    """Have a worker that is asked nothing look all the same, until cancelled."""
    while True:
        await clock.sleep(LOOK_EVERY_S)
        follow()


class Purging:
    """Purges, for all workers."""

    def __init__(self, numbers: PurgeNumbers, follow: Callable[[], None], observer: OperatorObserver) -> None:
        """Take the numbers, what has this worker look (`PurgeWatch.look`), and who is told."""
        self._numbers = numbers
        self._follow = follow
        self._observer = observer

    async def purge(self, kinds: tuple[CacheKind, ...], by: str) -> int:
        """Empty these caches.

        Args:
            kinds: Which.
            by: Who asks, for people.

        Returns:
            The generation of the decisions from now on.

        Raises:
            StoreError: nothing was purged.
        """
        await self._numbers.purge(tuple(kind.value for kind in kinds))
        self._follow()
        self._observer.purged(Purged(by, tuple(kind.value for kind in kinds)))
        return self._numbers.generation()
