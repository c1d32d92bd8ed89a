"""Keepers of decisions on a real disk, and records for them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from prometheus_client import CollectorRegistry

from service.adapters.decisions.book import FileBook
from service.adapters.decisions.counts import DecisionCounts
from service.adapters.decisions.files import DecisionFiles
from service.adapters.decisions.keeper import KeepingRules, QueuedKeeper
from service.application.clock import Clock
from service.application.decision_records import DecisionQuery, DecisionRecord
from service.core.model.failure import Code
from service.core.model.verdict import Decision, Status
from tests.api.fakes import StandingClock

BEGUN: Final = datetime(2026, 1, 1, tzinfo=UTC)
MIB: Final = 2**20
WEEK: Final = KeepingRules(timedelta(days=7))


def record(number: int = 0, **changes: Any) -> DecisionRecord:  # noqa: ANN401 - any field
    """A denial; the higher its number, the later it was, by a second each."""
    fields: dict[str, Any] = {
        "decision_id": f"{number:032x}",
        "at": BEGUN + timedelta(seconds=number),
        "decision": Decision.DENY,
        "status": Status.REVOKED,
        "code": Code.REVOKED,
        "detail": "It is revoked.",
        "trust_store": "default",
        "front": "api",
        "serial_number": "5eed01",
        "subject": "CN=device-1",
        "issuer": "CN=Sub",
        "fingerprint_sha256": "ab" * 32,
        "duration_s": 0.25,
    }
    return DecisionRecord(**{**fields, **changes})


@dataclass(slots=True)
class Worker:
    """What one process has for decisions.

    Attributes:
        not_written: How often it told of a write that failed.
        faults: What it called its own fault.
    """

    directory: Path
    rules: KeepingRules = WEEK
    max_octets: int = 16 * MIB
    clock: Clock = field(default_factory=StandingClock)
    not_written: list[None] = field(default_factory=list)
    faults: list[Exception] = field(default_factory=list)
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    files: DecisionFiles = field(init=False)
    keeper: QueuedKeeper = field(init=False)
    book: FileBook = field(init=False)

    def __post_init__(self) -> None:
        """Put it together."""
        self.files = DecisionFiles(self.directory, self.max_octets)
        self.keeper = QueuedKeeper(
            self.files,
            self.rules,
            DecisionCounts(self.registry, self.clock),
            self.clock,
            lambda: self.not_written.append(None),
            lambda _, error: self.faults.append(error),
        )
        self.book = FileBook(self.files, lambda: self.keeper.problem)

    def counted(self, name: str, **labels: str) -> int:
        """A counter."""
        return int(self.registry.get_sample_value(f"revet_decisions_{name}_total", labels) or 0)

    def ids(self, **wanted: Any) -> list[str]:  # noqa: ANN401 - any field of a query
        """Which decisions are found."""
        return [one.decision_id for one in self.book.recent(DecisionQuery(**{"limit": 1_000_000, **wanted}))]


@contextmanager
def working(directory: Path, **given: Any) -> Iterator[Worker]:  # noqa: ANN401 - any field of a worker
    """A worker whose keeper is started, and has written all that it was given when the block is left."""
    worker = Worker(directory / "decisions", **given)
    worker.keeper.start()
    try:
        yield worker
    finally:
        worker.keeper.close()
    assert [] == worker.faults


def kept(directory: Path, *records: DecisionRecord, **given: Any) -> Worker:  # noqa: ANN401 - any field of a worker
    """A worker that has kept these and ended in order."""
    with working(directory, **given) as worker:
        for one in records:
            worker.keeper.keep(one)
    return worker
