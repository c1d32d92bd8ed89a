"""May this responder speak for this issuer (RFC 6960 §4.2.2.2)?

Either the issuer itself, or a delegate: a certificate that this very issuer signed with its own key and that carries
id-kp-OCSPSigning. Nobody else.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from service.core.der.certificate import read_certificate
from service.core.der.signature import SignatureResult, verify
from service.core.model.attempt import Problem
from service.core.model.budget import Budget
from service.core.model.certificate import OCSP_SIGNING, Certificate, KeyUsage
from service.core.model.malformed import MalformedError
from service.core.model.ocsp import OcspResponse
from service.core.model.policy import Policy
from service.core.names.comparison import same_name
from service.core.path.critical_extensions import check_critical_extensions
from service.core.path.strength import check_key_strength, check_signature_strength, weak_digest
from service.core.path.validity import check_validity


@dataclass(frozen=True, slots=True)
class Responder:
    """Who signed a response and may.

    Attributes:
        delegate: The delegate's certificate; None where the issuer itself signed.
    """

    delegate: Certificate | None


def authorize(
    response: OcspResponse, issuer: Certificate, policy: Policy, at: datetime, budget: Budget
) -> Responder | Problem:
    """Who signed a response, if they may; whether a delegate is revoked itself is asked elsewhere.

    Args:
        response: The response.
        issuer: The issuer of the certificate in question, in a valid path.
        policy: Weak algorithms.
        at: When the delegate must be valid.
        budget: Pays for signatures.

    Raises:
        BudgetExhaustedError: it cannot.
    """
    if weak_digest(response.signature.algorithm, policy) is not None:
        return Problem.WEAK_ALGORITHM
    if _is_identified(response, issuer):
        budget.spend_signature()
        if verify(response.signature, issuer.public_key) is SignatureResult.VALID:
            return Responder(None)
    problem = Problem.BAD_SIGNATURE if _is_identified(response, issuer) else Problem.UNAUTHORIZED_SIGNER
    for der in response.certificates:
        try:
            delegate = read_certificate(der)
        except MalformedError:
            continue
        if not _is_identified(response, delegate):
            continue
        refusal = _refuse_delegate(delegate, issuer, policy, at, budget)
        if refusal is None:
            budget.spend_signature()
            if verify(response.signature, delegate.public_key) is SignatureResult.VALID:
                return Responder(delegate)
        problem = refusal or Problem.BAD_SIGNATURE
    return problem


def _is_identified(response: OcspResponse, signer: Certificate) -> bool:
    """Whether the responder identifier means this certificate: by name, or by the SHA-1 of its key."""
    if response.responder_name is not None:
        return same_name(response.responder_name, signer.subject)
    return response.responder_key_hash == hashlib.sha1(signer.public_key.bits, usedforsecurity=False).digest()


def _refuse_delegate(
    delegate: Certificate, issuer: Certificate, policy: Policy, at: datetime, budget: Budget
) -> Problem | None:
    """Why a delegate may not speak for an issuer, or None (RFC 6960 §4.2.2.2)."""
    if not same_name(delegate.issuer, issuer.subject):
        return Problem.UNAUTHORIZED_SIGNER
    purposes = delegate.extensions.extended_key_usage
    if purposes is None or OCSP_SIGNING not in purposes:  # anyExtendedKeyUsage is not enough: it MUST be this one
        return Problem.UNAUTHORIZED_SIGNER
    usage = delegate.extensions.key_usage
    if usage is not None and not usage & (
        KeyUsage.DIGITAL_SIGNATURE | KeyUsage.CONTENT_COMMITMENT
    ):  # RFC 5280 §4.2.1.12
        return Problem.UNAUTHORIZED_SIGNER
    budget.spend_signature()
    if verify(delegate.signature, issuer.public_key) is not SignatureResult.VALID:
        return Problem.UNAUTHORIZED_SIGNER
    if check_validity(delegate, at) is not None or check_critical_extensions(delegate) is not None:
        return Problem.UNAUTHORIZED_SIGNER
    if check_signature_strength(delegate, policy) is not None or check_key_strength(delegate, policy) is not None:
        return Problem.WEAK_ALGORITHM
    return None
