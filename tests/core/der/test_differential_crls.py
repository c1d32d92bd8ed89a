"""Our reader against `cryptography`'s: every CRL of `cryptography_vectors`.

Both must come to the same outcome, field by field and entry by entry. Where they do not, a table says why; an entry of
a table that no longer diverges fails as well.
"""

from collections.abc import Mapping
from typing import Final, TypeVar

import pytest
from cryptography import x509

from service.core.der.crl import CrlDocument, read_crl
from service.core.der.crl_entry import unpack
from service.core.model.crl import CrlRow
from service.core.model.malformed import MalformedError
from tests.core.der import vectors

Value = TypeVar("Value", bound=x509.ExtensionType)

READ_HERE: Final[Mapping[str, str]] = {
    "custom/crl_inval_date_fractional_seconds.der": "an invalidityDate decides nothing and is not looked at",
    "custom/crl_issuer_invalid_printable_string.der": "PrintableStrings in the wild go beyond their alphabet",
}
"""What we read and `cryptography` refuses, at once or when an extension, a name or an entry is asked for."""

FIELDS: Final[Mapping[str, tuple[str, str]]] = {
    "PKITS_data/crls/BadCRLSignatureCACRL.crl": (
        "signature",
        "a signature whose bits do not fill its octets is read as one that verifies under no key",
    ),
}
"""The one field in which two complete readings differ."""

UNSUPPORTED: Final[Mapping[str, tuple[str, ...]]] = {
    "PKITS_data/crls/UnknownCRLEntryExtensionCACRL.crl": ("2.16.840.1.101.2.1.12.2",),
    "PKITS_data/crls/UnknownCRLExtensionCACRL.crl": ("2.16.840.1.101.2.1.12.2",),
    "custom/crl_all_reasons.pem": ("a certificateIssuer outside an indirect CRL",),
    "custom/crl_md2_unknown_crit_entry_ext.pem": ("1.2.3.4",),
}
"""The CRLs that are refused by name; every other one supports all it needs."""


def theirs(crl: x509.CertificateRevocationList) -> dict[str, object]:
    """What `cryptography` reads."""
    number, base = _extension(crl, x509.CRLNumber), _extension(crl, x509.DeltaCRLIndicator)
    authority = _extension(crl, x509.AuthorityKeyIdentifier)
    return {
        "issuer": crl.issuer.rfc4514_string(),
        "this_update": crl.last_update_utc,
        "next_update": crl.next_update_utc,
        "signed": crl.tbs_certlist_bytes,
        "signature": crl.signature,
        "crl_number": None if number is None else number.crl_number,
        "base_crl_number": None if base is None else base.crl_number,
        "authority_key_identifier": None if authority is None else authority.key_identifier,
        "issuing_distribution_point": _scope(_extension(crl, x509.IssuingDistributionPoint)),
        "entries": [(entry.serial_number, entry.revocation_date_utc, _reason(entry)) for entry in crl],
    }


def _extension(crl: x509.CertificateRevocationList, kind: type[Value]) -> Value | None:
    try:
        return crl.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def _scope(point: x509.IssuingDistributionPoint | None) -> tuple[object, ...] | None:
    if point is None:
        return None
    reasons = point.only_some_reasons
    return (
        len(point.full_name or ()) or int(point.relative_name is not None),
        point.only_contains_user_certs,
        point.only_contains_ca_certs,
        point.only_contains_attribute_certs,
        point.indirect_crl,
        None if reasons is None else {_screaming(reason) for reason in reasons},
    )


def _reason(entry: x509.RevokedCertificate) -> str | None:
    tuple(entry.extensions)  # all of them have to decode
    try:
        return _screaming(entry.extensions.get_extension_for_class(x509.CRLReason).value.reason)
    except x509.ExtensionNotFound:
        return None


def _screaming(reason: x509.ReasonFlags) -> str:
    return "REMOVE_FROM_CRL" if reason is x509.ReasonFlags.remove_from_crl else reason.name.upper()


def ours(crl: CrlDocument) -> dict[str, object]:
    """The same, as we read it."""
    meta = crl.meta
    point = meta.issuing_distribution_point
    return {
        "issuer": meta.issuer.text,
        "this_update": meta.this_update,
        "next_update": meta.next_update,
        "signed": bytes(crl.signature.signed),
        "signature": crl.signature.value,
        "crl_number": meta.crl_number,
        "base_crl_number": meta.base_crl_number,
        "authority_key_identifier": meta.authority_key_identifier,
        "issuing_distribution_point": point
        and (
            len(point.names),
            point.only_contains_user_certs,
            point.only_contains_ca_certs,
            point.only_contains_attribute_certs,
            point.indirect_crl,
            None if point.only_some_reasons is None else {reason.name for reason in point.only_some_reasons},
        ),
        "entries": [_entry(row) for run in crl.runs() for row in run.found],
    }


def _entry(row: CrlRow) -> tuple[object, ...]:
    key, record = row
    entry = unpack(record)
    serial_number = int.from_bytes(key, "big", signed=True)
    return serial_number, entry.revoked_at, None if entry.reason is None else entry.reason.name


def read_by_cryptography(der: bytes) -> dict[str, object] | None:
    """Everything that `cryptography` reads, or None where any part of it does not decode."""
    try:
        return theirs(x509.load_der_x509_crl(der))
    except (ValueError, x509.InvalidVersion, x509.DuplicateExtension):
        return None


def read_here(der: bytes) -> dict[str, object] | None:
    """Everything that we read, or None where the CRL is refused."""
    try:
        return ours(read_crl(der))
    except MalformedError:
        return None


@pytest.mark.parametrize("name", vectors.crl_files())
def test_same_reading(name: str) -> None:
    """Both readers find the same in a CRL, or both refuse it, or a table says why not."""
    der = vectors.crl(name)
    expected, actual = read_by_cryptography(der), read_here(der)
    if name in READ_HERE:
        assert (None, True) == (expected, actual is not None)
    elif name in FIELDS:
        assert expected is not None
        assert actual is not None
        assert [FIELDS[name][0]] == [field for field in expected if expected[field] != actual[field]]
    else:
        assert expected == actual


@pytest.mark.parametrize("name", vectors.crl_files())
def test_unsupported(name: str) -> None:
    """Nothing in a CRL is unsupported but what the table names."""
    try:
        meta = read_crl(vectors.crl(name)).meta
    except MalformedError:
        assert name not in UNSUPPORTED
    else:
        assert UNSUPPORTED.get(name, ()) == meta.unsupported


def test_tables_name_what_exists() -> None:
    """Nothing is excused that is not tested."""
    assert {*READ_HERE, *FIELDS, *UNSUPPORTED} <= set(vectors.crl_files())


def test_most_crls_are_read() -> None:
    """Agreement is not that of two readers that refuse everything."""
    readings = [read_here(vectors.crl(name)) for name in vectors.crl_files()]
    assert readings.count(None) < 10
    assert len(readings) > 180
