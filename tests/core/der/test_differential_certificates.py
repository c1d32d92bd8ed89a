"""Our reader against `cryptography`'s: every certificate of `cryptography_vectors`.

Both must come to the same outcome, field by field. Where they do not, a table says why; an entry of a table that no
longer diverges fails as well.
"""

from collections.abc import Callable, Mapping
from typing import Final, TypeVar

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtensionOID

from service.core.der.certificate import read_certificate
from service.core.model.certificate import Certificate, KeyUsage
from service.core.model.malformed import MalformedError
from service.core.model.name import GeneralNameKind
from tests.core.der import vectors

Value = TypeVar("Value", bound=x509.ExtensionType)

_TWO_ALGORITHMS: Final = "inner and outer AlgorithmIdentifier differ (RFC 5280 §4.1.1.2), which cryptography tolerates"

REFUSED_HERE: Final[Mapping[str, str]] = {
    "custom/mismatch_inner_outer_sig_algorithm.der": _TWO_ALGORITHMS,
    "custom/rsa_pss_cert_invalid_mgf.der": _TWO_ALGORITHMS,
    "custom/rsa_pss_cert_no_sig_params.der": _TWO_ALGORITHMS,
    "custom/rsa_pss_cert_unsupported_mgf_hash.der": _TWO_ALGORITHMS,
    "v1_cert.pem": _TWO_ALGORITHMS,
}
"""What `cryptography` reads completely and we refuse."""

READ_HERE: Final[Mapping[str, str]] = {}
"""What we read and `cryptography` refuses, at once or when an extension or a name is asked for."""

FIELDS: Final[Mapping[tuple[str, str], str]] = {}
"""File and field in which two complete readings differ."""


def theirs(certificate: x509.Certificate) -> dict[str, object]:
    """What `cryptography` reads."""
    found = certificate.extensions

    def value(kind: type[Value]) -> Value | None:
        try:
            return found.get_extension_for_class(kind).value
        except x509.ExtensionNotFound:
            return None

    constraints = value(x509.BasicConstraints)
    purposes = value(x509.ExtendedKeyUsage)
    own, authority = value(x509.SubjectKeyIdentifier), value(x509.AuthorityKeyIdentifier)
    access, points = value(x509.AuthorityInformationAccess), value(x509.CRLDistributionPoints)
    policies, sans = value(x509.CertificatePolicies), value(x509.SubjectAlternativeName)
    return {
        "serial_number": certificate.serial_number,
        "subject": certificate.subject.rfc4514_string(),
        "issuer": certificate.issuer.rfc4514_string(),
        "not_before": certificate.not_valid_before_utc,
        "not_after": certificate.not_valid_after_utc,
        "version": certificate.version.value + 1,
        "tbs": certificate.tbs_certificate_bytes,
        "signature": certificate.signature,
        "key": certificate.public_key_algorithm_oid.dotted_string,
        "basic_constraints": constraints and (constraints.ca, constraints.path_length),
        "key_usage": _key_usage(value(x509.KeyUsage)),
        "extended_key_usage": purposes and frozenset(purpose.dotted_string for purpose in purposes),
        "subject_key_identifier": own and own.digest,
        "authority_key_identifier": authority and authority.key_identifier,
        "ocsp": [
            _url(item.access_location)
            for item in access or ()
            if item.access_method == AuthorityInformationAccessOID.OCSP
            and isinstance(item.access_location, x509.UniformResourceIdentifier)
        ],
        "points": [_urls(point) for point in points or ()],
        "policies": policies and frozenset(policy.policy_identifier.dotted_string for policy in policies),
        "dns": sans and sans.get_values_for_type(x509.DNSName),
        "no_check": value(x509.OCSPNoCheck) is not None,
    }
