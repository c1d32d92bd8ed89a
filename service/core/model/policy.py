"""What a caller or an operator asks of a verdict. Every knob is an enum or a value with a unit."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum, StrEnum

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


class UrlRule(Enum):
    """What an operator's URLs do to those that a certificate declares."""

    ADD = "add"
    """Both are asked, the operator's before the certificate's: there is a limit to how many are."""
    REPLACE = "replace"
    """The certificate's are not asked."""


@dataclass(frozen=True, slots=True)
class Urls:
    """Where evidence about the certificates of an issuer is, as the operator knows it.

    Attributes:
        urls: http and https; none with REPLACE means that nothing is fetched.
    """

    urls: tuple[str, ...] = ()
    rule: UrlRule = UrlRule.ADD


@dataclass(frozen=True, slots=True)
class Exemption:
    """A certificate that is allowed without an answer for a while. It waives what is missing, never a `revoked`.

    Attributes:
        until: The last moment for which it holds.
        reason: Why, for people.
    """

    serial_number: int
    until: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class IssuerMatch:
    """Whose certificates a rule is about: an issuer that has everything given here, of which there is something.

    Attributes:
        name: Its subject, in the form that names which match have in common (RFC 5280 §7.1).
        key_identifier: Its subjectKeyIdentifier; where it has none, SHA-1 of its key (RFC 5280 §4.2.1.2, method 1).
        spki: Its key.
    """

    name: bytes | None = field(default=None, repr=False)
    key_identifier: bytes | None = None
    spki: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class IssuerRule:
    """What holds for the certificates that one issuer issued; None leaves a knob as it is for all.

    Attributes:
        place: Where the rule stands, for people.
        revocation_scope: LEAF: of the certificates of this issuer, only one at the end of a path is asked about; CHAIN:
            wherever it stands.
        exemptions: At most one for each serial number.
    """

    match: IssuerMatch
    place: str = ""
    revocation_mode: RevocationMode | None = None
    revocation_scope: RevocationScope | None = None
    evidence_order: EvidenceOrder | None = None
    grace: timedelta | None = None
    ocsp_nonce: OcspNonce | None = None
    crl_urls: Urls | None = None
    ocsp_urls: Urls | None = None
    exemptions: tuple[Exemption, ...] = ()


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
        issuer_rules: What holds for single issuers; the first that matches counts (`decision.issuer_policy`).
        crl_urls: Besides what certificates declare, or instead. Set by a rule, as the next two are.
        ocsp_urls: The same for responders.
        exemptions: Certificates of the issuer that are allowed without an answer.
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
    issuer_rules: tuple[IssuerRule, ...] = ()
    crl_urls: Urls = Urls()
    ocsp_urls: Urls = Urls()
    exemptions: tuple[Exemption, ...] = ()
