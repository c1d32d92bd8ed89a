"""A keeper that keeps everything, and what becomes of what it has kept."""

from service.application.decision_records import DecisionRecord
from service.application.replay.agreement import Outcome, replay_answer
from service.application.replay.case import ReplayCase
from service.application.replay.document import read_case
from service.core.model.failure import Code
from service.core.model.verdict import Decision


class Everything:
    """Keeps every record.

    Attributes:
        records: In the order in which they came.
        full: Whether there is no room for what is given again.
    """

    def __init__(self) -> None:
        """None yet."""
        self.records: list[DecisionRecord] = []
        self.full = False

    def wants(self, decision: Decision, enforced: Code | None) -> bool:
        """All."""
        del decision, enforced
        return True

    def has_room(self, repeats: str) -> bool:
        """As long as a test does not say otherwise."""
        del repeats
        return not self.full

    def keep(self, record: DecisionRecord) -> None:
        """Keep it."""
        self.records.append(record)


class Denials(Everything):
    """Keeps what is kept unless the operator says otherwise."""

    def wants(self, decision: Decision, enforced: Code | None) -> bool:
        """Every denial, and what shadow put aside."""
        return decision is Decision.DENY or enforced is not None


def case_of(record: DecisionRecord) -> ReplayCase:
    """What a record rests on, read back."""
    assert record.case is not None
    return read_case(record.case)


def outcome_of(record: DecisionRecord) -> Outcome:
    """What was answered."""
    return Outcome(record.decision, record.status, record.code, record.detail, record.enforced)


def replayed(record: DecisionRecord) -> Outcome:
    """What a replay comes to."""
    return replay_answer(case_of(record), in_shadow=record.enforced is not None).outcome
