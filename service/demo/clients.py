"""The demonstration's client certificates, as a table: who issues each, what it declares, and what became of it."""

from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, StrEnum
from typing import Final

from cryptography.x509 import ReasonFlags


class Source(Enum):
    """A way to learn of revocation."""

    CRL = "CRL"
    OCSP = "OCSP"


class Issuer(StrEnum):
    """A certification authority; its value names its files."""

    ROOT = "root"
    SUB = "sub"
    FOREIGN = "foreign"


class KeyKind(Enum):
    """What key a client has."""

    P256 = "P-256"
    ED25519 = "Ed25519"


BOTH: Final = frozenset(Source)
"""What a certification authority of AWS Private CA with both methods switched on writes into its certificates."""

ISSUED: Final = timedelta(days=30)
"""How long before the demonstration was made its clients got their certificates."""

LIFETIME: Final = timedelta(days=365)
"""Validity of a client's certificate: a year and a bit (13 months) is ACM's own choice."""

EXPIRED_SINCE: Final = timedelta(days=20)

REVOKED_SINCE: Final = timedelta(days=7)
"""How long before the demonstration was made the revoked certificates were revoked."""


@dataclass(frozen=True, slots=True)
class Client:
    """A client and its certificate.

    Attributes:
        name: Names its files, and is the first label of its subject.
        description: What is remarkable about it, for a person.
        issuer: Who signs it.
        declares: Which sources the certificate names.
        revoked_in: Which sources say that it is revoked.
        reason: Why it was revoked.
        key: What key it has.
        issued: How long before the demonstration was made it becomes valid.
    """

    name: str
    description: str
    issuer: Issuer = Issuer.SUB
    declares: frozenset[Source] = BOTH
    revoked_in: frozenset[Source] = frozenset()
    reason: ReasonFlags = ReasonFlags.unspecified
    key: KeyKind = KeyKind.P256
    issued: timedelta = ISSUED


GOOD: Final = Client("good", "allowed")
REVOKED: Final = Client(
    "revoked",
    "revoked by CRL: keyCompromise",
    declares=frozenset({Source.CRL}),
    revoked_in=BOTH,
    reason=ReasonFlags.key_compromise,
)
REVOKED_OCSP: Final = Client(
    "revoked-ocsp",
    "declares OCSP only, and is revoked there: superseded",
    declares=frozenset({Source.OCSP}),
    revoked_in=frozenset({Source.OCSP}),
    reason=ReasonFlags.superseded,
)
EXPIRED: Final = Client("expired", "no longer valid", issued=LIFETIME + EXPIRED_SINCE)
FOREIGN: Final = Client("foreign", "of a root that is not trusted", issuer=Issuer.FOREIGN, declares=frozenset())
ED25519: Final = Client("ed25519", "allowed, with an Ed25519 key", key=KeyKind.ED25519)
BY_ROOT: Final = Client("by-root", "allowed, issued by the root itself", issuer=Issuer.ROOT)

CLIENTS: Final = (GOOD, REVOKED, REVOKED_OCSP, EXPIRED, FOREIGN, ED25519, BY_ROOT)
