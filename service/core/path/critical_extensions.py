"""Extensions that are not processed (RFC 5280 §6.1.4 (o), §6.1.5 (f)), and those this version refuses by name."""

from service.core.model.certificate import Certificate
from service.core.model.failure import UnknownCriticalExtension, UnsupportedFeature


def check_supported_features(certificate: Certificate) -> UnsupportedFeature | None:
    """The first feature of a certificate that would change the outcome and is not supported, or None."""
    unsupported = certificate.extensions.unsupported
    return UnsupportedFeature(certificate, unsupported[0]) if unsupported else None


def check_critical_extensions(certificate: Certificate) -> UnknownCriticalExtension | None:
    """The first critical extension of a certificate that nobody processes, or None."""
    unknown = certificate.extensions.unknown_critical
    return UnknownCriticalExtension(certificate, unknown[0]) if unknown else None
