"""Does a CRL cover a certificate (RFC 5280 §6.3.3 (b), (d))?"""

from service.core.der.name import read_name
from service.core.model.certificate import Certificate, DistributionPoint
from service.core.model.crl import IssuingDistributionPoint
from service.core.model.name import GeneralName, GeneralNameKind
from service.core.model.reason import ALL_REASONS, Reasons
from service.core.names.comparison import general_name_key, same_name


def distribution_points(certificate: Certificate) -> tuple[DistributionPoint, ...]:
    """The distribution points whose CRLs may speak for a certificate, the issuer's own name as the last.

    Those that name another CRL issuer are left out: indirect CRLs are refused by name.
    """
    declared = (
        point for point in certificate.extensions.crl_distribution_points if not names_other_issuer(point, certificate)
    )
    # RFC 5280 §6.3.3, at its end: CRLs that no distribution point names, as if there were one named like the issuer.
    implied = GeneralName(GeneralNameKind.DIRECTORY_NAME, certificate.issuer.der)
    return (*declared, DistributionPoint((implied,), ALL_REASONS))


def names_other_issuer(point: DistributionPoint, certificate: Certificate) -> bool:
    """Whether a distribution point says that somebody else signs its CRLs (cRLIssuer)."""
    return bool(point.crl_issuer) and not any(
        name.kind is GeneralNameKind.DIRECTORY_NAME and same_name(read_name(name.value), certificate.issuer)
        for name in point.crl_issuer
    )


def point_keys(certificate: Certificate) -> frozenset[bytes]:
    """The names under which CRLs that may cover a certificate are held."""
    return frozenset(general_name_key(name) for point in distribution_points(certificate) for name in _names_of(point))


def covered_reasons(scope: IssuingDistributionPoint | None, certificate: Certificate) -> Reasons:
    """The revocation reasons for which a CRL of the certificate's issuer covers it; none where it does not."""
    if scope is None:
        return ALL_REASONS
    if not _covers_kind(scope, certificate):
        return Reasons(0)
    covered = Reasons(0)
    for point in distribution_points(certificate):
        if _names_meet(scope, point):
            covered |= point.reasons  # RFC 5280 §6.3.3 (d)
    return covered if scope.only_some_reasons is None else covered & scope.only_some_reasons


def _covers_kind(scope: IssuingDistributionPoint, certificate: Certificate) -> bool:
    constraints = certificate.extensions.basic_constraints
    is_authority = constraints is not None and constraints.ca
    if scope.only_contains_attribute_certs:  # RFC 5280 §6.3.3 (b)(2)(iv)
        return False
    if scope.only_contains_user_certs and is_authority:  # RFC 5280 §6.3.3 (b)(2)(ii)
        return False
    return is_authority or not scope.only_contains_ca_certs  # RFC 5280 §6.3.3 (b)(2)(iii)


def _names_meet(scope: IssuingDistributionPoint, point: DistributionPoint) -> bool:
    # RFC 5280 §6.3.3 (b)(2)(i): a scope without a name covers every distribution point of its issuer.
    if not scope.names:
        return True
    return not {general_name_key(name) for name in scope.names}.isdisjoint(
        general_name_key(name) for name in _names_of(point)
    )


def _names_of(point: DistributionPoint) -> tuple[GeneralName, ...]:
    """RFC 5280 §6.3.3 (b)(2)(i): where the point has no name, its cRLIssuer stands for it."""
    return point.names or point.crl_issuer
