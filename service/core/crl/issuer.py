"""Who may sign CRLs about a certificate (RFC 5280 §6.3.3 (b)(1), (f), (g)), as far as names and keys tell.

A candidate's own path is validated, and its own revocation checked, by `core.decision`.
"""

from service.core.crl.scope import crl_issuers
from service.core.model.attempt import Problem
from service.core.model.certificate import Certificate, KeyUsage
from service.core.model.crl import CrlFinding
from service.core.model.policy import Policy
from service.core.model.trust_store import TrustStore
from service.core.names.comparison import canonical, same_name
from service.core.path.strength import weak_digest

MAX_SIGNERS = 16
"""Other keys under which one CRL is tried; an authority that renews its key each year for a decade has ten. Those of
the trust store come first, so that what a request brings along crowds out nobody."""


def candidate_signers(certificate: Certificate, issuer: Certificate, store: TrustStore) -> tuple[Certificate, ...]:
    """Who else than its issuer may have signed CRLs about a certificate: one certificate for each other name and key.

    Args:
        certificate: The certificate in question.
        issuer: Its issuer in a valid path.
        store: Where other keys and other CRL issuers are found.
    """
    own = (canonical(issuer.subject.der), issuer.public_key.spki)
    found: dict[tuple[bytes, bytes], Certificate] = {}
    for name in dict.fromkeys(canonical(name.der) for name in crl_issuers(certificate)):
        for candidate in store.by_subject.get(name, ()):
            if is_signer(candidate, issuer, store) and (name, candidate.public_key.spki) != own:
                found.setdefault((name, candidate.public_key.spki), candidate)
    return tuple(found.values())[:MAX_SIGNERS]


def may_sign_crls(certificate: Certificate) -> bool:
    """Whether the key usage of a certificate allows its key to sign CRLs; an absent one forbids nothing."""
    usage = certificate.extensions.key_usage
    return usage is None or KeyUsage.CRL_SIGN in usage  # RFC 5280 §6.3.3 (f), RFC 10007


def is_signer(candidate: Certificate, issuer: Certificate, store: TrustStore) -> bool:
    """Whether the key usage of a certificate makes its key one that may sign CRLs about an issuer's certificates.

    An absent key usage forbids an issuer or an anchor nothing. Of anybody else's key we ask that it is there and allows
    it: RFC 5280 §4.2.1.3 wants it where a key signs CRLs, and clients have certificates too.
    """
    own = candidate.public_key == issuer.public_key and same_name(candidate.subject, issuer.subject)
    if own or candidate in store.anchors:
        return may_sign_crls(candidate)
    return candidate.extensions.key_usage is not None and may_sign_crls(candidate)


def is_issuers_own(finding: CrlFinding, issuer: Certificate) -> bool:
    """Whether the issuer of the certificate in question signed a CRL itself, with the key that signed the certificate.

    It is a member of a valid path, or its anchor, so that its own path is validated already (§6.3.3 (f)).
    """
    return finding.signer_spki == issuer.public_key.spki and same_name(finding.meta.issuer, issuer.subject)


def check_issuer(finding: CrlFinding, certificate: Certificate, policy: Policy) -> Problem | None:
    """Why a CRL cannot be authentic for a certificate, whoever signed it, or None.

    Args:
        finding: The CRL, and the key that its signature was verified under.
        certificate: The certificate in question.
        policy: For weak algorithms.
    """
    if not any(same_name(finding.meta.issuer, name) for name in crl_issuers(certificate)):  # RFC 5280 §6.3.3 (b)(1)
        return Problem.WRONG_ISSUER
    if finding.signer_spki is None:  # RFC 5280 §6.3.3 (g)
        return Problem.BAD_SIGNATURE
    return None if weak_digest(finding.meta.algorithm, policy) is None else Problem.WEAK_ALGORITHM
