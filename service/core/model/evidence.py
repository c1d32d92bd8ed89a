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


class Reach(Enum):
    """How far the shell shall go."""

    HELD = "held"
    """What came with the request and what the caches of this host hold: no waiting."""
    ORIGIN = "origin"
    """The sources that the certificate names."""
    FRESHEST = "freshest"
    """The delta CRLs that the certificate, or a complete CRL for it, names (freshestCRL)."""


@dataclass(frozen=True, slots=True)
class CrlWanted:
    """CRLs that may cover a certificate, asked about it.

    Attributes:
        issuer: Who issued it, and most often signs its CRLs.
        signers: Who else may sign them, the likeliest first; which of them really may is decided later. They follow
            from the certificate and the trust store.
        points: Where to fetch from: the certificate's distribution points, or freshestCRL's; empty for HELD.
    """

    certificate: Certificate
    issuer: Certificate
    reach: Reach
    signers: tuple[Certificate, ...] = field(default=(), compare=False)
    points: tuple[DistributionPoint, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class OcspWanted:
    """OCSP answers about a certificate."""

    certificate: Certificate
    issuer: Certificate
    reach: Reach


Wanted = CrlWanted | OcspWanted


@dataclass(frozen=True, slots=True)
class GatheredCrls:
    """What came of one `CrlWanted`.

    Attributes:
        names_issuer: A CRL by this issuer is held or configured, usable or not: hard-fail then needs an answer.
    """

    findings: tuple[CrlFinding, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    names_issuer: bool = False


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


@dataclass(frozen=True, slots=True)
class NeedEvidence:
    """The verdict depends on these; never empty."""

    wanted: frozenset[Wanted]
