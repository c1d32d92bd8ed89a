"""Our reader of certificates against `cryptography`'s: what we read and it refuses is a finding, unless a row says why.

`cryptography` decodes extensions and names when they are asked for; here it is only asked to load the certificate. What
the two make of extensions and names is compared by `tests/core/der/test_differential_certificates.py`.
"""

import re
import warnings
from collections.abc import Mapping
from typing import Final

from cryptography import x509

from service.core.der.certificate import read_certificate
from service.core.model.malformed import MalformedError

TOLERATED: Final[Mapping[str, str]] = {
    r"EncodedDefault, .*Extension::critical": "critical FALSE spelt out, as the example of RFC 8410 §10.2 does",
    r"SubjectPublicKeyInfo::algorithm": "a key with parameters that nobody reads is unsupported, and refused as such",
    r"AlgorithmIdentifier::params|TbsCertificate::signature_alg": "so is a signature",
    r"AttributeValue::PrintableString": "a name is compared as it is, whatever characters are in it",
    r"TbsCertificate::(issuer|subject)_unique_id": "nobody uses unique identifiers, so that nobody decodes them",
    r'InvalidValue, location: \["Certificate::signature"\]': "bits that do not fill an octet verify under no key",
}
"""What `cryptography` says where it refuses, as a pattern, and why we need not."""

_KNOWN: Final = re.compile("|".join(TOLERATED))


def agreement(octets: bytes) -> None:
    """Load what we can read with `cryptography` as well."""
    try:
        read_certificate(octets)
    except MalformedError:
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what is wrong and read all the same
        try:
            x509.load_der_x509_certificate(octets)
        except (ValueError, x509.InvalidVersion) as error:
            if not _KNOWN.search(str(error)):
                raise
