"""Certificates and files for the tests of the sidecar."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.pki import Authority, CertificateOverrides, Issued
from tests.pki.clock import validity_of_now

VALIDITY: Final = validity_of_now()
ROOT: Final = Authority.root("Root", **VALIDITY)
SERVERS: Final = Authority.root("Servers", **VALIDITY)
TOKEN: Final = "a-token-of-the-sidecar-0123456789"


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate, perhaps with others below it, and its key, in files."""

    certificate: Path
    key: Path


def write(directory: Path, name: str, issued: Issued, *chain: Issued | Authority) -> Pair:
    """Put a certificate and its key into files."""
    pair = Pair(directory / f"{name}.pem", directory / f"{name}.key")
    pair.certificate.write_text(issued.pem + "".join(one.pem for one in chain))
    pair.key.write_bytes(issued.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return pair


def server_pair(directory: Path, name: str = "server", *names: str) -> Pair:
    """A certificate for a server that is called `localhost`, or as named."""
    sans = names or ("DNS:localhost", "IP:127.0.0.1")
    template: CertificateOverrides = {**VALIDITY, "san": sans, "extended_key_usage": ["serverAuth"]}
    return write(directory, name, SERVERS.issue(name, **template))


def authority_file(directory: Path) -> Path:
    """What clients trust servers by."""
    path = directory / "servers.pem"
    path.write_text(SERVERS.pem)
    return path


def in_header(*certificates: Issued | Authority) -> str:
    """Certificates as a load balancer puts them into a header."""
    return quote("".join(one.pem for one in certificates), safe="+=/")
