"""A parsed certificate: parsed once, into types, by `der.certificate`."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import IntFlag

from service.core.model.key import PublicKey, Signature
from service.core.model.name import GeneralName, Name
from service.core.model.reason import Reasons

ANY_POLICY = "2.5.29.32.0"
"""anyPolicy (RFC 5280 §4.2.1.4)."""

ANY_EXTENDED_KEY_USAGE = "2.5.29.37.0"
"""anyExtendedKeyUsage (RFC 5280 §4.2.1.12)."""

OCSP_SIGNING = "1.3.6.1.5.5.7.3.9"
"""id-kp-OCSPSigning (RFC 6960 §4.2.2.2)."""


class KeyUsage(IntFlag):
    """The bits of the key usage extension that a decision depends on (RFC 5280 §4.2.1.3)."""

    DIGITAL_SIGNATURE = 1
    KEY_CERT_SIGN = 2
    CRL_SIGN = 4
    CONTENT_COMMITMENT = 8
    KEY_ENCIPHERMENT = 16
    KEY_AGREEMENT = 32
    DATA_ENCIPHERMENT = 64
    """dataEncipherment, encipherOnly or decipherOnly: no purpose here asks for one of them."""
    KEY_ESTABLISHMENT = KEY_ENCIPHERMENT | KEY_AGREEMENT | DATA_ENCIPHERMENT


@dataclass(frozen=True, slots=True)
class BasicConstraints:
    """RFC 5280 §4.2.1.9."""

    ca: bool
    path_length: int | None


@dataclass(frozen=True, slots=True)
class DistributionPoint:
    """One CRL distribution point (RFC 5280 §4.2.1.13).

    Attributes:
        names: fullName, or the one name that nameRelativeToCRLIssuer makes with the certificate's issuer; empty where
            absent.
        reasons: The reasons its CRLs cover; all where the field is absent.
        crl_issuer: cRLIssuer; empty where the certificate's issuer signs.
    """

    names: tuple[GeneralName, ...]
    reasons: Reasons
    crl_issuer: tuple[GeneralName, ...] = ()


@dataclass(frozen=True, slots=True)
class PolicyMapping:
    """One pair of policyMappings (RFC 5280 §4.2.1.5), dotted."""

    issuer_domain_policy: str
    subject_domain_policy: str


@dataclass(frozen=True, slots=True)
class PolicyConstraints:
    """RFC 5280 §4.2.1.11: after how many more certificates each takes effect; None where the field is absent."""

    require_explicit_policy: int | None
    inhibit_policy_mapping: int | None


@dataclass(frozen=True, slots=True)
class NameConstraints:
    """RFC 5280 §4.2.1.10, each subtree by its base; the content of an IP_ADDRESS is address and mask."""

    permitted: tuple[GeneralName, ...]
    excluded: tuple[GeneralName, ...]


@dataclass(frozen=True, slots=True)
class Extensions:
    """The certificate's extensions as far as a decision depends on them; None where one is absent.

    Attributes:
        authority_key_identifier: keyIdentifier alone; a hint for path building, never a proof.
        ocsp_responders: Locations of accessMethod id-ad-ocsp: URLs as they stand, and what is none in words that are
            no URL either, such as `DirName:…`: it declares a responder that nobody can ask.
        policies: certificatePolicies; None where the extension is absent.
        policy_mappings: policyMappings; empty where the extension is absent.
        inhibit_any_policy: inhibitAnyPolicy (§4.2.1.14): after how many more certificates anyPolicy stops counting.
        subject_alternative_names: subjectAltName; empty where the extension is absent, or has no name.
        lacks_alternative_names: subjectAltName is there and has no name.
        sans: The same for people: `DNS:…`, `URI:…`.
        freshest_crl: freshestCRL (§4.2.1.15): where delta CRLs are.
        no_check: id-pkix-ocsp-nocheck (RFC 6960 §4.2.2.2.1).
        no_rev_avail: noRevAvail (RFC 9608).
        critical: Those of its extensions that are critical, dotted.
        unknown_critical: Critical extensions that nobody here processes, dotted.
    """

    basic_constraints: BasicConstraints | None = None
    key_usage: KeyUsage | None = None
    extended_key_usage: frozenset[str] | None = None
    subject_key_identifier: bytes | None = None
    authority_key_identifier: bytes | None = None
    crl_distribution_points: tuple[DistributionPoint, ...] = ()
    ocsp_responders: tuple[str, ...] = ()
    policies: frozenset[str] | None = None
    policy_mappings: tuple[PolicyMapping, ...] = ()
    policy_constraints: PolicyConstraints | None = None
    inhibit_any_policy: int | None = None
    name_constraints: NameConstraints | None = None
    subject_alternative_names: tuple[GeneralName, ...] = ()
    lacks_alternative_names: bool = False
    sans: tuple[str, ...] = ()
    freshest_crl: tuple[DistributionPoint, ...] = ()
    no_check: bool = False
    no_rev_avail: bool = False
    critical: frozenset[str] = frozenset()
    unknown_critical: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate (RFC 5280 §4.1). Two are the same when they are the same bytes.

    Attributes:
        der: The whole encoding.
        fingerprint: SHA-256 of `der`.
        version: 1, 2 or 3.
        not_before: First moment of validity, inclusive.
        not_after: Last moment of validity, inclusive.
    """

    der: bytes = field(repr=False)
    fingerprint: bytes = field(repr=False, compare=False)
    version: int = field(compare=False)
    serial_number: int = field(compare=False)
    subject: Name = field(compare=False)
    issuer: Name = field(compare=False)
    not_before: datetime = field(compare=False)
    not_after: datetime = field(compare=False)
    public_key: PublicKey = field(repr=False, compare=False)
    signature: Signature = field(repr=False, compare=False)
    extensions: Extensions = field(repr=False, compare=False)
