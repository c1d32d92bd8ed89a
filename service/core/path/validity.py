"""Validity periods (RFC 5280 §6.1.3 (a)(2)): both ends inclusive, no tolerance for clocks."""

from datetime import datetime

from service.core.model.certificate import Certificate
from service.core.model.failure import Expired, NotYetValid


def check_validity(certificate: Certificate, at: datetime) -> NotYetValid | Expired | None:
    """Why a certificate is not valid at a moment, or None."""
    if at < certificate.not_before:
        return NotYetValid(certificate)
    if at > certificate.not_after:
        return Expired(certificate)
    return None
