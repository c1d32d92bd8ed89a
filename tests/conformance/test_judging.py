"""The runner notices: what is not right is counted in its column, printed, and ends with status 1."""

from collections.abc import Iterator
from dataclasses import replace
from io import StringIO
from typing import Final, cast

import pytest

from service.core.model.failure import Code
from service.core.model.verdict import RevocationStatus
from tests.conformance.__main__ import main
from tests.conformance.answer import Answer, Element, NoAnswer, Result, compare
from tests.conformance.case import GOOD, NOTHING, REVOKED, UNAVAILABLE, Case, Corpus, Evidence, Expected, refused
from tests.conformance.corpora.making import (
    ABOUT_SUB,
    LEAF,
    ROOT,
    SOUND,
    SUB,
    SUB_REVOKED,
    UNREACHED,
    case,
    crls,
)
from tests.conformance.interface import Interface, request_of
from tests.conformance.prefetched import Prefetched
from tests.conformance.running import INTERFACE, PREFETCHED, Judges, Row
from tests.conformance.table import failures, prefetched
from tests.pki import Authority

GOOD_CASE: Final = case("good", "It is good.", (LEAF, SUB), ABOUT_SUB + crls(SUB.crl()), GOOD)
REVOKED_CASE: Final = case("revoked", "It is.", (LEAF, SUB), ABOUT_SUB + crls(SUB.crl(revoked=[LEAF.serial])), REVOKED)
ANSWER: Final = Answer("allow", "good", "ok", (Element("00", "good", "crl"),), frozenset({"1.2.3"}))
DENIED: Final = replace(ANSWER, decision="deny", status="revoked", code="revoked")
UNREACHED_PATH: Final = (Element("00", "not_checked", "none"), Element("01", "revoked", "crl"))


async def result(judged: Case, expected: Expected) -> Result:
    """What a case shows where this is said to be right."""
    changed = replace(judged, expected=expected)
    return (await Judges([changed]).judge(changed)).result


@pytest.mark.anyio
async def test_a_right_expectation_passes() -> None:
    """Allowed and denied."""
    assert Result.PASSED is await result(GOOD_CASE, SOUND)
    assert Result.PASSED is await result(REVOKED_CASE, REVOKED)


@pytest.mark.anyio
@pytest.mark.parametrize("expected", [REVOKED, UNAVAILABLE, refused(Code.EXPIRED)])
async def test_what_should_be_denied_and_is_allowed_is_a_false_accept(expected: Expected) -> None:
    """Whatever it should be denied for."""
    assert Result.FALSE_ACCEPT is await result(GOOD_CASE, expected)


@pytest.mark.anyio
async def test_what_should_be_allowed_and_is_denied_is_a_false_reject() -> None:
    """A certificate that is revoked, said to be good."""
    assert Result.FALSE_REJECT is await result(REVOKED_CASE, GOOD)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("judged", "expected"),
    [
        (REVOKED_CASE, UNAVAILABLE),
        (REVOKED_CASE, refused(Code.EXPIRED)),
        (GOOD_CASE, replace(GOOD, path=(RevocationStatus.GOOD, RevocationStatus.NOT_CHECKED))),
        (GOOD_CASE, replace(GOOD, path=(RevocationStatus.GOOD,))),
        (GOOD_CASE, replace(GOOD, authorized_policies=frozenset({"1.2.3"}))),
    ],
)
async def test_the_right_decision_for_another_reason_is_counted_apart(judged: Case, expected: Expected) -> None:
    """Another code, another path, other policies."""
    assert Result.OTHER is await result(judged, expected)


