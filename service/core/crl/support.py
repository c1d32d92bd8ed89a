"""What this version refuses by name in a CRL: deltas, indirect CRLs, unknown critical extensions."""

from service.core.model.crl import CrlMeta


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
