"""What one method, CRL or OCSP, says of one certificate."""

from dataclasses import dataclass

from service.core.model.attempt import Attempt
from service.core.model.verdict import Revocation


@dataclass(frozen=True, slots=True)
class Judgement:
    """What came of all the evidence of one method.

    Attributes:
        answer: A current GOOD or REVOKED; None where nothing usable says so.
        attempts: Each piece that was not usable, and why.
    """

    answer: Revocation | None
    attempts: tuple[Attempt, ...] = ()
