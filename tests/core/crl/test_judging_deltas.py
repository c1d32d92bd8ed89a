"""Delta CRLs: refused by name, and never passed over where one says that the certificate is revoked."""

import pytest

from service.core.model.attempt import Problem
from service.core.model.crl import CrlFinding
from service.core.model.policy import Policy
from service.core.model.verdict import RevocationStatus
from tests.core.crl.findings import LEAF, URL, finding, judged
from tests.pki import NOW, THIS_UPDATE, Entry, Extension, IssuingDistributionPoint, der, hours

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


def test_a_delta_that_does_not_list_it_is_refused_by_name() -> None:
    """The base decides alone, and without one nothing does."""
    delta = finding(number=2, delta_base=1)
    assert RevocationStatus.GOOD is status(BASE, delta)
    assert (None, [Problem.UNSUPPORTED]) == (status(delta), [one.problem for one in judged(delta).attempts])


def test_what_a_delta_removes_stays_on_the_base() -> None:
    """Nothing of a delta makes a certificate good."""
    removed = finding(number=2, delta_base=1, revoked=[Entry(LEAF.serial, reason="removeFromCRL")])
    assert RevocationStatus.GOOD is status(BASE, removed)
    assert RevocationStatus.REVOKED is status(finding(number=1, revoked=LISTED), removed)


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
    delta = finding(number=2, delta_base=1, revoked=LISTED, next_update=NOW + hours(9))
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
