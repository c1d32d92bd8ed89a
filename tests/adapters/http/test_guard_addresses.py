"""Which addresses the egress guard lets a certificate lead to, a case at a time."""

from ipaddress import ip_address, ip_network

import pytest

from service.adapters.http.guard import EgressRules, is_public
from service.application.origin import OriginError
from service.core.model.attempt import Problem

NOTHING_ALLOWED = EgressRules()


@pytest.mark.parametrize(
    "address",
    [
        "8.8.8.8",
        "93.184.216.34",
        "100.128.0.1",
        "172.32.0.1",
        "2606:4700::6810:84e5",
        "2a00:1450::1",
        "::ffff:8.8.8.8",
        "64:ff9b::8.8.8.8",
    ],
)
def test_public_addresses(address: str) -> None:
    """Addresses of the public Internet may be reached, IPv4 in IPv6 clothes too."""
    assert is_public(ip_address(address))
    assert NOTHING_ALLOWED.address_allowed(ip_address(address))


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "100.64.0.1",
        "100.100.100.200",
        "127.0.0.1",
        "127.255.255.254",
        "168.63.129.16",
        "169.254.0.1",
        "169.254.169.254",
        "169.254.170.2",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.9",
        "192.0.0.192",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.1.1",
        "198.18.0.1",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "239.255.255.250",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "::8.8.8.8",
        "::ffff:0:127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::10.0.0.1",
        "64:ff9b::127.0.0.1",
        "64:ff9b::169.254.169.254",
        "64:ff9b:1::8.8.8.8",
        "100::1",
        "2001::1",
        "2001:0:4136:e378:8000:63bf:3fff:fdd2",
        "2001:2::1",
        "2001:20::1",
        "2001:db8::1",
        "2002:7f00:1::1",
        "2002:808:808::1",
        "3fff::1",
        "4000::1",
        "5f00::1",
        "fc00::1",
        "fd00::1",
        "fd00:ec2::23",
        "fd00:ec2::254",
        "fe80::1",
        "fe80::1%1",
        "2606:4700::1%eth0",
        "::ffff:8.8.8.8%eth0",
        "fec0::1",
        "ff02::1",
        "ff0e::1",
    ],
)
def test_other_addresses(address: str) -> None:
    """Whatever is not of the public Internet may not be reached unless allowed."""
    assert not is_public(ip_address(address))
    assert not NOTHING_ALLOWED.address_allowed(ip_address(address))


@pytest.mark.parametrize(
    ("allow", "address", "expected"),
    [
        ("10.0.0.0/8", "10.1.2.3", True),
        ("10.0.0.0/8", "11.1.2.3", True),
        ("10.0.0.0/8", "192.168.0.1", False),
        ("10.0.0.1", "10.0.0.1", True),
        ("10.0.0.1", "10.0.0.2", False),
        ("10.0.0.0/8", "::ffff:10.0.0.1", True),
        ("10.0.0.0/8", "64:ff9b::10.0.0.1", True),
        ("::ffff:10.0.0.1", "::ffff:10.0.0.1", True),
        ("fd00::/8", "fd00:ec2::254", True),
        ("fd00::/8", "fe80::1", False),
        ("fe80::/10", "fe80::1", True),
        ("fe80::/10", "fe80::1%eth0", False),
        ("127.0.0.0/8", "::1", False),
    ],
)
def test_networks_allow_addresses(allow: str, address: str, expected: bool) -> None:
    """A CIDR allows its addresses, in whatever form they come, and no others."""
    assert expected == EgressRules.parse((allow,)).address_allowed(ip_address(address))


def test_the_allow_list_is_read() -> None:
    """Host names, addresses and CIDRs stand side by side."""
    expected = EgressRules(
        frozenset({"ca.inside.example", "localhost"}), (ip_network("10.0.0.0/8"), ip_network("fd00::1/128"))
    )
    assert expected == EgressRules.parse(("CA.Inside.example.", "10.0.0.0/8", "fd00::1", "localhost"))


@pytest.mark.parametrize(
    "item",
    [
        "",
        "*.example",
        "0x7f.1",
        "10.0.0.0/33",
        "10.0.0.1/8",
        "127.1",
        "2130706433",
        "[::1]",
        "a b",
        "ca.example:80",
        "fe80::1%eth0/64",
        "http://ca.example",
    ],
)
def test_a_bad_item_is_named(item: str) -> None:
    """The start ends with the item that cannot be read."""
    with pytest.raises(ValueError, match="is neither a host name") as caught:
        EgressRules.parse(("10.0.0.0/8", item))
    assert str(caught.value).startswith(repr(item))


@pytest.mark.parametrize(
    ("allow", "host", "addresses"),
    [
        ((), "ca.example", ("93.184.216.34", "2606:4700::1")),
        (("ca.example",), "ca.example", ("127.0.0.1", "169.254.169.254", "fe80::1%1")),
        (("10.0.0.0/8",), "ca.example", ("10.0.0.1", "93.184.216.34")),
    ],
)
def test_names_with_good_addresses_pass(allow: tuple[str, ...], host: str, addresses: tuple[str, ...]) -> None:
    """A name passes when each of its addresses does, or when the name itself is allowed."""
    EgressRules.parse(allow).check_addresses(host, tuple(map(ip_address, addresses)))


@pytest.mark.parametrize(
    ("allow", "host", "addresses"),
    [
        ((), "ca.example", ("10.0.0.1",)),
        ((), "ca.example", ("93.184.216.34", "10.0.0.1")),
        ((), "ca.example", ("10.0.0.1", "93.184.216.34")),
        (("10.0.0.0/8",), "ca.example", ("10.0.0.1", "192.168.0.1")),
        (("ca.example",), "www.ca.example", ("10.0.0.1",)),
        (("ca.example",), "example", ("10.0.0.1",)),
        (("ca.example",), "xca.example", ("10.0.0.1",)),
        ((), "10.0.0.1", ("10.0.0.1",)),
    ],
)
def test_one_bad_address_refuses_the_name(allow: tuple[str, ...], host: str, addresses: tuple[str, ...]) -> None:
    """A name is refused whole when any of its addresses is, wherever it stands in the answer."""
    with pytest.raises(OriginError) as caught:
        EgressRules.parse(allow).check_addresses(host, tuple(map(ip_address, addresses)))
    assert Problem.EGRESS_REFUSED == caught.value.problem
