"""What happened when a piece of evidence was looked for and nothing usable came of it.

An `Attempt` is evidence about evidence: it never makes a verdict better, it only explains one.
"""

from dataclasses import dataclass
from enum import StrEnum


class Problem(StrEnum):
    """Why one source of evidence gave nothing usable."""

    # we did not ask
    OFFLINE = "offline"
    """The request or the moment asked about allows no fetching."""
    UNSUPPORTED_SCHEME = "unsupported_scheme"
    """A URL that is neither http nor https (`ldap:` most often)."""
    EGRESS_REFUSED = "egress_refused"
    """The egress guard refused the URL, one of its addresses, or a redirect."""
    NOT_TRIED = "not_tried"
    """It failed several times in a row, and is left alone for a while."""
    # we asked and got nothing
    UNREACHABLE = "unreachable"
    """No name, no connection, TLS failed, or the connection broke."""
    TIMED_OUT = "timed_out"
    """The time allowed for this fetch ran out."""
    HTTP_STATUS = "http_status"
    """The origin answered with a status other than 200."""
    TOO_LARGE = "too_large"
    """More bytes, before or after decompression, or more entries than the limit."""
    # we got something and may not use it
    MALFORMED = "malformed"
    """It is not what it should be."""
    RESPONDER_ERROR = "responder_error"
    """An OCSP response status other than successful (RFC 6960 §4.2.1)."""
    OTHER_CERTIFICATE = "other_certificate"
    """An OCSP answer about another certificate."""
    STATUS_UNKNOWN = "status_unknown"
    """The responder does not know the certificate (RFC 6960 §2.2)."""
    BAD_SIGNATURE = "bad_signature"
    """The signature does not verify under any key that may speak for the certificate."""
    UNAUTHORIZED_SIGNER = "unauthorized_signer"
    """Signed by somebody who may not: no cRLSign, no id-kp-OCSPSigning, another CA's delegate."""
    SIGNER_REVOKED = "signer_revoked"
    """The certificate of the delegated responder, or of the CRL's signer, is revoked."""
    SIGNER_BLOCKED = "signer_blocked"
    """The certificate of the responder, or of the CRL's signer or one above it, is blocked here."""
    SIGNER_UNCHECKED = "signer_unchecked"
    """The certificate of the delegated responder, or of the CRL's signer, needs an answer of its own and has none."""
    WEAK_ALGORITHM = "weak_algorithm"
    """Signed with an algorithm or a key that the policy refuses."""
    WRONG_ISSUER = "wrong_issuer"
    """The CRL was issued by another CA than the certificate's."""
    WRONG_SCOPE = "wrong_scope"
    """The CRL's issuing distribution point does not cover the certificate."""
    PARTIAL_REASONS = "partial_reasons"
    """The CRLs at hand cover some revocation reasons only (RFC 5280 §6.3.3)."""
    NOT_YET_VALID = "not_yet_valid"
    """thisUpdate lies in the future."""
    STALE = "stale"
    """nextUpdate, or the longest age the policy allows, has passed."""
    NO_NEXT_UPDATE = "no_next_update"
    """A CRL without nextUpdate, and no longest age in the policy."""
    INCONSISTENT = "inconsistent"
    """An OCSP answer whose times contradict each other, or the certificate's."""
    NONCE_MISMATCH = "nonce_mismatch"
    """An OCSP answer to another request than ours: it has another nonce (RFC 9654)."""
    NONCE_MISSING = "nonce_missing"
    """An OCSP answer without the nonce that the policy asks for: it may be an old one."""
    NO_CRL_NUMBER = "no_crl_number"
    """A CRL without cRLNumber, which the strict profile refuses."""
    NO_BASE = "no_base"
    """A delta CRL without a complete CRL that it builds on (RFC 5280 §5.2.4)."""
    ROLLED_BACK = "rolled_back"
    """Older than what this host has already seen from the same signer and scope."""
    UNSUPPORTED = "unsupported"
    """Something that nobody here processes: an unknown critical extension most often."""
    # ours
    INTERNAL = "internal"
    """The process that was to fetch or store it did not answer."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One source that was tried, and why it gave nothing usable.

    Attributes:
        source: The URL, or `evidence` for what came with the request, or `store`.
        problem: Why nothing usable came of it.
        detail: More for a person: the feature, the status, the address. May be empty.
    """

    source: str
    problem: Problem
    detail: str = ""
