"""Verdicts in sentences that a proxy may show to whoever presented the certificate.

Rules it keeps: they say what concerns that certificate. What an operator wrote about a block, the block's id, and where
evidence comes from or was looked for are for operators and callers (`wording`), and in none of these.
"""

from service.application.wording import describe, name_of
from service.core.model.failure import Blocked, RevocationUnavailable
from service.core.model.verdict import Verdict


def describe_publicly(verdict: Verdict) -> str:
    """One sentence for a verdict."""
    match verdict.failure:
        case Blocked(certificate):
            return f"{name_of(certificate)} is blocked here."
        case RevocationUnavailable(certificate):
            return f"No usable answer about the revocation of {name_of(certificate)}."
        case _:
            return describe(verdict)
