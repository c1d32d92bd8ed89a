"""Does a CRL cover a certificate (RFC 5280 §6.3.3 (b), (d))?"""

from service.core.der.name import read_name
from service.core.model.certificate import Certificate, DistributionPoint
from service.core.model.crl import CrlMeta, IssuingDistributionPoint
from service.core.model.name import GeneralName, GeneralNameKind, Name
from service.core.model.reason import ALL_REASONS, Reasons
from service.core.names.comparison import canonical, general_name_key, same_name

VERSION_3 = 3

MAX_CRL_ISSUERS = 16
"""Different names under which CRLs about one certificate are looked for, its own issuer's first; certificates name one
other at most, and each costs a lookup."""

_EVERYTHING = IssuingDistributionPoint()
"""The scope of a CRL that claims none: complete for its issuer."""


def distribution_points(certificate: Certificate) -> tuple[DistributionPoint, ...]:
    """The distribution points whose CRLs may speak for a certificate, the issuer's own name as the last.

    We choose not to add the issuer's own where the certificate names others as the issuers of all its CRLs: its issuer
    says then that somebody else knows.
    """
    declared = certificate.extensions.crl_distribution_points
    names_issuers = declared and all(point.crl_issuer for point in declared)  # most often not
    if names_issuers and all(names_other_issuer(point, certificate) for point in declared):
        return declared
    # RFC 5280 §6.3.3, at its end: CRLs that no distribution point names, as if there were one named like the issuer.
    implied = GeneralName(GeneralNameKind.DIRECTORY_NAME, certificate.issuer.der)
    return (*declared, DistributionPoint((implied,), ALL_REASONS))


def names_other_issuer(point: DistributionPoint, certificate: Certificate) -> bool:
    """Whether a distribution point says that somebody else signs its CRLs (cRLIssuer)."""
    return bool(point.crl_issuer) and not any(same_name(name, certificate.issuer) for name in _crl_issuer(point))


def crl_issuers(certificate: Certificate) -> tuple[Name, ...]:
    """Who may issue CRLs about a certificate: its own issuer, and everybody whom its distribution points name."""
    points = (*certificate.extensions.crl_distribution_points, *certificate.extensions.freshest_crl)
    others = [name for point in points if point.crl_issuer for name in _crl_issuer(point)]
    return (certificate.issuer, *others)


def asked_issuers(certificate: Certificate) -> tuple[bytes, ...]:
    """Under which names CRLs about a certificate are looked for, in canonical form; each once, its issuer's first."""
    return _issuers(certificate)[:MAX_CRL_ISSUERS]


def names_too_many_issuers(certificate: Certificate) -> bool:
    """Whether a certificate names more CRL issuers than CRLs are looked for of."""
    return len(_issuers(certificate)) > MAX_CRL_ISSUERS


def _issuers(certificate: Certificate) -> tuple[bytes, ...]:
    names = crl_issuers(certificate)
    if len(names) == 1:  # most often
        return (canonical(names[0].der),)
    return tuple(dict.fromkeys(canonical(name.der) for name in names))


def point_keys(certificate: Certificate) -> frozenset[bytes]:
    """The names under which CRLs that may cover a certificate are held."""
    return frozenset(general_name_key(name) for point in distribution_points(certificate) for name in _names_of(point))


def covered_reasons(crl: CrlMeta, certificate: Certificate) -> Reasons:
    """The revocation reasons for which a CRL covers a certificate; none where it does not."""
    scope = crl.issuing_distribution_point or _EVERYTHING
    if not _covers_kind(scope, certificate):
        return Reasons(0)
    covered = Reasons(0)
    declared = certificate.extensions.crl_distribution_points
    for point in distribution_points(certificate):
        # RFC 5280 §6.3.3, at its end: what names a distribution point is none of the CRLs that no point specifies.
        is_misplaced = bool(declared and scope.names) and point not in declared
        if not is_misplaced and _is_issuer_of(crl, scope, point, certificate) and _names_meet(scope, point):
            covered |= point.reasons  # RFC 5280 §6.3.3 (d)
            if covered == ALL_REASONS:
                break
    return covered if scope.only_some_reasons is None else covered & scope.only_some_reasons


def may_vouch(crl: CrlMeta, certificate: Certificate) -> bool:
    """Whether a CRL that covers a certificate may say that it is good, and not only that it is revoked.

    We choose not to believe an indirect CRL that a certificate does not expect: it declares points, and none of them
    names the issuer of their CRLs. RFC 5280 §6.3.3 (b)(1) would allow it.
    """
    scope = crl.issuing_distribution_point
    if scope is None or not scope.indirect_crl:
        return True
    declared = certificate.extensions.crl_distribution_points
    return not declared or any(point.crl_issuer for point in declared)


def _is_issuer_of(
    crl: CrlMeta, scope: IssuingDistributionPoint, point: DistributionPoint, certificate: Certificate
) -> bool:
    # RFC 5280 §6.3.3 (b)(1)
    if names_other_issuer(point, certificate):
        return scope.indirect_crl and any(same_name(name, crl.issuer) for name in _crl_issuer(point))
    return same_name(crl.issuer, certificate.issuer)


def _covers_kind(scope: IssuingDistributionPoint, certificate: Certificate) -> bool:
    constraints = certificate.extensions.basic_constraints
    is_authority = constraints is not None and constraints.ca
    if certificate.version < VERSION_3 and (scope.only_contains_user_certs or scope.only_contains_ca_certs):
        return False  # RFC 5280 §5.2.5: such a scope MUST NOT include certificates that cannot say which they are
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


def _crl_issuer(point: DistributionPoint) -> tuple[Name, ...]:
    return tuple(read_name(name.value) for name in point.crl_issuer if name.kind is GeneralNameKind.DIRECTORY_NAME)
