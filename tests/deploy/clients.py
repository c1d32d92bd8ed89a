"""Clients of the proxies and their certificates, and the PKI around them.

Two authorities below one root: Revet knows the first (`REVET_INTERMEDIATES`) and has a CRL of it; of the second it only
learns where a proxy hands over the chain.
"""

from dataclasses import replace
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from tests.pki import END_ENTITY, Authority, CertificateOverrides, Issued, bundle, days
from tests.pki.certificate import issue
from tests.pki.clock import now, validity_of_now
from tests.pki.crl import Revoked

VALIDITY: Final = validity_of_now()
ROOT: Final = Authority.root("Clients' root", **VALIDITY)
KNOWN: Final = ROOT.subordinate("Known", **VALIDITY)
UNKNOWN: Final = ROOT.subordinate("Unknown", **VALIDITY)
DEEPER: Final = UNKNOWN.subordinate("Deeper", **VALIDITY)
STRANGER: Final = Authority.root("Stranger", **VALIDITY)
INFRASTRUCTURE: Final = Authority.root("Infrastructure", **VALIDITY)
"""Who signs the certificates of the proxies and of Revet itself."""

HOST: Final = "localhost"
_SERVER: Final[CertificateOverrides] = {
    **VALIDITY,
    "san": [f"DNS:{HOST}"],
    "extended_key_usage": ["serverAuth"],
}

JAPANESE: Final = 'CN=端末 0001\\, \\"西\\",O=車載機器'
"""With a comma and quotes, as RFC 4514 writes them."""

LONG_VALUE: Final = "車" * 330
"""990 octets of UTF-8."""


def _long_name() -> x509.Name:
    units = [x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, LONG_VALUE) for _ in range(8)]
    return x509.Name([*units, x509.NameAttribute(NameOID.COMMON_NAME, "long")])


CLIENTS: Final[dict[str, Issued]] = {
    "good": KNOWN.issue("good", **VALIDITY),
    "second": KNOWN.issue("second", **VALIDITY),
    "revoked": KNOWN.issue("revoked", **VALIDITY),
    "expired": KNOWN.issue("expired", not_before=now() - days(20), not_after=now() - days(10)),
    "chained": UNKNOWN.issue("chained", **VALIDITY),
    "deep": DEEPER.issue("deep", **VALIDITY),
    "impostor": STRANGER.issue("good", **VALIDITY),
    "self-signed": issue(replace(END_ENTITY, **VALIDITY), "good"),
    "japanese": KNOWN.issue(JAPANESE, **VALIDITY),
    "long": KNOWN.issue(_long_name(), **VALIDITY),
}
"""Each by the name of its files."""

SENT_BESIDE: Final = {"chained": [UNKNOWN], "deep": [DEEPER, UNKNOWN]}
"""Which intermediates a client presents; the others present their certificate alone."""


def files_of(name: str, directory: Path) -> tuple[Path, Path]:
    """Where a client's certificate (with what it presents beside) and its key are."""
    return directory / f"{name}.pem", directory / f"{name}.key"


def write_pki(directory: Path) -> None:
    """Write everything that clients, proxies and Revet are given."""
    for name, issued in CLIENTS.items():
        _write(directory, name, issued, bundle([issued, *SENT_BESIDE.get(name, ())]))
    server = INFRASTRUCTURE.issue("server", **_SERVER)
    _write(directory, "server", server, server.pem)
    another: CertificateOverrides = {**_SERVER, "san": ["DNS:elsewhere.internal"]}
    elsewhere = INFRASTRUCTURE.issue("elsewhere", **another)
    _write(directory, "elsewhere", elsewhere, elsewhere.pem)
    foreign = STRANGER.issue("server", **_SERVER)
    _write(directory, "foreign", foreign, foreign.pem)
    caller = INFRASTRUCTURE.issue("proxy", **VALIDITY)
    _write(directory, "caller", caller, caller.pem)
    both = directory / "server-both.pem"
    both.touch(0o600)
    both.write_text(server.pem + (directory / "server.key").read_text())
    (directory / "infrastructure.pem").write_text(INFRASTRUCTURE.pem)
    (directory / "stranger.pem").write_text(STRANGER.pem)
    (directory / "root.pem").write_text(ROOT.pem)
    (directory / "known.pem").write_text(KNOWN.pem)
    (directory / "crls").mkdir()
    revoked: Revoked = {CLIENTS["revoked"].serial: "keyCompromise"}
    crl = KNOWN.crl(revoked=revoked, this_update=now() - days(1), next_update=now() + days(1))
    (directory / "crls" / "known.crl").write_bytes(crl)


def _write(directory: Path, name: str, issued: Issued, certificates: str) -> None:
    certificate, key = files_of(name, directory)
    certificate.write_text(certificates)
    key.touch(0o600)
    key.write_bytes(issued.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
