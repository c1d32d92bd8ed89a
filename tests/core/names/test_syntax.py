"""Names that cannot be what they say they are (RFC 5280 §4.2.1.6), and odd ones that can."""

from typing import Final

import pytest

from service.core.model.name import GeneralName, GeneralNameKind
from service.core.names.syntax import syntax_fault
from tests.core.names.trees import general_name

LONGEST: Final = ".".join(["a" * 63] * 3 + ["b" * 61])
"""253 characters."""


def fault(form: GeneralNameKind, text: str) -> str | None:
    """What is wrong with a name; text is Latin-1, an octet a character."""
    return syntax_fault(GeneralName(form, text.encode("latin-1")))


@pytest.mark.parametrize(
    "text",
    [
        "a",
        "www.example.com",
        "WWW.Example.COM",
        "*.example.com",
        "*.com",
        "*.a_b.example",
        "under_score.example.com",
        "_dmarc.example.com",
        "-a-.example.com",
        "xn--mller-kva.example",
        "example.com.",
        "*.example.com.",
        "192.0.2.1",
        "example.com:443",
        "https://example.com/",
        f"{'a' * 63}.example.com",
        LONGEST,
        f"{LONGEST}.",
    ],
)
def test_dns_names(text: str) -> None:
    """What is odd and in use is none of this step's business."""
    assert fault(GeneralNameKind.DNS_NAME, text) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "this is invalid",
        "example.com ",
        " example.com",
        "example.com\n",
        "exa\tmple.com",
        "example.com\0",
        "example.com\0.evil.org",
        "example.com\x7f",
        "exämple.com",
        ".",
        "..",
        ".example.com",
        "www..example.com",
        "example.com..",
        "*",
        "*.",
        "*.*",
        "*.*.example.com",
        "www.*.example.com",
        "www.*",
        "w*.example.com",
        "*w.example.com",
        "**.example.com",
        "*example.com",
        f"{'a' * 64}.example.com",
        f"*.{'a' * 64}",
        f"{LONGEST}b",
        f"{LONGEST}b.",
    ],
)
def test_no_dns_names(text: str) -> None:
    """Blanks, control characters, letters beyond ASCII, empty and long labels, and `*` but as the whole first label."""
    assert "a dNSName that is no DNS name" == fault(GeneralNameKind.DNS_NAME, text)


@pytest.mark.parametrize(
    "text",
    [
        "ann@example.com",
        "",
        "a",
        "a@b@example.com",
        "ann@[192.0.2.1]",
        "*@example.com",
        '"ann b"@example.com',
        '"ann \\" b"@example.com',
        '""@example.com',
        "a\\@b@example.com",
    ],
)
def test_mail_addresses(text: str) -> None:
    """Quotes may hold a blank; whether there is a host nobody asks here."""
    assert fault(GeneralNameKind.RFC822_NAME, text) is None


@pytest.mark.parametrize(
    "text",
    [
        "this @ is invalid",
        "Ann <ann@example.com>",
        "ann@example.com\0.evil.org",
        "ann@example.com\n",
        "jörg@example.com",
        '"ann@example.com',
        '"ann\n"@example.com',
        '"ann\\"@example.com',
        '"a" "b"@example.com',
    ],
)
def test_no_mail_addresses(text: str) -> None:
    """Blanks outside quotes, control characters, letters beyond ASCII, quotes without an end."""
    assert "an rfc822Name that is no mail address" == fault(GeneralNameKind.RFC822_NAME, text)


@pytest.mark.parametrize(
    "text", ["", "https://example.com/a?b#c", "urn:example:a", "../relative", "http://[2001:db8::1]/"]
)
def test_uris(text: str) -> None:
    """Whether there is a scheme nobody asks here."""
    assert fault(GeneralNameKind.URI, text) is None


@pytest.mark.parametrize(
    "text",
    ["http://example.com/a b", "http://example.com\0.evil.org", "http://example.com\n", "http://exämple.com/"],
)
def test_no_uris(text: str) -> None:
    """Blanks, control characters and letters beyond ASCII."""
    assert "a uniformResourceIdentifier that is no URI" == fault(GeneralNameKind.URI, text)


@pytest.mark.parametrize("name", ["dir:", "IP:192.0.2.1", "hex:7:00", "hex:0:", "hex:8:00", "utf8:a b"])
def test_other_forms(name: str) -> None:
    """They have no text."""
    assert syntax_fault(general_name(name)) is None


def test_long_names() -> None:
    """They take no longer than their length."""
    for form in (GeneralNameKind.DNS_NAME, GeneralNameKind.RFC822_NAME, GeneralNameKind.URI):
        for text in ("a." * 100_000 + " ", '"' * 100_001 + "\n", '"\\' * 100_000 + "\n", "*." * 100_000 + " "):
            assert fault(form, text) is not None
