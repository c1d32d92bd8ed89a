"""May this responder speak for this issuer (RFC 6960 §4.2.2.2)?

The issuer itself; a responder that the operator trusts; or a delegate, a certificate that this very issuer signed with
the key with which it signed the certificate in question, and that carries id-kp-OCSPSigning. Nobody else.
"""

import hashlib
from collections.abc import Iterator
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
        delegate: The delegate's certificate; None where somebody else signed.
        trusted: The certificate of a responder that the operator trusts; None where somebody else signed.
    """

    delegate: Certificate | None
    trusted: Certificate | None = None


def authorize(
    response: OcspResponse, issuer: Certificate, policy: Policy, at: datetime, budget: Budget
) -> Responder | Problem:
    """Who signed a response, if they may; whether a delegate is revoked itself is asked elsewhere.

    Args:
        response: The response.
        issuer: The issuer of the certificate in question, in a valid path.
        policy: Weak algorithms; the responders that the operator trusts.
        at: When the signer must be valid, unless it is the issuer: a member of a valid path.
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
    for responder, signer in _candidates(response, policy):
        if responder.trusted is None:
            refusal = _refuse_delegate(signer, issuer, policy, at, budget)
        else:
            refusal = _refuse_trusted(signer, policy, at)
        if refusal is None:
            budget.spend_signature()
            if verify(response.signature, signer.public_key) is SignatureResult.VALID:
                return responder
        problem = refusal or Problem.BAD_SIGNATURE
    return problem


def _candidates(response: OcspResponse, policy: Policy) -> Iterator[tuple[Responder, Certificate]]:
    """Who else than the issuer the response may mean by its responder identifier, with the certificate of each."""
    # RFC 6960 §4.2.2.2, criterion 1: a local configuration of OCSP signing authority. What certificates came along does
    # not matter: it is the key of the operator's certificate that must have signed.
    for trusted in policy.trusted_responders:
        if _is_identified(response, trusted):
            yield Responder(None, trusted), trusted
    for der in response.certificates:
        try:
            delegate = read_certificate(der)
        except MalformedError:
            continue
        if _is_identified(response, delegate):
            yield Responder(delegate), delegate


def _is_identified(response: OcspResponse, signer: Certificate) -> bool:
    """Whether the responder identifier means this certificate: by name, or by the SHA-1 of its key."""
    if response.responder_name is not None:
        return same_name(response.responder_name, signer.subject)
    return response.responder_key_hash == hashlib.sha1(signer.public_key.bits, usedforsecurity=False).digest()


def _refuse_trusted(trusted: Certificate, policy: Policy, at: datetime) -> Problem | None:
    """Why a responder that the operator trusts may not speak now, or None.

    The operator has said that it may, so that neither a purpose nor an issuer is asked for, and its own revocation is
    not: whoever trusts it no longer takes it out of the configuration.
    """
    if check_validity(trusted, at) is not None or check_critical_extensions(trusted) is not None:
        return Problem.UNAUTHORIZED_SIGNER
    return None if check_key_strength(trusted, policy) is None else Problem.WEAK_ALGORITHM


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
