"""RSASSA-PSS-params (RFC 4055 §3.1): in a signature what was done, in a key what is allowed."""

from collections.abc import Mapping

from cryptography.hazmat.primitives import hashes

from service.core.der import tlv
from service.core.model.key import PssParameters

MAX_SALT_OCTETS = 2048
"""As many as the modulus of the longest key that OpenSSL verifies with, RSA-16384; it takes no number above 2**31."""

HASHES: Mapping[str, hashes.HashAlgorithm] = {
    "1.2.840.113549.2.5": hashes.MD5(),  # noqa: S303 - read here, refused by the policy
    "1.3.14.3.2.26": hashes.SHA1(),  # noqa: S303 - read here, refused by the policy
    "2.16.840.1.101.3.4.2.4": hashes.SHA224(),
    "2.16.840.1.101.3.4.2.1": hashes.SHA256(),
    "2.16.840.1.101.3.4.2.2": hashes.SHA384(),
    "2.16.840.1.101.3.4.2.3": hashes.SHA512(),
    "2.16.840.1.101.3.4.2.7": hashes.SHA3_224(),
    "2.16.840.1.101.3.4.2.8": hashes.SHA3_256(),
    "2.16.840.1.101.3.4.2.9": hashes.SHA3_384(),
    "2.16.840.1.101.3.4.2.10": hashes.SHA3_512(),
}

_DEFAULT_HASH = HASHES["1.3.14.3.2.26"]
_DEFAULT_SALT_OCTETS = 20
_MGF1 = "1.2.840.113549.1.1.8"
_NULL = b"\x05\x00"
_ONLY_TRAILER = b"\x02\x01\x01"


def read_pss_parameters(parameters: bytes) -> PssParameters | None:
    """RSASSA-PSS-params, every field optional with SHA-1 as the default; None where nothing here works with them.

    Raises:
        MalformedError: they do not decode.
    """
    start, stop = tlv.whole(parameters, tlv.SEQUENCE)
    digest: hashes.HashAlgorithm | None = _DEFAULT_HASH
    mask_digest: hashes.HashAlgorithm | None = _DEFAULT_HASH
    salt_length = _DEFAULT_SALT_OCTETS
    for tag, _, content, after in tlv.fields(parameters, start, stop):
        field = parameters[content:after]
        if tag == tlv.context(0):
            digest = _hash(field)
        elif tag == tlv.context(1):
            mask_oid, mask_parameters = read_algorithm(field)
            mask_digest = _hash(mask_parameters) if mask_oid == _MGF1 else None
        elif tag == tlv.context(2):
            salt_length = tlv.integer(field, *tlv.whole(field, tlv.INTEGER))
        elif tag != tlv.context(3) or field != _ONLY_TRAILER:
            return None
    if digest is None or mask_digest is None or not 0 <= salt_length <= MAX_SALT_OCTETS:
        return None
    return PssParameters(digest, mask_digest, salt_length)


def read_algorithm(algorithm: bytes) -> tuple[str, bytes]:
    """The identifier of an AlgorithmIdentifier, dotted, and what follows it: its parameters, encoded.

    Raises:
        MalformedError: it is none.
    """
    start, stop = tlv.whole(algorithm, tlv.SEQUENCE)
    oid_start, oid_stop = tlv.expect(algorithm, start, stop, tlv.OBJECT_IDENTIFIER)
    return tlv.object_identifier(algorithm, oid_start, oid_stop), algorithm[oid_stop:stop]


def _hash(algorithm: bytes) -> hashes.HashAlgorithm | None:
    """RFC 4055 §2.1: parameters are NULL or absent, and both mean the same."""
    oid, parameters = read_algorithm(algorithm)
    return HASHES.get(oid) if parameters in (b"", _NULL) else None
