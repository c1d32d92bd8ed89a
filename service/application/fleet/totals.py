"""What the replicas of a fleet have done together, as their last heartbeats say.

Rules it keeps: only replicas that are there are added up: what one has counted that is gone went with it. A replica of
an older version says nothing of its decisions; how many have said something is told with the sum.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from service.application.fleet.heartbeats import Presence, ReplicaLine
from service.core.model.verdict import Decision


@dataclass(frozen=True, slots=True)
class FleetTotals:
    """Sums over the replicas that are there.

    Attributes:
        replicas: How many are there.
        counted: How many of them say what they have decided.
        decisions: How many, since each of them was started, by what callers were told to do and why.
        oldest_at: When the one said so that was heard of longest ago, by its own clock; None where nobody did.
    """

    replicas: int
    counted: int
    decisions: Mapping[tuple[str, str], int]
    oldest_at: datetime | None

    def total(self, decision: Decision) -> int:
        """How many decisions of one kind, whatever their reasons."""
        return sum(count for (made, _), count in self.decisions.items() if made == decision)


def fleet_totals(lines: Iterable[ReplicaLine]) -> FleetTotals:
    """Add up what the replicas that are there say."""
    present = [line.heartbeat for line in lines if line.presence is Presence.PRESENT]
    told = [(one.at, one.tallies.decisions) for one in present if one.tallies.decisions is not None]
    decisions: Counter[tuple[str, str]] = Counter()
    for _, counted in told:
        decisions.update(counted)
    return FleetTotals(len(present), len(told), dict(decisions), min((at for at, _ in told), default=None))
