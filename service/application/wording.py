"""Failures and attempts in sentences for people: the only place that makes text of them."""

from typing import TypeAlias, assert_never

from service.core.model.attempt import Attempt, Problem
from service.core.model.certificate import Certificate
from service.core.model.failure import (
    AnyPolicyMapped,
    BadSignature,
    Blocked,
    BudgetExhausted,
    Expired,
    Failure,
    Irregular,
    KeyPurposeForbidden,
    KeyUsageForbidsIssuing,
    KeyUsageForbidsPurpose,
    Malformed,
    NameNotAllowed,
    NameNotComparable,
    NoAcceptablePolicy,
    NoIssuer,
    NotACertificateAuthority,
    NotYetValid,
    PathLengthExceeded,
    PathTooLong,
    RevocationUnavailable,
    Revoked,
    SelfSignedLeaf,
    UnknownCriticalExtension,
    UnsupportedKey,
    UnsupportedSignature,
    WeakKey,
    WeakSignature,
)
from service.core.model.verdict import NotChecked, Note, Revocation, RevocationStatus, Status, Verdict

MAX_SUBJECT_LENGTH = 120
"""Longer subjects are shortened in sentences; the answer has them whole."""

MAX_SOURCE_LENGTH = 200
"""Longer URLs and names are shortened in sentences: a certificate may have them of any length."""

MAX_REASON_LENGTH = 200
"""Longer reasons of exemptions are shortened in sentences."""

MAX_ATTEMPTS = 4
"""Attempts that a sentence spells out; the answer's path has them all."""

_PROBLEMS = {
    Problem.OFFLINE: "not asked, since nothing may be fetched",
    Problem.UNSUPPORTED_SCHEME: "not fetched: only http and https are",
    Problem.EGRESS_REFUSED: "refused by the egress guard",
    Problem.NOT_TRIED: "not asked for a while, since it failed",
    Problem.UNREACHABLE: "unreachable",
    Problem.TIMED_OUT: "timed out",
    Problem.HTTP_STATUS: "answered with an HTTP error",
    Problem.TOO_LARGE: "too large",
    Problem.MALFORMED: "malformed",
    Problem.RESPONDER_ERROR: "the responder reported an error",
    Problem.OTHER_CERTIFICATE: "an answer about another certificate",
    Problem.STATUS_UNKNOWN: "the responder does not know the certificate",
    Problem.BAD_SIGNATURE: "its signature does not verify under the issuer's key",
    Problem.UNAUTHORIZED_SIGNER: "signed by somebody who may not speak for the issuer",
    Problem.SIGNER_REVOKED: "the certificate of its signer is revoked",
    Problem.SIGNER_BLOCKED: "the certificate of its signer is blocked",
    Problem.SIGNER_UNCHECKED: "the certificate of its signer could not be checked for revocation",
    Problem.WEAK_ALGORITHM: "signed with a weak algorithm or key",
    Problem.WRONG_ISSUER: "issued by somebody else",
    Problem.WRONG_SCOPE: "does not cover this certificate",
    Problem.PARTIAL_REASONS: "covers some revocation reasons only",
    Problem.NOT_YET_VALID: "from the future",
    Problem.STALE: "out of date",
    Problem.NO_NEXT_UPDATE: "without nextUpdate",
    Problem.INCONSISTENT: "its times contradict each other or the certificate's",
    Problem.NONCE_MISMATCH: "an answer to another request: it has another nonce",
    Problem.NONCE_MISSING: "without the nonce that the settings ask for",
    Problem.NO_CRL_NUMBER: "without a CRL number, which the strict profile requires",
    Problem.NO_BASE: "a delta CRL without a complete CRL that it builds on",
    Problem.ROLLED_BACK: "older than what was seen before",
    Problem.UNSUPPORTED: "uses a feature that is not supported",
    Problem.INTERNAL: "could not be fetched or stored here",
}

_NOT_CHECKED = {
    NotChecked.OUT_OF_SCOPE: "outside the scope",
    NotChecked.MODE_OFF: "the revocation mode is off",
    NotChecked.NOTHING_DECLARED: "it declares no source of revocation information and none is held for its issuer",
    NotChecked.NO_REV_AVAIL: "it says that no revocation information is ever available (RFC 9608)",
    NotChecked.TRUST_ANCHOR: "it is a trust anchor",
    NotChecked.NOT_REACHED: "the path failed before",
}


def describe(verdict: Verdict) -> str:
    """One sentence for a verdict."""
    if verdict.failure is not None:
        return describe_failure(verdict.failure)
    if verdict.status is Status.GOOD:
        return "The certificate chains to a trust anchor and nothing in its path is revoked."
    return "The certificate chains to a trust anchor; not everything in its path has an answer about revocation."


