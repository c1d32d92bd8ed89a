"""Path validation (RFC 5280 §6.1): the order of the steps, and what is asked of the anchor."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import pytest

from service.core.model.budget import Budget, Limits
from service.core.model.certificate import Certificate
from service.core.model.failure import (
    Expired,
    Irregular,
    KeyPurposeForbidden,
    KeyUsageForbidsIssuing,
    KeyUsageForbidsPurpose,
    NotACertificateAuthority,
    PathFailure,
    PathLengthExceeded,
    UnknownCriticalExtension,
    WeakKey,
    WeakSignature,
)
from service.core.model.policy import KeyPurpose, Policy
from service.core.path.certification_path import ValidPath
from service.core.path.validation import validate
from tests.core.path.chains import DEFAULT, failure, path, read
from tests.pki import NOT_AFTER, NOW, Authority, CertificateOverrides, Extension, days, der, key
from tests.pki.oids import SUBJECT_KEY_IDENTIFIER

ROOT: Final = Authority.root("Root")
SUB: Final = ROOT.subordinate("Sub")
LEAF: Final = SUB.issue("leaf")

UNKNOWN: Final = Extension("1.2.3.4", der.null(), critical=True)
NEVER_CRITICAL: Final = {SUBJECT_KEY_IDENTIFIER: True}

Steps = Sequence[tuple[type[PathFailure], CertificateOverrides]]

STEPS: Final[Steps] = [
    (Expired, CertificateOverrides(not_after=NOW - days(1))),
    (WeakSignature, CertificateOverrides(signature_hash="sha1")),
    (WeakKey, CertificateOverrides(key=key("p192"))),
    (Irregular, CertificateOverrides(criticality=NEVER_CRITICAL)),
    (NotACertificateAuthority, CertificateOverrides(ca=False, path_length=None)),
    (PathLengthExceeded, CertificateOverrides(path_length=0)),
    (KeyUsageForbidsIssuing, CertificateOverrides(key_usage=frozenset({"cRLSign"}))),
    (KeyPurposeForbidden, CertificateOverrides(extended_key_usage="serverAuth")),
    (UnknownCriticalExtension, CertificateOverrides(extensions=(UNKNOWN,))),
]
"""What an intermediate may have wrong with it, the first to be reported in front."""

ONLY_OF_ISSUERS: Final = (NotACertificateAuthority, PathLengthExceeded, KeyUsageForbidsIssuing)

USELESS: Final = (KeyUsageForbidsPurpose, CertificateOverrides(key_usage=frozenset({"cRLSign"})))

STEPS_OF_LEAVES: Final[Steps] = [one for one in STEPS[:-1] if one[0] not in ONLY_OF_ISSUERS] + [USELESS, STEPS[-1]]

STEPS_OF_ANCHORS: Final[Steps] = [
    (Expired, CertificateOverrides(not_after=NOW - days(1))),
    (WeakKey, CertificateOverrides(key=key("p192"))),
    (Irregular, CertificateOverrides(criticality=NEVER_CRITICAL)),
    (KeyPurposeForbidden, CertificateOverrides(extended_key_usage="serverAuth")),
    (UnknownCriticalExtension, CertificateOverrides(extensions=(UNKNOWN,))),
    (NotACertificateAuthority, CertificateOverrides(ca=False, path_length=None)),
    (KeyUsageForbidsIssuing, CertificateOverrides(key_usage=frozenset({"cRLSign"}))),
    (PathLengthExceeded, CertificateOverrides(path_length=0)),
]


def broken(steps: Steps, first: int) -> CertificateOverrides:
    """Everything wrong that steps from this number on look at."""
    merged = CertificateOverrides()
    for _, overrides in reversed(steps[first:]):
        merged.update(overrides)
    return merged


def reported(outcome: PathFailure | None) -> tuple[type[PathFailure] | None, Certificate | None]:
    """Which failure, of which certificate."""
    return (None, None) if outcome is None else (type(outcome), outcome.certificate)


# --- the order of the steps ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", range(len(STEPS)))
def test_the_order_of_the_steps(number: int) -> None:
    """Of everything that is wrong with one intermediate the first step that sees it is reported."""
    sub = ROOT.subordinate("Sub", **broken(STEPS, number))
    below = sub.subordinate("Below")
    assert (STEPS[number][0], read(sub)) == reported(failure(below.issue("leaf"), below, sub, ROOT))


@pytest.mark.parametrize("number", range(len(STEPS_OF_LEAVES)))
def test_the_order_of_the_steps_for_a_leaf(number: int) -> None:
    """The same order, without what is asked of issuers."""
    leaf = SUB.issue("leaf", **broken(STEPS_OF_LEAVES, number))
    assert (STEPS_OF_LEAVES[number][0], read(leaf)) == reported(failure(leaf, SUB, ROOT))


@pytest.mark.parametrize("number", range(len(STEPS_OF_ANCHORS)))
def test_the_order_of_the_steps_for_an_anchor(number: int) -> None:
    """What an anchor says of itself, the certificates below it untouched."""
    root = Authority.root("Root", **broken(STEPS_OF_ANCHORS, number))
    assert (STEPS_OF_ANCHORS[number][0], read(root)) == reported(failure(LEAF, SUB, root))


@pytest.mark.parametrize("number", [4, 5, 6])
def test_issuers_alone_are_asked_whether_they_may_issue(number: int) -> None:
    """The authority right above the leaf is an issuer, the same certificate as the leaf is none."""
    expected, overrides = STEPS[number]
    mute = CertificateOverrides(key_usage=frozenset({"cRLSign"}))  # with keyCertSign it would say that it issues
    sub = ROOT.subordinate("Sub", **(mute | overrides))
    assert failure(sub, ROOT, policy=Policy(key_purpose=KeyPurpose.ANY)) is None
    if expected is not PathLengthExceeded:  # which needs one more below
        assert (expected, read(sub)) == reported(failure(LEAF, sub, ROOT))


def test_the_path_is_judged_from_above() -> None:
    """Of several certificates with a fault the one nearest to the anchor is reported, whatever the faults are."""
    root = Authority.root("Root", not_after=NOW + days(1))
    sub = root.subordinate("Sub", extensions=(UNKNOWN,))
    leaf = sub.issue("leaf", not_after=NOW - days(1))
    assert (Expired, read(leaf)) == reported(failure(leaf, SUB, root))
    assert (UnknownCriticalExtension, read(sub)) == reported(failure(leaf, sub, root))
    assert (Expired, read(root)) == reported(failure(leaf, sub, root, at=NOW + days(2)))


# --- the whole -------------------------------------------------------------------------------------------------------


def test_a_valid_path() -> None:
    """Every step passes."""
    chain = path(LEAF, SUB, ROOT)
    assert ValidPath(chain, frozenset()) == validate(chain, DEFAULT, NOW, Budget(Limits()))


def test_a_long_valid_path() -> None:
    """The constraints of every authority are kept at once."""
    top = ROOT.subordinate("Top", path_length=2, policies="1.2.3")
    middle = top.subordinate("Middle", path_length=1, policies="1.2.3", extended_key_usage=("clientAuth", "serverAuth"))
    lowest = middle.subordinate("Lowest", path_length=0, policies=("1.2.3", "1.2.4"), extended_key_usage="clientAuth")
    leaf = lowest.issue("leaf", policies="1.2.3")
    chain = path(leaf, lowest, middle, top, ROOT)
    assert ValidPath(chain, frozenset({"1.2.3"})) == validate(chain, DEFAULT, NOW, Budget(Limits()))


def test_a_leaf_that_is_an_anchor() -> None:
    """What any certificate is asked for; what only binds those below it is not, nor its own signature."""
    steps = [*STEPS_OF_ANCHORS[5:], (WeakSignature, CertificateOverrides(signature_hash="sha1"))]
    useless = Authority.root("leaf", **broken(steps, 0))
    assert failure(useless, policy=Policy(key_purpose=KeyPurpose.ANY)) is None
    assert (KeyUsageForbidsPurpose, read(useless)) == reported(failure(useless))
    for number in range(5):
        leaf = Authority.root("leaf", **broken(STEPS_OF_ANCHORS, number))
        assert (STEPS_OF_ANCHORS[number][0], read(leaf)) == reported(failure(leaf))


def test_the_moment_is_the_callers() -> None:
    """The same path is valid at one moment and not at another."""
    assert failure(LEAF, SUB, ROOT, at=NOT_AFTER) is None
    assert (Expired, read(ROOT)) == reported(failure(LEAF, SUB, ROOT, at=NOT_AFTER + timedelta(microseconds=1)))
