"""Making the records of decisions, where somebody keeps them."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from service.application.decision_records import DecisionKeeper, DecisionRecord
from service.application.replay.case import ReplayCase
from service.application.replay.document import write_case
from service.application.wording import describe
from service.core.model.failure import Code
from service.core.model.verdict import Decision, Verdict


class NothingKept:
    """Keeps no record of anything."""

    def wants(self, decision: Decision, enforced: Code | None) -> bool:  # noqa: ARG002 - the port's
        """It wants none."""
        return False

    def has_room(self, repeats: str) -> bool:  # noqa: ARG002 - the port's
        """It has none."""
        return False

    def keep(self, record: DecisionRecord) -> None:
        """Forget it."""


NOTHING_KEPT: Final[DecisionKeeper] = NothingKept()
"""For whoever answers and keeps nothing."""


@dataclass(frozen=True, slots=True)
class Answered:
    """One decision, as far as it is not in its case.

    Attributes:
        decision_id: Names it.
        at: When it was decided.
        verdict: What was answered.
        decided: What was decided: in shadow perhaps another.
        trust_store: Which was named.
        front: Where the request came in.
        duration_s: Seconds from request to verdict.
    """

    decision_id: str
    at: datetime
    verdict: Verdict
    decided: Verdict
    trust_store: str
    front: str
    duration_s: float


def kept_record(keeper: DecisionKeeper, answered: Answered, case: ReplayCase) -> DecisionRecord | None:
    """Have a decision kept, with its case, if decisions of its kind are.

    Returns:
        The record without its case, for when the answer is given again; None where none is kept.
    """
    verdict, decided = answered.verdict, answered.decided
    enforced = None if verdict is decided else decided.code
    if not keeper.wants(verdict.decision, enforced):
        return None
    certificate = verdict.certificate
    record = DecisionRecord(
        decision_id=answered.decision_id,
        at=answered.at,
        decision=verdict.decision,
        status=verdict.status,
        code=verdict.code,
        detail=describe(decided),
        trust_store=answered.trust_store,
        front=answered.front,
        serial_number=None if certificate is None else f"{certificate.serial_number:x}",
        subject=None if certificate is None else certificate.subject.text,
        issuer=None if certificate is None else certificate.issuer.text,
        fingerprint_sha256=None if certificate is None else certificate.fingerprint.hex(),
        duration_s=answered.duration_s,
        enforced=enforced,
    )
    keeper.keep(replace(record, case=write_case(case)))
    return record


def keep_repeated(keeper: DecisionKeeper, record: DecisionRecord, decision_id: str, at: datetime) -> None:
    """Have it kept that a decision was given once more.

    Args:
        keeper: Who keeps it, where there is room.
        record: Of the decision when it was made.
        decision_id: Names it this time.
        at: When.
    """
    first = record.decision_id
    if keeper.has_room(first):
        keeper.keep(replace(record, decision_id=decision_id, at=at, duration_s=None, repeats=first))
