"""Letting the numbers of a rebuilt authority begin anew: the number of a slot is forgotten, and nothing else.

Rules it keeps: what is held stays until something replaces it that is no older, so that nobody who was revoked is
allowed; it must be clear which slots are meant; only the prefetcher changes what is written of CRLs, and it is asked.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Protocol, TypeAlias, assert_never

from service.application.evidence_store import HeldCrl
from service.application.operating.crl_listing import InventoryReader
from service.application.operating.telling import OperatorObserver, WatermarksReset
from service.application.prefetch.source_record import SourceRecord
from service.core.names.rfc4514 import canonical_of_text

FEWEST_DIGITS: Final = 12
"""Hexadecimal digits of a slot that are enough to name it: as many as the metrics show."""


class NothingMeantError(LookupError):
    """No CRL that is held is the one that is meant."""


class AmbiguousSlotError(ValueError):
    """The digits given are those of several slots."""


@dataclass(frozen=True, slots=True)
class OfIssuer:
    """Every CRL of an issuer.

    Attributes:
        name: RFC 4514, compared as RFC 5280 §7.1 says.
    """

    name: str


@dataclass(frozen=True, slots=True)
class OfSlot:
    """One slot.

    Attributes:
        digits: The first of its key, in hexadecimal, twelve of them at least.
    """

    digits: str


@dataclass(frozen=True, slots=True)
class OfSource:
    """Every CRL that came from one source.

    Attributes:
        url: Its key, any of its places, or where a CRL came from.
    """

    url: str


Meant: TypeAlias = OfIssuer | OfSlot | OfSource


class WatermarkResetter(Protocol):
    """Whoever writes CRLs."""

    async def reset(self, slots: tuple[bytes, ...]) -> None:
        """Forget the numbers that these slots have seen, and end every kept verdict; nothing older is accepted.

        Raises:
            PrefetcherUnavailableError: nobody did it.
            StoreError: nothing was forgotten.
        """


class Resetting:
    """Finds what is meant, and has it reset."""

    def __init__(self, reader: InventoryReader, resetter: WatermarkResetter, observer: OperatorObserver) -> None:
        """Take what is held, who resets, and who is told."""
        self._reader = reader
        self._resetter = resetter
        self._observer = observer

    async def reset(self, meant: Meant, by: str) -> tuple[HeldCrl, ...]:
        """Have the watermarks of some slots forgotten.

        Args:
            meant: Which slots.
            by: Who asks, for people.

        Returns:
            What these slots hold, and go on holding.

        Raises:
            MalformedError: the issuer's name is none.
            NothingMeantError: no CRL that is held is meant.
            AmbiguousSlotError: several slots begin with the digits.
            PrefetcherUnavailableError: nobody did it.
            StoreError: nothing was forgotten.
        """
        found = await asyncio.to_thread(self._find, meant)
        slots = tuple(one.slot.key for one in found)
        await self._resetter.reset(slots)
        issuers = tuple(dict.fromkeys(one.meta.issuer.text for one in found))
        self._observer.watermarks_reset(WatermarksReset(by, slots, issuers))
        return found

    def _find(self, meant: Meant) -> tuple[HeldCrl, ...]:
        found = tuple(self._matching(meant, self._reader.held()))
        if not found:
            raise NothingMeantError
        return found

    def _matching(self, meant: Meant, held: tuple[HeldCrl, ...]) -> Iterable[HeldCrl]:
        match meant:
            case OfIssuer(name):
                canonical = canonical_of_text(name)
                return [one for one in held if one.slot.issuer == canonical]
            case OfSlot(digits):
                found = [one for one in held if one.slot.key.hex().startswith(digits)]
                if len(found) > 1:
                    raise AmbiguousSlotError
                return found
            case OfSource(url):
                given = _slots_of(self._reader.sources(), url)
                return [one for one in held if one.source == url or one.slot.key in given]
            case _:
                assert_never(meant)


def _slots_of(records: Iterable[SourceRecord], url: str) -> frozenset[bytes]:
    meant = (one for one in records if url == one.source.key or url in one.source.places)
    return frozenset(given.slot for record in meant for given in record.given)
