"""Our reader against `cryptography`'s: every certificate of `cryptography_vectors`.

Both must come to the same outcome, field by field. Where they do not, a table says why; an entry of a table that no
longer diverges fails as well.
"""

import warnings
from collections.abc import Mapping
from typing import Final, TypeVar

import pytest
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.x509.oid import AuthorityInformationAccessOID

from service.core.der.certificate import read_certificate
from service.core.der.extension import dotted
from service.core.model.certificate import Certificate, DistributionPoint, KeyUsage
from service.core.model.malformed import MalformedError
from service.core.model.name import GeneralNameKind
from tests.core.der import vectors
from tests.pki import der

Value = TypeVar("Value", bound=x509.ExtensionType)

_TWO_ALGORITHMS: Final = "inner and outer AlgorithmIdentifier differ (RFC 5280 §4.1.1.2), which cryptography tolerates"
_NOT_DECODED: Final = "the extension decides nothing here, so that its value is not looked at"
_NULL_PARAMETERS: Final = "NULL where parameters should be absent: a certificate whose signature verifies under no key"
_BASE: Final = "what the base of a subtree holds is looked at where names are held against it"
_UNUSED_BITS: Final = "a signature whose bits do not fill its octets is read as one that verifies under no key"
_BIT_STRING: Final = "RFC 4514 §2.4 asks for the encoding of what is no string; cryptography writes the content"

REFUSED_HERE: Final[Mapping[str, str]] = {
    "custom/mismatch_inner_outer_sig_algorithm.der": _TWO_ALGORITHMS,
    "custom/rsa_pss_cert_invalid_mgf.der": _TWO_ALGORITHMS,
    "custom/rsa_pss_cert_no_sig_params.der": _TWO_ALGORITHMS,
    "custom/rsa_pss_cert_unsupported_mgf_hash.der": _TWO_ALGORITHMS,
    "v1_cert.pem": _TWO_ALGORITHMS,
}
"""What `cryptography` reads completely and we refuse."""

READ_HERE: Final[Mapping[str, str]] = {
    "PKITS_data/certs/DSAParametersInheritedCACert.crt": "a DSA key that inherits its parameters",
    "PKITS_data/certs/ValidDSAParameterInheritanceTest5EE.crt": "as above",
    "badssl-sct-anonymous-sig.der": _NOT_DECODED,
    "badssl-sct-none-hash.der": _NOT_DECODED,
    "custom/cp_invalid.pem": "policy qualifiers are for people (RFC 5280 §4.2.1.4): " + _NOT_DECODED,
    "custom/cp_invalid2.der": "as above",
    "custom/dsa_null_alg_params.pem": _NULL_PARAMETERS,
    "custom/ecdsa_null_alg.pem": _NULL_PARAMETERS,
    "custom/invalid-sct-length.der": _NOT_DECODED,
    "custom/invalid-sct-version.der": _NOT_DECODED,
    "custom/malformed-ian.pem": _NOT_DECODED,
    "custom/malformed-san.pem": "an otherName is shown in hexadecimal and not looked into",
    "custom/name_attribute_unsupported_tag.pem": "an attribute value of any type is compared as octets",
    "custom/nc_invalid_ip4_netmask.der": _BASE,
    "custom/nc_invalid_ip_netmask.pem": _BASE,
    "custom/nc_ip_invalid_length.pem": _BASE,
    "ed25519/ed25519-rfc8410.pem": "critical FALSE is spelt out, which the example of RFC 8410 §10.2 itself does",
    "san_edipartyname.der": "an ediPartyName is shown in hexadecimal",
    "san_x400address.der": "an x400Address is shown in hexadecimal",
    "wosign-bc-invalid.pem": "a pathLenConstraint without cA is refused where the path is validated",
}
"""What we read and `cryptography` refuses, at once or when an extension or a name is asked for."""

FIELDS: Final[Mapping[str, tuple[str, str]]] = {
    "PKITS_data/certs/BadSignedCACert.crt": ("signature", _UNUSED_BITS),
    "PKITS_data/certs/InvalidDSASignatureTest6EE.crt": ("signature", _UNUSED_BITS),
    "custom/ec_no_named_curve.pem": ("key", "a curve spelt out, which RFC 5480 §2.1.1 forbids, is an unsupported key"),
    "scottishpower-bitstring-dn.pem": ("subject", _BIT_STRING),
    "unique_identifier.pem": ("subject", _BIT_STRING),
    "utf8-dnsname.pem": ("sans", "what is not ASCII in a DNS name is kept visible, octet by octet"),
}
"""The one field in which two complete readings differ."""


