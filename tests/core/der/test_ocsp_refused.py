"""OCSP responses that are none: each layer with one thing wrong."""

from typing import Final

import pytest

from service.core.der.ocsp import read_ocsp_response
from service.core.model.malformed import MalformedError
from service.core.model.ocsp import CertStatus
from tests.core.der.signing import identifier
from tests.pki import NEXT_UPDATE, REVOKED_AT, THIS_UPDATE, Extension, der, oids

SUCCESSFUL: Final = der.enumerated(0)
ALGORITHM: Final = identifier(oids.ED25519)
SIGNATURE: Final = der.bit_string(b"signature")
KEY_HASH: Final = der.explicit(2, der.octet_string(bytes(20)))
PRODUCED_AT: Final = der.generalized_time(THIS_UPDATE)
GOOD: Final = der.tlv(0x80, b"")
HASH: Final = identifier(oids.HASHES["sha1"])
CERT_ID: Final = der.seq(HASH, der.octet_string(bytes(20)), der.octet_string(bytes(20)), der.integer(5))
NEXT: Final = der.explicit(0, der.generalized_time(NEXT_UPDATE))
NO_EXTENSIONS: Final = der.explicit(1, der.seq())
FRACTION: Final = b"\x18\x1120260101000000.5Z"


def single(
    cert_id: bytes = CERT_ID, status: bytes = GOOD, this_update: bytes = PRODUCED_AT, rest: bytes = NEXT
) -> bytes:
    """A SingleResponse of whatever is given for its fields."""
    return der.seq(cert_id, status, this_update, rest)


def data(
    *,
    version: bytes = b"",
    responder: bytes = KEY_HASH,
    produced_at: bytes = PRODUCED_AT,
    responses: bytes = der.seq(single()),
    rest: bytes = b"",
) -> bytes:
    """A ResponseData of whatever is given for its fields."""
    return der.seq(version, responder, produced_at, responses, rest)


def basic(
    signed_part: bytes = data(), algorithm: bytes = ALGORITHM, signature: bytes = SIGNATURE, rest: bytes = b""
) -> bytes:
    """A BasicOCSPResponse around it."""
    return der.seq(signed_part, algorithm, signature, rest)


def response(body: bytes, kind: str = oids.OCSP_BASIC) -> bytes:
    """An OCSPResponse around that."""
    return der.seq(SUCCESSFUL, der.explicit(0, der.seq(der.oid(kind), der.octet_string(body))))


def answering(one: bytes) -> bytes:
    """A whole response around one answer."""
    return response(basic(data(responses=der.seq(one))))


@pytest.mark.parametrize(
    "encoded",
    [
        response(basic()),
        response(basic(data(version=der.explicit(0, der.integer(0))))),
        response(basic(data(rest=NO_EXTENSIONS))),
        response(basic(rest=der.explicit(0, der.seq()))),
        answering(single(rest=b"")),
        answering(single(rest=NO_EXTENSIONS)),
        answering(single(rest=NEXT + NO_EXTENSIONS)),
        answering(single(cert_id=der.seq(identifier(oids.HASHES["sha1"], der.null()), *der.children(CERT_ID)[1:]))),
    ],
)
def test_the_cases_below_break_what_is_right(encoded: bytes) -> None:
    """What they are made from is read."""
    found = read_ocsp_response(encoded)
    assert [(5, CertStatus.GOOD)] == [(one.cert_id.serial_number, one.status) for one in found.responses]


def test_signature_that_is_none() -> None:
    """A response whose signature's bits do not fill octets is read, and has a signature that verifies under no key."""
    found = read_ocsp_response(response(basic(signature=der.bit_string(b"signature", 1))))
    assert b"" == found.signature.value


