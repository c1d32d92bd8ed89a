"""IP addresses against ranges (RFC 5280 §4.2.1.10)."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.names.address import address_path, address_subtree, mapped_subtrees, written_address
from service.core.names.subtrees import Relation, index_subtrees
from tests.core.names.trees import general_name

INSIDE, OUTSIDE, UNKNOWN = Relation.INSIDE, Relation.OUTSIDE, Relation.UNKNOWN

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network


def relation(name: bytes, *bases: bytes) -> Relation:
    """How an iPAddress lies to bases."""
    subtrees = [*map(address_subtree, bases), *(one for base in bases for one in mapped_subtrees(base))]
    return index_subtrees(subtrees).relation(address_path(name))


@pytest.mark.parametrize(
    ("address", "base", "expected"),
    [
        ("192.0.2.1", "192.0.2.0/24", INSIDE),
        ("192.0.2.0", "192.0.2.0/24", INSIDE),
        ("192.0.2.255", "192.0.2.0/24", INSIDE),
        ("192.0.3.0", "192.0.2.0/24", OUTSIDE),
        ("192.0.1.255", "192.0.2.0/24", OUTSIDE),
        ("10.10.200.1", "10.10.10.10/16", INSIDE),  # what the mask leaves out counts for nothing
        ("10.11.0.1", "10.10.10.10/16", OUTSIDE),
        ("10.0.0.9", "10.0.0.8/29", INSIDE),
        ("10.0.0.16", "10.0.0.8/29", OUTSIDE),
        ("127.0.0.1", "127.0.0.1/32", INSIDE),
        ("127.0.0.2", "127.0.0.1/32", OUTSIDE),
        ("203.0.113.5", "0.0.0.0/0", INSIDE),
        ("2001:db8::1", "2001:db8::/32", INSIDE),
        ("2001:db9::1", "2001:db8::/32", OUTSIDE),
        ("::1", "::1/128", INSIDE),
        ("::1", "::/0", INSIDE),
        # the two versions have nothing to do with each other
        ("192.0.2.1", "::/0", OUTSIDE),
        ("2001:db8::1", "0.0.0.0/0", OUTSIDE),
        ("192.0.2.1", "::ffff:192.0.2.0/120", OUTSIDE),
        ("::", "0.0.0.0/32", OUTSIDE),
        # an IPv4 address in the clothes of the other version
        ("::ffff:192.0.2.1", "192.0.2.0/24", UNKNOWN),
        ("::ffff:192.0.2.1", "0.0.0.0/0", UNKNOWN),
        ("::ffff:192.0.3.1", "192.0.2.0/24", OUTSIDE),
        ("::fffe:192.0.2.1", "0.0.0.0/0", OUTSIDE),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.0/120", INSIDE),
    ],
)
def test_relation(address: str, base: str, expected: Relation) -> None:
    """An address is in a range of its own version, or it is not."""
    assert relation(ip_address(address).packed, general_name(f"IP:{base}").value) is expected


@pytest.mark.parametrize("octets", [b"", b"\x7f", bytes(3), bytes(5), bytes(8), bytes(15), bytes(17), bytes(32)])
def test_illegible_names(octets: bytes) -> None:
    """An address has 4 octets or 16; a range is none."""
    assert relation(octets, bytes(8), bytes(32)) is UNKNOWN


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        bytes(4),
        bytes(16),
        bytes(7),
        bytes(9),
        bytes(31),
        bytes(33),
        bytes((10, 0, 0, 0, 255, 0, 255, 0)),
        bytes((10, 0, 0, 0, 0, 0, 0, 1)),
        bytes((10, 0, 0, 0, 127, 255, 255, 255)),
        bytes(16) + bytes((0xFF,)) + bytes(14) + bytes((1,)),
    ],
)
def test_illegible_bases(octets: bytes) -> None:
    """A range is an address and a mask without holes; anything else may cover any address of either version."""
    for address in (bytes(4), bytes(16)):
        assert relation(address, octets) is UNKNOWN


@pytest.mark.parametrize("base", ["192.0.2.0/24", "192.0.2.0/23"])
def test_a_mapped_address_in_a_range_of_its_own_version(base: str) -> None:
    """What one base covers without doubt is covered, whatever another may cover."""
    bases = [general_name(f"IP:{one}").value for one in (base, "::ffff:192.0.2.0/120")]
    assert relation(ip_address("::ffff:192.0.2.1").packed, *bases) is INSIDE


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("192.0.2.1", bytes((192, 0, 2, 1))),
        ("::ffff:192.0.2.1", bytes(10) + bytes((255, 255, 192, 0, 2, 1))),
        ("2001:DB8::1", bytes.fromhex("20010db8000000000000000000000001")),
        ("192.0.2", None),
        ("192.0.2.01", None),
        ("192.0.2.1/24", None),
        ("192.0.2.1 ", None),
        ("3221225985", None),
        ("example.com", None),
        ("", None),
    ],
)
def test_addresses_in_writing(text: str, expected: bytes | None) -> None:
    """Four numbers with dots, or hexadecimal groups with colons; nothing else is an address."""
    assert written_address(text) == expected


# --- against the standard library -------------------------------------------------------------------------------------

_V4 = st.builds(lambda number: ip_address(0xC0000200 | number), st.integers(0, 15))
_V6 = st.builds(lambda number: ip_address((0x20010DB8 << 96) | number), st.integers(0, 15))
_V4_NETWORKS = st.builds(lambda at, bits: ip_network((at, bits), strict=False), _V4, st.integers(26, 32))
_V6_NETWORKS = st.builds(lambda at, bits: ip_network((at, bits), strict=False), _V6, st.integers(122, 128))


@given(_V4 | _V6, st.lists(_V4_NETWORKS | _V6_NETWORKS, max_size=4))
def test_against_the_standard_library(address: Address, networks: list[Network]) -> None:
    """An address is inside where one of the networks contains it."""
    bases = [network.network_address.packed + network.netmask.packed for network in networks]
    expected = INSIDE if any(address in network for network in networks) else OUTSIDE
    assert relation(address.packed, *bases) is expected