def theirs(certificate: x509.Certificate) -> dict[str, object]:
    """What `cryptography` reads."""
    constraints = _extension(certificate, x509.BasicConstraints)
    purposes = _extension(certificate, x509.ExtendedKeyUsage)
    own = _extension(certificate, x509.SubjectKeyIdentifier)
    authority = _extension(certificate, x509.AuthorityKeyIdentifier)
    policies = _extension(certificate, x509.CertificatePolicies)
    return {
        "serial_number": certificate.serial_number,
        "subject": certificate.subject.rfc4514_string(),
        "issuer": certificate.issuer.rfc4514_string(),
        "not_before": certificate.not_valid_before_utc,
        "not_after": certificate.not_valid_after_utc,
        "version": certificate.version.value + 1,
        "signed": certificate.tbs_certificate_bytes,
        "signature": certificate.signature,
        "key": _key(certificate),
        "basic_constraints": None if constraints is None else (constraints.ca, constraints.path_length),
        "key_usage": _key_usage(certificate),
        "extended_key_usage": None if purposes is None else frozenset(item.dotted_string for item in purposes),
        "subject_key_identifier": None if own is None else own.digest,
        "authority_key_identifier": None if authority is None else authority.key_identifier,
        "ocsp_responders": _ocsp_responders(certificate),
        "distribution_points": _distribution_points(certificate),
        "policies": None if policies is None else frozenset(item.policy_identifier.dotted_string for item in policies),
        "sans": _sans(certificate),
        "no_check": _extension(certificate, x509.OCSPNoCheck) is not None,
        "policy_mappings": _policy_mappings(certificate),
        "policy_constraints": _policy_constraints(certificate),
        "inhibit_any_policy": _inhibit_any_policy(certificate),
        "name_constraints": _name_constraints(certificate),
        "critical": {extension.oid.dotted_string for extension in certificate.extensions if extension.critical},
    }


def _extension(certificate: x509.Certificate, kind: type[Value]) -> Value | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def _key(certificate: x509.Certificate) -> PublicKeyTypes | None:
    try:
        return certificate.public_key()
    except (UnsupportedAlgorithm, ValueError):
        return None


def _key_usage(certificate: x509.Certificate) -> KeyUsage | None:
    value = _extension(certificate, x509.KeyUsage)
    if value is None:
        return None
    return KeyUsage(
        KeyUsage.DIGITAL_SIGNATURE * value.digital_signature
        | KeyUsage.CONTENT_COMMITMENT * value.content_commitment
        | KeyUsage.KEY_CERT_SIGN * value.key_cert_sign
        | KeyUsage.CRL_SIGN * value.crl_sign
        | KeyUsage.KEY_ENCIPHERMENT * value.key_encipherment
        | KeyUsage.KEY_AGREEMENT * value.key_agreement
        | KeyUsage.DATA_ENCIPHERMENT
        * (
            value.data_encipherment
            or (value.key_agreement and (value.encipher_only or value.decipher_only))  # it tells them only with it
        )
    )


def _ocsp_responders(certificate: x509.Certificate) -> list[str]:
    access = _extension(certificate, x509.AuthorityInformationAccess) or ()
    locations = [item.access_location for item in access if item.access_method == AuthorityInformationAccessOID.OCSP]
    return [item.value for item in locations if isinstance(item, x509.UniformResourceIdentifier)]


def _distribution_points(certificate: x509.Certificate) -> list[tuple[list[str], int]]:
    points = _extension(certificate, x509.CRLDistributionPoints)
    return [
        (
            [item.value for item in point.full_name or () if isinstance(item, x509.UniformResourceIdentifier)],
            len(point.crl_issuer or ()),
        )
        for point in points or ()
    ]


def _sans(certificate: x509.Certificate) -> list[str]:
    value = _extension(certificate, x509.SubjectAlternativeName)
    return [_san(item) for item in value or ()]


def _san(name: x509.GeneralName) -> str:
    match name:
        case x509.DNSName():
            return f"DNS:{name.value}"
        case x509.UniformResourceIdentifier():
            return f"URI:{name.value}"
        case x509.RFC822Name():
            return f"email:{name.value}"
        case x509.IPAddress():
            return f"IP:{name.value}"
        case x509.DirectoryName():
            return f"DirName:{name.value.rfc4514_string()}"
        case x509.RegisteredID():
            return f"RID:{name.value.dotted_string}"
        case _:
            return "other_name"


