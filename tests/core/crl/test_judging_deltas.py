"""Delta CRLs (RFC 5280 §5.2.4): one with its complete CRL, and never passed over where one revokes."""

import pytest

from service.core.model.attempt import Problem
from service.core.model.crl import CrlFinding
from service.core.model.policy import Policy
from service.core.model.verdict import RevocationStatus
from tests.core.crl.findings import LEAF, SUB, URL, finding, judged, look_up
from tests.pki import NOW, THIS_UPDATE, Entry, Extension, IssuingDistributionPoint, der, hours
from tests.pki.extensions import Reason

BASE = finding(number=1)
LISTED = [LEAF.serial]
PARTITION = IssuingDistributionPoint([URL])
SKEW = Policy().clock_skew


def status(*findings: CrlFinding) -> RevocationStatus | None:
    """What they say, in any order."""
    forwards, backwards = judged(*findings), judged(*findings[::-1])
    assert forwards == backwards
    return None if forwards.answer is None else forwards.answer.status


@pytest.mark.parametrize("with_base", [True, False])
def test_a_delta_that_lists_it_revokes(with_base: bool) -> None:
    """RFC 5280 §6.3.3 (i): the delta is asked before the complete CRL."""
    delta = finding(number=2, delta_base=1, revoked=LISTED)
    assert RevocationStatus.REVOKED is (status(BASE, delta) if with_base else status(delta))


def test_a_delta_alone() -> None:
    """RFC 5280 §5.2.4: it lists what changed; without a complete CRL nothing is known of the rest."""
    alone = judged(finding(number=2, delta_base=1))
    assert (None, [Problem.NO_BASE]) == (alone.answer, [one.problem for one in alone.attempts])


def test_a_delta_that_was_overtaken_lacks_nothing() -> None:
    """A later complete CRL says all that it said: it is no delta without a base."""
    overtaken = finding(number=2, delta_base=1, this_update=THIS_UPDATE - hours(1))
    found = judged(finding(number=5), overtaken)
    assert (True, ()) == (found.answer is not None, found.attempts)


def test_a_delta_that_does_not_list_it() -> None:
    """RFC 5280 §6.3.3 (j): the complete CRL decides, both ways."""
    delta = finding(number=2, delta_base=1)
    assert RevocationStatus.GOOD is status(BASE, delta)
    assert RevocationStatus.REVOKED is status(finding(number=1, revoked=LISTED), delta)


def test_the_answer_ends_with_either() -> None:
    """Base and delta are one: the first that ends, ends both."""
    for base, delta in ((2, 9), (9, 2)):
        answer = judged(
            finding(number=1, next_update=NOW + hours(base)),
            finding(number=2, delta_base=1, next_update=NOW + hours(delta)),
        ).answer
        assert answer is not None
        assert (RevocationStatus.GOOD, NOW + hours(2) + SKEW) == (answer.status, answer.usable_until)


@pytest.mark.parametrize("reason", ["certificateHold", "keyCompromise", None])
def test_what_a_delta_removes(reason: Reason | None) -> None:
    """RFC 5280 §6.3.3 (k): removeFromCRL makes it as if the base did not list it; in a complete CRL it revokes."""
    removed = [Entry(LEAF.serial, reason="removeFromCRL")]
    listing = finding(number=1, revoked={LEAF.serial: reason})
    assert RevocationStatus.GOOD is status(listing, finding(number=2, delta_base=1, revoked=removed))
    assert RevocationStatus.REVOKED is status(finding(number=1, revoked=removed))
    assert None is status(finding(number=2, delta_base=1, revoked=removed))


@pytest.mark.parametrize(
    ("base", "delta_base", "number", "expected"),
    [
        (5, 5, 6, RevocationStatus.GOOD),
        (5, 4, 6, RevocationStatus.GOOD),  # §5.2.4 (c): newer than the delta's base is enough
        (5, 6, 7, RevocationStatus.REVOKED),
        (5, 5, 5, RevocationStatus.REVOKED),  # §5.2.4 (d)
        (5, 3, 4, RevocationStatus.REVOKED),
        (None, 5, 6, RevocationStatus.REVOKED),
        (5, 5, None, RevocationStatus.REVOKED),
    ],
)
def test_which_delta_fits(base: int | None, delta_base: int, number: int | None, expected: RevocationStatus) -> None:
    """Only one whose base is not newer than the complete CRL, and that is newer itself, removes anything."""
    removed = [Entry(LEAF.serial, reason="removeFromCRL")]
    found = finding(number=base, revoked=LISTED), finding(number=number, delta_base=delta_base, revoked=removed)
    assert expected is status(*found)