@pytest.mark.parametrize(
    ("expected", "answers", "shown"),
    [
        (GOOD, [ANSWER, ANSWER, ANSWER], Result.PASSED),
        (GOOD, [ANSWER, ANSWER, replace(ANSWER, path=())], Result.OTHER),
        (GOOD, [ANSWER, ANSWER, replace(ANSWER, authorized_policies=frozenset())], Result.OTHER),
        (GOOD, [ANSWER, replace(ANSWER, path=(Element("00", "good", "ocsp"),)), ANSWER], Result.OTHER),
        (GOOD, [ANSWER, ANSWER, NoAnswer("500")], Result.OTHER),
        (GOOD, [ANSWER, ANSWER, DENIED], Result.FALSE_REJECT),
        (REVOKED, [DENIED, ANSWER, DENIED], Result.FALSE_ACCEPT),
        (REVOKED, [DENIED, NoAnswer("500"), ANSWER], Result.FALSE_ACCEPT),
        (REVOKED, [NoAnswer("500"), NoAnswer("500"), NoAnswer("500")], Result.OTHER),
    ],
)
def test_of_several_answers_the_worst_counts(
    expected: Expected, answers: list[Answer | NoAnswer], shown: Result
) -> None:
    """A wrong decision before a disagreement, and a disagreement before nothing."""
    judged = replace(GOOD_CASE, expected=expected)
    assert shown is compare(judged, dict(zip("abc", answers, strict=True))).result


SUB_REVOKED_CASE: Final = case(
    "sub", "It is.", (LEAF, SUB), crls(ROOT.crl(revoked=[SUB.serial]), SUB.crl()), SUB_REVOKED, prefetched=UNREACHED
)
"""Revoked by what a host holds before it knows whose the CRL about the leaf is."""


@pytest.mark.anyio
async def test_another_path_is_right_only_where_the_case_says_so() -> None:
    """For the judge who has CRLs prefetched, and for no other."""
    judges = Judges([SUB_REVOKED_CASE])
    assert Result.PASSED is (await judges.judge(SUB_REVOKED_CASE)).result
    assert Result.OTHER is (await judges.judge(replace(SUB_REVOKED_CASE, prefetched=None))).result
    everywhere = replace(SUB_REVOKED_CASE, expected=UNREACHED.expected)
    assert Result.OTHER is (await judges.judge(everywhere)).result


@pytest.mark.parametrize(
    ("answer", "shown"),
    [
        (replace(DENIED, path=UNREACHED_PATH), Result.PASSED),
        (replace(DENIED, path=()), Result.OTHER),
        (NoAnswer("boom"), Result.OTHER),
        (ANSWER, Result.FALSE_ACCEPT),
    ],
)
def test_the_worst_counts_where_another_path_is_right(answer: Answer | NoAnswer, shown: Result) -> None:
    """A false accept is one, whoever makes it."""
    right = replace(DENIED, path=(Element("00", "good", "crl"), Element("01", "revoked", "crl")))
    assert shown is compare(SUB_REVOKED_CASE, {"core": right, PREFETCHED: answer}, PREFETCHED).result


def test_how_many_were_prefetched_is_told() -> None:
    """Those with CRLs; and why some of them have another path as right."""
    without = replace(GOOD_CASE, name="without", evidence=NOTHING)
    told = prefetched(corpora(GOOD_CASE, without, SUB_REVOKED_CASE)).splitlines()
    assert ["CRLs prefetched, asked offline: 2 of 3 cases, 1 with another path as right."] == told[:1]
    assert [f"  1: {UNREACHED.because}"] == told[1:]


@pytest.mark.anyio
async def test_the_prefetching_judge_asks_without_crls() -> None:
    """What is not brought in is not there: the files are all there is, and without them nothing is known."""
    asked = Prefetched([GOOD_CASE])
    given = await asked.ask(GOOD_CASE)
    without = await asked.ask(replace(GOOD_CASE, evidence=NOTHING))
    assert [("allow", "ok"), ("deny", "revocation_unavailable")] == [
        (one.decision, one.code) for one in (given, without) if isinstance(one, Answer)
    ]


