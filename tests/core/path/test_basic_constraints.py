"""basicConstraints and path length (RFC 5280 §6.1.4 (k), (l), (m))."""

from typing import Final

import pytest

from service.core.model.failure import NotACertificateAuthority, PathLengthExceeded
from service.core.path.basic_constraints import check_is_authority, check_path_length
from tests.core.path.chains import failure, read
from tests.pki import Authority, CertificateOverrides, key

ROOT: Final = Authority.root("Root")
SUB: Final = ROOT.subordinate("Sub")
LEAF: Final = SUB.issue("leaf")

ABSENT: Final = CertificateOverrides(ca=None)
FALSE: Final = CertificateOverrides(ca=False)
VERSION_1: Final = CertificateOverrides(version=1)
NO_AUTHORITIES: Final = pytest.mark.parametrize("overrides", [ABSENT, FALSE, VERSION_1])


# --- RFC 5280 §6.1.4 (k) ---------------------------------------------------------------------------------------------


def test_an_authority() -> None:
    """What basicConstraints with cA says."""
    assert check_is_authority(read(SUB)) is None


@NO_AUTHORITIES
def test_no_authority(overrides: CertificateOverrides) -> None:
    """Neither cA false, nor no basicConstraints, nor version 1 make an authority."""
    nobody = read(ROOT.subordinate("Sub", **overrides))
    assert NotACertificateAuthority(nobody) == check_is_authority(nobody)


@NO_AUTHORITIES
def test_an_intermediate_must_be_an_authority(overrides: CertificateOverrides) -> None:
    """What issues must say that it may."""
    nobody = ROOT.subordinate("Sub", **overrides)
    assert NotACertificateAuthority(read(nobody)) == failure(LEAF, nobody, ROOT)


def test_a_leaf_need_not_be_an_authority() -> None:
    """The certificate in question may be anything."""
    assert failure(LEAF, SUB, ROOT) is None
    assert failure(SUB, ROOT) is None
    assert failure(SUB.issue("leaf", ca=None), SUB, ROOT) is None


def test_an_end_entity_between_authorities() -> None:
    """A client's certificate that issued another one is where the path ends."""
    client = SUB.subordinate("client", ca=False)
    assert NotACertificateAuthority(read(client)) == failure(client.issue("leaf"), client, SUB, ROOT)


def test_an_anchor_may_keep_silent() -> None:
    """An anchor without basicConstraints is trusted, one that says it is no authority is believed."""
    assert failure(LEAF, Authority.root("Sub", ca=None)) is None
    assert failure(LEAF, Authority.root("Sub", version=1)) is None
    modest = Authority.root("Sub", ca=False)
    assert NotACertificateAuthority(read(modest)) == failure(LEAF, modest)


def test_a_leaf_that_is_an_anchor_need_not_be_an_authority() -> None:
    """It issued nothing on this path."""
    assert failure(Authority.root("leaf", ca=False)) is None


# --- RFC 5280 §6.1.4 (l), (m) ----------------------------------------------------------------------------------------


def tower(path_length: int | None, *names: str) -> list[Authority]:
    """An authority with a path length and authorities of these names, each with its own key, below it; top first."""
    authorities = [ROOT.subordinate("Top", path_length=path_length)]
    for number, name in enumerate(names):
        authorities.append(authorities[-1].subordinate(name, key=key("p256", number)))
    return authorities


CASES: Final = [
    (None, ("A", "B", "C"), True),
    (0, (), True),
    (0, ("A",), False),
    (1, ("A",), True),
    (1, ("A", "B"), False),
    (2, ("A", "B"), True),
    # self-issued ones do not count (l), wherever they stand and however they are spelt
    (0, ("Top",), True),
    (0, ("TOP", "top"), True),
    (0, ("Top", "A"), False),
    (1, ("A", "A", "A"), True),
    (1, ("A", "A", "B"), False),
    (1, ("Top", "A", "A"), True),
]


@pytest.mark.parametrize(("path_length", "names", "fits"), CASES)
def test_path_length_of_an_intermediate(path_length: int | None, names: tuple[str, ...], fits: bool) -> None:
    """At most so many intermediates that are not self-issued follow; the leaf does not count."""
    top, *others = tower(path_length, *names)
    lowest = [top, *others][-1]
    outcome = failure(lowest.issue("leaf"), *reversed(others), top, ROOT)
    assert (None if fits else PathLengthExceeded(read(top), path_length or 0)) == outcome


@pytest.mark.parametrize(("path_length", "names", "fits"), CASES)
def test_path_length_of_an_anchor(path_length: int | None, names: tuple[str, ...], fits: bool) -> None:
    """What an anchor says about its depth is enforced (RFC 5280 §6.1.1 (d) leaves it open; we choose to)."""
    top, *others = tower(path_length, *names)
    lowest = [top, *others][-1]
    outcome = failure(lowest.issue("leaf"), *reversed(others), top)
    assert (None if fits else PathLengthExceeded(read(top), path_length or 0)) == outcome


def test_an_authority_as_the_leaf_does_not_count() -> None:
    """A pathLenConstraint counts intermediates, and the last certificate is none (RFC 5280 §4.2.1.9)."""
    (top,) = tower(0)
    assert failure(top.subordinate("A"), top, ROOT) is None


def test_a_lower_constraint_cannot_widen_an_upper_one() -> None:
    """The narrowest constraint holds (RFC 5280 §6.1.4 (m))."""
    wide = ROOT.subordinate("Wide", path_length=1)
    narrow = wide.subordinate("Narrow", path_length=7)
    last = narrow.subordinate("Last")
    assert PathLengthExceeded(read(wide), 1) == failure(last.issue("leaf"), last, narrow, wide, ROOT)


def test_a_lower_constraint_narrows() -> None:
    """An authority in the middle binds those below it, and not those above it."""
    wide = ROOT.subordinate("Wide", path_length=7)
    narrow = wide.subordinate("Narrow", path_length=0)
    last = narrow.subordinate("Last")
    assert failure(narrow.issue("leaf"), narrow, wide, ROOT) is None
    assert PathLengthExceeded(read(narrow), 0) == failure(last.issue("leaf"), last, narrow, wide, ROOT)


def test_nothing_follows() -> None:
    """Without followers every constraint is kept, also where there is none."""
    assert check_path_length(read(ROOT.subordinate("Top", path_length=0)), ()) is None
    assert check_path_length(read(ROOT.subordinate("Top", ca=None)), (read(SUB),)) is None
