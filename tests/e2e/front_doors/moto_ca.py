"""AWS Private CA as moto's server has it, through AWS's own client, and what moto leaves out of it.

Moto makes authorities and signing requests, issues, and remembers what is revoked. It writes no CRLs, names none in
what it issues, and knows no template for subordinate authorities. CRLs and certificates of subordinates are made here,
as AWS documents them, with the authority's key, which moto holds in this process.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import boto3
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from moto.acmpca.models import CertificateAuthority, acmpca_backends
from moto.core.models import DEFAULT_ACCOUNT_ID

from tests.adapters.s3.bucket import ENVIRONMENT, Bucket
from tests.e2e.front_doors.private_ca import CRL_LIFETIME, REGION, distribution
from tests.pki.clock import now

TEMPLATES: Final = "arn:aws:acm-pca:::template/"
ROOT_TEMPLATE: Final = f"{TEMPLATES}RootCACertificate/V1"
CLIENT_TEMPLATE: Final = f"{TEMPLATES}EndEntityCertificate/V1"

YEAR: Final = {"Value": 365, "Type": "DAYS"}


def aws_client(service: str, endpoint: str) -> Any:  # noqa: ANN401 - boto3 makes its clients at run time
    """A client of one of AWS's services."""
    return boto3.client(
        service,
        endpoint_url=endpoint,
        region_name=REGION,
        aws_access_key_id=ENVIRONMENT["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=ENVIRONMENT["AWS_SECRET_ACCESS_KEY"],
    )


@dataclass(frozen=True, slots=True)
class MotoCa:
    """An authority of AWS Private CA.

    Attributes:
        client: Of acm-pca.
        arn: Its own.
        bucket: Where its CRLs are.
    """

    client: Any
    arn: str
    bucket: Bucket

    @classmethod
    def root(cls, client: Any, name: str, bucket: Bucket) -> "MotoCa":  # noqa: ANN401 - as above
        """Create a root, and have it certify itself."""
        made = cls._create(client, name, "ROOT", bucket)
        certificate = made.get(made.issue(made.signing_request(), ROOT_TEMPLATE))
        client.import_certificate_authority_certificate(CertificateAuthorityArn=made.arn, Certificate=certificate)
        return made

    def subordinate(self) -> "MotoCa":
        """Create an authority below this one, which certifies it."""
        name = self.backend.subject["CommonName"]
        made = self._create(self.client, f"sub.{name}", "SUBORDINATE", self.bucket)
        certificate = self._certify(x509.load_pem_x509_csr(made.signing_request()))
        self.client.import_certificate_authority_certificate(
            CertificateAuthorityArn=made.arn, Certificate=certificate, CertificateChain=self.certificate
        )
        return made

    @property
    def certificate(self) -> bytes:
        """Its certificate, PEM: the certificate body of the console."""
        return self._own()["Certificate"].encode()

    @property
    def chain(self) -> bytes:
        """What stands above it, PEM: the certificate chain of the console."""
        return self._own().get("CertificateChain", "").encode()

    @property
    def object(self) -> str:
        """The name of its CRL in the bucket."""
        return f"crl/{self.arn.rpartition('/')[2]}.crl"

    @property
    def backend(self) -> CertificateAuthority:
        """Moto's own idea of it: the server runs in this process."""
        return acmpca_backends[DEFAULT_ACCOUNT_ID][REGION].certificate_authorities[self.arn]

    def signing_request(self) -> bytes:
        """Its certificate signing request, PEM."""
        return str(self._ask("get_certificate_authority_csr")["Csr"]).encode()

    def issue(self, signing_request: bytes, template: str = CLIENT_TEMPLATE) -> str:
        """Issue a certificate; its ARN."""
        wanted = {"Csr": signing_request, "SigningAlgorithm": "SHA256WITHRSA", "Validity": YEAR}
        return str(self._ask("issue_certificate", TemplateArn=template, **wanted)["CertificateArn"])

    def get(self, certificate_arn: str) -> bytes:
        """A certificate that it has issued, PEM."""
        return str(self._ask("get_certificate", CertificateArn=certificate_arn)["Certificate"]).encode()

    def revoke(self, serial: str) -> None:
        """Revoke a certificate by its serial number in colon-hex, and write the CRL that AWS would write then."""
        self._ask("revoke_certificate", CertificateSerial=serial, RevocationReason="KEY_COMPROMISE")
        self.publish()

    def publish(self) -> None:
        """Write its CRL into the bucket."""
        moment = now()
        listed = sorted(int(serial.replace(":", ""), 16) for serial in self.backend.revoked_certificates)
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.backend.issuer)
            .last_update(moment - timedelta(hours=1) + timedelta(minutes=len(listed)))
            .next_update(moment + CRL_LIFETIME)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.backend.key.public_key()), False)
            .add_extension(x509.CRLNumber(int(moment.timestamp() * 1000) + len(listed)), critical=False)
        )
        for serial in listed:
            entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(moment)
            reason = x509.CRLReason(x509.ReasonFlags.key_compromise)
            builder = builder.add_revoked_certificate(entry.add_extension(reason, critical=False).build())
        self.bucket.put(self.object, builder.sign(self.backend.key, SHA256()).public_bytes(Encoding.DER))

    @classmethod
    def _create(cls, client: Any, name: str, kind: str, bucket: Bucket) -> "MotoCa":  # noqa: ANN401 - as above
        crl = {"Enabled": True, "ExpirationInDays": CRL_LIFETIME.days, "S3BucketName": bucket.name}
        algorithms = {"KeyAlgorithm": "RSA_2048", "SigningAlgorithm": "SHA256WITHRSA"}
        created = client.create_certificate_authority(
            CertificateAuthorityConfiguration={**algorithms, "Subject": {"CommonName": name}},
            RevocationConfiguration={"CrlConfiguration": {**crl, "S3ObjectAcl": "BUCKET_OWNER_FULL_CONTROL"}},
            CertificateAuthorityType=kind,
            UsageMode="GENERAL_PURPOSE",
        )
        return cls(client, created["CertificateAuthorityArn"], bucket)

    def _own(self) -> dict[str, str]:
        found: dict[str, str] = self._ask("get_certificate_authority_certificate")
        return found

    def _ask(self, operation: str, **wanted: Any) -> Any:  # noqa: ANN401 - as above
        return getattr(self.client, operation)(CertificateAuthorityArn=self.arn, **wanted)

    def _certify(self, request: x509.CertificateSigningRequest) -> bytes:
        """What the template SubordinateCACertificate_PathLen0/V1 makes of a signing request."""
        key, moment = self.backend.key, now()
        point = x509.UniformResourceIdentifier(f"{distribution(self.bucket)}{self.object.removeprefix('crl/')}")
        builder = (
            x509.CertificateBuilder()
            .subject_name(request.subject)
            .issuer_name(self.backend.issuer)
            .public_key(request.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(moment - timedelta(hours=1))
            .not_valid_after(moment + timedelta(days=300))
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(request.public_key()), critical=False)
            .add_extension(
                x509.KeyUsage(
                    digital_signature=True,
                    content_commitment=False,
                    key_encipherment=False,
                    data_encipherment=False,
                    key_agreement=False,
                    key_cert_sign=True,
                    crl_sign=True,
                    encipher_only=False,
                    decipher_only=False,
                ),
                critical=True,
            )
            .add_extension(
                x509.CRLDistributionPoints([x509.DistributionPoint([point], None, None, None)]), critical=False
            )
        )
        return builder.sign(key, SHA256()).public_bytes(Encoding.PEM)