@pytest.mark.parametrize(
    ("encoded", "reason"),
    [
        (b"", "truncated"),
        (response(basic())[:-1], "truncated"),
        (response(basic()) + b"\x00", "octets after"),
        (der.set_of(SUCCESSFUL), "DER tag"),
        (der.seq(), "truncated"),
        (der.seq(der.integer(0)), "DER tag"),
        (der.seq(b"\x0a\x00"), "empty"),
        (der.seq(der.enumerated(4)), "status that RFC 6960"),
        (der.seq(der.enumerated(7)), "status that RFC 6960"),
        (der.seq(der.enumerated(-1)), "status that RFC 6960"),
        (der.seq(der.enumerated(1 << 64)), "status that RFC 6960"),
        (der.seq(SUCCESSFUL), "truncated"),
        (der.seq(SUCCESSFUL, der.null()), "DER tag"),
        (der.seq(SUCCESSFUL, der.explicit(1, der.seq())), "DER tag"),
        (der.seq(SUCCESSFUL, der.explicit(0, der.seq())), "truncated"),
        (der.seq(SUCCESSFUL, der.explicit(0, der.null())), "DER tag"),
        (der.seq(SUCCESSFUL, der.explicit(0, der.seq(der.oid(oids.OCSP_BASIC)))), "truncated"),
        (der.seq(SUCCESSFUL, der.explicit(0, der.seq(der.oid(oids.OCSP_BASIC), basic()))), "DER tag"),
        (der.seq(*der.children(response(basic())), der.null()), "octets after"),
        (response(basic(), "1.3.6.1.5.5.7.48.1.2"), "not a basic one"),
        (response(basic() + b"\x00"), "octets after"),
        (response(b""), "truncated"),
        (response(der.set_of()), "DER tag"),
        (response(der.seq(data(), ALGORITHM)), "truncated"),
        (response(basic(algorithm=der.oid(oids.ED25519))), "DER tag"),
        (response(basic(signature=der.octet_string(b""))), "DER tag"),
        (response(basic(rest=der.null())), "DER tag"),
        (response(basic(rest=der.explicit(1, der.seq()))), "DER tag"),
        (response(basic(rest=der.explicit(0, der.null()))), "DER tag"),
        (response(basic(rest=der.explicit(0, der.seq()) * 2)), "octets after"),
        (response(basic(rest=der.explicit(0, der.seq(b"\x30\x05")))), "truncated"),
    ],
)
def test_layers(encoded: bytes, reason: str) -> None:
    """Each layer holds what it holds and nothing else; success without an answer is none."""
    with pytest.raises(MalformedError, match=reason):
        read_ocsp_response(encoded)


@pytest.mark.parametrize(
    ("signed_part", "reason"),
    [
        (der.seq(), "truncated"),
        (data(version=der.explicit(0, der.integer(1))), "version other than 1"),
        (data(version=der.explicit(0, der.integer(-1))), "version other than 1"),
        (data(version=der.explicit(0, der.null())), "DER tag"),
        (data(version=der.explicit(0, der.integer(0)) * 2), "neither by name nor by key"),
        (data(responder=b""), "neither by name nor by key"),
        (data(responder=der.explicit(3, der.seq())), "neither by name nor by key"),
        (data(responder=der.seq()), "neither by name nor by key"),
        (data(responder=der.explicit(2, der.octet_string(bytes(19)))), "neither by name nor by key"),
        (data(responder=der.explicit(2, der.octet_string(bytes(32)))), "neither by name nor by key"),
        (data(responder=der.explicit(2, der.null())), "DER tag"),
        (data(responder=der.explicit(2, der.octet_string(bytes(20)) + der.null())), "octets after"),
        (data(responder=der.explicit(1, der.null())), "DER tag"),
        (data(responder=der.explicit(1, der.seq(der.null()))), "SET of at least one"),
        (data(responder=der.explicit(1, der.seq() + der.null())), "octets after"),
        (data(produced_at=b""), "DER tag"),
        (data(produced_at=der.utc_time(THIS_UPDATE)), "DER tag"),
        (data(produced_at=FRACTION), "form"),
        (data(responses=b""), "truncated"),
        (data(responses=single()), "DER tag"),
        (data(responses=der.seq(der.null())), "not a SEQUENCE"),
        (data(rest=der.null()), "DER tag"),
        (data(rest=der.explicit(0, der.seq())), "DER tag"),
        (data(rest=NO_EXTENSIONS * 2), "octets after"),
        (data(rest=der.explicit(1, der.null())), "DER tag"),
        (data(rest=der.explicit(1, der.seq(der.null()))), "not a SEQUENCE"),
        (data(rest=der.explicit(1, der.seq(Extension("1.2.3", b"").encoded() * 2))), "twice"),
    ],
)
def test_response_data(signed_part: bytes, reason: str) -> None:
    """Another version, a responder that says in no known way who it is, and fields that do not decode."""
    with pytest.raises(MalformedError, match=reason):
        read_ocsp_response(response(basic(signed_part)))


