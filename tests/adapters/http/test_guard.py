"""The rules of the egress guard, a case at a time."""

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.adapters.http.guard import (
    EgressRules,
    Target,
    check_url,
    is_public,
    literal_address,
    proxy_target,
    redirect_target,
)
from service.application.origin import OriginError
from service.core.model.attempt import Problem

NOTHING_ALLOWED = EgressRules()


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://ca.example", Target("http", "ca.example", 80, "/")),
        ("HTTPS://CA.Example./", Target("https", "ca.example", 443, "/")),
        ("http://ca.example:8080/a.crl", Target("http", "ca.example", 8080, "/a.crl")),
        ("http://ca.example:/a.crl", Target("http", "ca.example", 80, "/a.crl")),
        ("http://ca.example?a=b", Target("http", "ca.example", 80, "/?a=b")),
        ("http://ca.example/a?b=c#d", Target("http", "ca.example", 80, "/a?b=c")),
        ("http://ca.example/Example CA.crl", Target("http", "ca.example", 80, "/Example%20CA.crl")),
        ("http://ca.example/MFEw%2BTzBN%3D%2F", Target("http", "ca.example", 80, "/MFEw%2BTzBN%3D%2F")),
        ("http://_crl.ca-1.example/", Target("http", "_crl.ca-1.example", 80, "/")),
        ("http://93.184.216.34/", Target("http", "93.184.216.34", 80, "/")),
        ("http://[2606:4700::1]:8080/", Target("http", "2606:4700::1", 8080, "/")),
        ("http://[2606:4700:0:0::1]/", Target("http", "2606:4700::1", 80, "/")),
    ],
)
def test_a_url_is_taken_apart(url: str, expected: Target) -> None:
    """Host and scheme are lower case, the port and the path are always there, the fragment stays here."""
    assert expected == check_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "ldap:///CN=CA,O=Example?certificateRevocationList;binary",
        "ldaps://ca.example/",
        "file:///etc/passwd",
        "ftp://ca.example/a.crl",
        "gopher://ca.example/",
        "javascript:alert(1)",
        "ca.example/a.crl",
        "/a.crl",
        " http://ca.example/",
        "",
    ],
)
def test_other_schemes_are_unsupported(url: str) -> None:
    """Only http and https are fetched."""
    with pytest.raises(OriginError) as caught:
        check_url(url)
    assert Problem.UNSUPPORTED_SCHEME == caught.value.problem


@pytest.mark.parametrize(
    "url",
    [
        "http:ca.example/",
        "http:/ca.example/",
        "http:///a.crl",
        "http://",
        "http://:80/",
        "http://user@ca.example/",
        "http://user:secret@ca.example/",
        "http://@ca.example/",
        "http://public.example\\@inside.example/",
        "http://inside.example\\.public.example/",
        "http://ca.example%2einside.example/",
        "http://ca.example:0/",
        "http://ca.example:65536/",
        "http://ca.example:-1/",
        "http://ca.example:80x/",
        "http://ca.example:8 0/",
        "http://ca.example:80:80/",
        "http://ca..example/",
        "http://.ca.example/",
        "http://-ca.example/",
        "http://ca-.example/",
        "http://" + "a" * 64 + ".example/",
        "http://" + "a." * 126 + "aa/",
        "http://ca.example/" + "a" * 8192,
        "http://ca.example/a\r\nHost: inside.example",
        "http://ca.example/a\nb",
        "http://ca.example\t/",
        "http://ca.example/\x00",
        "http://ca.example/\x7f",
        "http://ca.example/\u00e9",
        "http://\u0440aypal.example/",
        "http://ca.example\uff0finside.example/",
        "http://[::1/",
        "http://::1/",
        "http://[::1]x/",
        "http://[fe80::1%25eth0]/",
        "http://[v1.a]/",
        "http://[]/",
        "http://2130706433/",
        "http://127.1/",
        "http://0x7f.1/",
        "http://0x7f000001/",
        "http://0177.0.0.1/",
        "http://127.0.0.01/",
        "http://1.2.3.4.5/",
        "http://256.1.1.1/",
        "http://ca.example.1/",
    ],
)
def test_urls_with_two_readings_are_refused(url: str) -> None:
    """What one parser may read differently from another is not fetched at all."""
    with pytest.raises(OriginError) as caught:
        check_url(url)
    assert Problem.EGRESS_REFUSED == caught.value.problem


