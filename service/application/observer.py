"""The port to metrics and logs: a hook that is given one frozen object for each event.

Nothing in these objects that may become a label of a metric names a certificate.
"""

from dataclasses import dataclass
from typing import Protocol

from service.core.model.attempt import Problem
from service.core.model.failure import Code
from service.core.model.verdict import Decision


@dataclass(frozen=True, slots=True)
class DecisionDetails:
    """A decision was made.

    Attributes:
        decision_id: For logs alone.
        duration_s: Seconds from request to verdict.
    """

    decision_id: str
    decision: Decision
    code: Code
    trust_store: str
    duration_s: float


@dataclass(frozen=True, slots=True)
class FetchDetails:
    """Something was fetched, or not.

    Attributes:
        kind: `crl` or `ocsp`.
        url: For logs alone.
        problem: What went wrong; None for a usable answer.
    """

    kind: str
    url: str
    problem: Problem | None
    detail: str
    duration_s: float


class Observer(Protocol):
    """Is told what happens; must not raise and must not wait."""

    def decided(self, details: DecisionDetails) -> None:
        """A decision was made."""

    def fetched(self, details: FetchDetails) -> None:
        """An origin was asked."""


class NullObserver:
    """Is told, and forgets."""

    def decided(self, details: DecisionDetails) -> None:
        """Forget it."""

    def fetched(self, details: FetchDetails) -> None:
        """Forget it."""
