"""The DER writer of the test PKI against a foreign judge, the `openssl` command line."""

from pathlib import Path

import pytest

from tests.pki import NOW, der, oids
from tests.pki.desk import Desk, openssl


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A desk of the test's own."""
    return Desk(tmp_path)


@pytest.mark.parametrize(
    ("described", "written"),
    [
        *((f"INTEGER:{n}", der.integer(n)) for n in (0, 1, -1, 127, 128, -128, -129, 255, 256, 1 << 63, 1 << 160)),
        ("BOOLEAN:TRUE", der.boolean(True)),
        ("BOOLEAN:FALSE", der.boolean(False)),
        ("ENUMERATED:9", der.enumerated(9)),
        ("NULL", der.null()),
        ("OID:2.999.3", der.oid("2.999.3")),
        ("OID:1.2.840.113549.1.1.11", der.oid(oids.RSA_SIGNATURES["sha256"])),
        ("UTCTIME:260101000000Z", der.utc_time(NOW)),
        ("GENTIME:20260101000000Z", der.generalized_time(NOW)),
        ("UTF8:name", der.utf8_string("name")),
        ("IA5:http://a/", der.ia5_string("http://a/")),
        ("FORMAT:HEX,OCT:00ff", der.octet_string(b"\x00\xff")),
        (f"FORMAT:HEX,OCT:{'ab' * 300}", der.octet_string(b"\xab" * 300)),
        ("FORMAT:HEX,BITSTR:a0", der.bit_string(b"\xa0")),
        ("FORMAT:BITLIST,BITSTR:0,2", der.named_bits({0, 2})),
        ("FORMAT:BITLIST,BITSTR:8", der.named_bits({8})),
        ("EXP:3,INTEGER:5", der.explicit(3, der.integer(5))),
        ("IMP:2,INTEGER:5", der.implicit(2, der.integer(5))),
        ("IMP:1,SEQWRAP,INTEGER:5", der.implicit(1, der.seq(der.integer(5)))),
        ("SETWRAP,INTEGER:5", der.set_of(der.integer(5))),
    ],
)
def test_der_is_what_openssl_would_write(desk: Desk, described: str, written: bytes) -> None:
    """Each element is byte for byte what OpenSSL makes of the same description."""
    expected = desk.put(b"placeholder")
    openssl("asn1parse", "-noout", "-genstr", described, "-out", expected)
    assert expected.read_bytes() == written


def test_a_set_is_sorted() -> None:
    """The elements of a SET OF are in the order that DER asks for."""
    assert der.tlv(0x31, der.integer(3) + der.integer(5)) == der.set_of(der.integer(5), der.integer(3))


def test_der_reader_takes_apart_what_the_writer_wrote() -> None:
    """The children of a SEQUENCE are the elements it was made from."""
    items = [der.integer(5), der.octet_string(b"a" * 300), der.null()]
    assert items == der.children(der.seq(*items))


@pytest.mark.parametrize("broken", [b"", b"\x30", b"\x30\x05\x05\x00", b"\x1f\x81\x01\x00", b"\x30\x82\x01"])
def test_der_reader_refuses_what_ends_early(broken: bytes) -> None:
    """Truncated elements and high tag numbers raise instead of being guessed at."""
    with pytest.raises(ValueError, match=r"octets announced|not a DER element"):
        der.children(broken)
