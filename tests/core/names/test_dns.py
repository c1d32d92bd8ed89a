"""DNS names against dNSName bases (RFC 5280 §4.2.1.10)."""

import itertools
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.names.dns import dns_path, dns_subtree, host_labels, is_like_a_dns_name
from service.core.names.subtrees import Relation, index_subtrees

INSIDE, PARTLY, OUTSIDE, UNKNOWN = Relation.INSIDE, Relation.PARTLY, Relation.OUTSIDE, Relation.UNKNOWN


def relation(name: str, *bases: str) -> Relation:
    """How a dNSName lies to bases."""
    return index_subtrees(dns_subtree(base.encode()) for base in bases).relation(dns_path(name.encode()))


@pytest.mark.parametrize(
    ("name", "base", "expected"),
    [
        ("example.com", "example.com", INSIDE),
        ("foo.example.com", "example.com", INSIDE),
        ("foo.bar.example.com", "example.com", INSIDE),
        ("FOO.Example.COM", "eXAMPLE.com", INSIDE),
        ("_service.example.com", "example.com", INSIDE),
        ("xn--mller-kva.example.com", "XN--MLLER-KVA.example.com", INSIDE),
        ("notexample.com", "example.com", OUTSIDE),
        ("example.com.org", "example.com", OUTSIDE),
        ("com", "example.com", OUTSIDE),
        ("example.org", "example.com", OUTSIDE),
        ("example.com", "foo.example.com", OUTSIDE),
        ("a.example.com", "b.example.com", OUTSIDE),
        ("localhost", "localhost", INSIDE),
        ("10.0.0.1", "example.com", OUTSIDE),
        # the empty base
        ("example.com", "", INSIDE),
        ("*.example.com", "", INSIDE),
        # wildcards in names
        ("*.example.com", "example.com", INSIDE),
        ("*.foo.example.com", "example.com", INSIDE),
        ("*.example.com", "foo.example.com", PARTLY),
        ("*.EXAMPLE.com", "foo.example.COM", PARTLY),
        ("*.example.com", "a.foo.example.com", OUTSIDE),
        ("*.com", "foo.example.com", OUTSIDE),
        ("*.example.org", "foo.example.com", OUTSIDE),
        # a leading dot in a base: subdomains to some, nothing to others
        ("foo.example.com", ".example.com", UNKNOWN),
        ("example.com", ".example.com", UNKNOWN),
        ("*.example.com", ".example.com", UNKNOWN),
        ("example.org", ".example.com", OUTSIDE),
        ("com", ".example.com", OUTSIDE),
        ("notexample.com", ".example.com", OUTSIDE),
    ],
)
def test_relation(name: str, base: str, expected: Relation) -> None:
    """By labels, from the right, without regard to case."""
    assert relation(name, base) is expected


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "*",
        "*.",
        ".example.com",
        "example.com.",
        "foo..example.com",
        "f*.example.com",
        "foo.*.example.com",
        "*.*.example.com",
        "*example.com",
        "this is invalid",
        "example.com\0.evil.org",
        "exa\nmple.com",
        "exämple.com",
        "example.com:443",
        f"{'a' * 64}.example.com",
        ".".join(["a" * 63] * 4),
    ],
)
def test_illegible_names(name: str) -> None:
    """What is no DNS name is nowhere, not even below the base of everything; and as a base it may cover anything."""
    assert relation(name, "") is UNKNOWN
    if name:
        assert relation("foo.example.org", name) is (OUTSIDE if name == ".example.com" else UNKNOWN)


def test_the_longest_names() -> None:
    """Labels of 63 characters, names of 253."""
    assert relation(f"{'a' * 63}.example.com", "example.com") is INSIDE
    longest = ".".join(["a" * 63] * 3 + ["b" * 61])
    assert relation(longest, longest) is INSIDE
    assert relation(f"{longest}b", "") is UNKNOWN


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("example.com", ("com", "example")),
        ("Example.COM", ("com", "example")),
        ("1.2.3.4.example", ("example", "4", "3", "2", "1")),
        ("10.0.0.1", None),
        ("10.1", None),
        ("0x7f.1", None),
        ("2130706433", None),
        ("0x7f000001", None),
        ("example.0x", None),
        ("0x7f.example", ("example", "0x7f")),
        ("bank.example", ("example", "bank")),
        ("ban\N{KELVIN SIGN}.example", None),
        ("exämple.com", None),
        ("[::1]", None),
        ("*.example.com", None),
        ("", None),
    ],
)
def test_hosts(text: str, expected: tuple[str, ...] | None) -> None:
    """A host that ends in a number is an address to somebody."""
    assert host_labels(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("bad.net", True),
        ("www.Good.org", True),
        ("*.bad.net", True),
        ("under_score.bad.net", True),
        ("a--b.bad.net", True),
        (f"{'a' * 252}.net", True),
        (f"{'a' * 253}.net", False),
        ("localhost", False),
        ("John Doe", False),
        ("not..dns", False),
        ("not@dns.net", False),
        ("not-.dns", False),
        ("not.-dns", False),
        ("not.dns.", False),
        (".not.dns", False),
        ("1.2.3.4", False),
        ("bücher.example", False),
        ("bad.ne\N{KELVIN SIGN}", False),
        ("", False),
    ],
)
def test_common_names_like_dns_names(text: str, expected: bool) -> None:
    """Two labels or more of letters, digits, hyphens inside and underscores; the last is no number."""
    assert is_like_a_dns_name(text) is expected


# --- against a naive oracle -------------------------------------------------------------------------------------------

LABELS: Final = ("a", "b", "c")
UNIVERSE: Final = [
    list(reversed(labels)) for depth in range(1, 5) for labels in itertools.product(LABELS, repeat=depth)
]
"""Every name of up to four labels, from the right."""

_LABEL = st.sampled_from(LABELS)
_NAME = st.lists(_LABEL, min_size=1, max_size=3)


def _text(labels: list[str]) -> str:
    return ".".join(reversed(labels))


@given(_NAME, st.booleans(), st.lists(_NAME, max_size=3))
def test_names_are_sets_of_hosts(name: list[str], is_wildcard: bool, bases: list[list[str]]) -> None:
    """A name stands for hosts, a base covers hosts: all of the former inside, some, or none."""
    stands_for = [[*name, label] for label in LABELS] if is_wildcard else [name]
    covered = [host for host in UNIVERSE if any(host[: len(base)] == base for base in bases)]
    inside = [host in covered for host in stands_for]
    text = f"*.{_text(name)}" if is_wildcard else _text(name)
    # Three labels are not all there are: a wildcard is not inside because each of three happens to be.
    complete = all(inside) and (not is_wildcard or name in covered)
    expected = INSIDE if complete else PARTLY if any(inside) else OUTSIDE
    assert relation(text, *map(_text, bases)) is expected
    assert relation(text.upper(), *(_text(base).title() for base in bases)) is expected
