"""Whom to ask first, whom not to ask now, and what a failed fetch says of a host."""

from typing import Final

import pytest

from service.application.breaker import FAILURES, OPEN_S, Breakers, BreakerState
from service.application.ocsp_failures import REMEMBERED_S
from service.application.ocsp_responders import (
    MOST_RESPONDERS,
    OcspResponders,
    Reached,
    ResponderReport,
    reached,
)
from service.application.origin import OriginError
from service.core.model.attempt import Attempt, Problem
from tests.application.manual_clock import ManualClock
from tests.pki import NOW, hours

A: Final = "http://a.example/"
B: Final = "http://b.example/"
C: Final = "http://c.example/"
D: Final = "http://d.example/"
QUESTION: Final = b"question"
DEAD: Final = Problem.UNREACHABLE


def responders(clock: ManualClock | None = None) -> OcspResponders:
    """Nobody was asked."""
    clock = clock or ManualClock()
    return OcspResponders(Breakers(clock), clock)


def fail(asked: OcspResponders, url: str, times: int = 1) -> None:
    """Have a host fail."""
    for _ in range(times):
        asked.refused(QUESTION, Attempt(url, DEAD), Reached.DOWN)


def test_the_certificates_order() -> None:
    """Where nothing is known."""
    assert (B, A, C) == responders().ordered((B, A, C))


def test_the_best_first() -> None:
    """Who answered, who was never asked, who was too slow, who failed, who fails all the time."""
    asked = responders()
    fail(asked, A, FAILURES)
    fail(asked, B)
    asked.overtaken(C)
    asked.answered("http://e.example/", QUESTION, 0.1)
    expected = ("http://e.example/", D, C, B, A)
    assert expected == asked.ordered((A, B, C, D, "http://e.example/"))


def test_the_fastest_first() -> None:
    """Of those that answered, whichever the certificate names first."""
    asked = responders()
    asked.answered(A, QUESTION, 0.3)
    asked.answered(B, QUESTION, 0.1)
    assert (B, A) == asked.ordered((A, B))


def test_one_slow_answer_changes_nothing() -> None:
    """Several do."""
    asked = responders()
    asked.answered(A, QUESTION, 0.2)
    asked.answered(B, QUESTION, 0.1)
    asked.answered(B, QUESTION, 0.3)
    assert (B, A) == asked.ordered((A, B))
    for _ in range(3):
        asked.answered(B, QUESTION, 0.3)
    assert (A, B) == asked.ordered((A, B))


def test_who_answers_again_is_well() -> None:
    """Whatever was before."""
    asked = responders()
    fail(asked, A, FAILURES)
    asked.answered(A, QUESTION, 0.1)
    assert ((A, B), None) == (asked.ordered((B, A)), asked.refusal(A, QUESTION))


def test_a_refusal_makes_nobody_ill() -> None:
    """A responder that does not know one certificate is as good as before for the next one."""
    asked = responders()
    asked.answered(A, QUESTION, 0.1)
    asked.refused(QUESTION, Attempt(A, Problem.RESPONDER_ERROR, "unauthorized"), Reached.ANSWERED)
    assert ((A, B), None) == (asked.ordered((B, A)), asked.refusal(A, b"another"))


def test_one_that_is_down_on_a_host_that_is_well() -> None:
    """The other responder of the host has closed its breaker; this one is still the last to ask."""
    asked = responders()
    fail(asked, f"{A}1")
    asked.answered(f"{A}2", QUESTION, 0.1)
    assert (f"{A}2", B, f"{A}1") == asked.ordered((f"{A}1", f"{A}2", B))


def test_an_answer_ends_what_was_refused() -> None:
    """The next refusal is the first one, and remembered for as long."""
    clock = ManualClock()
    asked = responders(clock)
    refusal = Attempt(A, Problem.RESPONDER_ERROR, "try_later")
    for _ in range(3):
        asked.refused(QUESTION, refusal, Reached.ANSWERED)
    asked.answered(A, QUESTION, 0.1)
    assert None is asked.refusal(A, QUESTION)
    asked.refused(QUESTION, refusal, Reached.ANSWERED)
    clock.advance(REMEMBERED_S)
    assert None is asked.refusal(A, QUESTION)


@pytest.mark.parametrize(("failures", "expected"), [(FAILURES - 1, None), (FAILURES, Problem.NOT_TRIED)])
def test_a_host_that_is_down_is_left_alone(failures: int, expected: Problem | None) -> None:
    """For any question, at any of its URLs, once it has failed so often in a row."""
    asked = responders()
    fail(asked, A, failures)
    refusal = asked.refusal(f"{A}other", b"another")
    assert expected == (None if refusal is None else refusal.problem)
    assert None is asked.refusal(B, QUESTION)


def test_it_is_asked_again() -> None:
    """When the time is over, once."""
    clock = ManualClock()
    asked = responders(clock)
    fail(asked, A, FAILURES)
    clock.advance(OPEN_S)
    assert None is asked.refusal(A, QUESTION)
    assert None is not asked.refusal(A, QUESTION)


