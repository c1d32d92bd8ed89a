"""What one method says, and what was tried elsewhere beside it."""

from service.core.model.attempt import Attempt, Problem
from service.core.model.judgement import Judgement

OWN = Attempt("own", Problem.STALE)
BEFORE = Attempt("before", Problem.BAD_SIGNATURE)
AFTER = Attempt("after", Problem.OFFLINE)


def test_attempts_keep_their_order() -> None:
    """Those that came first stand first."""
    assert (BEFORE, OWN, AFTER) == Judgement(None, (OWN,)).among((BEFORE,), (AFTER,)).attempts


def test_nothing_beside() -> None:
    """It is what it was."""
    judgement = Judgement(None, (OWN,))
    assert judgement is judgement.among((), ())
