"""PEM (RFC 7468): blocks of base64 between lines that name them, and the certificates in a file.

Rules it keeps: text around the blocks is allowed, line ends are anybody's, blanks may stand for them (headers carry PEM
in one line); a block that is not whole is an error with its number and never skipped, since half a file of certificates
is another file than the one that was meant.

What it does not do: look into the DER, or open private keys (their blocks are passed on like any other).
"""

import binascii
import re
from dataclasses import dataclass, field
from typing import Final

MARK: Final = b"-----BEGIN "
"""What every block begins with."""

CERTIFICATE_LABELS: Final = frozenset({"CERTIFICATE", "X509 CERTIFICATE"})
"""Labels of a certificate: RFC 7468 §5.1, and what OpenSSL once wrote."""

CRL_LABELS: Final = frozenset({"X509 CRL", "CRL"})
"""Labels of a CRL: RFC 7468 §6, which says that some write the other."""

TRUSTED_CERTIFICATE: Final = "TRUSTED CERTIFICATE"
"""OpenSSL's own format: a certificate and, after it, what it is trusted and rejected for."""

MAX_LABEL: Final = 64
"""Characters of a label: those in use, `ENCRYPTED PRIVATE KEY` among them, have fewer than 30."""

_MARKER: Final = re.compile(rb"-----(BEGIN|END) ([ -~]{1,%d}?)-----" % MAX_LABEL)
_BLANKS: Final = b" \t\r\n\v\f"
_DER_SEQUENCE: Final = re.compile(rb"\x30[\x80-\xff]")  # long form of the length: no certificate has below 128 octets


class PemError(ValueError):
    """The text is no PEM, or not what was asked for.

    Attributes:
        reason: What is wrong, for a person; names the block by number and never quotes it.
    """

    def __init__(self, reason: str) -> None:
        """Keep the reason."""
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class PemBlock:
    """One block.

    Attributes:
        label: What stands between BEGIN and the dashes.
        der: What it encodes.
    """

    label: str
    der: bytes = field(repr=False)


def read_pem(text: bytes) -> tuple[PemBlock, ...]:
    """Every block, in order.

    Raises:
        PemError: there is none, or one has no beginning, no end, another's end, or is not base64.
    """
    blocks: list[PemBlock] = []
    opened: re.Match[bytes] | None = None
    for marker in _MARKER.finditer(text):
        number = len(blocks) + 1
        match opened, marker[1]:
            case None, b"BEGIN":
                opened = marker
            case None, _:
                raise PemError(f"PEM block {number} ends without having begun")
            case _, b"BEGIN":
                raise PemError(f"PEM block {number} does not end before the next one begins")
            case begin, _:
                if begin[2] != marker[2]:
                    raise PemError(f"PEM block {number} ends with another label than it began with")
                der = _decoded(number, text[begin.end() : marker.start()])
                blocks.append(PemBlock(begin[2].decode("ascii"), der))
                opened = None
    if opened is not None:
        raise PemError(f"PEM block {len(blocks) + 1} does not end")
    if not blocks:
        raise PemError("no PEM block")
    if text.count(MARK) != len(blocks):
        raise PemError("something begins like a PEM block and is none")
    return tuple(blocks)


def read_certificates(data: bytes) -> tuple[bytes, ...]:
    """The DER of every certificate in a file; blocks that are something else (a key, a CRL) do not count.

    Args:
        data: PEM text, or the DER of one certificate.

    Raises:
        PemError: a block is broken or an OpenSSL trusted certificate, or there is no certificate.
    """
    if MARK not in data and _DER_SEQUENCE.match(data):
        return (data,)
    blocks = read_pem(data)
    for number, block in enumerate(blocks, 1):
        if block.label == TRUSTED_CERTIFICATE:
            raise PemError(
                f"PEM block {number} is a {TRUSTED_CERTIFICATE}, which is not supported: it says what it is "
                "trusted for, and that would be lost"
            )
    certificates = tuple(block.der for block in blocks if block.label in CERTIFICATE_LABELS)
    if not certificates:
        raise PemError("no PEM block is a certificate")
    return certificates


def _decoded(number: int, body: bytes) -> bytes:
    """Decode what stands between the markers."""
    if b":" in body:
        # RFC 1421 §4.6: headers, which protected private keys have, end with an empty line.
        headers, _, rest = body.replace(b"\r\n", b"\n").partition(b"\n\n")
        body = rest or headers
    try:
        der = binascii.a2b_base64(body.translate(None, _BLANKS), strict_mode=True)
    except binascii.Error:
        raise PemError(f"PEM block {number} does not hold base64") from None
    if not der:
        raise PemError(f"PEM block {number} is empty")
    return der
