"""What is known of a CRL without its list: the core never sees the list."""

from dataclasses import dataclass, field
from datetime import datetime

from service.core.model.certificate import DistributionPoint
from service.core.model.evidence_tier import Tier
from service.core.model.name import GeneralName, Name
from service.core.model.reason import Reason, Reasons


@dataclass(frozen=True, slots=True)
class IssuingDistributionPoint:
    """The scope that a CRL claims for itself (RFC 5280 §5.2.5).

    Attributes:
        names: The distribution point's full names; empty where the field is absent.
        only_some_reasons: The reasons it covers; None where the field is absent (all).
    """

    names: tuple[GeneralName, ...] = ()
    only_contains_user_certs: bool = False
    only_contains_ca_certs: bool = False
    only_contains_attribute_certs: bool = False
    only_some_reasons: Reasons | None = None
    indirect_crl: bool = False


@dataclass(frozen=True, slots=True)
class CrlMeta:
    """A CRL's header and extensions (RFC 5280 §5.1, §5.2).

    Attributes:
        digest: SHA-256 of the whole CRL: its identity.
        issuer: The CRL issuer's name.
        algorithm: DER of the signature's AlgorithmIdentifier.
        issuing_distribution_point: None where the extension is absent: complete for its issuer.
        base_crl_number: Of a delta CRL, the number it builds on (§5.2.4); None for a complete CRL.
        freshest_crl: freshestCRL (§5.2.6): where its delta CRLs are.
        unsupported: Features this version refuses by name; unknown critical extensions of the CRL or of any entry.
        entries: How many entries it has.
        size: Bytes of the whole CRL.
    """

    digest: bytes
    issuer: Name
    algorithm: bytes = field(repr=False)
    this_update: datetime
    next_update: datetime | None
    crl_number: int | None = None
    authority_key_identifier: bytes | None = None
    issuing_distribution_point: IssuingDistributionPoint | None = None
    base_crl_number: int | None = None
    freshest_crl: tuple[DistributionPoint, ...] = ()
    unsupported: tuple[str, ...] = ()
    entries: int = 0
    size: int = 0


@dataclass(frozen=True, slots=True)
class CrlEntry:
    """What a CRL says of a revoked certificate (RFC 5280 §5.3).

    Attributes:
        revoked_at: revocationDate; being listed revokes, whatever this date says.
        reason: reasonCode; None where the extension is absent.
    """

    revoked_at: datetime
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class CrlFinding:
    """One CRL asked about one certificate.

    Attributes:
        meta: The CRL.
        entry: The entry for the certificate, None where it is not listed.
        signer_spki: The key under which the signature was verified: a fact, and no authority; None where it verified
            under none of the keys that were tried.
        source: Where the CRL came from: a URL, or `evidence`.
        tier: Which tier had it.
        repeats_entries: Whether it lists some certificate twice: nobody knows which entry counts.
        signer_paths: Kept beside it, as DER: paths of the signer as they stood when it was fetched, its own certificate
            first, without the anchor. They are facts as well, and no authority.
    """

    meta: CrlMeta
    entry: CrlEntry | None
    signer_spki: bytes | None = field(repr=False)
    source: str
    tier: Tier
    repeats_entries: bool = False
    signer_paths: tuple[tuple[bytes, ...], ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class CrlSlot:
    """What one CRL replaces another in: signer key, issuer, scope and kind (base or delta).

    Attributes:
        key: SHA-256 over all of it.
        issuer: Canonical form of the CRL issuer's name.
        points: Keys of the issuing distribution point's names; empty where it names none.
    """

    key: bytes
    issuer: bytes
    points: frozenset[bytes]


@dataclass(frozen=True, slots=True)
class Watermark:
    """The newest CRL ever accepted in a slot: nothing older is accepted again.

    Attributes:
        crl_number: Highest number seen; None where the issuer writes none.
        this_update: Latest thisUpdate seen.
        digest: SHA-256 of the CRL that was accepted last: of the same number and thisUpdate there is no other.
    """

    crl_number: int | None
    this_update: datetime
    digest: bytes


CrlRow = tuple[bytes, bytes]
"""One entry as it is stored, enough to find it and to read it later: its key, and the record of the rest.

The key is the serial number's content octets; in an indirect CRL preceded by whose certificate it is where that is not
the CRL issuer's (`crl.entries.entry_key`). The record is as `der.crl_entry` packs it. Tuples, since a CRL has millions:
they cost half of what objects do, and the garbage collector loses interest in them.
"""
