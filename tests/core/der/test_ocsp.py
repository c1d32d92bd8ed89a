"""OCSP responses (RFC 6960 §4.2.1): what a good one holds."""

from datetime import datetime
from hashlib import sha1, sha256
from typing import Final

import pytest
from cryptography.x509 import ocsp

from service.core.der.certificate import read_certificate
from service.core.der.ocsp import MAX_CERTIFICATES, MAX_RESPONSES, ResponderError, read_ocsp_response
from service.core.der.signature import SignatureResult, verify
from service.core.model.malformed import MalformedError
from service.core.model.name import Name
from service.core.model.ocsp import CertId, CertStatus, ResponseStatus, SingleResponse
from service.core.model.reason import Reason
from tests.core.der import vectors
from tests.pki import NEXT_UPDATE, NOW, REVOKED_AT, THIS_UPDATE, Answer, Authority, Extension, ocsp_error
from tests.pki.ocsp import ResponseStatus as Status
from tests.pki.signing import HashName, digest

CA: Final = Authority.root("CN=CA,O=Example")
LEAF: Final = CA.issue("leaf")
KEY: Final = read_certificate(CA.der).public_key

ARCHIVE_CUTOFF: Final = "1.3.6.1.5.5.7.48.1.6"
CRL_REFERENCES: Final = "1.3.6.1.5.5.7.48.1.3"
EXTENDED_REVOKE: Final = "1.3.6.1.5.5.7.48.1.9"
NONCE: Final = "1.3.6.1.5.5.7.48.1.2"
TIMESTAMPS: Final = "1.3.6.1.4.1.11129.2.4.5"
HARMLESS: Final = (ARCHIVE_CUTOFF, CRL_REFERENCES, TIMESTAMPS, "2.5.29.21", "2.5.29.24")
"""Extensions of one answer that say nothing of the status, critical or not."""


def unknown(oid: str = "1.2.3") -> Extension:
    """An extension that nobody knows."""
    return Extension(oid, b"whatever", critical=True)


def only(response: bytes) -> SingleResponse:
    """The one answer in a response."""
    (found,) = read_ocsp_response(response).responses
    return found


def test_fields() -> None:
    """Every field is where the response has it."""
    encoded = CA.ocsp(LEAF)
    found = read_ocsp_response(encoded)
    cert_id = CertId(
        "sha1",
        sha1(CA.subject, usedforsecurity=False).digest(),
        sha1(KEY.bits, usedforsecurity=False).digest(),
        LEAF.serial,
    )
    assert sha256(encoded).digest() == found.digest
    assert (Name(CA.subject, "CN=CA,O=Example"), None) == (found.responder_name, found.responder_key_hash)
    assert THIS_UPDATE == found.produced_at
    assert (SingleResponse(cert_id, CertStatus.GOOD, None, None, THIS_UPDATE, NEXT_UPDATE),) == found.responses
    assert ((), ()) == (found.certificates, found.unknown_critical)


def test_signature() -> None:
    """The signature covers the signed part as it stands, and verifies under the responder's key and no other."""
    delegate = CA.ocsp_responder("responder")
    found = read_ocsp_response(CA.ocsp(LEAF, responder=delegate))
    assert (delegate.der,) == found.certificates
    assert SignatureResult.VALID is verify(found.signature, read_certificate(delegate.der).public_key)
    assert SignatureResult.INVALID is verify(found.signature, KEY)
    assert SignatureResult.INVALID is verify(read_ocsp_response(CA.ocsp(LEAF, corrupt_signature=True)).signature, KEY)


def test_responder_by_key() -> None:
    """A responder names itself by its key's hash or by its name."""
    found = read_ocsp_response(CA.ocsp(LEAF, responder_id="key"))
    assert (None, sha1(KEY.bits, usedforsecurity=False).digest()) == (found.responder_name, found.responder_key_hash)


@pytest.mark.parametrize("hash_name", ["sha1", "sha224", "sha256", "sha384", "sha512"])
def test_cert_id_hashes(hash_name: HashName) -> None:
    """The hash of a CertID has the name that `hashlib` calls it by."""
    found = only(CA.ocsp(LEAF, cert_id_hash=hash_name)).cert_id
    expected = CertId(hash_name, digest(hash_name, CA.subject), digest(hash_name, KEY.bits), LEAF.serial)
    assert expected == found


def test_cert_id_with_an_unknown_hash() -> None:
    """A CertID under a hash that nobody here computes is read, and can match nothing."""
    assert "" == only(CA.ocsp(LEAF, cert_id_hash="md5")).cert_id.hash_name


