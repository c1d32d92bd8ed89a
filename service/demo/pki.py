"""The demonstration's PKI, as those see it who use it: files, addresses, and an authority that can revoke.

    >>> with Listeners.anywhere() as listeners:
    ...     pki = DemoPki.create(Path(".demo"), listeners.ports, clock.now())
    ...     with DemoServers(pki, listeners, clock):
    ...         pki.revoke("good", clock.now())

A `DemoPki` holds no state of its own: several processes may use one directory.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, Self

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from service.demo.certificates import Signer
from service.demo.clients import CLIENTS, EXPIRED, Issuer
from service.demo.crl import Revocation, is_due, next_crl
from service.demo.errors import UnusablePkiError
from service.demo.files import Patience, locked, write_atomically
from service.demo.index import read_index, revoked
from service.demo.layout import AUTHORITIES, Layout
from service.demo.making import make_pki
from service.demo.ports import Ports
from service.demo.state import read_ports

MIN_REMAINING: Final = timedelta(days=7)
"""A PKI of which something expires sooner is not used any more: it might expire while it is demonstrated."""


@dataclass(frozen=True, slots=True)
class DemoPki:
    """A complete PKI.

    Attributes:
        layout: Where its files are.
        ports: Where its certificates say that CRLs and OCSP answers are.
    """

    layout: Layout
    ports: Ports

    @classmethod
    def create(cls, directory: Path, ports: Ports, at: datetime) -> Self:
        """Make a PKI, in place of what is in the directory.

        Raises:
            OSError: something could not be written or removed.
        """
        layout = Layout(directory)
        make_pki(layout, ports, at)
        return cls(layout, ports)

    @classmethod
    def load(cls, directory: Path, at: datetime) -> Self:
        """Take the PKI that is there.

        Raises:
            NoPkiError: there never was one.
            UnusablePkiError: it is incomplete, damaged, or about to expire.
            OSError: something cannot be read.
        """
        layout = Layout(directory)
        ports = read_ports(layout.state)
        _check(layout, at)
        return cls(layout, ports)

    def revoke(self, client: str, at: datetime, reason: x509.ReasonFlags = x509.ReasonFlags.key_compromise) -> None:
        """Revoke a client's certificate, in the CRL and at the OCSP responder. One that is revoked stays so.

        Raises:
            LookupError: no authority of this PKI has issued such a certificate.
            OSError: something could not be written.
        """
        authority = _issuer_of(client)
        files = self.layout.authority(authority)
        revocation = Revocation(_certificate(self.layout.certificate(client)).serial_number, at, reason)
        with locked(files.directory, Patience.WAIT):
            write_atomically(files.index, revoked(files.index.read_bytes(), revocation))
            self._issue_crl(authority, at, revocation)

    def renew_crls(self, at: datetime) -> None:
        """Issue all CRLs anew.

        Raises:
            OSError: something could not be written.
        """
        for authority in AUTHORITIES:
            with locked(self.layout.authority(authority).directory, Patience.WAIT):
                self._issue_crl(authority, at)

    def are_crls_due(self, at: datetime) -> bool:
        """Whether a CRL has lived for half of its validity.

        Raises:
            OSError: one cannot be read.
        """
        return any(is_due(self.layout.authority(authority).crl.read_bytes(), at) for authority in AUTHORITIES)

    def _issue_crl(self, authority: Issuer, at: datetime, added: Revocation | None = None) -> None:
        """To be called with the authority's lock held."""
        files = self.layout.authority(authority)
        signer = Signer(_certificate(files.certificate), _signing_key(files.key.read_bytes()))
        url = self.ports.crl_url(authority)
        write_atomically(files.crl, next_crl(files.crl.read_bytes(), signer, url, at, added))


def _issuer_of(client: str) -> Issuer:
    for one in CLIENTS:
        if one.name == client and one.issuer in AUTHORITIES:
            return one.issuer
    raise LookupError(f"no authority of the demonstration has issued {client}")


def _check(layout: Layout, at: datetime) -> None:
    """Look at every file that somebody relies on.

    Raises:
        UnusablePkiError: one is missing or damaged, or a certificate is about to expire.
    """
    for path, read in _files(layout):
        try:
            read(path.read_bytes())
        except FileNotFoundError:
            raise UnusablePkiError(f"{path} is missing") from None
        except (ValueError, TypeError):
            raise UnusablePkiError(f"{path} is damaged") from None
    lasting = [layout.certificate(client.name) for client in CLIENTS if client is not EXPIRED]
    for authority in AUTHORITIES:
        lasting += [layout.authority(authority).certificate, layout.authority(authority).responder]
    for path in lasting:
        expires_at = _certificate(path).not_valid_after_utc
        if expires_at < at + MIN_REMAINING:
            raise UnusablePkiError(f"{path} expires on {expires_at:%Y-%m-%d}")


def _files(layout: Layout) -> Iterator[tuple[Path, Callable[[bytes], object]]]:
    """Every file of a PKI, and what reads it; a reader refuses with ValueError or TypeError."""
    yield layout.trust_store, x509.load_pem_x509_certificates
    for client in CLIENTS:
        yield layout.certificate(client.name), x509.load_pem_x509_certificates
        yield layout.key(client.name), _private_key
        yield layout.request(client.name), json.loads
    for authority in AUTHORITIES:
        files = layout.authority(authority)
        yield files.certificate, x509.load_pem_x509_certificate
        yield files.key, _signing_key
        yield files.responder, x509.load_pem_x509_certificate
        yield files.responder_key, _private_key
        yield files.index, read_index
        yield files.index_attributes, bytes.decode
        yield files.crl, x509.load_der_x509_crl


def _certificate(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def _signing_key(pem: bytes) -> ec.EllipticCurvePrivateKey:
    key = _private_key(pem)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise TypeError("a key of another kind")
    return key


def _private_key(pem: bytes) -> PrivateKeyTypes:
    return load_pem_private_key(pem, password=None)
