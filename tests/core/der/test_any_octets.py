"""Whatever the octets: a reader returns or raises `MalformedError`, and nothing else ever leaves it.

Random octets seldom get past the first length, so that most of them are made from something good: an octet changed,
removed, put in, or the end cut off, in certificates, CRLs and OCSP answers with every extension there is, made here and
by others. Lengths seldom survive that, so that elements are changed as well, wherever they are nested, and everything
around them put together again.
"""

from contextlib import suppress
from typing import Final

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID
from hypothesis import example, given, settings
from hypothesis import strategies as st

from service.core.der.key import read_public_key
from service.core.model.malformed import MalformedError
from tests.core.der import vectors
from tests.core.der.readers import Reader, certificate, crl, directory_name, ocsp
from tests.pki import (
    Authority,
    DistributionPoint,
    Entry,
    Extension,
    IssuingDistributionPoint,
    der,
    key,
    oids,
    public_key,
)
from tests.pki.keys import spki
from tests.pki.names import name

_RELATIVE: Final = x509.RelativeDistinguishedName([x509.NameAttribute(NameOID.COMMON_NAME, "list")])

CA: Final = Authority.root("CN=CA+UID=5,O=Example", key=key("rsa2048"), path_length=3)
PSS: Final = Authority.root("CN=CA,O=Example", key=key("rsa2048"), signature_hash="sha256", pss_salt_length=32)
LEAF: Final = CA.issue(
    "CN=leaf,O=Example",
    key=key("ed25519"),
    san=["DNS:a.example", "URI:spiffe://a/", "email:a@b.example", "IP:127.0.0.1"],
    crl_urls=[
        DistributionPoint(["http://a/"], reasons={"keyCompromise"}, crl_issuer="CN=b"),
        DistributionPoint(relative_name=_RELATIVE),
    ],
    ocsp_urls="http://a/",
    ca_issuers="http://b/",
    policies="1.2.3",
    no_check=True,
    freshest_crl_urls="http://c/",
    extensions=[
        Extension(oids.NAME_CONSTRAINTS, der.seq(der.tlv(0xA0, der.seq(der.tlv(0x82, b"a.example")))), critical=True),
        Extension("2.5.29.33", der.seq(der.seq(der.oid("1.2.3"), der.oid("1.2.4")))),
        Extension("2.5.29.36", der.seq(der.tlv(0x80, b"\x01"), der.tlv(0x81, b"\x02")), critical=True),
        Extension("2.5.29.54", der.integer(3), critical=True),
        Extension("1.2.3", b"", critical=True),
    ],
)
HEIR: Final = CA.subordinate("CN=heir", public_key=der.seq(der.seq(der.oid("1.2.840.10040.4.1")), der.bit_string(b"y")))
CRL: Final = CA.crl(
    revoked=[Entry(5, "keyCompromise"), Entry(-1), Entry(6, certificate_issuer="CN=b")],
    delta_base=1,
    idp=IssuingDistributionPoint(["http://a/"], only_user=True, only_some_reasons={"superseded"}, indirect=True),
)
RESPONSE: Final = CA.ocsp(
    LEAF,
    status="revoked",
    reason="superseded",
    responder=CA.ocsp_responder("responder", key=key("ed25519")),
    responder_id="key",
    nonce=b"nonce",
    single_extensions=[Extension("1.2.3", b"")],
)

GOOD: Final[dict[Reader, list[bytes]]] = {
    certificate: [
        LEAF.der,
        CA.der,
        PSS.der,
        HEIR.der,
        *map(
            vectors.certificate,
            (
                "PKITS_data/certs/P12Mapping1to3CACert.crt",
                "PKITS_data/certs/DSAParametersInheritedCACert.crt",
                "PKITS_data/certs/ValiddistributionPointTest4EE.crt",
                "PKITS_data/certs/nameConstraintsDN1subCA1Cert.crt",
                "cryptography.io.pem",
                "san_edipartyname.der",
            ),
        ),
    ],
    crl: [
        CRL,
        *map(
            vectors.crl,
            (
                "PKITS_data/crls/indirectCRLCA5CRL.crl",
                "PKITS_data/crls/deltaCRLCA1deltaCRL.crl",
                "PKITS_data/crls/onlySomeReasonsCA4compromiseCRL.crl",
                "custom/crl_all_reasons.pem",
            ),
        ),
    ],
    ocsp: [RESPONSE, *map(vectors.octets, ("ocsp/resp-sha256.der", "ocsp/resp-revoked-reason.der"))],
    directory_name: [name("CN=a+UID=b,O=Example,C=DE"), der.seq()],
    read_public_key: [spki(public_key(kind)) for kind in ("rsa1024", "p256", "ed25519", "dsa2048")],
}


