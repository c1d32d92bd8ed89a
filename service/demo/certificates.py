"""The certificates of the demonstration: what AWS Private CA would issue, as far as a certificate can tell.

Rules: a root has a common name and nothing else as its subject and is valid for ten years; the subordinate's name is
`sub.` and the root's; a subordinate may have no authority below it. Every moment is handed in.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

from service.demo.clients import LIFETIME, Client, KeyKind

DOMAIN: Final = "demo.example"
"""The root's name, and the domain of all clients; RFC 2606 §2 keeps `.example` for such uses."""

AUTHORITY_AGE: Final = timedelta(days=400)
"""How long before the demonstration was made its authorities were: longer than the oldest certificate they issued."""

ROOT_LIFETIME: Final = timedelta(days=3650)
SUB_LIFETIME: Final = timedelta(days=1825)


@dataclass(frozen=True, slots=True)
class Signer:
    """An authority that signs: its certificate and the key that belongs to it."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate and its private key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


@dataclass(frozen=True, slots=True)
class Sources:
    """Where a certificate says that its revocation is told; None where it does not say."""

    crl: str | None = None
    ocsp: str | None = None


NO_SOURCES: Final = Sources()


def issue_root(common_name: str, at: datetime) -> Signer:
    """A self-signed authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = subject_of(common_name)
    start = at - AUTHORITY_AGE
    builder = _authority(
        certificate_builder(name, name, key.public_key(), start, start + ROOT_LIFETIME), path_length=None
    )
    return Signer(builder.sign(key, SHA256()), key)


def issue_subordinate(issuer: Signer, crl: str, at: datetime) -> Signer:
    """An authority below another one, for end entities only."""
    key = ec.generate_private_key(ec.SECP256R1())
    start = at - AUTHORITY_AGE
    name = subject_of(f"sub.{common_name(issuer.certificate)}")
    builder = certificate_builder(name, issuer.certificate.subject, key.public_key(), start, start + SUB_LIFETIME)
    builder = _declare(_issued_by(_authority(builder, path_length=0), issuer), Sources(crl=crl))
    return Signer(builder.sign(issuer.key, SHA256()), key)


def issue_responder(issuer: Signer, at: datetime) -> Issued:
    """A delegate that signs OCSP answers for an authority and needs no check itself (RFC 6960 §4.2.2.2)."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = subject_of(f"ocsp.{common_name(issuer.certificate)}")
    start = at - timedelta(hours=1)
    builder = certificate_builder(name, issuer.certificate.subject, key.public_key(), start, start + LIFETIME)
    builder = _end_entity(_issued_by(builder, issuer), ExtendedKeyUsageOID.OCSP_SIGNING)
    builder = builder.add_extension(x509.OCSPNoCheck(), critical=False)
    return Issued(builder.sign(issuer.key, SHA256()), key)


def issue_client(client: Client, issuer: Signer, sources: Sources, at: datetime) -> Issued:
    """A client's certificate, with the usages that ACM gives to private certificates."""
    key = _new_key(client.key)
    host = f"{client.name}.{DOMAIN}"
    start = at - client.issued
    builder = certificate_builder(
        subject_of(host), issuer.certificate.subject, key.public_key(), start, start + LIFETIME
    )
    builder = _end_entity(
        _issued_by(builder, issuer), ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH
    ).add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
    return Issued(_declare(builder, sources).sign(issuer.key, SHA256()), key)


def common_name(certificate: x509.Certificate) -> str:
    """The subject's common name."""
    return str(certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)


def key_pem(key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey) -> bytes:
    """A private key as PEM, without a passphrase (PKCS #8)."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def pem(*certificates: x509.Certificate) -> bytes:
    """Certificates one below the other as PEM."""
    return b"".join(certificate.public_bytes(Encoding.PEM) for certificate in certificates)


def _new_key(kind: KeyKind) -> ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey:
    match kind:
        case KeyKind.P256:
            return ec.generate_private_key(ec.SECP256R1())
        case KeyKind.ED25519:
            return ed25519.Ed25519PrivateKey.generate()


def subject_of(common_name: str) -> x509.Name:
    """A name that is a common name alone."""
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def certificate_builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey,
    not_before: datetime,
    not_after: datetime,
) -> x509.CertificateBuilder:
    """What every certificate of the demonstration has."""
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(not_before)
        .not_valid_after(not_after)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _authority(builder: x509.CertificateBuilder, path_length: int | None) -> x509.CertificateBuilder:
    usage = _usage(digital_signature=True, key_cert_sign=True, crl_sign=True)
    return builder.add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True).add_extension(
        usage, critical=True
    )


def _end_entity(builder: x509.CertificateBuilder, *purposes: x509.ObjectIdentifier) -> x509.CertificateBuilder:
    return (
        builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=False)
        .add_extension(_usage(digital_signature=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
    )


def _issued_by(builder: x509.CertificateBuilder, issuer: Signer) -> x509.CertificateBuilder:
    return builder.add_extension(authority_key_identifier(issuer), critical=False)


def authority_key_identifier(issuer: Signer) -> x509.AuthorityKeyIdentifier:
    """What a certificate or CRL of an issuer says about its issuer's key."""
    subject_key = issuer.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(subject_key)


def _declare(builder: x509.CertificateBuilder, sources: Sources) -> x509.CertificateBuilder:
    if sources.crl is not None:
        point = x509.DistributionPoint([x509.UniformResourceIdentifier(sources.crl)], None, None, None)
        builder = builder.add_extension(x509.CRLDistributionPoints([point]), critical=False)
    if sources.ocsp is not None:
        location = x509.UniformResourceIdentifier(sources.ocsp)
        access = x509.AccessDescription(AuthorityInformationAccessOID.OCSP, location)
        builder = builder.add_extension(x509.AuthorityInformationAccess([access]), critical=False)
    return builder


def _usage(*, digital_signature: bool = False, key_cert_sign: bool = False, crl_sign: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        encipher_only=False,
        decipher_only=False,
    )
