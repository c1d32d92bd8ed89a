"""What this version refuses by name in a CRL: deltas, indirect CRLs, unknown critical extensions."""

from dataclasses import replace

from service.core.model.crl import CrlFinding, CrlMeta
from service.core.model.reason import Reason


def unsupported_feature(meta: CrlMeta) -> str | None:
    """The first feature of a CRL that is not supported, or None.

    An unknown critical extension of the CRL (RFC 5280 §5.2) or of any entry (§5.3) makes the whole CRL unusable.
    """
    if meta.base_crl_number is not None:
        return "delta CRL"
    scope = meta.issuing_distribution_point
    if scope is not None and scope.indirect_crl:
        return "indirect CRL"
    return meta.unsupported[0] if meta.unsupported else None


def revokes_as_delta(finding: CrlFinding) -> bool:
    """Whether a CRL is refused for nothing but being a delta, and lists the certificate as revoked.

    Deltas are not applied to their bases, so that none makes a certificate good. But what the issuer signed as revoked
    is not passed over (RFC 5280 §6.3.3 (i)); `removeFromCRL` leaves the base to decide.
    """
    entry = finding.entry
    if finding.meta.base_crl_number is None or entry is None or entry.reason is Reason.REMOVE_FROM_CRL:
        return False
    return unsupported_feature(replace(finding.meta, base_crl_number=None)) is None