def test_a_delta_that_is_older_than_the_complete_crl_does_not_fit() -> None:
    """Whatever its number says."""
    removed = finding(
        number=2,
        delta_base=1,
        revoked=[Entry(LEAF.serial, reason="removeFromCRL")],
        this_update=THIS_UPDATE - hours(1),
    )
    assert RevocationStatus.REVOKED is status(finding(number=1, revoked=LISTED), removed)


def test_a_delta_of_another_scope_does_not_fit() -> None:
    """RFC 5280 §6.3.3 (c)(2): the issuing distribution points must match."""
    removed = finding(number=2, delta_base=1, revoked=[Entry(LEAF.serial, reason="removeFromCRL")], idp=PARTITION)
    assert RevocationStatus.REVOKED is status(finding(number=1, revoked=LISTED), removed)
    assert RevocationStatus.GOOD is status(finding(number=1, revoked=LISTED, idp=PARTITION), removed)


def test_a_newer_delta_replaces_an_older_one() -> None:
    """Of two deltas the newer one is combined: it says everything since the base."""
    older = finding(number=2, delta_base=1, revoked=[Entry(LEAF.serial, reason="certificateHold")])
    newer = finding(number=3, delta_base=1, this_update=THIS_UPDATE + hours(0.5))
    assert RevocationStatus.REVOKED is status(BASE, older)
    assert RevocationStatus.GOOD is status(BASE, older, newer)


def test_two_deltas_of_which_nothing_says_which_is_the_later_one() -> None:
    """Both fit: revoked wins, and a removal counts only where both remove."""
    removal = [Entry(LEAF.serial, reason="removeFromCRL")]
    silent, listing, removing = (
        finding(number=number, delta_base=1, revoked=revoked, this_update=THIS_UPDATE + hours(later))
        for number, revoked, later in ((2, [], 0.4), (3, LISTED, 0.2), (3, removal, 0.2))
    )
    assert RevocationStatus.REVOKED is status(BASE, silent, listing)
    listed = finding(number=1, revoked=LISTED)
    assert RevocationStatus.REVOKED is status(listed, silent, removing)
    same_age = [finding(number=2, delta_base=1, revoked=revoked) for revoked in (LISTED, removal)]
    assert RevocationStatus.REVOKED is status(BASE, *same_age)
    assert RevocationStatus.GOOD is status(listed, removing)


def test_what_a_delta_of_the_past_revoked_is_not_forgotten() -> None:
    """Its successor may be withheld: a complete CRL that is older says nothing, a newer one everything."""
    past = finding(
        number=2, delta_base=1, revoked=LISTED, this_update=THIS_UPDATE + hours(0.2), next_update=NOW - hours(0.1)
    )
    judgement = judged(BASE, past)
    assert (None, {Problem.STALE, Problem.ROLLED_BACK}) == (
        judgement.answer,
        {one.problem for one in judgement.attempts},
    )
    assert RevocationStatus.GOOD is status(finding(number=3, this_update=THIS_UPDATE + hours(0.5)), past)
    same_moment = finding(number=3, this_update=THIS_UPDATE + hours(0.2))
    assert None is status(same_moment, past)
    partial = IssuingDistributionPoint(only_some_reasons={"keyCompromise"})
    assert None is status(BASE, finding(number=3, this_update=THIS_UPDATE + hours(0.5), idp=partial), past)


def test_a_delta_of_the_past_that_revokes_nothing() -> None:
    """The complete CRL answers alone: deltas are offered, not required (RFC 5280 §6.3.3 (a))."""
    past = finding(number=2, delta_base=1, next_update=NOW - hours(0.1))
    removed = finding(
        number=2, delta_base=1, next_update=NOW - hours(0.1), revoked=[Entry(LEAF.serial, reason="removeFromCRL")]
    )
    assert RevocationStatus.GOOD is status(BASE, past)
    assert RevocationStatus.GOOD is status(BASE, removed)
    assert RevocationStatus.REVOKED is status(finding(number=1, revoked=LISTED), removed)


