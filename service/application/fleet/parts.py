"""What every part of the fleet's room works with."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from service.application.clock import Clock
from service.application.fleet.cache import SharedCache
from service.application.fleet.envelope import Envelope, EnvelopeError, EnvelopeKind, FleetKeys, Times
from service.application.fleet.names import FleetNames
from service.application.fleet.telling import FleetObserver, RefusedDetails

ANY_TIME: Final = Times(datetime.max.replace(tzinfo=UTC), None, timedelta(0))
"""For what is worth the same whenever it was made."""


@dataclass(frozen=True, slots=True)
class FleetRules:
    """What the operator has decided about the fleet.

    Attributes:
        replica: What this replica is called.
        keys: Authenticate what replicas write.
        max_shared_age: How old what was fetched may be (`REVET_MAX_SHARED_AGE_S`).
        skew: How far clocks may be apart (`REVET_CLOCK_SKEW_S`).
    """

    replica: str
    keys: FleetKeys
    max_shared_age: timedelta
    skew: timedelta


@dataclass(frozen=True, slots=True)
class FleetParts:
    """The cache, and how it is used."""

    cache: SharedCache
    names: FleetNames
    rules: FleetRules
    clock: Clock
    observer: FleetObserver

    def seal(self, kind: EnvelopeKind, about: str, content: bytes, at: datetime | None = None) -> bytes:
        """Put something into an envelope, made now unless it is said when."""
        return self.rules.keys.seal(Envelope(kind, about, at or self.clock.now(), content))

    def open_fetched(self, octets: bytes, kind: EnvelopeKind, about: str) -> Envelope | None:
        """What is in an envelope that must be of late; None, and told, where it is refused."""
        return self._open(octets, kind, about, self._times(self.rules.max_shared_age))

    def open_lasting(self, octets: bytes, kind: EnvelopeKind, about: str | None) -> Envelope | None:
        """What is in an envelope that holds for good; None, and told, where it is refused."""
        return self._open(octets, kind, about, self._times(None))

    def open_event(self, octets: bytes) -> Envelope | None:
        """What somebody tells; None, and told, where it is refused.

        Whatever his clock says: an event only makes others look, or has an envelope in it that is judged by itself.
        """
        return self._open(octets, EnvelopeKind.EVENT, None, ANY_TIME)

    def _times(self, longest: timedelta | None) -> Times:
        return Times(self.clock.now(), longest, self.rules.skew)

    def _open(self, octets: bytes, kind: EnvelopeKind, about: str | None, times: Times) -> Envelope | None:
        try:
            return self.rules.keys.open(octets, kind, about, times)
        except EnvelopeError as error:
            self.observer.refused(RefusedDetails(kind, error.refusal, about or ""))
            return None