def test_credentials_are_not_repeated() -> None:
    """The detail of a refused URL never carries its password."""
    with pytest.raises(OriginError) as caught:
        check_url("http://user:hunter2@ca.example/")
    assert "hunter2" not in str(caught.value)


def test_details_are_short_and_printable() -> None:
    """A hostile URL cannot fill a log or draw in it."""
    with pytest.raises(OriginError) as caught:
        check_url("http://ca.example/\x1b[2J" + "\u202e" * 5000)
    assert caught.value.detail.isascii()
    assert caught.value.detail.isprintable()
    assert 1000 > len(caught.value.detail)


@given(st.text(max_size=60) | st.text(max_size=60).map("http://".__add__))
def test_every_text_is_a_target_or_an_origin_error(url: str) -> None:
    """Nothing but an `OriginError` comes out, and what passes is read the same way again."""
    try:
        target = check_url(url)
    except OriginError:
        return
    assert target == check_url(target.url)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://CA.example:80/a", "http://ca.example/a"),
        ("https://ca.example:443", "https://ca.example/"),
        ("http://ca.example:443/", "http://ca.example:443/"),
        ("http://[2606:4700:0::1]/", "http://[2606:4700::1]/"),
    ],
)
def test_a_target_has_one_url(url: str, expected: str) -> None:
    """The URL that is asked for leaves the scheme's own port out."""
    assert expected == check_url(url).url


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


@pytest.mark.parametrize(
    ("base", "location", "expected"),
    [
        ("http://ca.example/a/b", "c", "http://ca.example/a/c"),
        ("http://ca.example/a/b", "/c", "http://ca.example/c"),
        ("http://ca.example:81/a", "//other.example/c", "http://other.example/c"),
        ("http://ca.example/", "https://ca.example/", "https://ca.example/"),
        ("https://ca.example/a", "/b", "https://ca.example/b"),
        ("http://ca.example/a?b", "?c", "http://ca.example/a?c"),
    ],
)
def test_redirects_are_resolved(base: str, location: str, expected: str) -> None:
    """A Location is absolute or relative to what was asked for."""
    assert expected == redirect_target(check_url(base), location).url


@pytest.mark.parametrize(
    ("base", "location"),
    [
        ("http://ca.example/", "file:///etc/passwd"),
        ("http://ca.example/", "ldap://ca.example/"),
        ("http://ca.example/", "http://user:secret@ca.example/"),
        ("http://ca.example/", "//user@ca.example/"),
        ("http://ca.example/", "ht\ttp://ca.example/"),
        ("http://ca.example/", "http://[::1/"),
        ("http://ca.example/", "//[::1/"),
        ("http://ca.example/", "http:a"),
        ("http://ca.example/", "http://127.1/"),
        ("http://ca.example/", "http:///a"),
        ("http://ca.example/", "/\u00e9"),
        ("https://ca.example/", "http://ca.example/"),
    ],
)
def test_bad_redirects_are_refused(base: str, location: str) -> None:
    """A redirect is held to the rules for URLs, and never leaves TLS."""
    with pytest.raises(OriginError) as caught:
        redirect_target(check_url(base), location)
    assert Problem.EGRESS_REFUSED == caught.value.problem
    assert caught.value.detail.startswith("redirect: ")


def test_the_proxy_is_a_host_and_a_port() -> None:
    """A proxy is named by a plain http URL."""
    assert Target("http", "proxy.example", 3128, "/") == proxy_target("http://proxy.example:3128")


@pytest.mark.parametrize(
    "url",
    ["https://proxy.example", "socks5://proxy.example", "http://proxy.example/a", "http://u:hunter2@proxy.example", ""],
)
def test_other_proxies_stop_the_start(url: str) -> None:
    """What cannot be used as a proxy is an error of the settings, which repeats no password."""
    with pytest.raises(ValueError, match="not a proxy URL") as caught:
        proxy_target(url)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(("host", "expected"), [("ca.example", None), ("10.0.0.1", "10.0.0.1"), ("::1", "::1")])
def test_literal_addresses(host: str, expected: str | None) -> None:
    """A host is an address or a name, and a name is never guessed at."""
    address = literal_address(host)
    assert expected == (None if address is None else str(address))
