"""Tokens as they are written down: one by one, or as digests."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.application.tokens import (
    DIGEST_PREFIX,
    TokenError,
    digest_of_entry,
    digest_of_token,
    entry_of,
    make_token,
    read_entries,
)

TOKEN = "caller-0123456789abcdef"
OTHER = "other-0123456789abcdef"


def test_tokens_and_digests_are_mixed() -> None:
    """Each counts; the digits of a digest have no case."""
    assert tuple(sha256(one.encode()).digest() for one in (TOKEN, OTHER)) == read_entries([TOKEN, entry_of(OTHER)])
    digest = entry_of(TOKEN)
    assert read_entries([digest]) == read_entries([DIGEST_PREFIX + digest.removeprefix(DIGEST_PREFIX).upper()])


@given(st.text(alphabet="abcXYZ019._~+/-", min_size=16, max_size=80))
def test_a_token_and_its_entry_are_the_same(token: str) -> None:
    """Whatever a token is made of."""
    assert digest_of_token(token.encode()) == digest_of_entry(token) == digest_of_entry(entry_of(token))


def test_a_digest_opens_nothing() -> None:
    """Whoever reads a file of digests can send none of them as a token."""
    entry = entry_of(TOKEN)
    digits = entry.removeprefix(DIGEST_PREFIX)
    (known,) = read_entries([entry])
    assert known not in {digest_of_token(one) for one in (entry.encode(), digits.encode(), bytes.fromhex(digits))}


@pytest.mark.parametrize(
    ("entries", "problem"),
    [
        ([], "there is no token in it"),
        (["short"], "token 1 has 5 characters, at least 16 are needed"),
        ([TOKEN, "white space 0123456789"], "token 2 has characters that a bearer token cannot have (RFC 6750)"),
        ([TOKEN, TOKEN], "a token is given twice"),
        ([TOKEN, entry_of(TOKEN)], "a token is given twice"),
        ([entry_of(TOKEN), entry_of(TOKEN).replace("sha256:", "sha256:").upper().replace("SHA256", "sha256")], "twice"),
        (["sha256:0123"], "token 1 begins with sha256:, after which 64 hexadecimal digits are needed"),
        ([entry_of(TOKEN) + "0"], "token 1 begins with sha256:, after which 64 hexadecimal digits are needed"),
        ([entry_of(TOKEN)[:-1] + "g"], "token 1 begins with sha256:, after which 64 hexadecimal digits are needed"),
        ([entry_of(TOKEN).replace("sha256", "SHA256")], "token 1 has characters that a bearer token cannot have"),
        ([entry_of(TOKEN).replace("sha256", "sha512")], "token 1 has characters that a bearer token cannot have"),
    ],
)
def test_what_is_refused(entries: list[str], problem: str) -> None:
    """With the number of the entry, and nothing of it."""
    with pytest.raises(TokenError) as caught:
        read_entries(entries)
    assert problem in str(caught.value)
    assert not [entry for entry in entries if entry.removeprefix(DIGEST_PREFIX) in str(caught.value)]


def test_tokens_that_are_made() -> None:
    """Each another, long enough, and fit for a header and a file."""
    made = {make_token() for _ in range(100)}
    assert 100 == len(made) == len(read_entries(made))
    assert {len("revet_") + 43} == {len(token) for token in made}


@pytest.mark.parametrize("text", ["short", "white space 0123456789", entry_of(TOKEN)])
def test_no_entry_of_what_is_no_token(text: str) -> None:
    """A digest of a digest would let nobody in."""
    with pytest.raises(TokenError) as caught:
        entry_of(text)
    assert text not in str(caught.value)
