"""Emptying caches, in every worker: what was decided is decided anew, and what was refused is asked again.

Rules it keeps: nothing is forgotten that anybody relies upon. CRLs, watermarks, blocks and the OCSP answers of the host
stay, those that say revoked above all; what is forgotten is what each worker remembers in memory of having read, been
refused or decided.

How every worker hears of it: numbers in the store, which each looks at twice a second, and the generation of the
decisions, which each looks at with every request.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, Protocol

from service.application.clock import Clock
from service.application.evidence_store import StoreError
from service.application.operating.telling import OperatorObserver, Purged

LOOK_EVERY_S: Final = 0.5
"""Seconds between two looks of a worker: a purge is in force everywhere within one second."""


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

    def __init__(self, numbers: PurgeNumbers, memories: Memories, clock: Clock) -> None:
        """Nothing is remembered yet, so that earlier purges mean nothing."""
        self._numbers = numbers
        self._memories = memories
        self._clock = clock
        self._seen = self._read()

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await self._clock.sleep(LOOK_EVERY_S)
            self.look()

    def look(self) -> None:
        """Look once; where the store cannot be read, nothing is answered from anywhere, and the next look tells."""
        now = self._read()
        if now is None:
            return
        before, self._seen = self._seen or {}, now
        if now.get(CacheKind.OCSP) != before.get(CacheKind.OCSP):
            self._memories.forget_answers()
        if now.get(CacheKind.NEGATIVE) != before.get(CacheKind.NEGATIVE):
            self._memories.forget_failures()

    def _read(self) -> Mapping[str, int] | None:
        try:
            return self._numbers.purges()
        except StoreError:
            return None


class Purging:
    """Purges, for all workers."""

    def __init__(self, numbers: PurgeNumbers, watch: PurgeWatch, observer: OperatorObserver) -> None:
        """Take the numbers, this worker's watch, and who is told."""
        self._numbers = numbers
        self._watch = watch
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
        self._watch.look()
        self._observer.purged(Purged(by, tuple(kind.value for kind in kinds)))
        return self._numbers.generation()
