"""Intermediates that lead nowhere."""

from service.application.unchained import unchained
from service.core.der.certificate import read_certificate
from service.core.path.trust_store import build_trust_store
from tests.pki.authority import Authority

ROOT = Authority.root("Root")
SUB = ROOT.subordinate("Sub")
SUB_SUB = SUB.subordinate("Sub sub")
OTHER = Authority.root("Other")
STRAY = OTHER.subordinate("Stray")


def stray(*own: Authority, configured: tuple[Authority, ...] = ()) -> list[str]:
    """Subjects of what leads nowhere in a store of these certificates."""
    certificates = [read_certificate(one.der) for one in own]
    intermediates = [read_certificate(one.der) for one in configured]
    return [one.subject.text for one in unchained(build_trust_store("clients", certificates, intermediates))]


def test_a_chain_of_any_length() -> None:
    """Each leads to the root through the one before."""
    assert [] == stray(ROOT, SUB_SUB, SUB)


def test_an_intermediate_of_another_root() -> None:
    """Its own root is not in the store."""
    assert ["CN=Stray"] == stray(ROOT, SUB, STRAY)


def test_a_chain_with_a_gap() -> None:
    """The link that is missing makes all below it stray."""
    assert ["CN=Sub sub"] == stray(ROOT, SUB_SUB)


def test_a_gap_that_the_settings_fill() -> None:
    """Intermediates from the settings are part of every store, and need not chain in each."""
    assert [] == stray(ROOT, SUB_SUB, configured=(SUB, STRAY))


def test_a_name_alone_leads_nowhere() -> None:
    """Somebody else with the root's name has not signed it."""
    assert ["CN=Sub"] == stray(Authority.root("Root", key=OTHER.key), SUB)


def test_a_store_without_a_root() -> None:
    """All of it are anchors, and none has to chain."""
    assert [] == stray(SUB, STRAY)


def test_a_circle_below_the_root() -> None:
    """It chains, and is walked once."""
    left, right = ROOT.subordinate("Left"), ROOT.subordinate("Right")
    assert [] == stray(ROOT, left, right, left.cross_sign(right), right.cross_sign(left))


def test_two_that_certify_each_other() -> None:
    """A circle leads nowhere, and is walked once."""
    left = OTHER.subordinate("Left")
    right = OTHER.subordinate("Right")
    assert ["CN=Left", "CN=Right"] == stray(ROOT, left.cross_sign(right), right.cross_sign(left))
