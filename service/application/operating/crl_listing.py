"""What is held and where it comes from, as operators see it: every CRL and every source, joined.

Rules it keeps: nothing is left out. A CRL that no source is known of any more has a line, and so has a source that has
given nothing; a CRL that two sources give has two. What is said is read off the store, and no process is asked.

What it does not do: judge for a certificate. Whether a CRL may be used is said for the policy that holds for all; a
rule for one issuer may have another grace.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Final, Protocol

from service.application.clock import Clock
from service.application.evidence_store import HeldCrl
from service.application.prefetch.source_record import GivenCrl, PlaceRecord, SourceReader, SourceRecord
from service.core.der.certificate_extensions import describe_name
from service.core.freshness.window import EvidenceKind, UsableUntil, window
from service.core.model.crl import IssuingDistributionPoint
from service.core.model.malformed import MalformedError
from service.core.model.name import GeneralName
from service.core.model.policy import Policy
from service.core.prefetch.due import due_at
from service.core.prefetch.schedule import Schedule

ID_DIGITS: Final = 24
"""Hexadecimal digits of what a line is called: 96 bits, so that no two of a million lines are called alike."""


class CrlStatus(StrEnum):
    """How a CRL, or a source without one, does."""

    FRESH = "fresh"
    """It may be used, and nothing is due."""
    DUE = "due"
    """It may be used; a newer one is due, or was asked for and not had."""
    STALE = "stale"
    """Its nextUpdate has passed: it may be used because of the grace alone."""
    ENDED = "ended"
    """It is held and may not be used any more."""
    PENDING = "pending"
    """It came, and waits for its issuer to become known."""
    FAILED = "failed"
    """Nothing of this source is held, although it was tried."""
    NEVER = "never"
    """The source was not tried yet."""


_BY_URGENCY: Final = (
    CrlStatus.ENDED,
    CrlStatus.STALE,
    CrlStatus.FAILED,
    CrlStatus.DUE,
    CrlStatus.PENDING,
    CrlStatus.NEVER,
    CrlStatus.FRESH,
)
"""What somebody has to look at first: what denies now, what is about to, what has never served, and the rest."""

_NEVER_ENDS: Final = datetime.max.replace(tzinfo=UTC)


class CrlOrder(StrEnum):
    """In which order lines are listed."""

    ID = "id"
    """By what they are called: the same from one listing to the next, so that a reader may go on where he was."""
    URGENCY = "urgency"
    """The worst status first; of one status whose number stands still, and then what ends soonest."""


@dataclass(frozen=True, slots=True)
class CrlLine:
    """One CRL of one source, a CRL without a source, or a source without a CRL.

    Attributes:
        id: What the line is called; the same from one listing to the next.
        held: The CRL.
        record: Of the source.
        given: What the source remembers of the CRL.
        next_attempt: When the source is tried again at the latest.
    """

    id: str
    status: CrlStatus
    held: HeldCrl | None = None
    record: SourceRecord | None = None
    given: GivenCrl | None = None
    next_attempt: datetime | None = None


@dataclass(frozen=True, slots=True)
class ListingRules:
    """What the status of a CRL depends on.

    Attributes:
        policy: The operator's.
        schedule: Likewise; chance, which only hurries an attempt, is left out.
    """

    policy: Policy
    schedule: Schedule


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which lines.

    Attributes:
        issuer: A part of the issuer's name, in any case of letters; empty for all.
        status: None for all.
        after: The line after which to begin, in the order of what they are called; empty for the first.
        limit: How many at most.
        search: A part of issuer, scope, source, place, slot or problem, in any case of letters; empty for all.
        order: Which come first.
        skip: How many to leave out before the first, in that order.
    """

    issuer: str = ""
    status: CrlStatus | None = None
    after: str = ""
    limit: int = 1000
    search: str = ""
    order: CrlOrder = CrlOrder.ID
    skip: int = 0


@dataclass(frozen=True, slots=True)
class Page:
    """Some of the lines.

    Attributes:
        total: How many there are in all that are wanted, before the first one here included.
        after: Where to begin for the next page; None where this is the last, and in another order than by id.
        places: What the listings of the configured places have shown.
        at: The moment of all of it.
    """

    lines: tuple[CrlLine, ...]
    total: int
    after: str | None
    places: tuple[PlaceRecord, ...]
    at: datetime


class InventoryReader(SourceReader, Protocol):
    """Reading what is held, and the sources."""

    def held(self) -> tuple[HeldCrl, ...]:
        """Every CRL held.

        Raises:
            StoreError: the store cannot be read.
        """


class CrlListing:
    """Lists them. Its methods take some hundredths of a second for thousands, and are for threads."""

    def __init__(self, reader: InventoryReader, rules: ListingRules, clock: Clock) -> None:
        """Take what is read."""
        self._reader = reader
        self._rules = replace(rules, schedule=replace(rules.schedule, jitter=0.0))
        self._clock = clock

    def lines(self) -> tuple[CrlLine, ...]:
        """All of them, by what they are called.

        Raises:
            StoreError: the store cannot be read.
        """
        # What is held is read first: a source never claims what it gave only afterwards.
        held = self._reader.held()
        return list_crls(held, self._reader.sources(), self._rules, self._clock.now())

    def page(self, wanted: Wanted) -> Page:
        """Some of them.

        Raises:
            StoreError: the store cannot be read.
        """
        at = self._clock.now()
        every = [line for line in self.lines() if _is_wanted(line, wanted)]
        if wanted.order is CrlOrder.URGENCY:
            every.sort(key=urgency)
        rest = [line for line in every if line.id > wanted.after][wanted.skip :]
        found = tuple(rest[: wanted.limit])
        more = len(rest) > len(found) > 0 and wanted.order is CrlOrder.ID
        after = found[-1].id if more else None
        return Page(found, len(every), after, self._reader.places(), at)


