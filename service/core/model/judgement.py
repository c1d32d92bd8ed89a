"""What one method, CRL or OCSP, says of one certificate."""

from dataclasses import dataclass, replace
from datetime import datetime

from service.core.model.attempt import Attempt
from service.core.model.certificate import DistributionPoint
from service.core.model.verdict import Revocation


@dataclass(frozen=True, slots=True)
class Judgement:
    """What came of all the evidence of one method.

    Attributes:
        answer: A current GOOD or REVOKED; None where nothing usable says so.
        attempts: Each piece that was not usable, and why.
        silent_until: Where current evidence gives no answer, until when it surely stays so; None where there is none.
        freshest: Where delta CRLs may be that could change the answer.
    """

    answer: Revocation | None
    attempts: tuple[Attempt, ...] = ()
    silent_until: datetime | None = None
    freshest: tuple[DistributionPoint, ...] = ()

    def among(self, before: tuple[Attempt, ...], after: tuple[Attempt, ...]) -> "Judgement":
        """The same, with attempts that were made elsewhere."""
        if not before and not after:
            return self
        return replace(self, attempts=(*before, *self.attempts, *after))