def test_revoked() -> None:
    """A revocation has a date, and a reason where it says so."""
    found = only(CA.ocsp(LEAF, status="revoked"))
    assert (CertStatus.REVOKED, REVOKED_AT, None) == (found.status, found.revoked_at, found.reason)
    found = only(CA.ocsp(LEAF, status="revoked", reason="keyCompromise", revoked_at=NOW))
    assert (CertStatus.REVOKED, NOW, Reason.KEY_COMPROMISE) == (found.status, found.revoked_at, found.reason)


def test_unknown() -> None:
    """A responder may not know the certificate."""
    found = only(CA.ocsp(LEAF, status="unknown", next_update=None))
    assert (CertStatus.UNKNOWN, None, None, None) == (found.status, found.revoked_at, found.reason, found.next_update)


def test_several() -> None:
    """A response may answer for several certificates, or for one twice, in any order."""
    last = Answer(-5, cert_id_hash="sha256")
    answers = CA.ocsp(Answer(7, status="revoked"), LEAF, Answer(7, next_update=None), last)
    found = read_ocsp_response(answers).responses
    assert [7, LEAF.serial, 7, -5] == [one.cert_id.serial_number for one in found]
    assert [CertStatus.REVOKED, CertStatus.GOOD, CertStatus.GOOD, CertStatus.GOOD] == [one.status for one in found]
    assert [NEXT_UPDATE, NEXT_UPDATE, None, NEXT_UPDATE] == [one.next_update for one in found]


def test_none() -> None:
    """A response that answers for nobody is one, and answers nothing."""
    assert () == read_ocsp_response(CA.ocsp()).responses


@pytest.mark.parametrize(
    ("extensions", "expected"),
    [
        ([], ()),
        ([Extension("1.2.3", b"")], ()),
        ([unknown()], ("1.2.3",)),
        ([unknown("1.2.4"), unknown("1.2.3")], ("1.2.4", "1.2.3")),
        ([Extension(NONCE, b"", critical=True), Extension(EXTENDED_REVOKE, b"", critical=True)], ()),
        ([Extension(ARCHIVE_CUTOFF, b"", critical=True)], (ARCHIVE_CUTOFF,)),
    ],
)
def test_response_extensions(extensions: list[Extension], expected: tuple[str, ...]) -> None:
    """Critical extensions of the response that nobody here knows are named, a nonce that came back is not."""
    found = read_ocsp_response(CA.ocsp(LEAF, extensions=extensions))
    assert expected == found.unknown_critical
    assert () == found.responses[0].unknown_critical


@pytest.mark.parametrize(
    ("extensions", "expected"),
    [
        ([], ()),
        ([Extension("1.2.3", b"")], ()),
        ([unknown()], ("1.2.3",)),
        (
            [Extension(oid, b"", critical=True) for oid in HARMLESS],
            (),
        ),
        ([Extension(NONCE, b"", critical=True)], (NONCE,)),
        ([Extension("2.5.29.29", b"", critical=True)], ("2.5.29.29",)),
    ],
)
@pytest.mark.parametrize("next_update", [None, NEXT_UPDATE])
def test_single_extensions(
    next_update: datetime | None, extensions: list[Extension], expected: tuple[str, ...]
) -> None:
    """Critical extensions of one answer are its own, with nextUpdate before them or not."""
    found = read_ocsp_response(CA.ocsp(LEAF, single_extensions=extensions, next_update=next_update))
    assert () == found.unknown_critical
    assert (expected, next_update) == (found.responses[0].unknown_critical, found.responses[0].next_update)


@pytest.mark.parametrize("value", [b"\x04\x05nonce", b"", b"\x05\x00", b"nonce"])
@pytest.mark.parametrize("critical", [True, False])
def test_nonce(value: bytes, critical: bool) -> None:
    """Its value is kept as it stands, whatever that is: it is only ever compared. It is no obstacle by itself."""
    found = read_ocsp_response(CA.ocsp(LEAF, extensions=[Extension(NONCE, value, critical=critical)]))
    assert (value, ()) == (found.nonce, found.unknown_critical)


def test_no_nonce() -> None:
    """Absent is not empty; what stands among the extensions of one answer is none."""
    assert None is read_ocsp_response(CA.ocsp(LEAF)).nonce
    assert None is read_ocsp_response(CA.ocsp(LEAF, single_extensions=[Extension(NONCE, b"")])).nonce
    assert b"\x04\x05nonce" == read_ocsp_response(CA.ocsp(LEAF, nonce=b"nonce")).nonce


