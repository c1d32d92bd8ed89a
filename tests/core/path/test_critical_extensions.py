"""Extensions that nobody processes (RFC 5280 §6.1.4 (o), §6.1.5 (f); of anchors RFC 5937 §2)."""

from typing import Final

from service.core.model.failure import UnknownCriticalExtension
from service.core.path.critical_extensions import check_critical_extensions
from tests.core.path.chains import failure, read
from tests.pki import Authority, Extension, der

ROOT: Final = Authority.root("Root")
SUB: Final = ROOT.subordinate("Sub")
LEAF: Final = SUB.issue("leaf")

UNKNOWN: Final = (Extension("1.2.3.4", der.null(), critical=True), Extension("1.2.3.5", der.null(), critical=True))
HARMLESS: Final = (Extension("1.2.3.4", der.null()),)


def test_unknown_and_critical() -> None:
    """The first of them is named."""
    leaf = read(SUB.issue("leaf", extensions=UNKNOWN))
    assert UnknownCriticalExtension(leaf, "1.2.3.4") == check_critical_extensions(leaf)


def test_unknown_and_not_critical() -> None:
    """What is not critical may be passed over."""
    assert check_critical_extensions(read(SUB.issue("leaf", extensions=HARMLESS))) is None


def test_known_and_critical() -> None:
    """What is processed may be critical."""
    leaf = SUB.issue("leaf", san="DNS:a.example", criticality={"2.5.29.17": True, "2.5.29.37": True})
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
    """Where an anchor's constraints are enforced, what it has critical must be known (RFC 5937 §2)."""
    root, alone = Authority.root("Root", extensions=UNKNOWN), Authority.root("leaf", extensions=UNKNOWN)
    assert UnknownCriticalExtension(read(root), "1.2.3.4") == failure(LEAF, SUB, root)
    assert UnknownCriticalExtension(read(alone), "1.2.3.4") == failure(alone)
    assert failure(LEAF, SUB, Authority.root("Root", extensions=HARMLESS)) is None
    assert failure(Authority.root("leaf", extensions=HARMLESS)) is None
