"""Name constraints along a path (RFC 5280 §6.1.3 (b), (c), §6.1.4 (g))."""

from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.model.budget import Budget, BudgetExhaustedError, Limits
from service.core.model.failure import (
    Expired,
    Irregular,
    NameNotAllowed,
    NameNotComparable,
    NoAcceptablePolicy,
    PathFailure,
)
from service.core.model.policy import Policy, PolicyInputs
from service.core.path.name_constraints import MAX_CACHED_OCTETS, check_name_constraints
from tests.core.names.trees import constraining, naming
from tests.core.path.chains import Link, failure, path, read
from tests.pki import NOW, Authority, Extension, days, der

ROOT: Final = Authority.root("Root")
SUB: Final = ROOT.subordinate("Sub")

OTHER: Final = f"hex:0:{(der.oid('1.3.6.1.4.1.55738.666.3') + der.explicit(0, der.null())).hex()}"


def constrained(
    *permitted: str, excluded: tuple[str, ...] = (), below: Authority = ROOT, name: str = "Constrained"
) -> Authority:
    """An authority that constrains names."""
    return below.subordinate(name, extensions=(constraining(permitted, excluded),))


def leaf(authority: Authority, *names: str, subject: str = "leaf") -> Link:
    """A leaf with these names."""
    return authority.issue(subject, extensions=(naming(*names),) if names else ())


def checked(*links: Link, limits: Limits | None = None) -> PathFailure | None:
    """What is said about the names of a chain alone."""
    return check_name_constraints(path(*links), Budget(limits or Limits()))


# --- one certificate that constrains ----------------------------------------------------------------------------------


def test_nothing_is_constrained() -> None:
    """A path without constraints, and whatever names: `irregular` has a look at them."""
    assert checked(leaf(SUB, "DNS:this is invalid", "hex:7:00"), SUB, ROOT) is None


def test_a_permitted_name() -> None:
    """And one that is not."""
    ca = constrained("DNS:example.com")
    inside, outside = leaf(ca, "DNS:www.example.com"), leaf(ca, "DNS:www.example.com", "DNS:evil.example")
    assert checked(inside, ca, ROOT) is None
    assert checked(outside, ca, ROOT) == NameNotAllowed(read(outside), read(ca), "DNS:evil.example")


def test_an_excluded_name() -> None:
    """It is named, with whose constraint it is."""
    ca = constrained(excluded=("IP:10.0.0.0/8",))
    bad = leaf(ca, "IP:10.1.2.3")
    assert checked(leaf(ca, "IP:192.0.2.1"), ca, ROOT) is None
    assert checked(bad, ca, ROOT) == NameNotAllowed(read(bad), read(ca), "IP:10.1.2.3")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("DNS:this is invalid", "DNS:this is invalid"),
        ("email:a@b@example.com", "email:a@b@example.com"),
        ("URI:urn:example", "URI:urn:example"),
        ("hex:7:0000", "ip_address:0000"),
        (OTHER, f"other_name:{OTHER.removeprefix('hex:0:')}"),
    ],
)
def test_a_name_that_cannot_be_compared(name: str, text: str) -> None:
    """It is refused by name, though the rest is in order."""
    ca = constrained("DNS:", "email:.com", "URI:.com", "IP:0.0.0.0/0", OTHER)
    bad = leaf(ca, "DNS:example.com", name)
    assert checked(leaf(ca, "DNS:example.com"), ca, ROOT) is None
    assert checked(bad, ca, ROOT) == NameNotComparable(read(bad), read(ca), text)


@pytest.mark.parametrize("critical", [True, False])
def test_critical_or_not(critical: bool) -> None:
    """Constraints are enforced all the same."""
    ca = ROOT.subordinate("CA", extensions=(constraining(["DNS:example.com"], critical=critical),))
    assert failure(leaf(ca, "DNS:example.com"), ca, ROOT) is None
    assert isinstance(failure(leaf(ca, "DNS:evil.example"), ca, ROOT), NameNotAllowed)