def test_who_says_anything_is_not_down() -> None:
    """A host that answers with garbage has a breaker that is closed."""
    asked = responders()
    fail(asked, A, FAILURES)
    asked.refused(QUESTION, Attempt(A, Problem.MALFORMED), Reached.ANSWERED)
    assert None is asked.refusal(A, b"another")


def test_who_was_not_asked_is_neither() -> None:
    """What the guard refuses says nothing of a host."""
    asked = responders()
    fail(asked, A, FAILURES)
    for _ in range(FAILURES):
        asked.refused(QUESTION, Attempt(B, Problem.EGRESS_REFUSED), Reached.NOT_ASKED)
    asked.refused(b"another", Attempt(A, Problem.EGRESS_REFUSED), Reached.NOT_ASKED)
    assert (None, Problem.NOT_TRIED) == (asked.refusal(B, b"third"), getattr(asked.refusal(A, b"third"), "problem", 0))


def test_no_more_than_so_many() -> None:
    """Whose health was noted longest ago is forgotten."""
    asked = responders()
    asked.answered(A, QUESTION, 0.1)
    asked.answered(B, QUESTION, 0.1)
    asked.answered(A, QUESTION, 0.1)
    for number in range(MOST_RESPONDERS - 1):
        asked.answered(f"http://{number}.example/", QUESTION, 0.1)
    assert (A, C, B) == asked.ordered((C, B, A))


def test_the_report() -> None:
    """Hosts by name, each once, with when one of its responders last answered and how it stands."""
    clock = ManualClock()
    asked = responders(clock)
    asked.answered(f"{B}1", QUESTION, 0.1)
    clock.advance(3600)
    asked.answered(f"{B}2", QUESTION, 0.1)
    asked.overtaken(f"{B}3")
    fail(asked, A, FAILURES)
    asked.overtaken(C)
    assert (
        ResponderReport("http://a.example:80", BreakerState.OPEN, FAILURES, None),
        ResponderReport("http://b.example:80", BreakerState.CLOSED, 0, NOW + hours(1)),
        ResponderReport("http://c.example:80", BreakerState.CLOSED, 0, None),
    ) == asked.report()


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (OriginError(Problem.UNREACHABLE, ""), Reached.DOWN),
        (OriginError(Problem.TIMED_OUT, ""), Reached.DOWN),
        (OriginError(Problem.HTTP_STATUS, ""), Reached.DOWN),
        (OriginError(Problem.HTTP_STATUS, "", 500), Reached.DOWN),
        (OriginError(Problem.HTTP_STATUS, "", 503), Reached.DOWN),
        (OriginError(Problem.HTTP_STATUS, "", 429), Reached.DOWN),
        (OriginError(Problem.HTTP_STATUS, "", 499), Reached.ANSWERED),
        (OriginError(Problem.HTTP_STATUS, "", 404), Reached.ANSWERED),
        (OriginError(Problem.TOO_LARGE, ""), Reached.ANSWERED),
        (OriginError(Problem.MALFORMED, ""), Reached.ANSWERED),
        (OriginError(Problem.EGRESS_REFUSED, ""), Reached.NOT_ASKED),
        (OriginError(Problem.UNSUPPORTED_SCHEME, ""), Reached.NOT_ASKED),
        (OriginError(Problem.INTERNAL, ""), Reached.NOT_ASKED),
    ],
)
def test_what_a_failure_says_of_a_host(error: OriginError, expected: Reached) -> None:
    """A server that fails is down, one that refuses is there, and what we did not send says nothing."""
    assert expected is reached(error)


@pytest.mark.parametrize("times", [0, 1, FAILURES])
def test_to_ask_whether_it_is_left_alone_lets_nobody_through(times: int) -> None:
    """A host is left alone while its breaker is open; when its time is over, one request is let through, and counts."""
    clock = ManualClock()
    asked = responders(clock)
    fail(asked, A, times)
    fail(asked, B)
    for _ in range(2):
        assert (times == FAILURES) is asked.leaves_alone(A, QUESTION)
        assert not asked.leaves_alone(B, QUESTION)
    clock.advance(OPEN_S)
    for _ in range(2):
        assert not asked.leaves_alone(A, QUESTION)
    assert None is asked.refusal(A, QUESTION)


def test_a_question_that_was_refused_is_left_alone() -> None:
    """That one, at that responder, for as long as the refusal is remembered."""
    clock = ManualClock()
    asked = responders(clock)
    asked.refused(QUESTION, Attempt(A, Problem.RESPONDER_ERROR), Reached.ANSWERED)
    left_alone = [asked.leaves_alone(url, question) for url in (A, B) for question in (QUESTION, b"another")]
    assert [True, False, False, False] == left_alone
    clock.advance(REMEMBERED_S)
    assert not asked.leaves_alone(A, QUESTION)
