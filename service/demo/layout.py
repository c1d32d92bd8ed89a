"""Where the demonstration keeps what, below one directory."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from service.demo.clients import Issuer

AUTHORITIES: Final = (Issuer.ROOT, Issuer.SUB)
"""Whose keys are kept, and who serve CRLs and OCSP answers. The foreign root is forgotten once it has signed."""

STATE: Final = "demo.json"
DATA: Final = "data"
MAKING: Final = "making"

PARTS: Final = ("authorities", "certificates", "crl", "requests", "trust-store")
"""What makes up the PKI: directories that are built aside and then renamed in."""

KNOWN: Final = frozenset({STATE, DATA, MAKING, *PARTS})
"""Every name below the directory. Where others are and no state file, it is somebody else's directory."""


@dataclass(frozen=True, slots=True)
class AuthorityFiles:
    """What an authority consists of.

    Attributes:
        directory: Of everything but the CRL; its lock is held while the authority revokes.
        crl: The current CRL, as DER.
    """

    directory: Path
    crl: Path

    @property
    def certificate(self) -> Path:
        """Its certificate, as PEM."""
        return self.directory / "certificate.pem"

    @property
    def key(self) -> Path:
        """Its private key, as PEM."""
        return self.directory / "certificate.key"

    @property
    def responder(self) -> Path:
        """Certificate of its delegate for OCSP, as PEM."""
        return self.directory / "responder.pem"

    @property
    def responder_key(self) -> Path:
        """The delegate's private key, as PEM."""
        return self.directory / "responder.key"

    @property
    def index(self) -> Path:
        """OpenSSL's database of what it has issued."""
        return self.directory / "index.txt"

    @property
    def index_attributes(self) -> Path:
        """The settings that OpenSSL keeps beside it."""
        return self.directory / "index.txt.attr"


@dataclass(frozen=True, slots=True)
class Layout:
    """The directory of a demonstration."""

    directory: Path

    @property
    def state(self) -> Path:
        """Whether the PKI is complete, and its ports."""
        return self.directory / STATE

    @property
    def data(self) -> Path:
        """The service's data directory."""
        return self.directory / DATA

    @property
    def making(self) -> Path:
        """Where a PKI is built before it is renamed in."""
        return self.directory / MAKING

    @property
    def trust_store(self) -> Path:
        """Both authorities, the subordinate on top."""
        return self.directory / "trust-store" / "default.pem"

    def certificate(self, client: str) -> Path:
        """A client's certificate with its chain below it, as PEM."""
        return self.directory / "certificates" / f"{client}.pem"

    def key(self, client: str) -> Path:
        """A client's private key, as PEM."""
        return self.directory / "certificates" / f"{client}.key"

    def request(self, client: str) -> Path:
        """The JSON with which to ask about a client's certificate."""
        return self.directory / "requests" / f"{client}.json"

    def authority(self, authority: Issuer) -> AuthorityFiles:
        """The files of an authority."""
        return AuthorityFiles(self.directory / "authorities" / authority, self.directory / "crl" / f"{authority}.crl")
