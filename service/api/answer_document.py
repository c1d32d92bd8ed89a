"""A verdict as callers see it."""

from collections.abc import Callable

from service.api.answers import Cache
from service.api.moment import write_moment, write_optional
from service.application.validate import ValidationAnswer
from service.application.wording import describe, describe_revocation
from service.core.model.certificate import Certificate
from service.core.model.verdict import PathElement, Revocation, Verdict

IN_SHADOW = "Allowed in shadow mode alone."
"""How the sentence begins where a denial was put aside."""

MAX_IGNORED = 8
"""Pieces of a request that `detail` names as ignored."""


def answer_document(answer: ValidationAnswer) -> dict[str, object]:
    """The answer as a JSON object: the fields of `answers.Answer`, in the order of the documentation."""
    verdict = answer.verdict
    return {
        "decision": verdict.decision,
        "status": verdict.status,
        "code": verdict.code,
        "detail": detail_of(answer, describe),
        "decision_id": answer.decision_id,
        "checked_at": write_moment(answer.checked_at),
        "valid_until": write_optional(answer.valid_until),
        **_identity(verdict.certificate),
        "path": [_element(element) for element in verdict.path],
        "authorized_policies": sorted(verdict.authorized_policies),
        "enforced": None if answer.enforced is None else _enforced(answer.enforced),
        "cache": Cache.MISS,
    }


def detail_of(answer: ValidationAnswer, wording: Callable[[Verdict], str]) -> str:
    """A sentence for a person, and what of the request was ignored.

    Args:
        answer: What is answered.
        wording: Makes a sentence of a verdict.
    """
    sentence = wording(answer.verdict) if answer.enforced is None else f"{IN_SHADOW} {wording(answer.enforced)}"
    if not answer.ignored:
        return sentence
    named = list(answer.ignored[:MAX_IGNORED])
    if len(answer.ignored) > MAX_IGNORED:
        named.append(f"and {len(answer.ignored) - MAX_IGNORED} more")
    return f"{sentence} Ignored: {'; '.join(named)}."


def _enforced(verdict: Verdict) -> dict[str, object]:
    return {
        "decision": verdict.decision,
        "status": verdict.status,
        "code": verdict.code,
        "detail": describe(verdict),
    }


def _identity(certificate: Certificate | None) -> dict[str, object]:
    if certificate is None:
        return dict.fromkeys(("serial_number", "fingerprint_sha256", "subject", "issuer", "sans"))
    return {
        "serial_number": f"{certificate.serial_number:x}",
        "fingerprint_sha256": certificate.fingerprint.hex(),
        "subject": certificate.subject.text,
        "issuer": certificate.issuer.text,
        "sans": certificate.extensions.sans,
    }


def _element(element: PathElement) -> dict[str, object]:
    certificate = element.certificate
    return {
        "subject": certificate.subject.text,
        "issuer": certificate.issuer.text,
        "serial_number": f"{certificate.serial_number:x}",
        "fingerprint_sha256": certificate.fingerprint.hex(),
        "not_after": write_moment(certificate.not_after),
        "revocation": _revocation(element.revocation),
    }


def _revocation(revocation: Revocation) -> dict[str, object]:
    return {
        "status": revocation.status,
        "method": revocation.method,
        "source": revocation.source,
        "this_update": write_optional(revocation.this_update),
        "next_update": write_optional(revocation.next_update),
        "revoked_at": write_optional(revocation.revoked_at),
        "reason": revocation.reason,
        "crl_number": revocation.crl_number,
        "tier": revocation.tier,
        "detail": describe_revocation(revocation),
    }
