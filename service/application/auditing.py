"""Who has changed what: a record of each change before it happens, and of what came of it.

Rules it keeps: a change that nobody could write down does not happen; only what denies more, and at once, is done all
the same, since an emergency must not wait for a disk. What came of a change is written down before whoever asked is
answered. That something could not be written down is told wherever it still can be.

What it does not do: say who may change what, or change anything.
"""

from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum, StrEnum
from typing import Final, Protocol

from service.application.clock import Clock
from service.application.ids import DecisionIds
from service.application.seldom import Seldom

MAX_REFUSED: Final = 60
"""Refused attempts of a kind in a minute that a worker records: enough to see somebody, and nothing to fill a disk
with for whoever has no token."""

SERVICE: Final = "service"
"""Who has done what nobody asked for."""

IN_ATTEMPT: Final[ContextVar[bool]] = ContextVar("in_attempt", default=False)
"""Whether what happens now is somebody's attempt to change something, which has records of its own."""


class Outcome(StrEnum):
    """What came of an attempt."""

    BEGUN = "begun"
    """It is allowed, and about to happen. Without a second record it was cut short: nobody knows what came of it."""
    DONE = "done"
    """It has happened."""
    REFUSED = "refused"
    """It was not allowed, or nothing that can be done; nothing has changed."""
    FAILED = "failed"
    """It could not be done, or not to its end."""


class Necessity(Enum):
    """Whether a change needs its record."""

    NEEDED = "needed"
    """Without it, nothing happens."""
    WANTED = "wanted"
    """It denies more than before, and must not wait: without a record it happens, and that is told."""


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """What is written down of an attempt, or of what the service has done by itself.

    Attributes:
        at: When it was written.
        attempt: What all records of one attempt have in common.
        action: What is done, in a word of snake_case.
        by: Who does it, for people; never a token.
        peer: The address that the request came from; empty where there was none.
        request_id: What whoever asks calls the request; empty where he does not.
        on: What it is done to, and how.
        problem: Why not, in the word of the answer's problem; or what is to be said besides.
    """

    at: datetime
    attempt: str
    action: str
    outcome: Outcome
    by: str
    peer: str = ""
    request_id: str = ""
    on: Mapping[str, object] = field(default_factory=dict)
    problem: str = ""


class AuditUnavailableError(Exception):
    """A record could not be written.

    Attributes:
        reason: For the operator.
    """

    def __init__(self, reason: str) -> None:
        """Keep the reason."""
        super().__init__(reason)
        self.reason = reason


class AuditRecords(Protocol):
    """Where records are kept."""

    async def keep(self, record: AuditRecord) -> None:
        """Keep one, durably when this returns.

        Raises:
            AuditUnavailableError: it could not be.
        """


class NoRecords:
    """Keeps none. Implements `AuditRecords`."""

    async def keep(self, record: AuditRecord) -> None:
        """Forget it."""


class AuditObserver(Protocol):
    """Is told of records; must not raise and must not wait."""

    def recorded(self, record: AuditRecord) -> None:
        """An attempt has come to its end."""

    def not_kept(self, record: AuditRecord, reason: str) -> None:
        """A record could not be kept."""


class AuditTrail:
    """Writes records."""

    def __init__(self, records: AuditRecords, clock: Clock, ids: DecisionIds, observer: AuditObserver) -> None:
        """Take where they are kept, time, what names attempts, and who is told."""
        self._records = records
        self._clock = clock
        self._ids = ids
        self._observer = observer
        self._refused: dict[str, Seldom] = {}

    def open(self, action: str, peer: str, request_id: str) -> AuditRecord:
        """The beginning of an attempt, of which nothing is known yet but where it comes from. Nothing is written."""
        return AuditRecord(self._clock.now(), self._ids.new(), action, Outcome.BEGUN, "", peer, request_id)

    async def begin(self, record: AuditRecord, necessity: Necessity) -> None:
        """Write down that something is about to happen.

        Raises:
            AuditUnavailableError: it could not be, and must not happen.
        """
        try:
            await self._records.keep(replace(record, at=self._clock.now()))
        except AuditUnavailableError as error:
            self._observer.not_kept(record, error.reason)
            if necessity is Necessity.NEEDED:
                raise

    async def refused(self, record: AuditRecord) -> None:
        """Write down that somebody may not do what he wants to; or leave it out, where there were too many."""
        seldom = self._refused.setdefault(record.problem, Seldom(self._clock, MAX_REFUSED))
        left_out = seldom.left_out()
        if left_out is not None:
            await self.end(replace(record, on={**record.on, "left_out": left_out}))

    async def end(self, record: AuditRecord) -> None:
        """Write down what came of it; where that cannot be, it is told."""
        record = replace(record, at=self._clock.now())
        self._observer.recorded(record)
        try:
            await self._records.keep(record)
        except AuditUnavailableError as error:
            self._observer.not_kept(record, error.reason)
