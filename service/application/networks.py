"""Which addresses are one caller: that of IPv4, the network of IPv6."""

from functools import lru_cache
from ipaddress import IPv6Address, IPv6Network, ip_address
from typing import Final

NETWORK_BITS: Final = 64
"""Of an IPv6 address: who has one has, as a rule, all others of its network too (RFC 7421)."""

REMEMBERED: Final = 4_096
"""Addresses whose network a process remembers, since reading one costs some microseconds."""


@lru_cache(maxsize=REMEMBERED)
def network_of(host: str) -> str:
    """What tells where a request comes from; IPv4 in IPv6 is IPv4.

    Args:
        host: An address; anything else is taken as it is.
    """
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if not isinstance(address, IPv6Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(IPv6Network((address.packed, NETWORK_BITS), strict=False))
