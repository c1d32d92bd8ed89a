"""CRLs (RFC 5280 §5): header, extensions, and a walk over the entries."""

import mmap
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Final

import pytest

from service.core.der.certificate import read_certificate
from service.core.der.crl import CrlDocument, read_crl
from service.core.der.crl_entry import unpack
from service.core.der.signature import SignatureResult, verify
from service.core.der.signed import MAX_COPIED_OCTETS
from service.core.model.crl import CrlEntry, CrlMeta, CrlRow
from service.core.model.malformed import MalformedError
from service.core.model.reason import Reason
from tests.core.der.signing import identifier
from tests.pki import (
    NEXT_UPDATE,
    NOW,
    REVOKED_AT,
    THIS_UPDATE,
    Authority,
    Entry,
    Extension,
    IssuingDistributionPoint,
    der,
    oids,
)
from tests.pki.names import name

CA: Final = Authority.root("CN=CA,O=Example")
KEY: Final = read_certificate(CA.der).public_key

ALGORITHM: Final = identifier(oids.ECDSA_SIGNATURES["sha256"])
NUMBER: Final = Extension(oids.CRL_NUMBER, der.integer(7))


def rows_of(document: CrlDocument) -> list[CrlRow]:
    """Its entries, in order."""
    return [row for run in document.runs() for row in run.found]


def tbs(
    *,
    version: bytes = der.integer(1),
    algorithm: bytes = ALGORITHM,
    issuer: bytes = name("issuer"),
    times: bytes = der.time(THIS_UPDATE) + der.time(NEXT_UPDATE),
    entries: bytes = b"",
    rest: bytes = b"",
) -> bytes:
    """A TBSCertList of whatever is given for its fields."""
    return der.seq(version, algorithm, issuer, times, entries, rest)


def crl(signed_part: bytes, algorithm: bytes = ALGORITHM, signature: bytes = der.bit_string(b"signature")) -> bytes:
    """A CertificateList around it."""
    return der.seq(signed_part, algorithm, signature)


def extended(*extensions: Extension) -> bytes:
    """The field crlExtensions."""
    return der.explicit(0, der.seq(*(extension.encoded() for extension in extensions)))


def test_fields() -> None:
    """Every field is where the CRL has it."""
    encoded = CA.crl(revoked={5: "keyCompromise", 6: None}, number=7)
    found = read_crl(encoded)
    assert (
        CrlMeta(
            digest=sha256(encoded).digest(),
            issuer=read_certificate(CA.der).subject,
            algorithm=ALGORITHM,
            this_update=THIS_UPDATE,
            next_update=NEXT_UPDATE,
            crl_number=7,
            authority_key_identifier=CA.key_identifier,
            entries=2,
            size=len(encoded),
        )
        == found.meta
    )
    assert [(b"\5", CrlEntry(REVOKED_AT, Reason.KEY_COMPROMISE)), (b"\6", CrlEntry(REVOKED_AT))] == [
        (key, unpack(record)) for key, record in rows_of(found)
    ]


def test_signature() -> None:
    """The signature covers the signed part as it stands, and verifies under the issuer's key and no other."""
    found = read_crl(CA.crl(revoked={5: None}))
    assert SignatureResult.VALID is verify(found.signature, KEY)
    assert SignatureResult.INVALID is verify(found.signature, read_certificate(Authority.root("Other").der).public_key)
    assert SignatureResult.INVALID is verify(read_crl(CA.crl(corrupt_signature=True)).signature, KEY)


def test_version_1() -> None:
    """A CRL without a version has no extensions, and its entries serve as well."""
    found = read_crl(CA.crl(version=1, revoked={5: None, 6: None}))
    assert (None, None, 2) == (found.meta.crl_number, found.meta.authority_key_identifier, found.meta.entries)


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("revoked", [{}, {5: None}])
def test_without_next_update(version: int, revoked: dict[int, None]) -> None:
    """A CRL of either version may do without nextUpdate, with or without entries after it."""
    found = read_crl(CA.crl(version=version, next_update=None, revoked=revoked))
    assert (THIS_UPDATE, None, len(revoked)) == (found.meta.this_update, found.meta.next_update, found.meta.entries)


@pytest.mark.parametrize(("entries", "odd"), [(b"", ()), (der.seq(), ("an empty list of revoked certificates",))])
def test_empty(entries: bytes, odd: tuple[str, ...]) -> None:
    """A CRL that revokes nobody leaves the list out (RFC 5280 §5.1.2.6); an empty one makes it unusable."""
    found = read_crl(crl(tbs(entries=entries)))
    assert ([], 0, odd) == (rows_of(found), found.meta.entries, found.meta.unsupported)


def test_generalized_time() -> None:
    """Both times may have either form."""
    times = der.generalized_time(THIS_UPDATE) + der.generalized_time(NOW + timedelta(days=1))
    found = read_crl(crl(tbs(times=times))).meta
    assert (THIS_UPDATE, NOW + timedelta(days=1)) == (found.this_update, found.next_update)


