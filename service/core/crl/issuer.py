"""May this CRL speak for certificates of this issuer (RFC 5280 §6.3.3 (b)(1), (f), (g))?"""

from service.core.model.attempt import Problem
from service.core.model.certificate import Certificate, KeyUsage
from service.core.model.crl import CrlFinding
from service.core.model.policy import Policy
from service.core.names.comparison import same_name
from service.core.path.strength import weak_digest


def check_issuer(finding: CrlFinding, issuer: Certificate, policy: Policy) -> Problem | None:
    """Why a CRL is not authentic for an issuer, or None.

    Args:
        finding: The CRL, and the key that its signature was verified under.
        issuer: The issuer of the certificate in question: a member of a valid path, or its anchor, so that its own
            path is validated already (§6.3.3 (f)).
        policy: For weak algorithms.
    """
    if not same_name(finding.meta.issuer, issuer.subject):  # RFC 5280 §6.3.3 (b)(1)
        return Problem.WRONG_ISSUER
    if finding.signer_spki != issuer.public_key.spki:  # RFC 5280 §6.3.3 (g)
        return Problem.BAD_SIGNATURE
    usage = issuer.extensions.key_usage
    if usage is not None and not usage & KeyUsage.CRL_SIGN:  # RFC 5280 §6.3.3 (f), RFC 10007
        return Problem.UNAUTHORIZED_SIGNER
    return None if weak_digest(finding.meta.algorithm, policy) is None else Problem.WEAK_ALGORITHM
