"""A maker of devices with a private CA of its own: certificates for ten years, and a CRL on a web server."""

from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.e2e.front_doors.doors import Shown
from tests.e2e.published import Published
from tests.pki import Authority, days
from tests.pki.clock import now

TEN_YEARS = days(3650)


@dataclass(frozen=True, slots=True)
class Maker:
    """A maker. It publishes no CRL until it is asked to."""

    authority: Authority
    published: Published
    serials: dict[str, int] = field(default_factory=dict)
    revoked: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, name: str, published: Published) -> "Maker":
        """A maker of this name."""
        start = now() - days(60)
        return cls(Authority.root(name, not_before=start, not_after=start + TEN_YEARS), published)

    def device(self, name: str, directory: Path) -> Shown:
        """A device's certificate and key, in files."""
        start = now() - days(30)
        issued = self.authority.issue(
            name, not_before=start, not_after=start + TEN_YEARS, crl_urls=[f"{self.published.url}{self._path()}"]
        )
        self.serials[name] = issued.serial
        shown = Shown(directory / f"{name}.pem", directory / f"{name}.key")
        shown.certificate.write_text(issued.pem)
        shown.key.write_bytes(issued.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return shown

    def revoke(self, name: str) -> None:
        """List a device from now on."""
        self.revoked.append(name)
        self.publish()

    def publish(self) -> None:
        """Put its CRL on the web server."""
        number = len(self.revoked) + 1
        self.published.bodies[self._path()] = self.authority.crl(
            number=number,
            revoked=[self.serials[name] for name in self.revoked],
            this_update=now() - days(1) + days(number / 24),
            next_update=now() + days(7),
        )

    def _path(self) -> str:
        return f"/{self.authority.serial:x}.crl"