def test_entries_in_disorder() -> None:
    """Entries are neither sorted nor made unique."""
    found = read_crl(CA.crl(revoked=[9, Entry(-3, "superseded"), 9, 1 << 167]))
    found_serials = [int.from_bytes(key, "big", signed=True) for key, _ in rows_of(found)]
    assert [9, -3, 9, 1 << 167] == found_serials
    assert 4 == found.meta.entries


def test_delta() -> None:
    """A delta CRL names the number that it builds on."""
    assert 3 == read_crl(CA.crl(number=7, delta_base=3)).meta.base_crl_number
    assert read_crl(CA.crl(number=7)).meta.base_crl_number is None


@pytest.mark.parametrize(
    ("extensions", "expected"),
    [
        ([], ()),
        ([Extension("1.2.3", b"")], ()),
        ([Extension("1.2.3", b"", critical=True), Extension("1.2.4", b"", critical=True)], ("1.2.3", "1.2.4")),
        ([Extension("2.5.29.18", b"", critical=True)], ()),  # issuerAltName
        ([Extension(oids.AUTHORITY_INFO_ACCESS, b"")], ()),
    ],
)
def test_extensions(extensions: list[Extension], expected: tuple[str, ...]) -> None:
    """Critical extensions that nobody here knows are named; what decides nothing is not looked into."""
    assert expected == read_crl(CA.crl(extensions=extensions)).meta.unsupported


def test_freshest_crl() -> None:
    """Where the deltas of a complete CRL are (§5.2.6); one that does not decode makes the CRL unreadable."""
    found = read_crl(CA.crl(freshest_crl_urls="http://crl.example/delta")).meta.freshest_crl
    assert [b"http://crl.example/delta"] == [name.value for point in found for name in point.names]
    assert () == read_crl(CA.crl()).meta.freshest_crl
    with pytest.raises(MalformedError):
        read_crl(CA.crl(extensions=[Extension("2.5.29.46", b"")]))


@pytest.mark.parametrize("critical", [True, False])
def test_known_extensions_may_be_critical(critical: bool) -> None:
    """What limits a CRL is processed, critical or not."""
    either = dict.fromkeys((oids.DELTA_CRL_INDICATOR, oids.ISSUING_DISTRIBUTION_POINT), critical)
    found = read_crl(CA.crl(delta_base=1, idp=IssuingDistributionPoint(only_user=True), criticality=either))
    assert () == found.meta.unsupported


@pytest.mark.parametrize(
    "identifier",
    [oids.CRL_NUMBER, oids.AUTHORITY_KEY_IDENTIFIER, oids.FRESHEST_CRL, oids.AUTHORITY_INFO_ACCESS],
)
def test_known_extensions_that_must_not_be_critical(identifier: str) -> None:
    """What is there to help never is (§5.2.1, §5.2.3, §5.2.6, §5.2.7): such a CRL is not what its issuer meant."""
    information = Extension(oids.AUTHORITY_INFO_ACCESS, b"")
    for critical, expected in ((True, (identifier,)), (False, ())):
        octets = CA.crl(freshest_crl_urls="http://a/", extensions=[information], criticality={identifier: critical})
        assert expected == read_crl(octets).meta.unsupported


def test_entry_that_makes_the_list_unusable() -> None:
    """What an entry has that nobody here knows is a fault of the whole list (§5.3), named once."""
    unknown = Extension("1.2.3", b"", critical=True)
    indirect = Entry(3, certificate_issuer="Other CA")
    revoked = [Entry(1), Entry(2, extensions=[unknown]), indirect, Entry(4, extensions=[unknown])]
    found = read_crl(CA.crl(revoked=revoked, extensions=[Extension("1.2.9", b"", critical=True)])).meta
    assert ("1.2.9", "1.2.3", "a certificateIssuer outside an indirect CRL") == found.unsupported
    assert 4 == found.entries


