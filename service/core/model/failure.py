"""Why a certificate is not allowed: a closed set of values that carry their evidence; text is made at the edge.

`code` is what callers see. `rank` orders failures of several paths: the most specific one is reported. A path that
failed late tells more than one that failed early, and a path that validated and was revoked tells most.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from service.core.model.attempt import Attempt
from service.core.model.block import Block
from service.core.model.certificate import Certificate
from service.core.model.policy import KeyPurpose, WeakAlgorithm


class Code(StrEnum):
    """The codes of the interface."""

    OK = "ok"
    REVOKED = "revoked"
    BLOCKED = "blocked"
    EXPIRED = "expired"
    NOT_YET_VALID = "not_yet_valid"
    UNTRUSTED = "untrusted"
    BAD_SIGNATURE = "bad_signature"
    CONSTRAINT_VIOLATION = "constraint_violation"
    POLICY_VIOLATION = "policy_violation"
    WEAK_ALGORITHM = "weak_algorithm"
    UNSUPPORTED = "unsupported"
    REVOCATION_UNAVAILABLE = "revocation_unavailable"
    MALFORMED = "malformed"
    BUDGET_EXHAUSTED = "budget_exhausted"


@dataclass(frozen=True, slots=True)
class NoIssuer:
    """No certificate at hand bears the issuer's name."""

    code: ClassVar[Code] = Code.UNTRUSTED
    rank: ClassVar[int] = 0
    certificate: Certificate


@dataclass(frozen=True, slots=True)
class SelfSignedLeaf:
    """A self-signed leaf allows only as an anchor, and this is none."""

    code: ClassVar[Code] = Code.UNTRUSTED
    rank: ClassVar[int] = 1
    certificate: Certificate


@dataclass(frozen=True, slots=True)
class PathTooLong:
    """More intermediates than the caller or the limits allow, each below the next by name and signature."""

    code: ClassVar[Code] = Code.CONSTRAINT_VIOLATION
    rank: ClassVar[int] = 3
    certificate: Certificate
    limit: int


@dataclass(frozen=True, slots=True)
class BadSignature:
    """The signature does not verify under the issuer's key."""

    code: ClassVar[Code] = Code.BAD_SIGNATURE
    rank: ClassVar[int] = 2
    certificate: Certificate
    issuer: Certificate


@dataclass(frozen=True, slots=True)
class UnsupportedSignature:
    """A signature algorithm that nothing here verifies."""

    code: ClassVar[Code] = Code.UNSUPPORTED
    rank: ClassVar[int] = 4
    certificate: Certificate
    algorithm: str


@dataclass(frozen=True, slots=True)
class UnsupportedKey:
    """A public key that nothing here reads, or one too long to work with."""

    code: ClassVar[Code] = Code.UNSUPPORTED
    rank: ClassVar[int] = 5
    certificate: Certificate
    reason: str


@dataclass(frozen=True, slots=True)
class WeakSignature:
    """A digest that the policy does not accept."""

    code: ClassVar[Code] = Code.WEAK_ALGORITHM
    rank: ClassVar[int] = 5
    certificate: Certificate
    algorithm: WeakAlgorithm


@dataclass(frozen=True, slots=True)
class WeakKey:
    """A public key that the policy does not accept; `algorithm` None where no policy could."""

    code: ClassVar[Code] = Code.WEAK_ALGORITHM
    rank: ClassVar[int] = 5
    certificate: Certificate
    size: int
    algorithm: WeakAlgorithm | None


@dataclass(frozen=True, slots=True)
class NotACertificateAuthority:
    """It issued a certificate and is no CA: basicConstraints absent or cA false."""

    code: ClassVar[Code] = Code.CONSTRAINT_VIOLATION
    rank: ClassVar[int] = 6
    certificate: Certificate


@dataclass(frozen=True, slots=True)
class PathLengthExceeded:
    """More intermediates follow than its pathLenConstraint allows."""

    code: ClassVar[Code] = Code.CONSTRAINT_VIOLATION
    rank: ClassVar[int] = 6
    certificate: Certificate
    path_length: int


@dataclass(frozen=True, slots=True)
class KeyUsageForbidsIssuing:
    """It issued a certificate and its keyUsage lacks keyCertSign."""

    code: ClassVar[Code] = Code.CONSTRAINT_VIOLATION
    rank: ClassVar[int] = 6
    certificate: Certificate


@dataclass(frozen=True, slots=True)
class KeyPurposeForbidden:
    """Its extendedKeyUsage does not contain what the caller needs."""

    code: ClassVar[Code] = Code.CONSTRAINT_VIOLATION
    rank: ClassVar[int] = 6
    certificate: Certificate
    purpose: KeyPurpose


@dataclass(frozen=True, slots=True)
class KeyUsageForbidsPurpose:
    """Its keyUsage has no bit that what the caller needs is consistent with."""

    code: ClassVar[Code] = Code.CONSTRAINT_VIOLATION
    rank: ClassVar[int] = 6
    certificate: Certificate
    purpose: KeyPurpose