@pytest.mark.parametrize("status", ["malformedRequest", "internalError", "tryLater", "sigRequired", "unauthorized"])
def test_errors(status: Status) -> None:
    """A responder's error is told apart from garbage, and from every other error; what comes with it is not read."""
    expected = {
        "malformedRequest": ResponseStatus.MALFORMED_REQUEST,
        "internalError": ResponseStatus.INTERNAL_ERROR,
        "tryLater": ResponseStatus.TRY_LATER,
        "sigRequired": ResponseStatus.SIG_REQUIRED,
        "unauthorized": ResponseStatus.UNAUTHORIZED,
    }[status]
    for encoded in (ocsp_error(status), CA.ocsp(LEAF, response_status=status)):
        with pytest.raises(ResponderError, match=f"^{expected.name.lower()}$") as caught:
            read_ocsp_response(encoded)
        assert expected is caught.value.status


def test_as_many_as_allowed() -> None:
    """At the limits everything is read; one more is refused."""
    most = [LEAF] * MAX_CERTIFICATES
    assert MAX_CERTIFICATES == len(read_ocsp_response(CA.ocsp(LEAF, certificates=most)).certificates)
    with pytest.raises(MalformedError, match="more than 16 certificates"):
        read_ocsp_response(CA.ocsp(LEAF, certificates=[*most, LEAF]))
    assert MAX_RESPONSES == len(read_ocsp_response(CA.ocsp(*range(MAX_RESPONSES))).responses)
    with pytest.raises(MalformedError, match="more than 256 answers"):
        read_ocsp_response(CA.ocsp(*range(MAX_RESPONSES + 1)))


def test_certificates_are_not_read() -> None:
    """What comes along is handed on as it stands: a certificate that nobody needs spoils nothing."""
    rubbish = b"\x30\x03\x02\x01\x05"
    assert (rubbish, LEAF.der) == read_ocsp_response(CA.ocsp(LEAF, certificates=[rubbish, LEAF])).certificates


# --- responses that nobody here made ---------------------------------------------------------------------------------

REFUSED: Final = {
    "ocsp/resp-invalid-version.der": "version other than 1",
    "ocsp/resp-response-type-unknown-oid.der": "not a basic one",
    "ocsp/resp-successful-no-response-bytes.der": "truncated",
    "ocsp/resp-unknown-response-status.der": "status that RFC 6960",
}


@pytest.mark.parametrize("name", [name for name in vectors.ocsp_response_files() if name in REFUSED])
def test_refused_vectors(name: str) -> None:
    """What `cryptography` keeps as bad examples is refused for what is wrong with it."""
    with pytest.raises(MalformedError, match=REFUSED[name]):
        read_ocsp_response(vectors.octets(name))


def test_refused_vectors_exist() -> None:
    """None of the bad examples has gone."""
    assert set(REFUSED) < set(vectors.ocsp_response_files())


@pytest.mark.parametrize("name", [name for name in vectors.ocsp_response_files() if name not in REFUSED])
def test_same_reading(name: str) -> None:
    """Both readers find the same in a response: header, signature, certificates and every answer."""
    der = vectors.octets(name)
    theirs = ocsp.load_der_ocsp_response(der)
    if theirs.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
        with pytest.raises(ResponderError, match=theirs.response_status.name.lower()):
            read_ocsp_response(der)
        return
    ours = read_ocsp_response(der)
    responder = None if theirs.responder_name is None else theirs.responder_name.rfc4514_string()
    assert responder == (ours.responder_name and ours.responder_name.text)
    assert theirs.responder_key_hash == ours.responder_key_hash
    assert theirs.produced_at_utc == ours.produced_at
    assert (theirs.tbs_response_bytes, theirs.signature) == (ours.signature.signed, ours.signature.value)
    assert len(theirs.certificates) == len(ours.certificates)
    assert [_their_answer(single) for single in theirs.responses] == [_our_answer(single) for single in ours.responses]


def _their_answer(single: ocsp.OCSPSingleResponse) -> tuple[object, ...]:
    return (
        single.serial_number,
        single.issuer_name_hash,
        single.issuer_key_hash,
        single.certificate_status.name,
        single.revocation_time_utc,
        None if single.revocation_reason is None else single.revocation_reason.name.upper(),
        single.this_update_utc,
        single.next_update_utc,
    )


def _our_answer(single: SingleResponse) -> tuple[object, ...]:
    return (
        single.cert_id.serial_number,
        single.cert_id.issuer_name_hash,
        single.cert_id.issuer_key_hash,
        single.status.name,
        single.revoked_at,
        None if single.reason is None else single.reason.name,
        single.this_update,
        single.next_update,
    )
