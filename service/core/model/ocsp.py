"""OCSP responses (RFC 6960 §4.2.1)."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, IntEnum

from service.core.model.evidence_tier import Tier
from service.core.model.key import Signature
from service.core.model.name import Name
from service.core.model.reason import Reason


class ResponseStatus(IntEnum):
    """OCSPResponseStatus."""

    SUCCESSFUL = 0
    MALFORMED_REQUEST = 1
    INTERNAL_ERROR = 2
    TRY_LATER = 3
    SIG_REQUIRED = 5
    UNAUTHORIZED = 6


class CertStatus(Enum):
    """CertStatus of a single response."""

    GOOD = "good"
    REVOKED = "revoked"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class CertId:
    """CertID (§4.1.1).

    Attributes:
        hash_name: Name of the hash in `hashlib`; empty where the algorithm is not known.
    """

    hash_name: str
    issuer_name_hash: bytes
    issuer_key_hash: bytes
    serial_number: int


@dataclass(frozen=True, slots=True)
class SingleResponse:
    """The answer about one certificate.

    Attributes:
        unknown_critical: Critical singleExtensions that nobody here processes, dotted.
    """

    cert_id: CertId
    status: CertStatus
    revoked_at: datetime | None
    reason: Reason | None
    this_update: datetime
    next_update: datetime | None
    unknown_critical: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OcspResponse:
    """A successful basic response.

    Attributes:
        digest: SHA-256 of the whole response: its identity.
        responder_name: byName; None where the responder names itself by key.
        responder_key_hash: byKey, SHA-1 of the responder's key bits; None where it names itself by name.
        certificates: DER of the certificates that came with it.
        unknown_critical: Critical responseExtensions that nobody here processes, dotted.
        nonce: Value of the nonce extension as it stands, by RFC 9654 the DER of an OCTET STRING; None where absent.
    """

    digest: bytes
    responder_name: Name | None
    responder_key_hash: bytes | None
    produced_at: datetime
    responses: tuple[SingleResponse, ...]
    signature: Signature = field(repr=False)
    certificates: tuple[bytes, ...] = field(repr=False)
    unknown_critical: tuple[str, ...] = ()
    nonce: bytes | None = None


@dataclass(frozen=True, slots=True)
class OcspFinding:
    """One response held for one certificate.

    Attributes:
        source: The responder's URL, or `evidence`.
        nonce: What was sent with the request that this answers; None where nothing was, or nobody here asked.
    """

    response: OcspResponse
    source: str
    tier: Tier
    nonce: bytes | None = None