@pytest.mark.parametrize(
    ("reason", "asks"), [(None, True), ("certificateHold", True), ("keyCompromise", False), ("superseded", False)]
)
def test_where_deltas_may_be(reason: Reason | None, asks: bool) -> None:
    """The certificate and the complete CRL name them; they matter where they could change the answer."""
    listed = {} if reason is None else {LEAF.serial: reason}
    about = SUB.issue("leaf", crl_urls=URL, freshest_crl_urls="http://crl.example/one", serial=LEAF.serial)
    base = look_up(SUB.crl(number=1, revoked=listed, freshest_crl_urls="http://crl.example/two"), about)
    named = [name.value for point in judged(base, about=about).freshest for name in point.names]
    assert ([b"http://crl.example/one", b"http://crl.example/two"] if asks else []) == named
    fresh = look_up(SUB.crl(number=2, delta_base=1), about)
    assert () == judged(base, fresh, about=about).freshest


def test_a_complete_crl_overtakes_an_older_delta() -> None:
    """It says everything that the delta said; one of the same age does not."""
    newer = finding(number=3, this_update=THIS_UPDATE + hours(0.5))
    delta = finding(number=2, delta_base=1, revoked=LISTED)
    assert RevocationStatus.GOOD is status(newer, delta)
    assert RevocationStatus.REVOKED is status(finding(number=3), delta)


def test_a_crl_for_some_reasons_overtakes_no_delta_for_all() -> None:
    """It does not say what the delta said of the other reasons."""
    some = IssuingDistributionPoint(only_some_reasons={"keyCompromise"})
    partial = finding(number=3, this_update=THIS_UPDATE + hours(0.5), idp=some)
    delta = finding(number=2, delta_base=1, revoked=LISTED)
    assert RevocationStatus.REVOKED is status(BASE, partial, delta)


def test_good_ends_with_the_crl_that_overtakes() -> None:
    """A base that lasts longer does not carry it on: the delta would count again."""
    newer = finding(number=3, this_update=THIS_UPDATE + hours(0.5), next_update=NOW + hours(2), idp=PARTITION)
    delta = finding(number=None, delta_base=1, revoked=LISTED, next_update=NOW + hours(9))
    answer = judged(BASE, newer, delta).answer
    assert answer is not None
    assert (RevocationStatus.GOOD, NOW + hours(2) + SKEW) == (answer.status, answer.usable_until)


@pytest.mark.parametrize(
    "delta",
    [
        finding(number=2, delta_base=1, revoked=LISTED, this_update=NOW - hours(9), next_update=NOW - hours(2)),
        finding(number=2, delta_base=1, revoked=LISTED, idp=IssuingDistributionPoint(["http://crl.example/other"])),
        finding(number=2, delta_base=1, revoked=LISTED, extensions=[Extension("1.2.3.4", der.null(), critical=True)]),
    ],
    ids=["out of date", "another scope", "another feature"],
)
def test_a_delta_that_may_not_speak(delta: CrlFinding) -> None:
    """The rules of complete CRLs hold for it."""
    assert RevocationStatus.GOOD is status(BASE, delta)


def test_a_complete_crl_of_another_scope_says_everything_too() -> None:
    """One that covers every reason and is newer need not be of the scope of what has ended."""
    past = finding(number=1, idp=PARTITION, revoked=LISTED, next_update=NOW - hours(0.1))
    assert RevocationStatus.GOOD is status(past, finding(this_update=THIS_UPDATE + hours(0.5)))
    assert None is status(past, finding())


def test_of_two_deltas_of_one_age_the_one_that_lists_it_counts() -> None:
    """Which of the two is the later one, nothing says."""
    for number in range(4):  # whichever digest is the smaller one
        silent = finding(number=2, delta_base=1, next_update=NOW + hours(2 + number))
        assert RevocationStatus.REVOKED is status(BASE, silent, finding(number=2, delta_base=1, revoked=LISTED))
