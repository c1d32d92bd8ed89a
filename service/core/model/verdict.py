"""The answer, with its evidence."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from service.core.model.attempt import Attempt
from service.core.model.block import Block
from service.core.model.certificate import Certificate
from service.core.model.evidence_tier import Tier
from service.core.model.failure import Code, Failure
from service.core.model.policy import Exemption
from service.core.model.signer_path import SignerPath


class Decision(StrEnum):
    """What the caller shall do."""

    ALLOW = "allow"
    DENY = "deny"


class Status(StrEnum):
    """What is known of the certificate."""

    GOOD = "good"
    REVOKED = "revoked"
    UNKNOWN = "unknown"
    INVALID = "invalid"


class RevocationStatus(StrEnum):
    """What is known of one certificate of the path."""

    GOOD = "good"
    REVOKED = "revoked"
    UNKNOWN = "unknown"
    """Looked for, nothing usable."""
    NOT_CHECKED = "not_checked"
    """Outside the scope, mode off, not needed, or not reached."""


class Method(StrEnum):
    """Which kind of evidence gave the status."""

    CRL = "crl"
    OCSP = "ocsp"
    BLOCK = "block"
    NONE = "none"


class NotChecked(StrEnum):
    """Why a certificate was not checked."""

    OUT_OF_SCOPE = "out_of_scope"
    MODE_OFF = "mode_off"
    NOTHING_DECLARED = "nothing_declared"
    NO_REV_AVAIL = "no_rev_avail"
    TRUST_ANCHOR = "trust_anchor"
    NOT_REACHED = "not_reached"


class Note(StrEnum):
    """What is odd about evidence that was used all the same."""

    NO_CRL_NUMBER = "no_crl_number"
    """A CRL without cRLNumber (RFC 5280 §5.2.3)."""
    IN_GRACE = "in_grace"
    """Its nextUpdate and the tolerance for clocks have passed: it serves because the policy grants grace."""


@dataclass(frozen=True, slots=True)
class Revocation:
    """What is known of one certificate's revocation, and from what.

    Attributes:
        source: URL of the evidence, or `evidence`; None without any.
        usable_until: End of use of the evidence under the policy; None without any.
        not_checked: Set where `status` is NOT_CHECKED.
        attempts: Everything that was tried and gave nothing usable, also where something else did.
        notes: What is odd about the evidence that was used.
        exemption: Why no answer is needed, although the mode asks for one and there is none; `usable_until` is its end.
        block: Set where `method` is BLOCK.
        signer: The path of who signed the CRL, where that is another than the issuer and came along with the request or
            is in the trust store.
    """

    status: RevocationStatus
    method: Method = Method.NONE
    source: str | None = None
    tier: Tier | None = None
    this_update: datetime | None = None
    next_update: datetime | None = None
    usable_until: datetime | None = None
    revoked_at: datetime | None = None
    reason: str | None = None
    crl_number: int | None = None
    not_checked: NotChecked | None = None
    attempts: tuple[Attempt, ...] = ()
    notes: tuple[Note, ...] = ()
    exemption: Exemption | None = None
    block: Block | None = None
    signer: SignerPath | None = None


@dataclass(frozen=True, slots=True)
class PathElement:
    """One certificate of the path and what is known of its revocation."""

    certificate: Certificate
    revocation: Revocation


@dataclass(frozen=True, slots=True)
class Verdict:
    """A decision and everything it rests on.

    Attributes:
        failure: Why not; None exactly where the decision is allow.
        certificate: The leaf; None where it is malformed.
        path: Leaf first, without the anchor unless the leaf is the anchor; empty where no path reached an anchor.
        anchor: The trust anchor of `path`.
        authorized_policies: The user-constrained policy set (RFC 5280 §6.1.6).
        valid_until: Until when the answer may be reused.
        withheld_policies: Of a deny, what `authorized_policies` would be but for what is known of revocation.
    """

    decision: Decision
    status: Status
    code: Code
    failure: Failure | None
    certificate: Certificate | None
    path: tuple[PathElement, ...]
    anchor: Certificate | None
    authorized_policies: frozenset[str]
    valid_until: datetime
    withheld_policies: frozenset[str] = frozenset()
