"""Certification paths: who stands where."""

from typing import Final

from tests.core.path.chains import path, read
from tests.pki import Authority

ROOT: Final = Authority.root("Root")
SUB: Final = ROOT.subordinate("Sub")
LEAF: Final = SUB.issue("leaf")


def test_the_leaf_comes_first() -> None:
    """The certificate in question is the first of the path."""
    assert read(LEAF) == path(LEAF, SUB, ROOT).leaf


def test_each_certificate_has_the_next_as_its_issuer() -> None:
    """The anchor, which is not among the certificates, issued the last of them."""
    top = ROOT.subordinate("Top")
    chain = path(LEAF, SUB, top, ROOT)
    assert [read(SUB), read(top), read(ROOT)] == [chain.issuer_of(number) for number in range(3)]


def test_a_leaf_above_which_there_is_an_anchor_is_none() -> None:
    """An ordinary leaf is no anchor."""
    assert not path(LEAF, SUB, ROOT).leaf_is_anchor


def test_a_leaf_alone_is_its_anchor() -> None:
    """A path of length one."""
    assert path(LEAF).leaf_is_anchor
    assert read(LEAF) == path(LEAF).issuer_of(0)