def describe_failure(failure: Failure) -> str:
    """One sentence for a failure."""
    sentence = _sentence(failure)
    return sentence[0].upper() + sentence[1:]


# Failures by what they are about: the sentences of each kind stand together.
_OfThePath: TypeAlias = NoIssuer | SelfSignedLeaf | PathTooLong | BudgetExhausted
_OfSigning: TypeAlias = BadSignature | UnsupportedSignature | UnsupportedKey | WeakSignature | WeakKey
_OfUse: TypeAlias = (
    NotACertificateAuthority
    | PathLengthExceeded
    | KeyUsageForbidsIssuing
    | KeyPurposeForbidden
    | KeyUsageForbidsPurpose
)
_OfContent: TypeAlias = Malformed | UnknownCriticalExtension | Irregular | NotYetValid | Expired
_OfConstraints: TypeAlias = NameNotAllowed | NameNotComparable | NoAcceptablePolicy | AnyPolicyMapped
_OfRevocation: TypeAlias = RevocationUnavailable | Revoked | Blocked


def _sentence(failure: Failure) -> str:
    if isinstance(failure, _OfThePath):
        return _of_the_path(failure)
    if isinstance(failure, _OfSigning):
        return _of_signing(failure)
    if isinstance(failure, _OfUse):
        return _of_use(failure)
    if isinstance(failure, _OfContent):
        return _of_content(failure)
    if isinstance(failure, _OfConstraints):
        return _of_constraints(failure)
    return _of_revocation(failure)


def _of_the_path(failure: _OfThePath) -> str:
    """There is no path, or none was found for what it may cost."""
    match failure:
        case NoIssuer(certificate):
            issuer = issuer_of(certificate)
            who = name_of(certificate)
            return f"No certificate at hand issued {who}: no other bears the name of its issuer, {issuer}."
        case SelfSignedLeaf(certificate):
            return f"{name_of(certificate)} is self-signed and not a trust anchor."
        case PathTooLong(_, limit):
            return f"Every path has more than {limit} intermediates."
        case BudgetExhausted(resource, limit):
            return f"Deciding would cost more than the limit of {limit} {resource}."
        case _:
            assert_never(failure)


def _of_signing(failure: _OfSigning) -> str:
    """A signature does not hold, or is made in a way, or with a key, that does not count."""
    match failure:
        case BadSignature(certificate, issuer):
            return f"The signature of {name_of(certificate)} does not verify under the key of {name_of(issuer)}."
        case UnsupportedSignature(certificate, algorithm):
            return f"{name_of(certificate)} is signed with {algorithm}, which is not supported."
        case UnsupportedKey(certificate, reason):
            return f"{name_of(certificate)} has {reason}, which is not supported."
        case WeakSignature(certificate, algorithm):
            return f"{name_of(certificate)} is signed with {algorithm.value}, which the policy does not accept."
        case WeakKey(certificate, size, _):
            kind = certificate.public_key.kind.value
            return f"{name_of(certificate)} has a {kind} key of {size} bits, which the policy does not accept."
        case _:
            assert_never(failure)


def _of_use(failure: _OfUse) -> str:
    """A certificate is used for what its issuer has not made it for."""
    match failure:
        case NotACertificateAuthority(certificate):
            return f"{name_of(certificate)} issued a certificate and is no certificate authority."
        case PathLengthExceeded(certificate, path_length):
            return f"More intermediates follow {name_of(certificate)} than its path length of {path_length} allows."
        case KeyUsageForbidsIssuing(certificate):
            return f"{name_of(certificate)} issued a certificate and its key usage does not include keyCertSign."
        case KeyPurposeForbidden(certificate, purpose):
            return f"The extended key usage of {name_of(certificate)} does not include {purpose.value} authentication."
        case KeyUsageForbidsPurpose(certificate, purpose):
            return f"The key usage of {name_of(certificate)} does not allow {purpose.value} authentication."
        case _:
            assert_never(failure)


def _of_content(failure: _OfContent) -> str:
    """What a certificate holds is not read, not processed, not allowed, or not of now."""
    match failure:
        case Malformed(reason):
            return f"The certificate cannot be read: {reason}."
        case UnknownCriticalExtension(certificate, extension):
            return f"{name_of(certificate)} has the critical extension {extension}, which nobody here processes."
        case Irregular(certificate, fault):
            return f"{name_of(certificate)} has {fault}, which is not allowed."
        case NotYetValid(certificate):
            return f"{name_of(certificate)} is not valid before {certificate.not_before:%Y-%m-%dT%H:%M:%SZ}."
        case Expired(certificate):
            return f"{name_of(certificate)} expired at {certificate.not_after:%Y-%m-%dT%H:%M:%SZ}."
        case _:
            assert_never(failure)


