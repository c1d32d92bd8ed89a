"""What a caller or an operator asks of a verdict. Every knob is an enum or a value with a unit."""

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from service.core.model.budget import Limits
from service.core.model.certificate import ANY_POLICY, Certificate


class RevocationMode(StrEnum):
    """How much evidence of not being revoked an allow needs."""

    HARD_FAIL = "hard-fail"
    """Needed where the certificate declares a source, or a CRL is held for its issuer."""
    SOFT_FAIL = "soft-fail"
    """No answer allows; a valid `revoked` denies."""
    REQUIRE = "require"
    """Every certificate in scope needs a usable answer."""
    OFF = "off"
    """Nothing is consulted."""


class RevocationScope(StrEnum):
    """Which certificates of the path are asked about."""

    CHAIN = "chain"
    LEAF = "leaf"


class EvidenceOrder(StrEnum):
    """Which methods are admitted, and which is fetched first."""

    CRL_FIRST = "crl-first"
    OCSP_FIRST = "ocsp-first"
    CRL_ONLY = "crl-only"
    OCSP_ONLY = "ocsp-only"
    BOTH = "both"
    """Both are fetched together."""


class Profile(StrEnum):
    """How much of what RFC 5280 demands of CRL issuers is insisted upon."""

    STANDARD = "standard"
    """What does not change an answer is accepted, and noted."""
    STRICT = "strict"
    """CRLs without a cRLNumber (§5.2.3) are refused."""


class OcspNonce(StrEnum):
    """Whether OCSP requests carry a nonce, and what becomes of answers that lack it (RFC 9654)."""

    OFF = "off"
    """None is sent: answers can be cached, by responders, on the way and here."""
    REQUEST = "request"
    """One is sent; an answer with another is refused, one without is accepted, since responders may ignore it."""
    REQUIRE = "require"
    """One is sent, and only an answer with the same is believed."""


class KeyPurpose(StrEnum):
    """What the leaf must be good for (RFC 5280 §4.2.1.12)."""

    CLIENT = "client"
    SERVER = "server"
    ANY = "any"


class WeakAlgorithm(StrEnum):
    """What is refused unless a caller accepts it by name."""

    SHA1 = "sha1"
    MD5 = "md5"
    RSA_1024 = "rsa1024"
    RSA_512 = "rsa512"
    DSA = "dsa"
    P192 = "p192"


@dataclass(frozen=True, slots=True)
class PolicyInputs:
    """Inputs (c), (e), (f), (g) of RFC 5280 §6.1.1."""

    initial_policy_set: frozenset[str] = frozenset({ANY_POLICY})
    require_explicit_policy: bool = False
    inhibit_policy_mapping: bool = False
    inhibit_any_policy: bool = False


@dataclass(frozen=True, slots=True)
class Policy:
    """Everything besides certificates, evidence and time that a verdict depends on.

    Attributes:
        max_evidence_age: Longest `at` - thisUpdate of CRLs and OCSP answers alike; None for no limit beyond nextUpdate.
        max_path_length: Most intermediates between leaf and anchor; None for the limit of `limits` alone.
        clock_skew: Tolerance around the times of evidence.
        grace: How long after nextUpdate evidence still serves.
        max_verdict_ttl: Cap on how long a caller may reuse an answer.
        trusted_responders: Certificates whose OCSP answers count for every issuer: the operator's word (RFC 6960
            §4.2.2.2, criterion 1).
    """

    revocation_mode: RevocationMode = RevocationMode.HARD_FAIL
    revocation_scope: RevocationScope = RevocationScope.CHAIN
    evidence_order: EvidenceOrder = EvidenceOrder.CRL_FIRST
    profile: Profile = Profile.STANDARD
    key_purpose: KeyPurpose = KeyPurpose.CLIENT
    weak_algorithms: frozenset[WeakAlgorithm] = frozenset()
    policies: PolicyInputs = field(default_factory=PolicyInputs)
    max_evidence_age: timedelta | None = None
    max_path_length: int | None = None
    clock_skew: timedelta = timedelta(seconds=60)
    grace: timedelta = timedelta(0)
    max_verdict_ttl: timedelta = timedelta(seconds=60)
    limits: Limits = field(default_factory=Limits)
    ocsp_nonce: OcspNonce = OcspNonce.OFF
    trusted_responders: tuple[Certificate, ...] = ()
