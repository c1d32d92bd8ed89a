"""Extensions that are not processed (RFC 5280 §6.1.4 (o), §6.1.5 (f); for anchors RFC 5937 §2)."""

from service.core.model.certificate import Certificate
from service.core.model.failure import UnknownCriticalExtension


def check_critical_extensions(certificate: Certificate) -> UnknownCriticalExtension | None:
    """The first critical extension of a certificate that nobody processes, or None."""
    unknown = certificate.extensions.unknown_critical
    return UnknownCriticalExtension(certificate, unknown[0]) if unknown else None