def test_the_constraints_of_an_anchor() -> None:
    """They hold for what is below it, not for itself."""
    root = Authority.root("CN=Root", extensions=(constraining(["dir:O=Example"]),))
    ca = root.subordinate("CN=CA,O=Example")
    assert failure(ca.issue("CN=leaf,O=Example"), ca, root) is None
    bad = ca.issue("CN=leaf,O=Evil")
    assert failure(bad, ca, root) == NameNotAllowed(read(bad), read(root), "DirName:CN=leaf,O=Evil")
    assert failure(Authority.root("CN=Root", extensions=(constraining(["dir:O=Example"]),))) is None


def test_when_names_are_looked_at() -> None:
    """After the steps that look at one certificate alone, before the policies of the path."""
    ca = constrained("DNS:example.com")
    names = (naming("DNS:evil.example"),)
    required = Policy(policies=PolicyInputs(require_explicit_policy=True))
    expired = ca.issue("leaf", extensions=names, not_after=NOW - days(1))
    assert isinstance(failure(expired, ca, ROOT), Expired)
    assert isinstance(failure(ca.issue("leaf", extensions=names), ca, ROOT, policy=required), NameNotAllowed)
    assert isinstance(failure(leaf(ca, "DNS:example.com"), ca, ROOT, policy=required), NoAcceptablePolicy)


# --- several ----------------------------------------------------------------------------------------------------------


def test_every_constraint_above_holds() -> None:
    """A certificate below can narrow what those above permit, and never widen it."""
    wide = constrained("DNS:example.com", "DNS:example.org")
    narrow = constrained("DNS:www.example.com", "DNS:example.net", below=wide, name="Narrow")
    for name, constrainer in (
        ("DNS:www.example.com", None),
        ("DNS:example.com", narrow),
        ("DNS:example.org", narrow),
        ("DNS:example.net", wide),
        ("DNS:evil.example", wide),
    ):
        link = leaf(narrow, name)
        expected = None if constrainer is None else NameNotAllowed(read(link), read(constrainer), name)
        assert checked(link, narrow, wide, ROOT) == expected


def test_permitted_subtrees_that_have_nothing_in_common() -> None:
    """No name of the form is left; a certificate without one is no worse for it."""
    upper = constrained("DNS:example.com")
    lower = constrained("DNS:example.org", below=upper, name="Lower")
    for name in ("DNS:example.com", "DNS:example.org", "DNS:*.com"):
        assert isinstance(checked(leaf(lower, name), lower, upper, ROOT), NameNotAllowed)
    assert checked(leaf(lower, "IP:192.0.2.1"), lower, upper, ROOT) is None
    assert checked(leaf(lower), lower, upper, ROOT) is None


def test_exclusions_add_up() -> None:
    """What one excludes stays excluded, whatever another permits."""
    upper = constrained(excluded=("DNS:example.com",))
    lower = constrained(
        "DNS:example.com", "DNS:example.org", excluded=("DNS:a.example.org",), below=upper, name="Lower"
    )
    assert checked(leaf(lower, "DNS:example.org"), lower, upper, ROOT) is None
    for name in ("DNS:example.com", "DNS:a.example.org"):
        assert isinstance(checked(leaf(lower, name), lower, upper, ROOT), NameNotAllowed)


def test_intermediates_are_held_against_constraints() -> None:
    """Their names too, by those above them and not by their own."""
    ca = constrained("dir:O=Example", below=ROOT, name="CN=CA,O=Evil")
    good, bad = ca.subordinate("CN=Good,O=Example"), ca.subordinate("CN=Bad,O=Evil")
    assert checked(good.issue("CN=leaf,O=Example"), good, ca, ROOT) is None
    assert checked(bad.issue("CN=leaf,O=Example"), bad, ca, ROOT) == NameNotAllowed(
        read(bad), read(ca), "DirName:CN=Bad,O=Evil"
    )
    # An intermediate's common name is nobody's host.
    hosts = constrained("DNS:example.com", below=ROOT)
    host = hosts.subordinate("CN=evil.example")
    assert checked(leaf(host, "DNS:example.com"), host, hosts, ROOT) is None


