"""Decisions that are kept in memory, for the API."""

from collections.abc import Sequence

from service.application.decision_records import DecisionQuery, DecisionRecord, DecisionsUnavailableError
from service.core.model.failure import Code
from service.core.model.verdict import Decision


class MemoryDecisions:
    """Keeps denials, and finds them again. Implements `DecisionKeeper` and `DecisionBook`.

    Attributes:
        records: In the order in which they came.
        broken: Why nothing can be read; empty while it can.
    """

    def __init__(self) -> None:
        """None yet."""
        self.records: list[DecisionRecord] = []
        self.broken = ""

    def wants(self, decision: Decision, enforced: Code | None) -> bool:
        """Denials."""
        return decision is Decision.DENY or enforced is not None

    def has_room(self, repeats: str) -> bool:
        """Always."""
        del repeats
        return True

    def keep(self, record: DecisionRecord) -> None:
        """Keep it."""
        self.records.append(record)

    def recent(self, query: DecisionQuery) -> Sequence[DecisionRecord]:
        """Those that are wanted."""
        self._check()
        names = [record.decision_id for record in self.records]
        end = names.index(query.before) if query.before in names else None if query.before is None else 0
        found = [record for record in reversed(self.records[:end]) if _is_wanted(record, query)]
        return found[: query.limit]

    def find(self, decision_id: str) -> DecisionRecord | None:
        """One of them."""
        self._check()
        return next((record for record in self.records if record.decision_id == decision_id), None)

    def _check(self) -> None:
        if self.broken:
            raise DecisionsUnavailableError(self.broken)


def _is_wanted(record: DecisionRecord, query: DecisionQuery) -> bool:
    return (
        query.code in {None, record.code}
        and query.decision in {None, record.decision}
        and query.trust_store in {None, record.trust_store}
    )
