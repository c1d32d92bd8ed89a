"""The client's certificate as API Gateway writes it into an event: the leaf alone, and what stands in it as text."""

from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
"""OpenSSL's, whatever the locale is."""


def client_cert(certificate: x509.Certificate) -> dict[str, object]:
    """What an event says of the certificate."""
    return {
        "clientCertPem": certificate.public_bytes(Encoding.PEM).decode(),
        "subjectDN": certificate.subject.rfc4514_string(),
        "issuerDN": certificate.issuer.rfc4514_string(),
        "serialNumber": colon_hex(certificate.serial_number),
        "validity": {
            "notBefore": openssl_time(certificate.not_valid_before_utc),
            "notAfter": openssl_time(certificate.not_valid_after_utc),
        },
    }


def colon_hex(serial_number: int) -> str:
    """A serial number's octets in hexadecimal, with colons in between: `0a:1b`."""
    return serial_number.to_bytes((serial_number.bit_length() + 7) // 8 or 1).hex(":")


def openssl_time(moment: datetime) -> str:
    """A moment as OpenSSL prints it: `Aug  5 09:36:04 2021 GMT`."""
    return f"{_MONTHS[moment.month - 1]} {moment.day:2d} {moment:%H:%M:%S} {moment.year:4d} GMT"
