"""The client's certificate in an event, beside what OpenSSL says of the same certificate."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from service.demo.gateway.client_cert import client_cert, colon_hex, openssl_time
from tests.demo.openssl import openssl
from tests.pki import Authority


def test_what_openssl_says(tmp_path: Path) -> None:
    """Validity is in OpenSSL's words, and the serial number is OpenSSL's with colons."""
    sub = Authority.root("Root").subordinate("Sub")
    leaf = sub.issue("device-1").certificate
    path = tmp_path / "leaf.pem"
    path.write_bytes(leaf.public_bytes(Encoding.PEM))

    said = client_cert(leaf)

    printed = openssl("x509", "-in", path, "-noout", "-startdate", "-enddate", "-serial").stdout
    start, end, serial = (line.partition("=")[2] for line in printed.splitlines())
    assert {"notBefore": start, "notAfter": end} == said["validity"]
    assert serial.lower() == str(said["serialNumber"]).replace(":", "")
    assert ("CN=device-1", "CN=Sub") == (said["subjectDN"], said["issuerDN"])


def test_the_leaf_alone() -> None:
    """What is handed over is one certificate, as PEM."""
    leaf = Authority.root("Root").issue("device-1").certificate

    said = str(client_cert(leaf)["clientCertPem"])

    assert [leaf] == x509.load_pem_x509_certificates(said.encode())


@pytest.mark.parametrize(
    ("serial", "text"), [(1, "01"), (0x0A1B, "0a:1b"), (0xFF, "ff"), (0x80 << 152, "80" + ":00" * 19)]
)
def test_serial_numbers(serial: int, text: str) -> None:
    """Serial numbers are octets in hexadecimal, two digits each."""
    assert text == colon_hex(serial)
    assert re.fullmatch(r"[0-9a-f]{2}(:[0-9a-f]{2})*", text)


def test_days_are_two_wide() -> None:
    """A day below ten has a blank before it, as ctime has."""
    assert "Aug  5 09:36:04 2021 GMT" == openssl_time(datetime(2021, 8, 5, 9, 36, 4, tzinfo=UTC))
