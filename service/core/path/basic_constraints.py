"""basicConstraints and path length (RFC 5280 §6.1.4 (k), (l), (m))."""

from service.core.model.certificate import Certificate
from service.core.model.failure import NotACertificateAuthority, PathLengthExceeded
from service.core.names.comparison import same_name


def check_is_authority(certificate: Certificate) -> NotACertificateAuthority | None:
    """Why a certificate may not issue others, or None."""
    # RFC 5280 §6.1.4 (k): version 3 with cA; versions 1 and 2 cannot say that they are CAs; nobody says it for them.
    constraints = certificate.extensions.basic_constraints
    return None if constraints is not None and constraints.ca else NotACertificateAuthority(certificate)


def check_path_length(certificate: Certificate, followers: tuple[Certificate, ...]) -> PathLengthExceeded | None:
    """Whether more intermediates follow than a CA's pathLenConstraint allows.

    Args:
        certificate: The CA.
        followers: The intermediates below it. Self-issued ones are not counted (§6.1.4 (l)).
    """
    # RFC 5280 §6.1.4 (l), (m): counting from each constraint is the same as carrying max_path_length down.
    constraints = certificate.extensions.basic_constraints
    if constraints is None or constraints.path_length is None:
        return None
    counted = sum(not same_name(one.subject, one.issuer) for one in followers)
    return PathLengthExceeded(certificate, constraints.path_length) if counted > constraints.path_length else None
