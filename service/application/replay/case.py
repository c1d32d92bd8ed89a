"""What a decision was made of, and making it once more.

A replay proves that these certificates, this evidence, this policy, these blocks and this moment come to that verdict,
and how. The core verifies again what is there to be verified: each certificate's signature under its issuer's key, and
each OCSP response, which is kept whole, under its signer's.

What a replay takes for granted: that a CRL of this hash was signed under the key that is named with it, and has this
entry for the certificate, or none (the list itself is not kept: whoever has it can hash it and look); that a CRL was
held or was not, and a source failed as it says; that the trust store had these certificates and no others that a path
could have gone through; that the clock was right; and of a leaf that cannot be read, why. Who can write a case can
write one that comes to any verdict about revocation by CRL.

What it does not do: read a clock, or fetch anything.
"""

from dataclasses import dataclass, field
from datetime import datetime

from service.core.decision.assessment import AssessmentRequest, assess, give_up
from service.core.model.evidence import Evidence, NeedEvidence
from service.core.model.policy import Policy
from service.core.model.verdict import Verdict


class CaseError(ValueError):
    """A case cannot be read, or is not enough to decide.

    Attributes:
        reason: Why, for a person; never quotes the case.
        place: Where in its document: `.policy.grace`. Empty where it is about all of it.
    """

    def __init__(self, reason: str, place: str = "") -> None:
        """Keep both."""
        super().__init__(f"{place}: {reason}" if place else reason)
        self.reason = reason
        self.place = place

    def within(self, place: str) -> "CaseError":
        """The same, as it is about a part of what stands at `place`."""
        return CaseError(self.reason, place + self.place)


@dataclass(frozen=True, slots=True)
class Spent:
    """A budget of the shell's that was spent, so that it gave up.

    Attributes:
        resource: Which.
        limit: How much of it there was.
    """

    resource: str
    limit: int


@dataclass(frozen=True, slots=True)
class ReplayCase:
    """Everything that one decision depends on.

    Attributes:
        request: The certificate, whom the caller trusts, and what was blocked.
        evidence: What had been gathered when it was decided.
        policy: What was asked of the verdict.
        at: The moment in question.
        spent: Why nothing more was gathered; None where the evidence was enough.
    """

    request: AssessmentRequest
    evidence: Evidence = field(repr=False)
    policy: Policy = field(repr=False)
    at: datetime
    spent: Spent | None = None


def replay(case: ReplayCase) -> Verdict:
    """The verdict that a case comes to.

    Raises:
        CaseError: its evidence is not all that the decision depends on.
    """
    if case.spent is not None:
        return give_up(case.spent.resource, case.spent.limit, case.request, case.policy, case.at)
    outcome = assess(case.request, case.evidence, case.policy, case.at)
    if isinstance(outcome, NeedEvidence):
        raise CaseError(f"the case lacks evidence: {len(outcome.wanted)} pieces that the decision depends on")
    return outcome
