"""Keeping decisions: the thread that answers puts them into a queue, and another one writes them down.

Rules it keeps: whoever answers neither waits for a disk nor learns that it is broken; the queue is bounded, in records
and in octets; what is lost is counted; what is in the queue at an orderly end is written. A process that is killed
takes its queue along: half a second at most.

What it does not do: decide which decisions are worth it (`wants` says what the operator has asked for).
"""

import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from service.adapters.decisions.counts import DecisionCounts, Lost
from service.adapters.decisions.files import DecisionFiles, OpenFile
from service.adapters.decisions.layout import UnusableFileError, is_damage
from service.adapters.decisions.ledger import DecisionLedger
from service.adapters.decisions.repeats import INTERVAL_S, Repeats
from service.adapters.decisions.rows import Row, instant, row_of, size_of
from service.application.clock import Clock
from service.application.decision_records import DecisionRecord
from service.application.evidence_store import StoreError
from service.core.model.failure import Code
from service.core.model.verdict import Decision

FLUSH_S: Final = 0.4
"""Seconds between two looks into the queue: what was answered is found within a second."""

HURRY_AT: Final = 512
"""Records in the queue that are not left waiting."""

MAX_QUEUED: Final = 8_192
"""Records in the queue: what comes in half a second where every answer is another denial."""

MAX_QUEUED_OCTETS: Final = 64 << 20
"""Of the cases in the queue, before they are compressed, and of the names and sentences beside them."""

BATCH: Final = 256
"""Records in one transaction: others wait for it, and for no longer than some ten milliseconds."""

BATCH_OCTETS: Final = 2 << 20
"""Of one transaction, cases as they are kept; one record more may go beyond it."""

TIDY_S: Final = 30.0
"""Seconds between two looks at what is too old."""

AGAIN_S: Final = 5.0
"""Seconds after which a file that could not be written is tried again."""

END_S: Final = 5.0
"""Seconds that the end of a worker waits for the queue to be written."""

_FAULTS: Final = (sqlite3.Error, OSError, StoreError, UnusableFileError)


@dataclass(frozen=True, slots=True)
class KeepingRules:
    """What is kept, and how long.

    Attributes:
        keep: How long.
        allows: Whether allows are kept as well.
    """

    keep: timedelta
    allows: bool = False


