"""IP addresses under name constraints (RFC 5280 §4.2.1.10): CIDR ranges (RFC 4632), IPv4 and IPv6 apart.

A range of one version neither permits nor excludes an address of the other. An IPv4-mapped address (RFC 4291 §2.5.5.2)
is an IPv6 address to some and the IPv4 address to others: whether a range of the latter covers it nobody can tell.
"""

import ipaddress
from collections.abc import Iterator

from service.core.names.subtrees import Reach, Subtree

IPV4_OCTETS = 4
IPV6_OCTETS = 16

_MAPPED = bytes(10) + b"\xff\xff"
"""What comes before an IPv4 address that is mapped."""


def address_path(value: bytes) -> str | None:
    """Where an iPAddress lies, or None where it has not the length of one."""
    return _bits(value) if len(value) in (IPV4_OCTETS, IPV6_OCTETS) else None


def address_subtree(value: bytes) -> Subtree | None:
    """The subtree of an iPAddress base, address and mask; None where the length is wrong or the mask has holes."""
    if len(value) not in (2 * IPV4_OCTETS, 2 * IPV6_OCTETS):
        return None
    address, mask = value[: len(value) // 2], value[len(value) // 2 :]
    ones = _bits(mask)[1:].rstrip("0")
    # What the mask leaves out counts for nothing, set or not.
    return None if "0" in ones else Subtree(_bits(address)[: 1 + len(ones)])


def mapped_subtrees(value: bytes) -> Iterator[Subtree]:
    """What an iPAddress base may cover beside its own version: the mapped addresses of an IPv4 range."""
    own = address_subtree(value)
    if own is not None and len(value) == 2 * IPV4_OCTETS:
        yield Subtree(_bits(_MAPPED + bytes(IPV4_OCTETS))[: 1 + 8 * len(_MAPPED)] + str(own.base)[1:], Reach.DISPUTED)


def written_address(text: str) -> bytes | None:
    """The octets of an address in writing, or None where it is none; IPv4 in its one common spelling."""
    try:
        return ipaddress.ip_address(text).packed
    except ValueError:
        return None


def _bits(octets: bytes) -> str:
    """The version, and the bits: a path from a root that both versions have."""
    version = "4" if len(octets) == IPV4_OCTETS else "6"
    return f"{version}{int.from_bytes(octets, 'big'):0{8 * len(octets)}b}"
