"""URIs against bases of their form (RFC 5280 §4.2.1.10): hosts and domains."""

import pytest

from service.core.names.subtrees import Relation, index_subtrees
from service.core.names.uri import host_subtree, uri_path

INSIDE, OUTSIDE, UNKNOWN = Relation.INSIDE, Relation.OUTSIDE, Relation.UNKNOWN


def relation(name: str, *bases: str) -> Relation:
    """How a URI lies to bases."""
    return index_subtrees(host_subtree(base.encode()) for base in bases).relation(uri_path(name.encode()))


@pytest.mark.parametrize(
    ("name", "base", "expected"),
    [
        # a host is that host alone
        ("http://example.com/bar", "example.com", INSIDE),
        ("HTTP://EXAMPLE.COM", "Example.com", INSIDE),
        ("https://example.com:8080/wibble#bar", "example.com", INSIDE),
        ("http://example.com:/", "example.com", INSIDE),
        ("http://example.com?q", "example.com", INSIDE),
        ("http://user:pass%40@example.com/", "example.com", INSIDE),
        ("spiffe://example.com/ns/default/sa/a", "example.com", INSIDE),
        ("ldap://example.com/CN=a?b", "example.com", INSIDE),
        ("http://www.example.com/", "example.com", OUTSIDE),
        ("http://example.org/", "example.com", OUTSIDE),
        ("http://notexample.com/", "example.com", OUTSIDE),
        ("http://example.com@evil.org/", "example.com", OUTSIDE),
        ("http://evil.org/example.com", "example.com", OUTSIDE),
        ("http://evil.org?@example.com", "example.com", OUTSIDE),
        ("http://evil.org#@example.com", "example.com", OUTSIDE),
        ("spiffe://mesh/ns", "mesh", INSIDE),
        # a leading dot is a domain: subdomains alone
        ("http://www.example.com/", ".example.com", INSIDE),
        ("http://a.b.example.com/", ".example.com", INSIDE),
        ("http://example.com/", ".example.com", OUTSIDE),
        ("http://notexample.com/", ".example.com", OUTSIDE),
    ],
)
def test_relation(name: str, base: str, expected: Relation) -> None:
    """The host decides, and nothing else of a URI."""
    assert relation(name, base) is expected


@pytest.mark.parametrize(
    "name",
    [
        "",
        "urn:example:a",
        "mailto:a@example.com",
        "http:example.com",
        "http:/example.com",
        "http:///example.com",
        "//example.com/",
        "example.com",
        "http://",
        "http://:80/",
        "http://10.0.0.1/",
        "http://10.0.0.1:43/",
        "http://0x7f.1/",
        "http://[2001:db8::1]/",
        "http://[2001:db8::1%25.example.com]:16/",
        "http://example.com./",
        "http://.example.com/",
        "http://*.example.com/",
        "http://exam%70le.com/",
        "http://a@b@example.com/",
        "http://evil.org\\@example.com/",
        "http://evil.org\\.example.com/",
        "http://example.com:80:80/",
        "http://example.com:port/",
        "http://example.com/a b",
        "http://exa\tmple.com/",
        "http://example.com/\n",
        "http://exämple.com/",
        "1http://example.com/",
    ],
)
def test_illegible_names(name: str) -> None:
    """Without an authority, with an address for a host, or ambiguous: neither inside a base nor outside."""
    assert relation(name, "example.com", ".com", ".org") is UNKNOWN


@pytest.mark.parametrize(
    "base",
    ["", "http://example.com", "example.com.", "..example.com", ".", "*.example.com", "10.0.0.1", ".0.1", "a b", "ä"],
)
def test_illegible_bases(base: str) -> None:
    """They may cover anything."""
    assert relation("http://example.org/", base) is UNKNOWN
