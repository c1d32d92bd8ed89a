"""A block: an operator's word that a certificate is to be denied, now and whatever anybody's evidence says.

A tombstone is what is left of one that was removed.

What it does not do: look anything up (`decision.block_list`), or say who may block.
"""

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class FingerprintMatch:
    """One certificate: SHA-256 of its DER."""

    digest: bytes


@dataclass(frozen=True, slots=True)
class SpkiMatch:
    """Every certificate of one key: SHA-256 of SubjectPublicKeyInfo as it stands in the certificate (RFC 7469 §2.4)."""

    digest: bytes


@dataclass(frozen=True, slots=True)
class IssuerSerialMatch:
    """The certificates that bear an issuer's name and a serial number.

    Attributes:
        issuer: The name as text (RFC 4514), for people.
        issuer_key: The same in the form that names which match have in common (RFC 5280 §7.1).
        serial_number: Of any sign and size.
    """

    issuer: str = field(compare=False)
    issuer_key: bytes = field(repr=False)
    serial_number: int


BlockMatch = FingerprintMatch | SpkiMatch | IssuerSerialMatch
"""Which certificates a block denies."""


@dataclass(frozen=True, slots=True)
class Block:
    """One block.

    Attributes:
        id: Names it.
        match: What it denies.
        reason: Why, for people.
        created_at: When it was answered for.
        created_by: Who asked for it, for people.
        until: From when on it denies nothing any more; None for never.
    """

    id: str
    match: BlockMatch
    reason: str
    created_at: datetime
    created_by: str
    until: datetime | None = None

    def stands(self, at: datetime) -> bool:
        """Whether it denies anything at a moment."""
        return self.until is None or at < self.until


@dataclass(frozen=True, slots=True)
class Tombstone:
    """That a block was removed, and is not to come back.

    Attributes:
        block_id: Which one.
        removed_at: When.
        removed_by: Who asked for it, for people.
    """

    block_id: str
    removed_at: datetime
    removed_by: str