def list_crls(
    held: Iterable[HeldCrl], sources: Iterable[SourceRecord], rules: ListingRules, at: datetime
) -> tuple[CrlLine, ...]:
    """Every CRL and every source, joined, in the order of what the lines are called.

    Args:
        held: What is held.
        sources: All sources.
        rules: What the status depends on.
        at: The moment.
    """
    by_slot = {one.slot.key: one for one in held}
    unclaimed = dict(by_slot)
    lines: list[CrlLine] = []
    for record in sources:
        for line in _of_source(record, by_slot, rules, at):
            lines.append(line)
            if line.held is not None:
                unclaimed.pop(line.held.slot.key, None)
    lines += (CrlLine(_id(one.slot.key, ""), _status(one, None, None, rules, at), one) for one in unclaimed.values())
    return tuple(sorted(lines, key=lambda line: line.id))


def scope_words(point: IssuingDistributionPoint | None) -> tuple[str, ...]:
    """What a CRL is about, in words (RFC 5280 §5.2.5); nothing for one that is complete for its issuer."""
    if point is None:
        return ()
    words = [_name_in_words(name) for name in point.names]
    words += ["user certificates only"] * point.only_contains_user_certs
    words += ["CA certificates only"] * point.only_contains_ca_certs
    words += ["attribute certificates only"] * point.only_contains_attribute_certs
    words += ["some reasons only"] * (point.only_some_reasons is not None)
    words += ["indirect"] * point.indirect_crl
    return tuple(words)


def _name_in_words(name: GeneralName) -> str:
    """A name; in hexadecimal where it is one that cannot be read: the rest of the listing is told all the same."""
    try:
        return describe_name(name).removeprefix("URI:")
    except MalformedError:
        return name.value.hex()


def _of_source(
    record: SourceRecord, by_slot: dict[bytes, HeldCrl], rules: ListingRules, at: datetime
) -> Iterator[CrlLine]:
    due = due_at(record.state, rules.schedule, at)
    found = [(given, by_slot[given.slot]) for given in record.given if given.slot in by_slot]
    key = record.source.key
    for given, held in found:
        status = _status(held, record, due, rules, at)
        yield CrlLine(_id(given.slot, key), status, held, record, given, due)
    if record.pending or not found:
        yield CrlLine(_id(b"", key), _status_without(record), None, record, None, due)


def _status(
    held: HeldCrl, record: SourceRecord | None, due: datetime | None, rules: ListingRules, at: datetime
) -> CrlStatus:
    until = window(EvidenceKind.CRL, held.meta.this_update, held.meta.next_update, rules.policy, at)
    if not isinstance(until, UsableUntil):
        return CrlStatus.ENDED
    if until.in_grace:
        return CrlStatus.STALE
    if record is not None and due is not None and (record.state.failures or due <= at):
        return CrlStatus.DUE
    return CrlStatus.FRESH


def _status_without(record: SourceRecord) -> CrlStatus:
    if record.pending:
        return CrlStatus.PENDING
    return CrlStatus.NEVER if record.state.tried_at is None else CrlStatus.FAILED


def _id(slot: bytes, source: str) -> str:
    return sha256(slot + source.encode("utf-8", "surrogatepass")).hexdigest()[:ID_DIGITS]


def urgency(line: CrlLine) -> tuple[int, bool, datetime, str]:
    """What to sort by so that the worst comes first."""
    stalled = line.given is not None and line.given.stalled
    end = None if line.held is None else line.held.meta.next_update
    return _BY_URGENCY.index(line.status), not stalled, end or _NEVER_ENDS, line.id


def _is_wanted(line: CrlLine, wanted: Wanted) -> bool:
    if wanted.status is not None and line.status is not wanted.status:
        return False
    name = "" if line.held is None else line.held.meta.issuer.text
    if wanted.issuer.casefold() not in name.casefold():
        return False
    part = wanted.search.casefold()
    return not part or any(part in text.casefold() for text in _searched(line))


def _searched(line: CrlLine) -> Iterator[str]:
    if line.held is not None:
        yield from (line.held.meta.issuer.text, line.held.source, line.held.slot.key.hex())
        yield from scope_words(line.held.meta.issuing_distribution_point)
    if line.record is not None:
        yield from (line.record.source.key, *line.record.source.places, line.record.problem or "")


def overdue(lines: Iterable[CrlLine], at: datetime) -> tuple[int, timedelta]:
    """How many sources are due, and since when the one that waits longest."""
    waiting = {
        line.record.source.key: at - line.next_attempt
        for line in lines
        if line.record is not None and line.next_attempt is not None and line.next_attempt <= at
    }
    return len(waiting), max(waiting.values(), default=timedelta(0))
