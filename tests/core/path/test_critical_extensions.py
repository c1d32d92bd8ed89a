"""Extensions that nobody processes (RFC 5280 §6.1.4 (o), §6.1.5 (f)), and those that are refused by name."""

from typing import Final

import pytest

from service.core.model.failure import UnknownCriticalExtension, UnsupportedFeature
from service.core.path.critical_extensions import check_critical_extensions, check_supported_features
from tests.core.path.chains import failure, read
from tests.pki import Authority, Extension, der

ROOT: Final = Authority.root("Root")
SUB: Final = ROOT.subordinate("Sub")
LEAF: Final = SUB.issue("leaf")

UNKNOWN: Final = (Extension("1.2.3.4", der.null(), critical=True), Extension("1.2.3.5", der.null(), critical=True))
HARMLESS: Final = (Extension("1.2.3.4", der.null()),)

FEATURES: Final = pytest.mark.parametrize(
    ("oid", "feature"),
    [
        ("2.5.29.30", "nameConstraints"),
        ("2.5.29.33", "policyMappings"),
        ("2.5.29.36", "policyConstraints"),
        ("2.5.29.54", "inhibitAnyPolicy"),
    ],
)
CRITICALITY: Final = pytest.mark.parametrize("critical", [True, False])


# --- critical and unknown --------------------------------------------------------------------------------------------


def test_unknown_and_critical() -> None:
    """The first of them is named."""
    leaf = read(SUB.issue("leaf", extensions=UNKNOWN))
    assert UnknownCriticalExtension(leaf, "1.2.3.4") == check_critical_extensions(leaf)


def test_unknown_and_not_critical() -> None:
    """What is not critical may be passed over."""
    assert check_critical_extensions(read(SUB.issue("leaf", extensions=HARMLESS))) is None


def test_known_and_critical() -> None:
    """What is processed may be critical."""
    leaf = SUB.issue("leaf", san="DNS:a.example", criticality={"2.5.29.17": True, "2.5.29.37": True, "2.5.29.14": True})
    assert check_critical_extensions(read(leaf)) is None


def test_critical_extensions_along_a_path() -> None:
    """Leaf (RFC 5280 §6.1.5 (f)) and intermediate (§6.1.4 (o)) are refused."""
    leaf, sub = SUB.issue("leaf", extensions=UNKNOWN), ROOT.subordinate("Sub", extensions=UNKNOWN)
    assert UnknownCriticalExtension(read(leaf), "1.2.3.4") == failure(leaf, SUB, ROOT)
    assert UnknownCriticalExtension(read(sub), "1.2.3.4") == failure(LEAF, sub, ROOT)


def test_unknown_extensions_along_a_path() -> None:
    """The same ones, not critical, are no fault."""
    assert failure(SUB.issue("leaf", extensions=HARMLESS), ROOT.subordinate("Sub", extensions=HARMLESS), ROOT) is None


def test_an_anchors_critical_extensions() -> None:
    """An anchor is no certificate of the path (RFC 5280 §6.1): its unknown extensions bind nobody."""
    assert failure(LEAF, SUB, Authority.root("Root", extensions=UNKNOWN)) is None
    assert failure(Authority.root("leaf", extensions=UNKNOWN)) is None


# --- known and not supported -----------------------------------------------------------------------------------------


@FEATURES
@CRITICALITY
def test_features_are_refused_by_name(oid: str, feature: str, critical: bool) -> None:
    """What could forbid the path is refused, critical or not."""
    leaf = read(SUB.issue("leaf", extensions=(Extension(oid, der.seq(), critical),)))
    assert UnsupportedFeature(leaf, feature) == check_supported_features(leaf)


def test_no_feature() -> None:
    """An ordinary certificate has none of them."""
    assert check_supported_features(read(LEAF)) is None


@FEATURES
@CRITICALITY
def test_features_along_a_path(oid: str, feature: str, critical: bool) -> None:
    """Leaf, intermediate and anchor are asked: an anchor's constraints bind those below it."""
    extensions = (Extension(oid, der.seq(), critical),)
    root = Authority.root("Root", extensions=extensions)
    sub = ROOT.subordinate("Sub", extensions=extensions)
    leaf = SUB.issue("leaf", extensions=extensions)
    assert UnsupportedFeature(read(leaf), feature) == failure(leaf, SUB, ROOT)
    assert UnsupportedFeature(read(sub), feature) == failure(LEAF, sub, ROOT)
    assert UnsupportedFeature(read(root), feature) == failure(LEAF, SUB, root)


@FEATURES
def test_a_leaf_that_is_an_anchor_is_bound_by_nothing(oid: str, feature: str) -> None:
    """Nothing is below it that its constraints could bind."""
    alone = Authority.root("leaf", extensions=(Extension(oid, der.seq(), critical=True),))
    assert (feature,) == read(alone).extensions.unsupported
    assert failure(alone) is None
