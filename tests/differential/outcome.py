"""What somebody says of a scenario, as far as two who judge it can be compared."""

from dataclasses import dataclass
from enum import Enum, auto


class Said(Enum):
    """A judgement."""

    ALLOWED = auto()
    REVOKED = auto()
    """Refused, because something is revoked."""
    UNANSWERED = auto()
    """Refused for want of evidence; only Revet says so."""
    REFUSED = auto()
    """Refused for anything else."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A judgement with what can be known of its reasons.

    Attributes:
        policies: The user-constrained policy set; None where nobody tells, or where nothing is allowed.
        words: The judge's own, for whoever reads a failure.
    """

    said: Said
    policies: frozenset[str] | None = None
    words: str = ""

    @property
    def allowed(self) -> bool:
        """Whether the certificate passes."""
        return self.said is Said.ALLOWED
