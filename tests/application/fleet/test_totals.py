"""What replicas have decided together."""

from dataclasses import replace
from datetime import timedelta
from typing import Final

from service.application.fleet.heartbeat import Hits, Tallies
from service.application.fleet.heartbeats import Presence, ReplicaLine
from service.application.fleet.totals import FleetTotals, fleet_totals
from service.core.model.verdict import Decision
from tests.application.fleet.test_heartbeat import USUAL
from tests.pki import NOW

NOTHING: Final = Hits(0, 0)


def line(
    seconds: int, decisions: dict[tuple[str, str], int] | None, presence: Presence = Presence.PRESENT
) -> ReplicaLine:
    """A replica that was heard of so long ago."""
    tallies = Tallies(NOTHING, NOTHING, NOTHING, 0, 0, decisions)
    return ReplicaLine(presence, replace(USUAL, at=NOW - timedelta(seconds=seconds), tallies=tallies))


def test_those_that_are_there() -> None:
    """Are added up; one that is gone is not, and one that does not say is counted."""
    found = fleet_totals(
        (
            line(1, {("allow", "ok"): 3, ("deny", "revoked"): 1}),
            line(2, {("allow", "ok"): 4, ("deny", "moonstruck"): 5}),
            line(3, None),
            line(60, {("allow", "ok"): 100}, Presence.GONE),
        )
    )
    expected = {("allow", "ok"): 7, ("deny", "revoked"): 1, ("deny", "moonstruck"): 5}
    assert FleetTotals(3, 2, expected, NOW - timedelta(seconds=2)) == found
    assert (7, 6) == (found.total(Decision.ALLOW), found.total(Decision.DENY))


def test_nobody() -> None:
    """Nothing was decided, and nobody said so."""
    assert FleetTotals(0, 0, {}, None) == fleet_totals(())
