"""Whether a replay comes to what was answered."""

from dataclasses import dataclass

from service.application.replay.case import ReplayCase, replay
from service.application.shadow import shadowed
from service.application.wording import describe
from service.core.model.failure import Code
from service.core.model.verdict import Decision, Status, Verdict


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a decision came to, as its record has it.

    Attributes:
        detail: What was decided, in a sentence; in shadow the denial that was put aside.
        enforced: In shadow, the code of that denial; None otherwise.
    """

    decision: Decision
    status: Status
    code: Code
    detail: str
    enforced: Code | None = None


@dataclass(frozen=True, slots=True)
class Replayed:
    """A decision made once more.

    Attributes:
        verdict: What it comes to.
        decided: In shadow, what is put aside for that; otherwise the same.
    """

    verdict: Verdict
    decided: Verdict

    @property
    def outcome(self) -> Outcome:
        """The same as a record has it."""
        verdict, decided = self.verdict, self.decided
        enforced = None if verdict is decided else decided.code
        return Outcome(verdict.decision, verdict.status, verdict.code, describe(decided), enforced)


def replay_answer(case: ReplayCase, *, in_shadow: bool) -> Replayed:
    """Decide a case once more, and answer as it was answered.

    Args:
        case: What was decided.
        in_shadow: Whether a denial was put aside.

    Raises:
        CaseError: the case is not enough to decide.
    """
    decided = replay(case)
    return Replayed(shadowed(decided) if in_shadow else decided, decided)
