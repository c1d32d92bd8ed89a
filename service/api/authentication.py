"""Who asks: bearer tokens in `Authorization` (RFC 6750) or in a header of our own, or whoever the TLS layer let in.

Rules: tokens are kept as digests and found by them in a hash table, whose hash has a key of its own in each process
(PEP 456), then compared in constant time: neither how many there are nor what they are shows in the time that takes. A
token is read from the one place where the path has it, and looked for in no other. Anonymous callers exist only where
there is nothing to authenticate with. Where callers' tokens are configured, a client certificate does not replace one.
Who asks is looked up once for each request, and again only where tokens were replaced while it was answered.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from hmac import compare_digest
from typing import Final, TypeAlias, assert_never

from starlette.types import Scope

from service.api.problems import Problem, ProblemError, unauthenticated
from service.api.proxy_problems import unauthenticated_proxy
from service.api.reply import BLANKS, Headers, values_of
from service.application.shadow import Enforcement
from service.application.tokens import TokenDigests, TokenKind, digest_of_entry, digest_of_token

SCHEME = b"bearer"

AUTHORIZATION: Final = b"authorization"

TOKEN_HEADER: Final = b"x-revet-token"

WHO: Final = "revet.who"
"""Where the scope of a request says who asks."""


class TokenPlace(Enum):
    """Where a request has its caller's token."""

    AUTHORIZATION = "authorization"
    """`Authorization: Bearer` and the token."""
    OWN_HEADER = "own header"
    """`X-Revet-Token`, whose value is the token: `Authorization` belongs to the clients of whoever asks."""


class Role(Enum):
    """What the caller may do."""

    CALLER = "caller"
    """Ask for verdicts."""
    ADMIN = "admin"
    """Everything. Where no tokens are configured, everybody who is let in."""


class ClientCertificates(Enum):
    """Whether the TLS layer lets in only those who present a certificate of the operator's CA."""

    NOT_ASKED = "not-asked"
    REQUIRED = "required"


_TOKENS = {Role.ADMIN: "admin token", Role.CALLER: "token"}
_NAME_DIGITS = 8

_KINDS: Final = (
    (TokenKind.API, Role.CALLER, Enforcement.ENFORCED),
    (TokenKind.SHADOW, Role.CALLER, Enforcement.SHADOW),
    (TokenKind.ADMIN, Role.ADMIN, Enforcement.ENFORCED),
)


@dataclass(frozen=True, slots=True)
class Who:
    """Somebody who is let in. Whoever has a token is the same object from request to request.

    Attributes:
        role: What he may do.
        name: What records call him: the beginning of the digest of the token, where one counts. Tokens are long and
            random, so that eight digits tell them apart and give nothing away.
        tokens: Among which he was looked up.
        enforcement: How he is answered, whatever holds for others.
        token: The digest of the token that lets him in; None where it is something else.
    """

    role: Role
    name: str
    tokens: TokenDigests
    enforcement: Enforcement = Enforcement.ENFORCED
    token: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Nobody:
    """Whoever is not let in.

    Attributes:
        problem: What he is told.
        tokens: Among which he was looked up.
    """

    problem: Problem
    tokens: TokenDigests


Asking: TypeAlias = Who | Nobody
"""Who asks, as the tokens of one moment have him."""


@dataclass(frozen=True, slots=True)
class _Table:
    """All tokens of one moment.

    Attributes:
        known: Who has one, by its digest.
        callers: Digests of those of callers.
        without: Who sends none, where that is enough.
        tokens: What it is made of.
    """

    known: Mapping[bytes, Who] = field(repr=False)
    callers: tuple[bytes, ...] = field(repr=False)
    without: Who | None
    tokens: TokenDigests

    def find(self, presented: bytes) -> Who | None:
        """Who has a token.

        Args:
            presented: Its digest.
        """
        who = self.known.get(presented)
        return who if who is not None and compare_digest(presented, who.token or b"") else None