@pytest.mark.anyio
async def test_a_host_that_cannot_be_made_is_no_answer() -> None:
    """Here because a CRL is no octets at all."""
    broken = replace(GOOD_CASE, evidence=Evidence(crls=(cast("bytes", None),)))
    assert isinstance(await Prefetched([broken]).ask(broken), NoAnswer)


@pytest.mark.anyio
async def test_another_status_than_200_is_no_answer() -> None:
    """A trust store that the application does not know, and a fault of ours."""
    unknown = await Interface([]).ask(GOOD_CASE)
    assert isinstance(unknown, NoAnswer)
    assert unknown.problem.startswith("404 ")
    asked = Judges([GOOD_CASE])
    outcome = await asked.judge(replace(GOOD_CASE, trusted=(Authority.root("Nobody").der,)))
    assert (Result.FALSE_REJECT, True) == (outcome.result, isinstance(outcome.answers[INTERFACE], NoAnswer))


def test_the_order_is_another_one() -> None:
    """Of everything that has an order, the same on every run, with nothing lost."""
    numbers = tuple(bytes([number]) for number in range(5))
    listed = replace(GOOD_CASE, intermediates=numbers[:2], evidence=Evidence(numbers, numbers[:1]))
    shuffled = listed.shuffled()
    assert (numbers[1], numbers[0]) == shuffled.intermediates
    assert numbers != shuffled.evidence.crls
    assert numbers == tuple(sorted(shuffled.evidence.crls))
    assert numbers[:1] == shuffled.evidence.ocsp
    assert shuffled == listed.shuffled()


def test_a_request_says_everything_that_a_case_does() -> None:
    """No option is left to the operator's settings, so that two cases never differ by them unseen."""
    request = request_of(GOOD_CASE)
    assert ["require", "crl-first", False] == [
        request["options"][name] for name in ("revocation_mode", "evidence_order", "online")
    ]
    assert (1, 2) == (len(request["intermediates"]), len(request["options"]["evidence"]["crls"]))


def corpora(*cases: Case) -> Iterator[Corpus]:
    """One corpus."""
    yield Corpus("sample", "nothing", cases)


def test_the_table() -> None:
    """A row for the corpus, one for all, then what failed, with what is right and what was answered."""
    wrong = replace(REVOKED_CASE, expected=GOOD)
    out = StringIO()
    assert 1 == main(corpora(GOOD_CASE, wrong, replace(GOOD_CASE, name="other", expected=REVOKED)), out)
    assert [
        "| corpus | cases | passed | false accepts | false rejects | other |",
        "| ------ | ----- | ------ | ------------- | ------------- | ----- |",
        "| sample |     3 |      1 |             1 |             1 |     0 |",
        "| all    |     3 |      1 |             1 |             1 |     0 |",
        "",
        "CRLs prefetched, asked offline: 3 of 3 cases, 0 with another path as right.",
        "sample/revoked: false rejects",
        "  It is.",
        "  right                           allow good ok",
        "  everybody                       deny revoked revoked (revoked, good)",
        "sample/other: false accepts",
        "  It is good.",
        "  right                           deny revoked revoked",
        "  everybody                       allow good ok (good, good)",
    ] == out.getvalue().splitlines()


def test_status_0_where_everything_passes() -> None:
    """And nothing but the table, and how many cases were asked where CRLs were prefetched."""
    out = StringIO()
    assert (0, 6) == (main(corpora(GOOD_CASE, REVOKED_CASE), out), len(out.getvalue().splitlines()))


def test_judges_who_differ_are_printed_one_by_one() -> None:
    """Each with what it said."""
    outcome = compare(GOOD_CASE, {"core": ANSWER, "interface": NoAnswer("500 boom")})
    printed = list(failures([Row(next(corpora()), (outcome,))]))
    assert printed[-2:] == [
        "  core                            allow good ok (good; policies 1.2.3)",
        "  interface                       500 boom",
    ]