def test_the_certificate_nearest_to_the_anchor_is_reported() -> None:
    """Of several with a fault."""
    ca = constrained("DNS:example.com")
    sub = ca.subordinate("Sub", extensions=(naming("DNS:evil.example"),))
    found = checked(leaf(sub, "DNS:evil.example"), sub, ca, ROOT)
    assert isinstance(found, NameNotAllowed)
    assert found.certificate == read(sub)


# --- self-issued certificates -----------------------------------------------------------------------------------------


def test_self_issued_certificates_are_exempt() -> None:
    """In the middle of a path, however their name is spelt; what they constrain themselves holds."""
    ca = constrained("dir:O=Example", name="CN=Old,O=Evil")
    renewed = ca.subordinate("CN=OLD,O=evil", extensions=(naming("dir:O=Evil"), constraining(["dir:OU=a,O=Example"])))
    assert checked(renewed.issue("CN=leaf,OU=a,O=Example"), renewed, ca, ROOT) is None
    bad = renewed.issue("CN=leaf,OU=b,O=Example")
    assert checked(bad, renewed, ca, ROOT) == NameNotAllowed(read(bad), read(renewed), "DirName:CN=leaf,OU=b,O=Example")


def test_a_self_issued_leaf_is_not() -> None:
    """The last certificate of a path is held against constraints, whoever issued it."""
    ca = constrained("dir:O=Example", name="CN=Old,O=Evil")
    renewed = ca.subordinate("CN=Old,O=Evil")
    assert checked(renewed, ca, ROOT) == NameNotAllowed(read(renewed), read(ca), "DirName:CN=Old,O=Evil")


# --- common names -----------------------------------------------------------------------------------------------------


def test_the_common_name_of_a_leaf() -> None:
    """Where there is no dNSName one that looks like it is held against constraints of that form."""
    ca = constrained("DNS:example.com")
    bad = ca.issue("CN=evil.example")
    assert checked(ca.issue("CN=www.example.com"), ca, ROOT) is None
    assert checked(leaf(ca, "DNS:example.com", subject="CN=evil.example"), ca, ROOT) is None
    assert checked(bad, ca, ROOT) == NameNotAllowed(read(bad), read(ca), "DNS:evil.example")
    addresses = constrained("IP:192.0.2.0/24")
    assert checked(addresses.issue("CN=evil.example"), addresses, ROOT) is None
    address = leaf(addresses, "DNS:example.com", subject="CN=192.0.3.1")
    assert checked(address, addresses, ROOT) == NameNotAllowed(read(address), read(addresses), "IP:192.0.3.1")
    assert checked(leaf(addresses, "IP:192.0.2.1", subject="CN=192.0.3.1"), addresses, ROOT) is None
    below = addresses.subordinate("CN=192.0.3.1")
    assert checked(leaf(below, "IP:192.0.2.1"), below, addresses, ROOT) is None


# --- who may constrain ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ca", [False, None])
def test_a_leaf_that_constrains(ca: bool | None) -> None:
    """Only a CA's certificate may (RFC 5280 §4.2.1.10)."""
    own = (constraining(["DNS:example.com"]),)
    end_entity = SUB.issue("leaf", ca=ca, extensions=own)
    expected = Irregular(read(end_entity), "nameConstraints in a certificate that is no CA's (RFC 5280 §4.2.1.10)")
    assert checked(end_entity, SUB, ROOT) == expected
    authority = SUB.subordinate("leaf", extensions=(*own, naming("DNS:evil.example")))
    assert checked(authority, SUB, ROOT) is None
    assert checked(end_entity) is None  # as its own anchor


def test_the_names_of_a_leaf_that_constrains_come_first() -> None:
    """What the path does not allow is reported before what the leaf may not say."""
    ca = constrained("DNS:example.com")
    bad = ca.issue("leaf", extensions=(naming("DNS:evil.example"), constraining(["DNS:evil.example"])))
    assert isinstance(checked(bad, ca, ROOT), NameNotAllowed)


# --- what it costs ----------------------------------------------------------------------------------------------------


def _many(names: int, subtrees: int) -> tuple[Link, ...]:
    """A leaf of many names below a root with twice as many constraints, all of which it keeps."""
    bases = [[f"DNS:{kind}{number}.test" for number in range(subtrees)] for kind in "tx"]
    root = Authority.root("Root", extensions=(constraining(*bases),))
    return leaf(root, *(f"DNS:t{number}.test" for number in range(names))), root


