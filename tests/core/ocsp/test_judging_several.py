"""Several answers about one certificate: the newest current one counts, and their order does not."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import permutations, product
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.model.attempt import Attempt, Problem
from service.core.model.ocsp import OcspFinding
from service.core.model.verdict import RevocationStatus
from service.core.ocsp.judging import DelegateCheck, DelegateStanding
from tests.core.ocsp.answers import DELEGATE, LEAF, STRANGER, SUB, certificate, finding, judge
from tests.pki import NOW, THIS_UPDATE, Answer, OcspOverrides, days, hours
from tests.pki.extensions import Reason
from tests.pki.ocsp import CertStatus, SingleOverrides

STATUSES: Final[tuple[CertStatus, ...]] = ("good", "unknown", "revoked")

REASONS: Final[tuple[Reason, ...]] = ("keyCompromise", "superseded")

# What the more cautious of two answers of the same age says.
OUTCOMES: Final[dict[CertStatus, RevocationStatus | None]] = {
    "good": RevocationStatus.GOOD,
    "unknown": None,
    "revoked": RevocationStatus.REVOKED,
}


def said(*findings: OcspFinding) -> RevocationStatus | None:
    """What several answers say together."""
    answer = judge(*findings).answer
    return None if answer is None else answer.status


def aged(status: CertStatus, minutes: int) -> OcspFinding:
    """An answer with this status and this age."""
    return finding(SUB.ocsp(LEAF, status=status, this_update=NOW - timedelta(minutes=minutes)))


@pytest.mark.parametrize(("newer", "older"), list(product(STATUSES, repeat=2)))
def test_the_newest_answer_wins(newer: CertStatus, older: CertStatus) -> None:
    """Also where it unsays a revocation, since holds are released; unknown alone unsays none."""
    both = (aged(newer, 1), aged(older, 2))
    expected = OUTCOMES[older if (newer, older) == ("unknown", "revoked") else newer]
    assert [expected] * 2 == [said(*both), said(*reversed(both))]


def test_unknown_does_not_bring_back_a_revocation_that_was_unsaid() -> None:
    """Released, and then forgotten by the responder: nobody says revoked, and nobody says good."""
    assert said(aged("unknown", 1), aged("good", 2), aged("revoked", 3)) is None


def ended(status: CertStatus, minutes: int) -> OcspFinding:
    """An answer of this age that can no longer be used."""
    moment = NOW - timedelta(minutes=minutes)
    return finding(
        SUB.ocsp(LEAF, status=status, this_update=moment, next_update=NOW - days(1)), "http://ended.example/"
    )


@pytest.mark.parametrize(
    ("revoked", "good", "expected"),
    [
        (1, 2, None),  # replayed
        (1, 1, None),  # which of the two is the later one, nothing says
        (2, 1, RevocationStatus.GOOD),  # released since
    ],
)
def test_an_old_good_answer_does_not_come_back_after_a_revocation_that_has_ended(
    revoked: int, good: int, expected: RevocationStatus | None
) -> None:
    """Nobody makes a host forget a revocation by replaying what the responder said before."""
    both = (ended("revoked", revoked), aged("good", good))
    assert [expected] * 2 == [said(*both), said(*reversed(both))]


def test_an_answer_that_is_rolled_back_is_named() -> None:
    """Beside the one that has ended."""
    judgement = judge(ended("revoked", 1), aged("good", 2))
    problems = [attempt.problem for attempt in judgement.attempts]
    assert [Problem.STALE, Problem.ROLLED_BACK] == problems


def test_a_revocation_by_a_signer_who_may_not_supersedes_nothing() -> None:
    """However new it is: it is not known to be the responder's."""
    moment, past = NOW - timedelta(minutes=1), NOW - days(1)
    foreign = SUB.ocsp(LEAF, status="revoked", this_update=moment, next_update=past, signing_key=STRANGER.key)
    assert RevocationStatus.GOOD is said(finding(foreign), aged("good", 2))


@pytest.mark.parametrize(("one", "other"), list(product(STATUSES, repeat=2)))
def test_of_two_as_new_the_more_cautious_wins(one: CertStatus, other: CertStatus) -> None:
    """Revoked before unknown before good, in whichever order they come."""
    expected = OUTCOMES[max(one, other, key=STATUSES.index)]
    assert expected is said(aged(one, 1), aged(other, 1))


@pytest.mark.parametrize("order", list(permutations(STATUSES)))
def test_within_one_response_the_more_cautious_wins(order: Sequence[CertStatus]) -> None:
    """Good and revoked in one response is revoked."""
    answer = SUB.ocsp(*(Answer(LEAF, status=status) for status in order))
    assert RevocationStatus.REVOKED is said(finding(answer))


@pytest.mark.parametrize(("newer", "older"), list(product(STATUSES, repeat=2)))
def test_within_one_response_the_more_cautious_wins_whichever_is_newer(newer: CertStatus, older: CertStatus) -> None:
    """Who says both in one breath contradicts himself; a hold is released by a response that says nothing but that."""
    answers = [Answer(LEAF, status=newer, this_update=NOW), Answer(LEAF, status=older)]
    expected = OUTCOMES[max(newer, older, key=STATUSES.index)]
    assert [expected] * 2 == [said(finding(SUB.ocsp(*order))) for order in (answers, answers[::-1])]