def _of_constraints(failure: _OfConstraints) -> str:
    """Names and policies of a certificate are not those that its path allows."""
    match failure:
        case NameNotAllowed(certificate, constrainer, name):
            return (
                f"{name_of(certificate)} has the name {_shortened(name, MAX_SOURCE_LENGTH)}, which a constraint of "
                f"{name_of(constrainer)} does not allow."
            )
        case NameNotComparable(certificate, constrainer, name):
            return (
                f"{name_of(certificate)} has the name {_shortened(name, MAX_SOURCE_LENGTH)}, which nobody here can "
                f"hold against the constraints of {name_of(constrainer)}."
            )
        case NoAcceptablePolicy(certificate):
            return f"A certificate policy is required, and none is acceptable at {name_of(certificate)}."
        case AnyPolicyMapped(certificate):
            return f"{name_of(certificate)} maps anyPolicy, which is not allowed (RFC 5280 §4.2.1.5)."
        case _:
            assert_never(failure)


def _of_revocation(failure: _OfRevocation) -> str:
    """Somebody has taken a certificate back, or nobody can say whether."""
    match failure:
        case RevocationUnavailable(certificate, attempts):
            return f"No usable answer about the revocation of {name_of(certificate)}: {describe_attempts(attempts)}."
        case Revoked(certificate, revoked_at, reason):
            when = "" if revoked_at is None else f" since {revoked_at:%Y-%m-%dT%H:%M:%SZ}"
            why = "" if reason is None else f", reason {reason}"
            return f"{name_of(certificate)} is revoked{when}{why}."
        case Blocked(certificate, block):
            why = _shortened(block.reason, MAX_SOURCE_LENGTH)
            return f"{name_of(certificate)} is blocked here: {why} (block {block.id})."
        case _:
            assert_never(failure)


def describe_attempts(attempts: tuple[Attempt, ...]) -> str:
    """What was tried, in a few words; never longer than a few sentences."""
    if not attempts:
        return "nothing is declared and nothing is held"
    words = [describe_attempt(attempt) for attempt in attempts[:MAX_ATTEMPTS]]
    if len(attempts) > MAX_ATTEMPTS:
        words.append(f"and {len(attempts) - MAX_ATTEMPTS} more")
    return "; ".join(words)


def describe_attempt(attempt: Attempt) -> str:
    """One source and what was wrong with it."""
    detail = f" ({attempt.detail})" if attempt.detail else ""
    return f"{_shortened(attempt.source, MAX_SOURCE_LENGTH)}: {_PROBLEMS[attempt.problem]}{detail}"


def describe_revocation(revocation: Revocation) -> str:
    """What is known of one certificate of a path, in a sentence."""
    if revocation.block is not None:
        return revocation.block.reason
    if revocation.not_checked is not None:
        return f"Not checked: {_NOT_CHECKED[revocation.not_checked]}."
    if revocation.status is RevocationStatus.UNKNOWN:
        return f"No usable answer: {describe_attempts(revocation.attempts)}.{_exempt(revocation)}"
    noted = [f"Noted: {_noted(note, revocation)}." for note in revocation.notes]
    if revocation.attempts:
        noted.append(f"Not used: {describe_attempts(revocation.attempts)}.")
    return " ".join(noted)


def _exempt(revocation: Revocation) -> str:
    exemption = revocation.exemption
    if exemption is None:
        return ""
    reason = _shortened(exemption.reason, MAX_REASON_LENGTH)
    return f" Exempt from needing one until {exemption.until:%Y-%m-%dT%H:%M:%SZ}: {reason}."


def _noted(note: Note, revocation: Revocation) -> str:
    match note:
        case Note.NO_CRL_NUMBER:
            return "the CRL has no CRL number (RFC 5280 §5.2.3)"
        case Note.IN_GRACE:
            until = revocation.usable_until
            return "served in grace" if until is None else f"served in grace until {until:%Y-%m-%dT%H:%M:%SZ}"
        case _:
            assert_never(note)


def name_of(certificate: Certificate) -> str:
    """What a sentence calls a certificate."""
    text = certificate.subject.text or f"the certificate with serial number {certificate.serial_number:x}"
    return _shortened(text, MAX_SUBJECT_LENGTH)


def issuer_of(certificate: Certificate) -> str:
    """What a sentence calls the issuer that a certificate names."""
    return _shortened(certificate.issuer.text, MAX_SUBJECT_LENGTH) or "which is empty"


def _shortened(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"
