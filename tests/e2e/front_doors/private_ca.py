"""Certification authorities, certificates and CRLs as AWS Private CA makes them, and what ACM exports of a certificate.

As AWS documents it: an authority in general-purpose mode has a subject that may be a common name alone; a certificate
names its CRL by the bucket's URL, `crl/CA-ID.crl` or, with partitioned CRLs, `crl/CA-ID/PARTITION.crl`; each CRL is an
object of DER there, written anew after a revocation, and a partition's has a critical issuingDistributionPoint with the
very URL that its certificates name. ACM exports a certificate, its chain, and a private key that is encrypted with a
passphrase (PKCS #8).
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

from tests.adapters.s3.bucket import Bucket
from tests.demo.openssl import openssl
from tests.e2e.front_doors.doors import Shown
from tests.pki import Authority, Issued, IssuingDistributionPoint, bundle, key
from tests.pki.certificate import CertificateOverrides
from tests.pki.clock import now

REGION: Final = "us-east-1"

ACM_LIFETIME: Final = timedelta(days=395)
"""Thirteen months: what ACM gives to private certificates."""

AUTHORITY_LIFETIME: Final = timedelta(days=3650)

CRL_LIFETIME: Final = timedelta(days=7)


class Crls(Enum):
    """How many CRLs an authority keeps."""

    WHOLE = "one for all certificates"
    PARTITIONED = "one for each part of them"


PARTITIONS: Final = ("0d7f9d1a-6a52-4b57-8c1e-5f0d6a7a2b11", "f3c1b2c4-8d5e-4b0f-9a3c-2f4f7b1d9e22")
"""Names of the partitions of every authority here; AWS makes them up."""


@dataclass(frozen=True, slots=True)
class PrivateCa:
    """An authority with a bucket for its CRLs.

    Attributes:
        authority: Its name, key and certificate.
        identifier: The end of its ARN.
        revoked: Serial numbers, all of them in the last partition.
    """

    authority: Authority
    bucket: Bucket
    crls: Crls
    identifier: str
    revoked: list[int] = field(default_factory=list)

    @classmethod
    def root(cls, name: str, bucket: Bucket, crls: Crls) -> "PrivateCa":
        """A root with nothing but a common name."""
        return cls(Authority.root(name, **_overrides(0)), bucket, crls, str(uuid.uuid4()))

    def subordinate(self) -> "PrivateCa":
        """An authority below, called `sub.` and this one's name, which issues end entities only."""
        overrides: CertificateOverrides = {
            **_overrides(1),
            "path_length": 0,
            "crl_urls": [self.url(self.objects()[0])],
        }
        made = self.authority.subordinate(f"sub.{self._name()}", **overrides)
        return PrivateCa(made, self.bucket, self.crls, str(uuid.uuid4()))

    def request(self, domain: str) -> Issued:
        """What ACM has it issue for a domain name: for servers and clients, with the place of its CRL.

        It belongs to the last of the partitions, so that the first one, which lists nothing, is the wrong one.
        """
        return self.authority.issue(
            domain,
            key=key("rsa2048", 2),
            not_before=now() - timedelta(hours=1),
            not_after=now() + ACM_LIFETIME,
            san=f"DNS:{domain}",
            key_usage={"digitalSignature", "keyEncipherment"},
            extended_key_usage=("serverAuth", "clientAuth"),
            crl_urls=[self.url(self.objects()[-1])],
        )

    def revoke(self, certificate: Issued) -> None:
        """List a certificate, and write its CRL."""
        self.revoked.append(certificate.serial)
        self.publish()

    def publish(self) -> None:
        """Write all CRLs, as after a revocation."""
        for name in self.objects():
            self.bucket.put(name, self._crl(name))

    def objects(self) -> tuple[str, ...]:
        """The names of its CRLs in the bucket."""
        if self.crls is Crls.WHOLE:
            return (f"crl/{self.identifier}.crl",)
        return tuple(f"crl/{self.identifier}/{partition}.crl" for partition in PARTITIONS)

    def url(self, name: str) -> str:
        """What certificates call one of them."""
        return f"{distribution(self.bucket)}{name.removeprefix('crl/')}"

    def _crl(self, name: str) -> bytes:
        listed = self.revoked if name == self.objects()[-1] else []
        idp = IssuingDistributionPoint([self.url(name)]) if self.crls is Crls.PARTITIONED else None
        made = now()
        # AWS's CRL numbers are milliseconds: a later one is greater.
        number = int(made.timestamp() * 1000) + len(listed)
        return self.authority.crl(
            revoked=dict.fromkeys(listed, (made - timedelta(seconds=1), "keyCompromise")),
            number=number,
            idp=idp,
            this_update=made - timedelta(minutes=1) + timedelta(seconds=len(listed)),
            next_update=made + CRL_LIFETIME,
        )

    def _name(self) -> str:
        return self.authority.certificate.subject.rfc4514_string().removeprefix("CN=")


def distribution(bucket: Bucket) -> str:
    """What the URLs of a bucket's CRLs begin with, in the certificates."""
    return f"http://{bucket.name}.s3.{REGION}.amazonaws.com/crl/"


def crl_settings(bucket: Bucket) -> dict[str, str]:
    """Settings with which the CRLs are read out of the bucket, under the names that certificates have for them."""
    return {
        "REVET_CRL_SOURCES": f"s3://{bucket.name}/crl/",
        "REVET_CRL_MAP": f"{distribution(bucket)}=s3://{bucket.name}/crl/",
    }


def _overrides(index: int) -> CertificateOverrides:
    return {
        "key": key("rsa2048", index),
        "key_usage": {"digitalSignature", "keyCertSign", "cRLSign"},
        "not_before": now() - timedelta(days=1),
        "not_after": now() + AUTHORITY_LIFETIME,
    }


@dataclass(frozen=True, slots=True)
class Export:
    """A certificate as its user gets it out of ACM, in files.

    Attributes:
        certificate: `crt.pem`: the certificate's body, and its chain below.
        private: `private.pem`: the private key, with a passphrase.
    """

    certificate: Path
    private: Path
    passphrase: str

    def encrypted(self) -> Shown:
        """To be shown with the passphrase."""
        return Shown(self.certificate, self.private)

    def decrypted(self) -> Shown:
        """To be shown without one, after `openssl rsa` has taken it away."""
        plain = self.private.with_name("nonpw_private.pem")
        done = openssl("rsa", "-in", self.private, "-passin", f"pass:{self.passphrase}", "-out", plain)
        assert 0 == done.returncode, done.stderr
        return Shown(self.certificate, plain)


def export(certificate: Issued, chain: Sequence[PrivateCa], directory: Path) -> Export:
    """Export a certificate with its chain, the issuer first."""
    directory.mkdir(parents=True)
    made = Export(directory / "crt.pem", directory / "private.pem", "correct-horse")
    made.certificate.write_text(certificate.pem + bundle(one.authority for one in chain))
    encryption = BestAvailableEncryption(made.passphrase.encode())
    made.private.write_bytes(certificate.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption))
    return made
