"""What an assessment lacks, and what the shell brought back.

The core never fetches: it returns `NeedEvidence`, the shell gathers and calls again with more `Evidence`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType

from service.core.model.attempt import Attempt
from service.core.model.certificate import Certificate, DistributionPoint
from service.core.model.crl import CrlFinding
from service.core.model.ocsp import OcspFinding
from service.core.model.signer_path import SignerPath


class Reach(Enum):
    """How far the shell shall go."""

    HELD = "held"
    """What came with the request and what the caches of this host hold: no waiting."""
    WAITING = "waiting"
    """CRLs of the operator's own places that wait on this host for somebody under whose key they verify."""
    ORIGIN = "origin"
    """The sources that the certificate names."""
    FRESHEST = "freshest"
    """The delta CRLs that the certificate, or a complete CRL for it, names (freshestCRL)."""

    __hash__ = object.__hash__  # members are unique; Enum's own is a call for each of many lookups


@dataclass(frozen=True, slots=True)
class CrlWanted:
    """CRLs that may cover a certificate, asked about it.

    Attributes:
        issuer: Who issued it, and most often signs its CRLs.
        signers: Who else may sign them, the likeliest first; which of them really may is decided later. They follow
            from the certificate, the trust store, and what is kept beside CRLs that are held.
        points: Where to fetch from: the certificate's distribution points, or freshestCRL's; empty for the other two.
        paths: Where CRLs are to be fetched, or wait, a path of the issuer and of each of `signers`, in this order.
        authorities: Keys under which what is held is found: of whoever may have signed, or certified who did
            (`decision.authority_keys`); empty for the issuer's and the signers' alone.
    """

    certificate: Certificate
    issuer: Certificate
    reach: Reach
    signers: tuple[Certificate, ...] = field(default=(), compare=False)
    points: tuple[DistributionPoint, ...] = field(default=(), compare=False)
    paths: tuple[SignerPath, ...] = field(default=(), compare=False)
    authorities: frozenset[bytes] = field(default=frozenset(), repr=False, compare=False)

    def is_about_the_same(self, other: "CrlWanted") -> bool:
        """Whether both are asked about one certificate under one issuer."""
        return self.certificate == other.certificate and self.issuer == other.issuer


@dataclass(frozen=True, slots=True)
class OcspWanted:
    """OCSP answers about a certificate.

    Attributes:
        responders: Whom to ask; empty for HELD.
    """

    certificate: Certificate
    issuer: Certificate
    reach: Reach
    responders: tuple[str, ...] = field(default=(), compare=False)


Wanted = CrlWanted | OcspWanted


@dataclass(frozen=True, slots=True)
class GatheredCrls:
    """What came of one `CrlWanted`.

    Attributes:
        names_issuer: A CRL by this issuer is held or configured, usable or not: hard-fail then needs an answer.
        signer_paths: Where that is all that makes an answer needed, and no CRL is held under a key that is known to be
            the issuer's: what is kept beside CRLs in its name that other keys signed (`CrlFinding.signer_paths`).
        waiting: Of what is held: CRLs that may cover the certificate wait for somebody under whose key they verify.
    """

    findings: tuple[CrlFinding, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    names_issuer: bool = False
    signer_paths: tuple[tuple[bytes, ...], ...] = field(default=(), repr=False)
    waiting: bool = False


@dataclass(frozen=True, slots=True)
class GatheredOcsp:
    """What came of one `OcspWanted`."""

    findings: tuple[OcspFinding, ...] = ()
    attempts: tuple[Attempt, ...] = ()


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything gathered so far for one question."""

    crls: Mapping[CrlWanted, GatheredCrls] = field(default_factory=lambda: MappingProxyType({}))
    ocsp: Mapping[OcspWanted, GatheredOcsp] = field(default_factory=lambda: MappingProxyType({}))

    def adding(
        self,
        crls: Mapping[CrlWanted, GatheredCrls],
        ocsp: Mapping[OcspWanted, GatheredOcsp],
    ) -> "Evidence":
        """This evidence and more."""
        return Evidence({**self.crls, **crls}, {**self.ocsp, **ocsp})

    def further_crls(self, held: CrlWanted) -> list[GatheredCrls]:
        """What was gathered about the certificate of `held` beyond what is held."""
        return [
            found for one, found in self.crls.items() if one.reach is not Reach.HELD and one.is_about_the_same(held)
        ]


@dataclass(frozen=True, slots=True)
class NeedEvidence:
    """The verdict depends on these; never empty."""

    wanted: frozenset[Wanted]