def test_large_crl_is_not_copied() -> None:
    """Of a large CRL the signed part is a view, of a small one a copy; both verify."""
    small, large = (CA.crl(revoked=dict.fromkeys(range(1, count))) for count in (10, MAX_COPIED_OCTETS // 20))
    assert [bytes, memoryview] == [type(read_crl(encoded).signature.signed) for encoded in (small, large)]
    assert [SignatureResult.VALID] * 2 == [verify(read_crl(encoded).signature, KEY) for encoded in (small, large)]


@pytest.mark.parametrize("count", [0, 10, 1000])
def test_memory_mapped_file(tmp_path: Path, count: int) -> None:
    """A CRL is read from a memory-mapped file as from octets."""
    encoded = CA.crl(revoked=dict.fromkeys(range(1, count + 1)), number=7)
    path = tmp_path / "crl"
    path.write_bytes(encoded)
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        with memoryview(mapped) as view:
            found, expected = read_crl(view), read_crl(encoded)
            assert expected.meta == found.meta
            assert rows_of(expected) == rows_of(found)
            result = verify(found.signature, KEY)
            del found
        assert SignatureResult.VALID is result


def test_signature_that_is_none() -> None:
    """A CRL whose signature's bits do not fill octets is read, and verifies under no key."""
    found = read_crl(crl(tbs(), signature=der.bit_string(b"signature", 1)))
    assert b"" == found.signature.value
    assert SignatureResult.INVALID is verify(found.signature, KEY)


GOOD: Final = crl(tbs(entries=der.seq(Entry(5).encoded()), rest=extended(NUMBER)))
TIMES: Final = der.time(THIS_UPDATE) + der.time(NEXT_UPDATE)


@pytest.mark.parametrize(
    ("encoded", "reason"),
    [
        (b"", "truncated"),
        (GOOD[:-1], "truncated"),
        (GOOD + b"\x00", "octets after"),
        (der.set_of(), "DER tag"),
        (CA.der, "DER tag"),
        (der.seq(tbs(), ALGORITHM), "SEQUENCE of what is signed"),
        (der.seq(tbs(), ALGORITHM, der.octet_string(b"")), "SEQUENCE of what is signed"),
        (der.seq(tbs(), ALGORITHM, der.bit_string(b""), der.null()), "SEQUENCE of what is signed"),
        (crl(tbs(), identifier(oids.ED25519)), "two different"),
        (crl(tbs(algorithm=identifier(oids.ED25519))), "two different"),
        (crl(der.seq()), "truncated"),
        (crl(tbs(version=der.integer(0))), "a version other"),
        (crl(tbs(version=der.integer(2))), "a version other"),
        (crl(tbs(version=b"\x02\x02\x00\x01")), "not minimal"),
        (crl(tbs(issuer=der.null())), "DER tag"),
        (crl(tbs(issuer=der.seq(der.null()))), "SET of at least one"),
        (crl(tbs(times=b"")), "truncated"),
        (crl(tbs(times=b"\x17\x0d260231000000Z")), "does not exist"),
        (crl(tbs(times=b"\x18\x1120260101000000.5Z")), "form"),
        (crl(tbs(times=der.time(THIS_UPDATE) + b"\x17\x0d260231000000Z")), "does not exist"),
        (crl(tbs(times=TIMES + der.time(NEXT_UPDATE))), "DER tag"),
        (crl(tbs(times=der.null())), "form"),
        (crl(tbs(entries=der.seq(der.null()))), "DER tag"),
        (crl(tbs(entries=der.seq(Entry(5).encoded()) * 2)), "DER tag"),
        (crl(tbs(entries=der.seq(der.seq(b"\x02\x02\x00\x05", der.time(REVOKED_AT))))), "not minimal"),
        (crl(tbs(rest=der.null())), "DER tag"),
        (crl(tbs(rest=b"\xa0")), "truncated"),
        (crl(tbs(rest=der.explicit(0, der.null()))), "DER tag"),
        (crl(tbs(rest=der.explicit(0, der.seq() + der.null()))), "octets after"),
        (crl(tbs(rest=der.explicit(1, der.seq()))), "DER tag"),
        (crl(tbs(rest=extended(NUMBER) * 2)), "octets after the end of the TBSCertList"),
        (crl(tbs(rest=extended(NUMBER) + der.null())), "octets after the end of the TBSCertList"),
        (crl(tbs(version=b"", rest=extended(NUMBER))), "version 1"),
        (crl(tbs(version=b"", rest=extended())), "version 1"),
        (crl(tbs(rest=extended(NUMBER, NUMBER))), "twice"),
        (crl(tbs(rest=extended(Extension(oids.CRL_NUMBER, b"")))), "truncated"),
        (crl(tbs(rest=extended(Extension(oids.CRL_NUMBER, der.integer(1 << 511))))), "too long"),
        (crl(tbs(rest=extended(Extension(oids.DELTA_CRL_INDICATOR, der.null())))), "DER tag"),
        (crl(tbs(rest=extended(Extension(oids.AUTHORITY_KEY_IDENTIFIER, der.null())))), "DER tag"),
        (crl(tbs(rest=extended(Extension(oids.ISSUING_DISTRIBUTION_POINT, der.null())))), "DER tag"),
    ],
)
def test_refuses(encoded: bytes, reason: str) -> None:
    """Another structure, another version, and any part that does not decode: no CRL, and nothing of it is used."""
    with pytest.raises(MalformedError, match=reason):
        read_crl(encoded)


def test_the_cases_above_break_what_is_right() -> None:
    """The CRL that they are made from is read."""
    assert (7, 1) == (read_crl(GOOD).meta.crl_number, read_crl(GOOD).meta.entries)
