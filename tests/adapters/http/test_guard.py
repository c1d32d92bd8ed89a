"""How the egress guard reads a URL, a case at a time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.adapters.http.guard import (
    Target,
    check_url,
    literal_address,
    proxy_target,
    redirect_target,
)
from service.application.origin import OriginError
from service.core.model.attempt import Problem


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
        "http://[1::2::3]/",
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
