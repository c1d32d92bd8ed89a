"""Certificates and evidence as callers write them: PEM, or base64 of DER.

What is no text of either kind is the caller's mistake (`SubmissionError`, a 400). What is, and does not hold what it
should, is a decision: a caller must be able to deny on it.
"""

import binascii
from base64 import b64decode
from collections.abc import Iterable
from dataclasses import dataclass

from service.application.pem import CERTIFICATE_LABELS, MARK, PemBlock, PemError, read_pem
from service.core.der.certificate import read_certificate
from service.core.model.certificate import Certificate
from service.core.model.failure import Malformed
from service.core.model.malformed import MalformedError


class SubmissionError(ValueError):
    """A request that cannot be understood.

    Attributes:
        reason: What is wrong, for a person; never quotes the input.
    """

    def __init__(self, reason: str) -> None:
        """Keep the reason."""
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Submission:
    """The certificates of one request, read.

    Attributes:
        leaf: The certificate in question, or why it cannot be read.
        intermediates: What came after it, and beside it.
        ignored: What of it cannot be read, in words.
    """

    leaf: Certificate | Malformed
    intermediates: tuple[Certificate, ...]
    ignored: tuple[str, ...]


def read_submission(certificate: str, intermediates: Iterable[str], max_intermediates: int) -> Submission:
    """Read the certificates of a request.

    Args:
        certificate: The leaf, and in PEM any number of intermediates after it.
        intermediates: More, each PEM or base64 of DER.
        max_intermediates: How many certificates beside the leaf are read.

    Raises:
        SubmissionError: `certificate` is neither PEM nor base64, or there are more intermediates than that.
    """
    first, *others = _decode(certificate)
    ignored: list[str] = []
    for number, text in enumerate(intermediates, 1):
        try:
            others.extend(_decode(text))
        except SubmissionError as error:
            ignored.append(f"intermediate {number}: {error.reason}")
    if len(others) > max_intermediates:
        raise SubmissionError(f"{len(others)} intermediates; the limit is {max_intermediates}")
    found: list[Certificate] = []
    for number, block in enumerate(others, 1):
        read = _read(block)
        if isinstance(read, Malformed):
            ignored.append(f"intermediate {number}: {read.reason}")
        else:
            found.append(read)
    return Submission(_read(first), tuple(found), tuple(ignored))


def read_der_list(texts: Iterable[str], what: str) -> tuple[tuple[bytes, ...], tuple[str, ...]]:
    """The DER of pieces of evidence, and in words which of them is neither PEM nor base64."""
    found: list[bytes] = []
    ignored: list[str] = []
    for number, text in enumerate(texts, 1):
        try:
            found.extend(block.der for block in _decode(text))
        except SubmissionError as error:
            ignored.append(f"{what} {number}: {error.reason}")
    return tuple(found), tuple(ignored)


def _decode(text: str) -> tuple[PemBlock, ...]:
    octets = text.strip().encode("utf-8", "surrogatepass")
    if MARK in octets:
        try:
            return read_pem(octets)
        except PemError as error:
            raise SubmissionError(error.reason) from None
    try:
        der = b64decode(b"".join(octets.split()), validate=True)
    except binascii.Error:
        raise SubmissionError("neither PEM nor base64 of DER") from None
    if not der:
        raise SubmissionError("empty")
    return (PemBlock("CERTIFICATE", der),)


def _read(block: PemBlock) -> Certificate | Malformed:
    if block.label not in CERTIFICATE_LABELS:
        return Malformed(f"it is PEM of a {block.label}, not of a CERTIFICATE")
    try:
        return read_certificate(block.der)
    except MalformedError as error:
        return Malformed(error.reason)
