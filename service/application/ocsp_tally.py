"""What came of asking several responders about one certificate, in whatever order they answer.

Rules it keeps: the first answer that serves is the one; until there is one, the first of those that the core may look
at. What revokes is never left out, whoever was quicker. Each responder that gave nothing is named once.
"""

from dataclasses import dataclass, field
from typing import Final

from service.core.model.attempt import Attempt, Problem
from service.core.model.certificate import Certificate
from service.core.model.ocsp import CertStatus, OcspFinding
from service.core.ocsp.cert_id import is_about

FALLBACKS: Final = frozenset({
    Problem.WEAK_ALGORITHM,
    Problem.STATUS_UNKNOWN,
    Problem.STALE,
    Problem.NOT_YET_VALID,
    Problem.INCONSISTENT,
    Problem.NONCE_MISMATCH,
    Problem.NONCE_MISSING,
})  # fmt: skip
"""What is wrong with an answer by somebody who may give it: the next responder is asked, and where none does better
this answer is what there is. A request may accept what the operator does not: the core refuses it, or not."""

ASKED_ELSEWHERE: Final = "another replica was asking"
"""Where the time was over before that one had an answer."""


@dataclass(frozen=True, slots=True)
class OcspOutcome:
    """What came of asking about one certificate.

    Attributes:
        finding: The answer that ended the asking, or the best there was.
        besides: What other responders gave that revokes. Where its time is over, it still says that an older `good` is
            one from before. Empty where there is no finding.
    """

    finding: OcspFinding | None
    attempts: tuple[Attempt, ...]
    besides: tuple[OcspFinding, ...] = ()

    @property
    def findings(self) -> tuple[OcspFinding, ...]:
        """All of them."""
        return () if self.finding is None else (self.finding, *self.besides)


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of one responder.

    Attributes:
        finding: Its answer; None where that serves nobody.
        attempt: Why the operator's policy refuses it; None where it does not.
    """

    finding: OcspFinding | None = None
    attempt: Attempt | None = None


@dataclass(slots=True)
class Tally:
    """What the responders have said so far.

    Attributes:
        under_way: Who was asked, and of whom nothing was added yet.
        keeping: Who of them has said something that is being kept: it is not to be lost any more.
        awaited: The responder that another replica may be asking, while it is waited for what that one writes.
        answer: The first answer that serves; None until then.
    """

    certificate: Certificate
    issuer: Certificate
    under_way: dict[str, None] = field(default_factory=dict)
    keeping: set[str] = field(default_factory=set)
    awaited: str | None = None
    answer: OcspFinding | None = None
    _fallback: Tried = field(default_factory=Tried)
    _attempts: list[Attempt] = field(default_factory=list)
    _revoking: list[OcspFinding] = field(default_factory=list)

    def add(self, tried: Tried) -> None:
        """Take what one of them has said, or why it is not asked."""
        if tried.attempt is None and self.answer is None:
            self.answer = tried.finding
            return
        if tried.attempt is not None:
            self._attempts.append(tried.attempt)
            self._fallback = self._fallback if self._fallback.finding else tried
        if tried.finding is not None:
            self.beside(tried.finding)

    def beside(self, finding: OcspFinding) -> None:
        """Take an answer that ends nothing: where it revokes, it is not left out."""
        if self._revokes(finding):
            self._revoking.append(finding)

    def outcome(self) -> OcspOutcome:
        """What that comes to; those that have said nothing yet have run out of time, unless there is an answer."""
        if self.answer is not None:
            return OcspOutcome(self.answer, tuple(self._attempts), tuple(self._revoking))
        best = self._fallback
        others = [one for one in self._attempts if best.finding is None or one is not best.attempt]
        silent = (Attempt(url, Problem.TIMED_OUT) for url in self.under_way)
        others.extend([] if self.awaited is None else [Attempt(self.awaited, Problem.TIMED_OUT, ASKED_ELSEWHERE)])
        besides = (finding for finding in self._revoking if finding is not best.finding)
        return OcspOutcome(best.finding, (*others, *silent), tuple(besides))

    def _revokes(self, finding: OcspFinding) -> bool:
        """Whether an answer says that the certificate is revoked, in its time or not."""
        singles = (one for one in finding.response.responses if one.status is CertStatus.REVOKED)
        return any(is_about(one.cert_id, self.certificate, self.issuer) for one in singles)
