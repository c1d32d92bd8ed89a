"""Bearer tokens as they are written down: one by one, or as digests that open nothing to whoever reads them.

Rules it keeps: an entry is a token, or `sha256:` and the 64 hexadecimal digits of a token's SHA-256; beyond this module
there are digests alone, so that a token and its digest are the same token; no message repeats any part of either.

What it does not do: read files, or tell who may do what.
"""

import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from hashlib import sha256
from typing import Final

MIN_TOKEN_LENGTH: Final = 16
"""Characters of a bearer token at least: 16 of base64 are 96 bits, which nobody guesses over a network."""

TOKEN_OCTETS: Final = 32
"""Of chance in a token that is made here: 256 bits. Nobody finds so much by trying, with its digest in hand or not."""

DIGEST_OCTETS: Final = 32
"""Of a SHA-256."""

TOKEN_PREFIX: Final = "revet_"  # noqa: S105 - what stands before one, and none
"""What tokens begin with that are made here: by it a scanner of logs and repositories knows one."""

DIGEST_PREFIX: Final = "sha256:"
"""What the entry of a digest begins with. No token does: a bearer token has no colon."""

_BEARER_TOKEN: Final = re.compile(r"[A-Za-z0-9._~+/-]+=*")
"""b64token (RFC 6750 §2.1): anything else cannot be sent in the header."""

_DIGEST: Final = re.compile(rf"{DIGEST_PREFIX}([0-9A-Fa-f]{{64}})")


class TokenKind(Enum):
    """Whose tokens: each kind has a setting of this name, and one for a file."""

    API = "api_tokens"
    """Of callers."""
    ADMIN = "admin_tokens"
    """Of administrators."""
    SHADOW = "shadow_tokens"
    """Of callers who are answered in shadow."""


@dataclass(frozen=True, slots=True)
class TokenDigests:
    """All tokens that let somebody in.

    Attributes:
        of: The digests, by kind.
    """

    of: Mapping[TokenKind, tuple[bytes, ...]] = field(default_factory=dict, repr=False)

    def kinds(self) -> frozenset[TokenKind]:
        """Those of which there are any."""
        return frozenset(kind for kind, digests in self.of.items() if digests)


class TokenError(ValueError):
    """Entries that let nobody in as they were meant. The text repeats nothing of them."""


def read_entries(entries: Iterable[str]) -> tuple[bytes, ...]:
    """The digests of the tokens of one kind.

    Raises:
        TokenError: an entry is neither a token nor a digest, one is given twice, or there is none.
    """
    digests: list[bytes] = []
    problems: list[str] = []
    for number, entry in enumerate(entries, 1):
        problem = _problem(entry)
        if problem is None:
            digests.append(digest_of_entry(entry))
        else:
            problems.append(f"token {number} {problem}")
    if len(set(digests)) < len(digests):
        problems.append("a token is given twice")
    if problems:
        raise TokenError("; ".join(problems))
    if not digests:
        raise TokenError("there is no token in it")
    return tuple(digests)


def digest_of_entry(entry: str) -> bytes:
    """The digest of the token that an entry stands for."""
    written = _DIGEST.fullmatch(entry)
    return digest_of_token(entry.encode()) if written is None else bytes.fromhex(written[1])


def digest_of_token(token: bytes) -> bytes:
    """What a token is known by."""
    return sha256(token).digest()


def digest_of_nobody(kind: TokenKind) -> bytes:
    """What stands for a kind whose last token is gone: callers are asked for one of it, and nobody has any.

    To have one is to find what SHA-256 makes 31 zero octets and the number of the kind of.
    """
    return tuple(TokenKind).index(kind).to_bytes(DIGEST_OCTETS, "big")


def entry_of(token: str) -> str:
    """The entry that lets in whoever has a token, and says nothing of it.

    Raises:
        TokenError: it is no token, or a digest already.
    """
    problem = "is a digest already" if token.startswith(DIGEST_PREFIX) else _problem(token)
    if problem is not None:
        raise TokenError(f"the token {problem}")
    return DIGEST_PREFIX + digest_of_token(token.encode()).hex()


def make_token() -> str:
    """A token that nobody had before."""
    return TOKEN_PREFIX + secrets.token_urlsafe(TOKEN_OCTETS)


def _problem(entry: str) -> str | None:
    """What is wrong with an entry."""
    if entry.startswith(DIGEST_PREFIX):
        is_digest = _DIGEST.fullmatch(entry) is not None
        return None if is_digest else f"begins with {DIGEST_PREFIX}, after which 64 hexadecimal digits are needed"
    if len(entry) < MIN_TOKEN_LENGTH:
        return f"has {len(entry)} characters, at least {MIN_TOKEN_LENGTH} are needed"
    if _BEARER_TOKEN.fullmatch(entry) is None:
        return "has characters that a bearer token cannot have (RFC 6750): letters, digits and ._~+/-="
    return None
