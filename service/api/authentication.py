"""Who asks: bearer tokens in `Authorization` (RFC 6750), or whoever the TLS layer let in.

Rules: tokens are kept and compared as digests, each with all of them, so that neither their length nor their content
shows in the time it takes. Anonymous callers exist only where there is nothing to authenticate with. Where callers'
tokens are configured, a client certificate does not replace one.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum
from hashlib import sha256
from hmac import compare_digest

from service.api.problems import ProblemError, unauthenticated
from service.api.reply import Headers, values_of
from service.application.shadow import Enforcement

SCHEME = b"bearer"


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


@dataclass(frozen=True, slots=True)
class Access:
    """Who is let in.

    Attributes:
        callers: Digests of the callers' tokens.
        admins: Digests of the administrators' tokens, which are callers' tokens as well.
        client_certificates: What the TLS layer asks for.
        shadowed: Those of `callers` that are answered in shadow.
    """

    callers: tuple[bytes, ...] = field(default=(), repr=False)
    admins: tuple[bytes, ...] = field(default=(), repr=False)
    client_certificates: ClientCertificates = ClientCertificates.NOT_ASKED
    shadowed: tuple[bytes, ...] = field(default=(), repr=False)

    @property
    def has_tokens(self) -> bool:
        """Whether any token is configured."""
        return bool(self.callers or self.admins)

    def authenticate(self, headers: Headers) -> Role:
        """Tell who asks.

        Raises:
            ProblemError: nobody who may (401).
        """
        if not self.has_tokens:
            return Role.ADMIN
        values = values_of(headers, b"authorization")
        if not values and not self.callers and self.client_certificates is ClientCertificates.REQUIRED:
            return Role.CALLER
        role = self._role(_digest_of_token(values))
        if role is None:
            raise ProblemError(unauthenticated(token_given=bool(values)))
        return role

    def name_of(self, headers: Headers) -> str:
        """What records call somebody who was let in: the beginning of the digest of the token, where one counts.

        Tokens are long and random, so that eight digits tell them apart and give nothing away.
        """
        presented = _digest_of_token(values_of(headers, b"authorization"))
        if presented is not None and (role := self._role(presented)) is not None:
            return f"{_TOKENS[role]} {presented.hex()[:_NAME_DIGITS]}"
        return "client certificate" if self.client_certificates is ClientCertificates.REQUIRED else "anonymous"

    def enforcement(self, headers: Headers) -> Enforcement:
        """How a caller who was let in is answered, whatever holds for others."""
        if not self.shadowed:
            return Enforcement.ENFORCED
        presented = _digest_of_token(values_of(headers, b"authorization"))
        in_shadow = presented is not None and _is_among(presented, self.shadowed)
        return Enforcement.SHADOW if in_shadow else Enforcement.ENFORCED

    def _role(self, presented: bytes | None) -> Role | None:
        if presented is None:
            return None
        is_admin = _is_among(presented, self.admins)
        is_caller = _is_among(presented, self.callers)
        if is_admin:
            return Role.ADMIN
        return Role.CALLER if is_caller else None


def grant_access(
    caller_tokens: Iterable[str] = (),
    admin_tokens: Iterable[str] = (),
    client_certificates: ClientCertificates = ClientCertificates.NOT_ASKED,
    shadow_tokens: Iterable[str] = (),
) -> Access:
    """Let in who presents one of these tokens, or what the TLS layer asks for.

    Args:
        caller_tokens: Of those who ask.
        admin_tokens: Of those who may do everything.
        client_certificates: What the TLS layer asks for.
        shadow_tokens: Of those who ask and are answered in shadow.
    """
    shadowed = tuple(map(_digest, shadow_tokens))
    callers = (*map(_digest, caller_tokens), *shadowed)
    return Access(callers, tuple(map(_digest, admin_tokens)), client_certificates, shadowed)


def _digest(token: str) -> bytes:
    return sha256(token.encode()).digest()


def _digest_of_token(values: list[bytes]) -> bytes | None:
    """The digest of the token in the one `Authorization` header; None where there is none or more than one."""
    if len(values) != 1:
        return None
    scheme, _, token = values[0].partition(b" ")
    token = token.strip(b" ")
    return sha256(token).digest() if token and scheme.lower() == SCHEME else None


def _is_among(presented: bytes, digests: tuple[bytes, ...]) -> bool:
    found = False
    for digest in digests:
        found |= compare_digest(presented, digest)
    return found