class QueuedKeeper:
    """Keeps records by a thread of its own. Implements `service.application.decision_records.DecisionKeeper`."""

    def __init__(
        self,
        files: DecisionFiles,
        rules: KeepingRules,
        counts: DecisionCounts,
        clock: Clock,
        not_written: Callable[[], object],
        faults: Callable[[str, Exception], object],
    ) -> None:
        """Take the parts; `start` begins.

        Args:
            files: Of the service.
            rules: What is kept.
            counts: Is told what becomes of records.
            clock: Time.
            not_written: Is told of a write to the data directory that failed.
            faults: Is told of our own faults, by where they happened.
        """
        self._files = files
        self._rules = rules
        self._counts = counts
        self._clock = clock
        self._not_written = not_written
        self._faults = faults
        self._queue: deque[DecisionRecord] = deque()
        self._repeats = Repeats()
        # Each number is written by one thread alone: those that were put in by the one that answers.
        self._put_octets = self._taken_octets = 0
        self._refused = self._refused_told = 0
        self._wake, self._ending = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="decisions", daemon=True)
        self._opened: OpenFile | None = None
        self._ledger: DecisionLedger | None = None
        self._again_at = self._tidy_at = self._interval_at = clock.monotonic()
        self.problem = ""

    def wants(self, decision: Decision, enforced: Code | None) -> bool:
        """Denials, those put aside in shadow included; all where the operator says so."""
        return decision is Decision.DENY or enforced is not None or self._rules.allows

    def has_room(self, repeats: str) -> bool:
        """A few in a while; see `DecisionKeeper`."""
        return self._repeats.has_room(repeats)

    def keep(self, record: DecisionRecord) -> None:
        """Put it into the queue, or count it as lost."""
        waiting = len(self._queue)
        if waiting >= MAX_QUEUED or self._put_octets - self._taken_octets > MAX_QUEUED_OCTETS:
            self._refused += 1
            return
        self._put_octets += _octets_of(record)
        self._queue.append(record)
        if waiting == HURRY_AT:
            self._wake.set()

    def start(self) -> None:
        """Open the file, so that questions about decisions are answered, and begin to write."""
        self._open()
        self._thread.start()

    def close(self) -> None:
        """Write what is in the queue, and end; give up on a disk that does not answer."""
        self._ending.set()
        self._wake.set()
        self._thread.join(END_S)

    def _run(self) -> None:
        while not self._ending.is_set():
            self._wake.wait(FLUSH_S)
            self._wake.clear()
            self._look()
        self._look()
        self._close()

    def _look(self) -> None:
        try:
            self._count()
            left_out = self._left_out()  # before the queue is looked into: what was given again is in it, or was
            for rows in self._batches():
                self._write(rows)
            self._note(left_out)
            if self._clock.monotonic() >= self._tidy_at:
                self._tidy_at = self._clock.monotonic() + TIDY_S
                self._tidy()
        except Exception as error:  # noqa: BLE001 - a thread that ends would keep nothing any more
            self._faults("keeping decisions", error)

    def _count(self) -> None:
        now = self._clock.monotonic()
        if now >= self._interval_at:
            self._repeats.begin_interval()
            self._interval_at = now + INTERVAL_S
        total = self._refused
        refused, self._refused_told = total - self._refused_told, total
        if refused:
            self._counts.lost(Lost.FULL, refused)

    def _batches(self) -> Iterator[list[Row]]:
        """What is in the queue now, as rows; what comes meanwhile is for the next time."""
        rows: list[Row] = []
        octets = 0
        for _ in range(len(self._queue)):
            record = self._queue.popleft()
            self._taken_octets += _octets_of(record)
            row = row_of(record)
            rows.append(row)
            octets += size_of(row)
            if len(rows) == BATCH or octets >= BATCH_OCTETS:
                yield rows
                rows, octets = [], 0
        if rows:
            yield rows

    def _write(self, rows: Sequence[Row]) -> None:
        """Write them; once more where the file turns out to be damaged and another one was begun."""
        for _ in range(2):
            ledger = self._usable()
            if ledger is None:
                break
            try:
                ledger.write(rows)
            except sqlite3.Error as error:
                self._failed(error)
            else:
                self._counts.kept(len(rows))
                return
        self._counts.lost(Lost.UNAVAILABLE, len(rows))

    def _left_out(self) -> Mapping[str, int]:
        left_out, count = self._repeats.take_left_out()
        if count:
            self._counts.left_out(count)
        return left_out

    def _note(self, left_out: Mapping[str, int]) -> None:
        """Note on decisions how often they were given again; those that are kept no more are passed over."""
        ledger = self._usable() if left_out else None
        if ledger is None:
            return
        try:
            ledger.note_left_out(left_out)
        except sqlite3.Error as error:
            self._failed(error)

    def _tidy(self) -> None:
        ledger = self._usable()
        if ledger is None:
            return
        before = self._clock.now() - self._rules.keep
        try:
            while ledger.remove_past(instant(before)) and not self._queue:
                pass
            self._files.forget(before)
        except sqlite3.Error as error:
            self._failed(error)
        except OSError:
            self._not_written()

    def _usable(self) -> DecisionLedger | None:
        """The file in use, open; None where there is none, and it was tried a moment ago."""
        if self._ledger is not None and self._opened is not None:
            try:
                if self._files.is_current(self._opened):
                    return self._ledger
            except OSError as error:
                self._unavailable(error)
                return None
            self._close()
        elif self._clock.monotonic() < self._again_at:
            return None
        self._open()
        return self._ledger

    def _open(self) -> None:
        try:
            opened = self._files.open()
        except _FAULTS as error:
            self._unavailable(error)
            return
        self._opened = opened
        self._ledger = DecisionLedger(opened.connection, self._files.max_octets)
        if self.problem:
            self.problem = ""
            self._counts.available()

    def _failed(self, error: sqlite3.Error) -> None:
        """Begin another file in place of one that is damaged; wait a while with one that cannot be written now."""
        if self._opened is None or not is_damage(error):
            self._unavailable(error)
            return
        self._close()
        try:
            self._files.put_aside(self._opened.path, str(error))
        except _FAULTS as another:
            self._unavailable(another)

    def _unavailable(self, error: Exception) -> None:
        self._close()
        self._not_written()
        self._again_at = self._clock.monotonic() + AGAIN_S
        if not self.problem:
            self._counts.unavailable(str(error))
        self.problem = str(error)

    def _close(self) -> None:
        if self._ledger is not None:
            self._ledger.close()
            self._ledger = None


def _octets_of(record: DecisionRecord) -> int:
    """What strangers choose the length of: a name in a certificate may have 16 KiB, whether there is a case or not."""
    texts = len(record.detail) + len(record.subject or "") + len(record.issuer or "")
    return texts if record.case is None else texts + len(record.case)
