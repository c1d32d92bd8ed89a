"""What somebody answers to a case, in the words of the interface, and whether it is right."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from service.core.model.verdict import Decision
from tests.conformance.case import Case, Expected


@dataclass(frozen=True, slots=True)
class Element:
    """What is said of one certificate of the path."""

    fingerprint: str
    status: str
    method: str


@dataclass(frozen=True, slots=True)
class Answer:
    """A decision with what it rests on.

    Attributes:
        path: Leaf first.
        authorized_policies: The user-constrained policy set.
    """

    decision: str
    status: str
    code: str
    path: tuple[Element, ...]
    authorized_policies: frozenset[str]

    def __str__(self) -> str:
        """In one line."""
        path = ", ".join(element.status for element in self.path) or "no path"
        policies = f"; policies {', '.join(sorted(self.authorized_policies))}" if self.authorized_policies else ""
        return f"{self.decision} {self.status} {self.code} ({path}{policies})"


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """Something other than a decision: an exception, or another status than 200."""

    problem: str

    def __str__(self) -> str:
        """In one line."""
        return self.problem


class Result(StrEnum):
    """What a case shows, by the column that it is counted in."""

    PASSED = "passed"
    FALSE_ACCEPT = "false accepts"
    FALSE_REJECT = "false rejects"
    OTHER = "other"
    """The right decision for another reason, or several that differ, or no decision at all."""


_WORST_FIRST: Final = (Result.FALSE_ACCEPT, Result.FALSE_REJECT, Result.OTHER, Result.PASSED)


@dataclass(frozen=True, slots=True)
class Outcome:
    """One case with what it shows.

    Attributes:
        answers: By who has given them.
    """

    case: Case
    result: Result
    answers: Mapping[str, Answer | NoAnswer]


def compare(case: Case, answers: Mapping[str, Answer | NoAnswer], prefetched: str = "") -> Outcome:
    """Hold what was answered against what is right: the worst of it counts.

    Args:
        case: The case.
        answers: By who has given them.
        prefetched: Whose CRLs were brought in beforehand: where the case says so, his answer is another one.
    """
    if case.prefetched is None or prefetched not in answers:
        return Outcome(case, _result(case.expected, answers), answers)
    others = {who: answer for who, answer in answers.items() if who != prefetched}
    results = (
        _result(case.expected, others),
        _result(case.prefetched.expected, {prefetched: answers[prefetched]}),
    )
    return Outcome(case, next(worst for worst in _WORST_FIRST if worst in results), answers)


def _result(expected: Expected, answers: Mapping[str, Answer | NoAnswer]) -> Result:
    given = list(answers.values())
    decisions = {one.decision for one in given if isinstance(one, Answer)}
    if decisions - {expected.decision}:
        return Result.FALSE_REJECT if expected.decision is Decision.ALLOW else Result.FALSE_ACCEPT
    first = given[0]
    agree = all(one == first for one in given)
    return Result.PASSED if agree and isinstance(first, Answer) and _is_right(first, expected) else Result.OTHER


def _is_right(answer: Answer, expected: Expected) -> bool:
    if (answer.status, answer.code) != (expected.status, expected.code):
        return False
    if expected.path is not None and expected.path != tuple(element.status for element in answer.path):
        return False
    return expected.authorized_policies in (None, answer.authorized_policies)


def in_words(expected: Expected) -> str:
    """What is right, in one line."""
    said = f"{expected.decision} {expected.status} {expected.code}"
    if expected.path is not None:
        said += f" ({', '.join(expected.path)})"
    if expected.authorized_policies is not None:
        said += f"; policies {', '.join(sorted(expected.authorized_policies)) or 'none'}"
    return said