def test_within_one_response_hashes_do_not_tell_certificates_apart() -> None:
    """The same certificate under another hash is the same certificate."""
    answer = SUB.ocsp(Answer(LEAF, cert_id_hash="sha256", status="revoked"), LEAF)
    assert RevocationStatus.REVOKED is said(finding(answer))


@pytest.mark.parametrize("against", ["revoked", "unknown"])
@pytest.mark.parametrize(
    ("overrides", "problem"),
    [({"next_update": NOW - days(1)}, Problem.STALE), ({"this_update": NOW + days(1)}, Problem.NOT_YET_VALID)],
    ids=["ended", "in the future"],
)
def test_good_is_not_what_is_left_of_a_contradiction(
    overrides: SingleOverrides, problem: Problem, against: CertStatus
) -> None:
    """Where the response says otherwise besides, at whatever time, its good does not count."""
    answer = SUB.ocsp(Answer(LEAF, this_update=NOW), Answer(LEAF, **(overrides | {"status": against})))
    judgement = judge(finding(answer))
    assert (None, [problem]) == (judgement.answer, [attempt.problem for attempt in judgement.attempts])


def test_a_revocation_that_contradicts_itself_still_hides_an_older_good() -> None:
    """It ends before it begins, and was a revocation all the same."""
    odd = finding(SUB.ocsp(LEAF, status="revoked", this_update=NOW, next_update=NOW - timedelta(seconds=1)))
    assert said(odd, aged("good", 1)) is None
    assert RevocationStatus.GOOD is said(odd, aged("good", 0), aged("good", -1))


def test_of_two_that_say_the_same_the_one_that_ends_first_counts() -> None:
    """Nobody relies longer on an answer than its twin would allow."""
    short, long = (finding(SUB.ocsp(LEAF, next_update=NOW + hours(count))) for count in (1, 2))
    ends = [judge(*order).answer for order in ((short, long), (long, short))]
    assert [NOW + hours(1)] * 2 == [end.next_update for end in ends if end is not None]


def test_two_that_differ_in_nothing_but_the_reason_are_told_apart_by_their_octets() -> None:
    """Somebody must be reported, and the order in which they came does not say who."""
    both = [finding(SUB.ocsp(LEAF, status="revoked", reason=reason)) for reason in REASONS]
    one, other = judge(*both).answer, judge(*reversed(both)).answer
    assert one is not None
    assert one == other


UNUSABLE: Final[dict[Problem, OcspOverrides]] = {
    Problem.STALE: {"next_update": NOW - days(1)},
    Problem.NOT_YET_VALID: {"this_update": NOW + days(1), "next_update": NOW + days(2)},
    Problem.BAD_SIGNATURE: {"corrupt_signature": True},
}


@pytest.mark.parametrize(
    ("problem", "status"),
    [pair for pair in product(UNUSABLE, STATUSES) if pair != (Problem.STALE, "revoked")],  # that one: see above
)
def test_an_unusable_answer_changes_nothing(problem: Problem, status: CertStatus) -> None:
    """However new, it is named beside the one that counts."""
    newest: OcspOverrides = {"status": status, "this_update": NOW - timedelta(minutes=1)}
    broken = finding(SUB.ocsp(LEAF, **(newest | UNUSABLE[problem])), "http://broken.example/")
    judgement = judge(broken, finding(SUB.ocsp(LEAF)))
    assert judgement.answer is not None
    assert RevocationStatus.GOOD is judgement.answer.status
    assert (Attempt("http://broken.example/", problem),) == judgement.attempts


def test_a_revoked_delegate_does_not_spoil_the_issuers_own_answer() -> None:
    """Each answer stands on its own signer."""
    delegated = finding(SUB.ocsp(LEAF, status="revoked", responder=DELEGATE, this_update=NOW), "http://d.example/")
    checks = {certificate(DELEGATE): DelegateCheck(DelegateStanding.REVOKED)}
    judgement = judge(delegated, finding(SUB.ocsp(LEAF)), delegates=checks)
    assert judgement.answer is not None
    assert RevocationStatus.GOOD is judgement.answer.status
    assert (Attempt("http://d.example/", Problem.SIGNER_REVOKED),) == judgement.attempts


POOL: Final = [
    finding(SUB.ocsp(LEAF, status=status, this_update=THIS_UPDATE + timedelta(minutes=minute), next_update=next_update))
    for status, minute in product(STATUSES, range(3))
    for next_update in (NOW + hours(24), NOW + hours(1), NOW - days(1))
] + [
    finding(SUB.ocsp(LEAF, responder=STRANGER.ocsp_responder("OCSP"))),
    finding(SUB.ocsp(Answer(LEAF, status="revoked"), LEAF)),
]
"""Answers of three ages, each saying everything, some unusable."""


@given(
    st.lists(st.sampled_from(POOL), max_size=6, unique_by=id).flatmap(
        lambda some: st.tuples(st.just(some), st.permutations(some))
    )
)
def test_the_order_of_answers_does_not_matter(case: tuple[list[OcspFinding], list[OcspFinding]]) -> None:
    """Whoever answers first, the judgement is the same, and so are the reasons beside it."""
    one, other = (judge(*findings) for findings in case)
    assert one.answer == other.answer
    assert sorted(map(repr, one.attempts)) == sorted(map(repr, other.attempts))


@given(st.lists(st.sampled_from(POOL), max_size=6))
def test_a_repeated_answer_says_nothing_new(some: list[OcspFinding]) -> None:
    """Held twice is held once."""
    assert judge(*some).answer == judge(*some, *some).answer