@st.composite
def _changed(draw: st.DrawFn, good: list[bytes]) -> bytes:
    octets = bytearray(draw(st.sampled_from(good)))
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, max(len(octets) - 1, 0)))
        match draw(st.sampled_from(["change", "change", "flip", "remove", "insert", "cut"])):
            case "change":
                octets[place : place + 1] = draw(st.binary(min_size=1, max_size=1))
            case "flip":
                bit = 1 << draw(st.integers(0, 7))
                octets[place : place + 1] = bytes(octet ^ bit for octet in octets[place : place + 1])
            case "remove":
                del octets[place : place + draw(st.integers(1, 4))]
            case "insert":
                octets[place:place] = draw(st.binary(min_size=1, max_size=4))
            case _:
                del octets[place:]
    return bytes(octets)


def _parts(content: bytes) -> list[bytes]:
    """The elements that some content is made of; none where it is made of something else."""
    try:
        return der.children(der.seq(content))
    except ValueError:
        return []


def _changed_part(draw: st.DrawFn, element: bytes) -> bytes:
    tag, content = element[0], der.content(element)
    match draw(st.sampled_from(["drop", "double", "empty", "tag", "octets", "wrap", "number"])):
        case "drop":
            return b""
        case "double":
            return element * 2
        case "empty":
            return der.tlv(tag, b"")
        case "tag":
            known = [
                0x01,
                0x02,
                0x03,
                0x04,
                0x05,
                0x06,
                0x0A,
                0x17,
                0x18,
                0x30,
                0x31,
                0x80,
                0x81,
                0x82,
                0xA0,
                0xA1,
                0xA2,
            ]
            return der.tlv(draw(st.sampled_from(known)), content)
        case "octets":
            return der.tlv(tag, draw(st.binary(max_size=8)))
        case "wrap":
            return der.seq(element)
        case _:
            return der.tlv(tag, draw(st.sampled_from([b"\x00", b"\xff", b"\x80", b"\x00\xff", b"\x01" * 70])))


@st.composite
def _reshaped(draw: st.DrawFn, good: list[bytes]) -> bytes:
    """Something good with one element changed, and the lengths around it right."""

    def inside(element: bytes, depth: int) -> bytes:
        # An OCTET STRING holds the value of an extension, or a response.
        parts = _parts(der.content(element)) if element[0] & 0x20 or element[0] == 0x04 else []
        if not parts or (depth and not draw(st.integers(0, 4))):
            return _changed_part(draw, element)
        number = draw(st.integers(0, len(parts) - 1))
        parts[number] = inside(parts[number], depth + 1)
        return der.tlv(element[0], b"".join(parts))

    return inside(draw(st.sampled_from(good)), 0)


readers = pytest.mark.parametrize("reader", list(GOOD), ids=lambda reader: reader.__name__)


@readers
def test_good(reader: Reader) -> None:
    """What the rest is made from is read."""
    for octets in GOOD[reader]:
        reader(octets)


@readers
@settings(max_examples=500)
@given(data=st.data())
def test_changed(reader: Reader, data: st.DataObject) -> None:
    """Something good with a few octets changed is read or refused."""
    octets = data.draw(_changed(GOOD[reader]))
    with suppress(MalformedError):
        reader(octets)


@readers
@settings(max_examples=500)
@given(data=st.data())
def test_reshaped(reader: Reader, data: st.DataObject) -> None:
    """So is something good with an element that is another."""
    octets = data.draw(_reshaped(GOOD[reader]))
    with suppress(MalformedError):
        reader(octets)


@readers
@given(octets=st.binary(max_size=64) | st.binary(max_size=64).map(der.seq))
@example(octets=b"")
@example(octets=b"\x30\x00")
@example(octets=b"\x30\x80\x00\x00")
@example(octets=b"\x30\x84\xff\xff\xff\xff")
@example(octets=der.seq(der.seq(), der.seq(), der.bit_string(b"")))
@example(octets=b"-----BEGIN CERTIFICATE-----\n")
def test_anything(reader: Reader, octets: bytes) -> None:
    """So is anything at all."""
    with suppress(MalformedError):
        reader(octets)


@readers
def test_cut_off(reader: Reader) -> None:
    """Something good is refused wherever it is cut off, and where anything follows it."""
    for octets in GOOD[reader]:
        for stop in range(len(octets)):
            with pytest.raises(MalformedError):
                reader(octets[:stop])
        with pytest.raises(MalformedError):
            reader(octets + b"\x00")


@readers
@pytest.mark.parametrize("depth", [100, 2_000])
def test_deep(reader: Reader, depth: int) -> None:
    """Elements in elements in elements cost no more than their octets."""
    octets = b""
    for _ in range(depth):
        octets = der.seq(octets)
    with pytest.raises(MalformedError):
        reader(octets)
