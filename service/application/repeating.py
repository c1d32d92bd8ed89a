"""What is told of an answer when it is given once more."""

from dataclasses import dataclass, field

from service.application.decision_records import DecisionRecord
from service.application.shadow import WouldDeny
from service.core.model.failure import Code
from service.core.model.verdict import Decision, Status


@dataclass(frozen=True, slots=True)
class Repeatable:
    """An answer, as far as whoever counts, logs and keeps decisions hears of it again.

    Attributes:
        decision: What is answered.
        status: Of the certificate.
        code: Why.
        trust_store: Which was named.
        front: Where the request came in.
        denial: In shadow, what it would have been.
        record: What is kept of it, without its case; None where decisions of its kind are not kept.
    """

    decision: Decision
    status: Status
    code: Code
    trust_store: str
    front: str
    denial: WouldDeny | None = field(default=None, repr=False)
    record: DecisionRecord | None = field(default=None, repr=False)

    @property
    def octets(self) -> int:
        """What of it strangers choose the length of: names in a certificate may have 16 KiB."""
        texts = [] if self.denial is None else [self.denial.subject]
        if self.record is not None:
            texts += [self.record.detail, self.record.subject or "", self.record.issuer or ""]
        return sum(len(text.encode(errors="replace")) for text in texts)
