"""Path validation (RFC 5280 §6.1): the steps, in their order, on one path.

Signatures and names were checked when the path was built (§6.1.3 (a)(1), (a)(4)); revocation (§6.1.3 (a)(3)) is decided
by `core.decision`, on paths that are valid otherwise. Each step is a function of a file of its own.
"""

from datetime import datetime

from service.core.model.budget import Budget
from service.core.model.certificate import Certificate
from service.core.model.failure import PathFailure
from service.core.model.policy import Policy
from service.core.path.basic_constraints import check_is_authority, check_path_length
from service.core.path.certification_path import CertificationPath, ValidPath
from service.core.path.critical_extensions import check_critical_extensions
from service.core.path.irregular import check_end_entity, check_regular
from service.core.path.key_usage import check_key_purpose, check_may_sign_certificates, check_usage_fits_purpose
from service.core.path.name_constraints import check_name_constraints
from service.core.path.policies import check_policies
from service.core.path.strength import check_key_strength, check_signature_strength
from service.core.path.validity import check_validity


def validate(path: CertificationPath, policy: Policy, at: datetime, budget: Budget) -> ValidPath | PathFailure:
    """Take one path through every step but revocation.

    Returns:
        The valid path, or the first step that failed, from the anchor down.
    """
    failure = _check_anchor(path, policy, at)
    if not path.leaf_is_anchor:
        for number in reversed(range(len(path.certificates))):
            failure = failure or _check_certificate(path, number, policy, at)
    failure = failure or check_name_constraints(path, budget)  # §6.1.3 (b), (c), §6.1.4 (g)
    if failure is not None:
        return failure
    policies = check_policies(path, policy.policies, budget)  # §6.1.3 (d) to (f), §6.1.4 (a), (b), (h) to (j), §6.1.5
    return ValidPath(path, policies) if isinstance(policies, frozenset) else policies


def _check_anchor(path: CertificationPath, policy: Policy, at: datetime) -> PathFailure | None:
    """What an anchor says of itself is enforced; absent extensions are no fault, its own signature is not checked."""
    anchor = path.anchor
    failure = (
        check_validity(anchor, at)
        or check_key_strength(anchor, policy)
        or check_regular(anchor)
        or check_key_purpose(anchor, policy)
        or check_critical_extensions(anchor)  # RFC 5937 §2
    )
    if path.leaf_is_anchor:
        return failure or check_usage_fits_purpose(anchor, policy)
    return (
        failure
        or (None if anchor.extensions.basic_constraints is None else check_is_authority(anchor))
        or check_may_sign_certificates(anchor)
        or check_path_length(anchor, path.certificates[1:])
    )


def _check_certificate(path: CertificationPath, number: int, policy: Policy, at: datetime) -> PathFailure | None:
    certificate = path.certificates[number]
    return (
        check_validity(certificate, at)  # §6.1.3 (a)(2)
        or check_signature_strength(certificate, policy)
        or check_key_strength(certificate, policy)
        or check_regular(certificate)
        or (_check_authority(certificate, path.certificates[1:number]) if number else check_end_entity(certificate))
        or check_key_purpose(certificate, policy)
        or (None if number else check_usage_fits_purpose(certificate, policy))
        or check_critical_extensions(certificate)  # §6.1.4 (o), §6.1.5 (f)
    )


def _check_authority(certificate: Certificate, followers: tuple[Certificate, ...]) -> PathFailure | None:
    """Preparation for the next certificate (§6.1.4)."""
    return (
        check_is_authority(certificate)  # §6.1.4 (k)
        or check_path_length(certificate, followers)  # §6.1.4 (l), (m)
        or check_may_sign_certificates(certificate)  # §6.1.4 (n)
    )
