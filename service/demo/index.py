"""The text database in which `openssl ca` keeps what it has issued, and from which `openssl ocsp` answers.

A line has six fields with tabs between them: status (V valid, R revoked), end of validity, moment and reason of the
revocation, serial number in hexadecimal, file name, subject (ca(1), "index.txt"). An expired certificate stays `V`:
`openssl ocsp` would not answer about an `E`, and whether it has expired is not for a responder to say.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from cryptography import x509

from service.demo.crl import Revocation

ATTRIBUTES: Final = b"unique_subject = no\n"
"""What stands in the file beside it, called the same with `.attr` at the end."""

_FIELDS: Final = 6
_SERIAL: Final = 3


def index_of(certificates: Iterable[x509.Certificate], revocations: Iterable[Revocation]) -> bytes:
    """The database of an authority that has issued these certificates and revoked some."""
    index = "".join(_line(certificate) for certificate in certificates).encode()
    for revocation in revocations:
        index = revoked(index, revocation)
    return index


def revoked(index: bytes, revocation: Revocation) -> bytes:
    """The database after a revocation; a certificate that was revoked before stays as it is.

    Raises:
        LookupError: it does not know the certificate.
        ValueError: it is none.
    """
    serial = _hexadecimal(revocation.serial_number)
    lines = read_index(index)
    for fields in lines:
        if fields[_SERIAL] == serial:
            break
    else:
        raise LookupError(f"no certificate has the serial number {serial}")
    if fields[0] == "V":
        fields[0] = "R"
        fields[2] = f"{_moment(revocation.at)},{revocation.reason.value}"
    return "".join("\t".join(line) + "\n" for line in lines).encode()


def read_index(index: bytes) -> list[list[str]]:
    """The lines of a database, and the fields of each.

    Raises:
        ValueError: it is none.
    """
    lines = [line.split("\t") for line in index.decode().splitlines()]
    if not lines or any(len(fields) != _FIELDS for fields in lines):
        raise ValueError("not a database of openssl ca")
    return lines


def _line(certificate: x509.Certificate) -> str:
    fields = (
        "V",
        _moment(certificate.not_valid_after_utc),
        "",
        _hexadecimal(certificate.serial_number),
        "unknown",
        f"/{certificate.subject.rfc4514_string()}",
    )
    return "\t".join(fields) + "\n"


def _moment(moment: datetime) -> str:
    """UTCTime, as X.509 has it until 2049 (RFC 5280 §4.1.2.5.1)."""
    return moment.astimezone(UTC).strftime("%y%m%d%H%M%SZ")


def _hexadecimal(serial_number: int) -> str:
    """Whole octets in capitals, as `BN_bn2hex` writes them."""
    digits = f"{serial_number:X}"
    return digits if len(digits) % 2 == 0 else f"0{digits}"