def test_many_names_and_constraints() -> None:
    """As many as there are in earnest are held against each other; a thousand of each are too many."""
    assert checked(*_many(100, 150)) is None
    assert checked(*_many(513, 513)) is None
    with pytest.raises(BudgetExhaustedError) as raised:
        checked(*_many(1025, 513))
    assert (raised.value.resource, raised.value.limit) == ("names", Limits().names)


def test_what_is_paid_for() -> None:
    """Constraints, the names of each certificate, and looking up each in each."""
    ca = constrained("DNS:abc", "DNS:ab.c", excluded=("DNS:abcdefg",))
    bare = leaf(ca, "DNS:abc")
    subject = 1 + len(read(bare).subject.der) // 4
    # 1 + 2 + 2 for the bases; 1 for the name; 1 + 2 lengths + 1 length to look it up.
    exactly = 5 + subject + 1 + 4
    assert checked(bare, ca, ROOT, limits=Limits(names=exactly)) is None
    for fewer in (0, 4, 5, exactly - 5, exactly - 1):
        with pytest.raises(BudgetExhaustedError):
            checked(bare, ca, ROOT, limits=Limits(names=fewer))
    assert checked(leaf(SUB, "DNS:abc"), SUB, ROOT, limits=Limits(names=0)) is None


def test_common_names_are_paid_for() -> None:
    """Looking one up costs what looking up a dNSName costs."""
    ca = constrained("DNS:example.com")
    named, other = ca.issue("CN=www.example.com"), ca.issue("CN=www example com")
    # 1 + 2 for the base; the subject; 1 + 1 length to look the name up.
    expected = 3 + 1 + len(read(named).subject.der) // 4
    assert checked(named, ca, ROOT, limits=Limits(names=expected + 2)) is None
    with pytest.raises(BudgetExhaustedError):
        checked(named, ca, ROOT, limits=Limits(names=expected + 1))
    assert checked(other, ca, ROOT, limits=Limits(names=expected)) is None


def test_constraints_of_large_certificates() -> None:
    """They are read each time, and mean the same."""
    bulk = Extension("1.2.3.4", der.octet_string(bytes(MAX_CACHED_OCTETS)))
    ca = ROOT.subordinate("Large", extensions=(constraining(["DNS:example.com"]), bulk))
    for _ in range(2):
        assert checked(leaf(ca, "DNS:example.com"), ca, ROOT) is None
        assert isinstance(checked(leaf(ca, "DNS:evil.example"), ca, ROOT), NameNotAllowed)


# --- against an oracle ------------------------------------------------------------------------------------------------

_UNITS: Final = ("a", "b")
_BASES = st.lists(st.lists(st.sampled_from(_UNITS), max_size=2), max_size=2)
_LEVELS = st.lists(st.tuples(_BASES, _BASES), min_size=1, max_size=3)


def _name(units: list[str]) -> str:
    """A distinguished name of these units, the uppermost first."""
    return ",".join(f"OU={unit}" for unit in reversed(units))


@given(_LEVELS, st.lists(st.sampled_from(_UNITS), min_size=1, max_size=3))
def test_chains_of_constraints(levels: list[tuple[list[list[str]], list[list[str]]]], units: list[str]) -> None:
    """A name is allowed where every level permits it, or permits nothing by name, and none excludes it."""
    chain = [ROOT]
    for permitted, excluded in levels:
        lists = [[f"dir:{_name(base)}" for base in bases] for bases in (permitted, excluded)]
        # Self-issued: exempt themselves, so that the leaf alone is held against all of them.
        chain.append(chain[-1].subordinate("Root", extensions=(constraining(*lists),) if any(lists) else ()))
    link = chain[-1].issue(_name(units))

    def lies_in(bases: list[list[str]]) -> bool:
        return any(units[: len(base)] == base for base in bases)

    allowed = all((lies_in(permitted) or not permitted) and not lies_in(excluded) for permitted, excluded in levels)
    assert (checked(link, *reversed(chain)) is None) == allowed