class Access:
    """Who is let in. Tokens come and go while requests are answered: each is looked up among those of its moment."""

    __slots__ = ("_table", "client_certificates")

    def __init__(
        self,
        tokens: TokenDigests = TokenDigests(),  # noqa: B008 - it never changes
        client_certificates: ClientCertificates = ClientCertificates.NOT_ASKED,
    ) -> None:
        """Take the tokens, and what the TLS layer asks for."""
        self.client_certificates = client_certificates
        self._table = _table(tokens, client_certificates)

    @property
    def has_tokens(self) -> bool:
        """Whether any token is configured."""
        return bool(self._table.known)

    @property
    def lets_in_anybody(self) -> bool:
        """Whether nobody is asked who he is; it does not change while the service runs."""
        return not self.has_tokens and self.client_certificates is ClientCertificates.NOT_ASKED

    @property
    def tokens(self) -> TokenDigests:
        """Those that let somebody in now."""
        return self._table.tokens

    @property
    def callers(self) -> tuple[bytes, ...]:
        """Digests of the callers' tokens, those included that are answered in shadow."""
        return self._table.callers

    def replace_tokens(self, tokens: TokenDigests) -> None:
        """Let in who has one of these, and nobody else any more, from the next request on.

        Raises:
            ValueError: of a kind there are none that had some, or the other way round; an empty list of tokens would
                let in anybody.
        """
        table = _table(tokens, self.client_certificates)
        if tokens.kinds() != self.tokens.kinds():
            raise ValueError("the kinds of tokens never change while the service runs")
        self._table = table

    def identify(self, scope: Scope, place: TokenPlace = TokenPlace.AUTHORIZATION) -> Asking:
        """Tell who asks, and keep it with the request.

        Args:
            scope: The request.
            place: Which of its headers has the token; the same for all that ask about one request, since each path has
                one place.
        """
        before: Asking | None = scope.get(WHO)
        if before is not None and before.tokens is self.tokens:
            return before
        asking = scope[WHO] = _look_up(self._table, scope["headers"], place)
        return asking

    def authenticate(self, scope: Scope, place: TokenPlace = TokenPlace.AUTHORIZATION) -> Who:
        """Let in who may ask.

        Args:
            scope: The request.
            place: Which of its headers has the token.

        Raises:
            ProblemError: nobody who may, or any longer (401).
        """
        asking = self.identify(scope, place)
        if isinstance(asking, Nobody):
            raise ProblemError(asking.problem)
        return asking


def grant_access(
    caller_tokens: Iterable[str] = (),
    admin_tokens: Iterable[str] = (),
    client_certificates: ClientCertificates = ClientCertificates.NOT_ASKED,
    shadow_tokens: Iterable[str] = (),
) -> Access:
    """Let in who presents one of these tokens, or what the TLS layer asks for.

    Args:
        caller_tokens: Of those who ask; each a token, or its digest (`application.tokens`).
        admin_tokens: Of those who may do everything.
        client_certificates: What the TLS layer asks for.
        shadow_tokens: Of those who ask and are answered in shadow.
    """
    given = {TokenKind.API: caller_tokens, TokenKind.ADMIN: admin_tokens, TokenKind.SHADOW: shadow_tokens}
    digests = {kind: tuple(map(digest_of_entry, entries)) for kind, entries in given.items()}
    return Access(TokenDigests(digests), client_certificates)


def presented_token(headers: Headers, place: TokenPlace) -> bytes | None:
    """The token that a request presents, whether it counts or not; None where there is not just one."""
    return _token(_values(headers, place), place)


def _table(tokens: TokenDigests, client_certificates: ClientCertificates) -> _Table:
    """What is looked up. What a token may do most is what it may do, were it one of several kinds."""
    known = {
        digest: Who(role, f"{_TOKENS[role]} {digest.hex()[:_NAME_DIGITS]}", tokens, enforcement, digest)
        for kind, role, enforcement in _KINDS
        for digest in tokens.of.get(kind, ())
    }
    callers = (*tokens.of.get(TokenKind.API, ()), *tokens.of.get(TokenKind.SHADOW, ()))
    is_certified = client_certificates is ClientCertificates.REQUIRED
    without = None
    if not known or (is_certified and not callers):
        role = Role.CALLER if known else Role.ADMIN
        without = Who(role, "client certificate" if is_certified else "anonymous", tokens)
    return _Table(known, callers, without, tokens)


def _look_up(table: _Table, headers: Headers, place: TokenPlace) -> Asking:
    """Who sends these headers. Where no tokens are configured, what is sent for one is nothing."""
    values = _values(headers, place) if table.known else []
    if table.without is not None and not values:
        return table.without
    token = _token(values, place)
    who = None if token is None else table.find(digest_of_token(token))
    if who is None:
        refused = unauthenticated if place is TokenPlace.AUTHORIZATION else unauthenticated_proxy
        return Nobody(refused(token_given=bool(values)), table.tokens)
    return who


def _values(headers: Headers, place: TokenPlace) -> list[bytes]:
    return values_of(headers, AUTHORIZATION if place is TokenPlace.AUTHORIZATION else TOKEN_HEADER)


def _token(values: list[bytes], place: TokenPlace) -> bytes | None:
    """The token in the one header that has it; None where there is none or more than one."""
    if len(values) != 1:
        return None
    match place:
        case TokenPlace.AUTHORIZATION:
            scheme, _, token = values[0].partition(b" ")
            token = token.strip(b" ") if scheme.lower() == SCHEME else b""
        case TokenPlace.OWN_HEADER:
            token = values[0].strip(BLANKS)
        case _:
            assert_never(place)
    return token or None