@dataclass(frozen=True, slots=True)
class NameNotAllowed:
    """A name of it lies outside what an issuer above permits, or inside what one excludes (nameConstraints).

    Attributes:
        constrainer: Whose constraint it is.
        name: The name, for people: `DNS:…`.
    """

    code: ClassVar[Code] = Code.CONSTRAINT_VIOLATION
    rank: ClassVar[int] = 6
    certificate: Certificate
    constrainer: Certificate
    name: str


@dataclass(frozen=True, slots=True)
class NameNotComparable:
    """A name of it cannot be held against a constraint of an issuer above: its form, or its content, is not processed.

    Attributes:
        constrainer: Whose constraint it is.
        name: The name, for people.
    """

    code: ClassVar[Code] = Code.UNSUPPORTED
    rank: ClassVar[int] = 6
    certificate: Certificate
    constrainer: Certificate
    name: str


@dataclass(frozen=True, slots=True)
class NoAcceptablePolicy:
    """An explicit policy is required and none is left that the path and the caller agree to."""

    code: ClassVar[Code] = Code.POLICY_VIOLATION
    rank: ClassVar[int] = 6
    certificate: Certificate


@dataclass(frozen=True, slots=True)
class AnyPolicyMapped:
    """It maps anyPolicy, or something to anyPolicy (RFC 5280 §4.2.1.5)."""

    code: ClassVar[Code] = Code.POLICY_VIOLATION
    rank: ClassVar[int] = 6
    certificate: Certificate


@dataclass(frozen=True, slots=True)
class UnknownCriticalExtension:
    """A critical extension that nobody here processes."""

    code: ClassVar[Code] = Code.UNSUPPORTED
    rank: ClassVar[int] = 6
    certificate: Certificate
    extension: str


@dataclass(frozen=True, slots=True)
class Irregular:
    """It is what its RFC forbids it to be, beyond the steps of path validation.

    Attributes:
        fault: What, with the paragraph: `an empty issuer name (RFC 5280 §4.1.2.4)`.
    """

    code: ClassVar[Code] = Code.CONSTRAINT_VIOLATION
    rank: ClassVar[int] = 6
    certificate: Certificate
    fault: str


@dataclass(frozen=True, slots=True)
class NotYetValid:
    """notBefore lies ahead."""

    code: ClassVar[Code] = Code.NOT_YET_VALID
    rank: ClassVar[int] = 7
    certificate: Certificate


@dataclass(frozen=True, slots=True)
class Expired:
    """notAfter has passed."""

    code: ClassVar[Code] = Code.EXPIRED
    rank: ClassVar[int] = 8
    certificate: Certificate


PathFailure = (
    NoIssuer
    | SelfSignedLeaf
    | PathTooLong
    | BadSignature
    | UnsupportedSignature
    | UnsupportedKey
    | WeakSignature
    | WeakKey
    | NotACertificateAuthority
    | PathLengthExceeded
    | KeyUsageForbidsIssuing
    | KeyPurposeForbidden
    | KeyUsageForbidsPurpose
    | NameNotAllowed
    | NameNotComparable
    | NoAcceptablePolicy
    | AnyPolicyMapped
    | UnknownCriticalExtension
    | Irregular
    | NotYetValid
    | Expired
)
"""Failures of one path (RFC 5280 §6.1)."""


@dataclass(frozen=True, slots=True)
class RevocationUnavailable:
    """An answer was needed for this certificate and none was usable."""

    code: ClassVar[Code] = Code.REVOCATION_UNAVAILABLE
    rank: ClassVar[int] = 9
    certificate: Certificate
    attempts: tuple[Attempt, ...]


@dataclass(frozen=True, slots=True)
class Revoked:
    """This certificate of the path is revoked; which evidence says so stands in the path."""

    code: ClassVar[Code] = Code.REVOKED
    rank: ClassVar[int] = 10
    certificate: Certificate
    revoked_at: datetime | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class BudgetExhausted:
    """The search cost more than it may."""

    code: ClassVar[Code] = Code.BUDGET_EXHAUSTED
    rank: ClassVar[int] = 11
    resource: str
    limit: int


@dataclass(frozen=True, slots=True)
class Blocked:
    """An operator has blocked this certificate: the leaf, or one that every path needs."""

    code: ClassVar[Code] = Code.BLOCKED
    rank: ClassVar[int] = 12
    certificate: Certificate
    block: Block


@dataclass(frozen=True, slots=True)
class Malformed:
    """The leaf cannot be read."""

    code: ClassVar[Code] = Code.MALFORMED
    rank: ClassVar[int] = 13
    reason: str


Failure = PathFailure | RevocationUnavailable | Revoked | BudgetExhausted | Blocked | Malformed