def _policy_mappings(certificate: x509.Certificate) -> list[tuple[str, str]]:
    # cryptography has no type for this extension: a SEQUENCE of pairs of OBJECT IDENTIFIERs.
    for extension in certificate.extensions:
        if isinstance(extension.value, x509.UnrecognizedExtension) and extension.oid.dotted_string == "2.5.29.33":
            pairs = (der.children(pair) for pair in der.children(extension.value.value))
            return [(dotted(der.content(one)), dotted(der.content(other))) for one, other in pairs]
    return []


def _policy_constraints(certificate: x509.Certificate) -> tuple[int | None, int | None] | None:
    value = _extension(certificate, x509.PolicyConstraints)
    return None if value is None else (value.require_explicit_policy, value.inhibit_policy_mapping)


def _inhibit_any_policy(certificate: x509.Certificate) -> int | None:
    value = _extension(certificate, x509.InhibitAnyPolicy)
    return None if value is None else value.skip_certs


def _name_constraints(certificate: x509.Certificate) -> tuple[int, int] | None:
    value = _extension(certificate, x509.NameConstraints)
    return None if value is None else (len(value.permitted_subtrees or ()), len(value.excluded_subtrees or ()))


def ours(certificate: Certificate) -> dict[str, object]:
    """The same, as we read it."""
    extensions = certificate.extensions
    constraints, limits, subtrees = (
        extensions.basic_constraints,
        extensions.policy_constraints,
        extensions.name_constraints,
    )
    return {
        "serial_number": certificate.serial_number,
        "subject": certificate.subject.text,
        "issuer": certificate.issuer.text,
        "not_before": certificate.not_before,
        "not_after": certificate.not_after,
        "version": certificate.version,
        "signed": certificate.signature.signed,
        "signature": certificate.signature.value,
        "key": certificate.public_key.handle,
        "basic_constraints": None if constraints is None else (constraints.ca, constraints.path_length),
        "key_usage": extensions.key_usage,
        "extended_key_usage": extensions.extended_key_usage,
        "subject_key_identifier": extensions.subject_key_identifier,
        "authority_key_identifier": extensions.authority_key_identifier,
        "ocsp_responders": list(extensions.ocsp_responders),
        "distribution_points": [_point(point) for point in extensions.crl_distribution_points],
        "policies": extensions.policies,
        "sans": ["other_name" if item.startswith("other_name") else item for item in extensions.sans],
        "no_check": extensions.no_check,
        "policy_mappings": [
            (one.issuer_domain_policy, one.subject_domain_policy) for one in extensions.policy_mappings
        ],
        "policy_constraints": None
        if limits is None
        else (limits.require_explicit_policy, limits.inhibit_policy_mapping),
        "inhibit_any_policy": extensions.inhibit_any_policy,
        "name_constraints": None if subtrees is None else (len(subtrees.permitted), len(subtrees.excluded)),
        "critical": extensions.critical,
    }


def _point(point: DistributionPoint) -> tuple[list[str], int]:
    urls = [name.value.decode() for name in point.names if name.kind is GeneralNameKind.URI]
    return urls, len(point.crl_issuer)


def read_by_cryptography(der: bytes) -> dict[str, object] | None:
    """Everything that `cryptography` reads, or None where any part of it does not decode."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what is wrong and read all the same
        try:
            return theirs(x509.load_der_x509_certificate(der))
        except (ValueError, x509.InvalidVersion, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
            return None


def read_here(der: bytes) -> dict[str, object] | None:
    """Everything that we read, or None where the certificate is refused."""
    try:
        return ours(read_certificate(der))
    except MalformedError:
        return None


@pytest.mark.parametrize("name", vectors.certificate_files())
def test_same_reading(name: str) -> None:
    """Both readers find the same in a certificate, or both refuse it, or a table says why not."""
    for octets in vectors.certificates(name):
        expected, actual = read_by_cryptography(octets), read_here(octets)
        if name in REFUSED_HERE:
            assert (True, None) == (expected is not None, actual)
        elif name in READ_HERE:
            assert (None, True) == (expected, actual is not None)
        elif name in FIELDS:
            assert expected is not None
            assert actual is not None
            assert [FIELDS[name][0]] == [field for field in expected if expected[field] != actual[field]]
        else:
            assert expected == actual


def test_tables_name_what_exists() -> None:
    """Nothing is excused that is not tested."""
    assert {*REFUSED_HERE, *READ_HERE, *FIELDS} <= set(vectors.certificate_files())


def test_most_certificates_are_read() -> None:
    """Agreement is not that of two readers that refuse everything."""
    readings = [read_here(der) for name in vectors.certificate_files() for der in vectors.certificates(name)]
    assert readings.count(None) < 20
    assert len(readings) > 500
