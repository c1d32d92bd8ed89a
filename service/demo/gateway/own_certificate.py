"""The certificate of a custom domain name on this machine, and the authority that stands for a public one.

A custom domain name has a certificate that everybody trusts. Nobody gets one for a made-up name, so an authority of its
own signs it, and clients are told of that authority (`curl --cacert`).
"""

import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import ExtendedKeyUsageOID

from service.demo.certificates import certificate_builder, key_pem, pem, subject_of
from service.demo.files import Mode, write_atomically

LIFETIME: Final = timedelta(days=365)
SKEW: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class OwnCertificate:
    """Files of a server's certificate.

    Attributes:
        certificate: The server's own, PEM.
        key: Its private key, PEM, readable by the owner alone.
        authority: Who signed it, PEM: for `--cacert`.
    """

    certificate: Path
    key: Path
    authority: Path


def make_own_certificate(
    directory: Path, names: tuple[str, ...], at: datetime, *, authority_name: str = "Public CA of the demonstration"
) -> OwnCertificate:
    """Make a server's certificate and its authority, whose key is forgotten.

    Args:
        directory: For the files.
        names: What the certificate is for: host names and IP addresses, the first one in its subject too.
        at: The moment of making.
        authority_name: The common name of the authority.

    Raises:
        OSError: a file could not be written.
    """
    directory.mkdir(parents=True, exist_ok=True)
    made = OwnCertificate(directory / "server.pem", directory / "server.key", directory / "server-ca.pem")
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca_name, name = subject_of(authority_name), subject_of(names[0])
    start, end = at - SKEW, at + LIFETIME
    authority = (
        certificate_builder(ca_name, ca_name, ca_key.public_key(), start, end)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(ca_key, SHA256())
    )
    server = (
        certificate_builder(name, ca_name, key.public_key(), start, end)
        .add_extension(x509.SubjectAlternativeName([_general(one) for one in names]), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(ca_key, SHA256())
    )
    write_atomically(made.authority, pem(authority))
    write_atomically(made.certificate, pem(server))
    write_atomically(made.key, key_pem(key), Mode.PRIVATE)
    return made


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
