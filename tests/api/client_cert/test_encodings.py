"""Percent-encoding and base64, undone strictly."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.api.client_cert.encodings import der_of, percent_decoded
from service.api.client_cert.presented import HeaderError
from tests.api.client_cert.proxies import percent


@pytest.mark.parametrize(
    ("value", "expected"),
    [(b"", b""), (b"a+b", b"a+b"), (b"%2B+%2b", b"+++"), (b"%0d%0A", b"\r\n"), (b"\xff", b"\xff"), (b"%FF", b"\xff")],
)
def test_percent_decoding(value: bytes, expected: bytes) -> None:
    """Escapes in either case; `+` is `+`; what is not escaped stays."""
    assert expected == percent_decoded(value)


@pytest.mark.parametrize("value", [b"%", b"a%", b"%2", b"%2G", b"%G2", b"%%2B", b"%u002B", b"% 2", b"%+2", b"%-1"])
def test_a_broken_escape(value: bytes) -> None:
    """Two hexadecimal digits or a refusal, wherever it stands."""
    for text in (value, b"%2B" + value, value + b";"):
        with pytest.raises(HeaderError, match="not followed by two hexadecimal digits"):
            percent_decoded(text)


@pytest.mark.parametrize("value", [b"%25", b"%252B", b"+%2525"])
def test_encoded_twice(value: bytes) -> None:
    """What is still encoded is refused, not decoded until it fits."""
    with pytest.raises(HeaderError, match="more than once"):
        percent_decoded(value)


@given(st.text(st.characters(exclude_characters="%", exclude_categories=["Cs"])))
def test_what_was_encoded_comes_out(text: str) -> None:
    """Whatever it was."""
    assert text.encode() == percent_decoded(percent(text))


@pytest.mark.parametrize(("text", "expected"), [(b"AA==", b"\0"), (b"+/+/", b"\xfb\xff\xbf"), (b"AAAA", bytes(3))])
def test_base64(text: bytes, expected: bytes) -> None:
    """With its padding."""
    assert expected == der_of(text, 1)


@pytest.mark.parametrize(
    "text",
    [
        b"A",
        b"AA",
        b"AAA",
        b"AA=",
        b"AA==A",
        b"AA==AA==",
        b"A A=",
        b"-_AA",
        b"=",
        b"====",
        b"AAAA=",
        b"AAAA====",
        b"\xff",
    ],
)
def test_what_is_no_base64(text: bytes) -> None:
    """Padding that is missing or in the middle, blanks, the alphabet of URLs."""
    with pytest.raises(HeaderError, match="certificate 3 is not base64"):
        der_of(text, 3)


def test_nothing() -> None:
    """No octets are no certificate."""
    with pytest.raises(HeaderError, match="certificate 1 is empty"):
        der_of(b"", 1)