@pytest.mark.parametrize(
    ("one", "reason"),
    [
        (der.seq(), "truncated"),
        (single(cert_id=b""), "DER tag"),
        (single(cert_id=der.seq()), "truncated"),
        (single(cert_id=der.seq(HASH)), "truncated"),
        (single(cert_id=der.seq(der.seq(), *der.children(CERT_ID)[1:])), "truncated"),
        (single(cert_id=der.seq(*der.children(CERT_ID)[:3])), "truncated"),
        (single(cert_id=der.seq(*der.children(CERT_ID)[:3], b"\x02\x02\x00\x05")), "not minimal"),
        (single(cert_id=der.seq(*der.children(CERT_ID), der.null())), "octets after"),
        (single(status=der.tlv(0x80, b"\x00")), "no known form"),
        (single(status=der.tlv(0xA0, b"")), "no known form"),
        (single(status=der.tlv(0x82, b"\x00")), "no known form"),
        (single(status=der.tlv(0x83, b"")), "no known form"),
        (single(status=der.tlv(0x81, b"")), "no known form"),
        (single(status=der.tlv(0xA1, b"")), "truncated"),
        (single(status=der.tlv(0xA1, der.utc_time(REVOKED_AT))), "DER tag"),
        (single(status=der.tlv(0xA1, PRODUCED_AT + der.null())), "DER tag"),
        (single(status=der.tlv(0xA1, PRODUCED_AT + der.explicit(0, der.integer(1)))), "DER tag"),
        (single(status=der.tlv(0xA1, PRODUCED_AT + der.explicit(0, der.enumerated(7)))), "reason code"),
        (single(status=der.tlv(0xA1, PRODUCED_AT + der.explicit(0, der.enumerated(1)) * 2)), "octets after"),
        (single(this_update=b""), "DER tag"),
        (single(this_update=der.utc_time(THIS_UPDATE)), "DER tag"),
        (single(this_update=FRACTION), "form"),
        (single(rest=der.explicit(0, der.utc_time(NEXT_UPDATE))), "DER tag"),
        (single(rest=der.explicit(0, der.generalized_time(NEXT_UPDATE) + der.null())), "octets after nextUpdate"),
        (single(rest=der.explicit(0, b"")), "truncated"),
        (single(rest=NEXT * 2), "repeated or out of order"),
        (single(rest=NO_EXTENSIONS * 2), "repeated or out of order"),
        (single(rest=NO_EXTENSIONS + NEXT), "repeated or out of order"),
        (single(rest=der.explicit(2, b"")), "unknown field"),
        (single(rest=der.null()), "unknown field"),
        (single(rest=der.explicit(1, der.null())), "DER tag"),
        (single(rest=der.explicit(1, der.seq(der.null()))), "not a SEQUENCE"),
    ],
)
def test_single_response(one: bytes, reason: str) -> None:
    """An answer about no certificate, with no status, at no time, or with more than it may hold."""
    with pytest.raises(MalformedError, match=reason):
        read_ocsp_response(answering(one))
