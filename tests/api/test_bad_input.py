"""Whatever a caller sends as a certificate is a decision or a 4xx, and never our fault."""

from base64 import b64encode
from dataclasses import dataclass, replace
from typing import Final

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from service.api.rules import ApiRules
from tests.api.conformance import Json
from tests.api.world import LEAF, ROOT, SUB, World, calling
from tests.pki import Authority, Extension, bundle, der, key, pem, public_key
from tests.pki.keys import spki

pytestmark = pytest.mark.anyio

MIDDLE: Final = len(LEAF.der) // 2
BASIC_CONSTRAINTS: Final = "2.5.29.19"
PRIVATE_KEY: Final = key("p256").private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
NULL_NAME: Final = der.seq(der.set_of(der.seq(der.oid("2.5.4.3"), der.tlv(0x0C, b"\xff\xfe"))))


def base64(octets: bytes) -> str:
    """Octets as a request may carry them."""
    return b64encode(octets).decode()


@dataclass(frozen=True, slots=True)
class Case:
    """A request, and what comes of it.

    Attributes:
        expected: The code of the decision, or the kind of the problem.
    """

    name: str
    body: Json
    expected: str


def cross_certified() -> Json:
    """Three authorities, each certified by each of the others, and a leaf below that no anchor is above."""
    authorities = [Authority.root(f"Ring {number}") for number in range(3)]
    crossed = [one.cross_sign(other) for one in authorities for other in authorities if one is not other]
    return {"certificate": authorities[0].issue("leaf").pem, "intermediates": [bundle(crossed)]}


CASES: Final = (
    Case("not PEM", {"certificate": "certificate, please"}, "unreadable-certificates"),
    Case("empty", {"certificate": ""}, "unreadable-certificates"),
    Case("blank", {"certificate": " \r\n\t"}, "unreadable-certificates"),
    Case(
        "armour around nothing",
        {"certificate": "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"},
        "unreadable-certificates",
    ),
    Case("armour without an end", {"certificate": LEAF.pem[:200]}, "unreadable-certificates"),
    Case("armour around no base64", {"certificate": LEAF.pem.replace("M", "!")}, "unreadable-certificates"),
    Case("base64 with one letter too few", {"certificate": "MAMCAQ"}, "unreadable-certificates"),
    Case("a lone surrogate", {"certificate": "\ud800"}, "malformed-json"),
    Case("a lone surrogate in PEM", {"certificate": LEAF.pem + "\ud800" + SUB.pem}, "malformed-json"),
    Case("half a pair of surrogates", {"certificate": "\ud83d \ude00"}, "malformed-json"),
    Case("a character beyond the first plane", {"certificate": "\U0001f600"}, "unreadable-certificates"),
    Case("NUL", {"certificate": "\0"}, "unreadable-certificates"),
    Case("base64 of nothing known", {"certificate": base64(b"hello")}, "malformed"),
    Case("truncated DER", {"certificate": base64(LEAF.der[:MIDDLE])}, "malformed"),
    Case("truncated DER in PEM", {"certificate": pem(LEAF.der[:MIDDLE])}, "malformed"),
    Case("octets after the end", {"certificate": base64(LEAF.der + b"\0")}, "malformed"),
    Case("a length of 4 GiB", {"certificate": base64(b"\x30\x84\xff\xff\xff\xff")}, "malformed"),
    Case("BER of indefinite length", {"certificate": base64(b"\x30\x80\x00\x00")}, "malformed"),
    Case("DER nested a hundred thousand times", {"certificate": base64(b"\x30\x80" * 100_000)}, "malformed"),
    Case("a private key", {"certificate": PRIVATE_KEY}, "malformed"),
    Case("a public key", {"certificate": pem(LEAF.spki, "PUBLIC KEY")}, "malformed"),
    Case("a public key that claims to be one", {"certificate": pem(LEAF.spki)}, "malformed"),
    Case("a CRL", {"certificate": pem(SUB.crl(), "X509 CRL")}, "malformed"),
    Case(
        "an extension that does not decode",
        {"certificate": pem(SUB.issue("x", ca=None, extensions=[Extension(BASIC_CONSTRAINTS, b"\xff")]).der)},
        "malformed",
    ),
    Case(
        "an extension twice",
        {"certificate": pem(SUB.issue("x", extensions=[Extension(BASIC_CONSTRAINTS, der.seq())]).der)},
        "malformed",
    ),
    Case("a name that is not in its encoding", {"certificate": SUB.issue(NULL_NAME).pem}, "malformed"),
    Case(
        "an RSA-16384 key",
        {"certificate": SUB.issue("big", public_key=public_key("rsa16384")).pem + SUB.pem},
        "unsupported",
    ),
    Case(
        "signed by an RSA-16384 key",
        {
            "certificate": LEAF.pem,
            "intermediates": [ROOT.subordinate("Sub", public_key=spki(public_key("rsa16384"))).pem],
        },
        "unsupported",
    ),
    Case("a forged signature", {"certificate": SUB.issue("x", corrupt_signature=True).pem + SUB.pem}, "bad_signature"),
    Case("a key that is garbage", {"certificate": SUB.issue("x", public_key=b"\x30\x00").pem + SUB.pem}, "malformed"),
    Case("a ring of cross-certificates", cross_certified(), "untrusted"),
    Case("a hundred certificates", {"certificate": LEAF.pem + SUB.pem * 100}, "ok"),
    Case("two hundred certificates", {"certificate": LEAF.pem + SUB.pem * 199}, "unreadable-certificates"),
    Case(
        "two hundred intermediates",
        {"certificate": LEAF.pem, "intermediates": [SUB.pem] * 200},
        "unreadable-certificates",
    ),
    Case("two hundred broken ones", {"certificate": LEAF.pem, "intermediates": ["!"] * 200}, "unreadable-certificates"),
    Case("an unknown trust store", {"certificate": LEAF.pem, "trust_store": "nobody"}, "unknown-trust-store"),
    Case(
        "a trust store of another shape", {"certificate": LEAF.pem, "trust_store": "../default"}, "unknown-trust-store"
    ),
    Case("a trust store with a NUL", {"certificate": LEAF.pem, "trust_store": "default\0"}, "unknown-trust-store"),
    Case(
        "a trust store of a megabyte", {"certificate": LEAF.pem, "trust_store": "a" * 1_000_000}, "unknown-trust-store"
    ),
    Case("a trust store with no name", {"certificate": LEAF.pem, "trust_store": ""}, "unknown-trust-store"),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_bad_input_is_a_decision_or_a_problem(case: Case) -> None:
    """Never a 5xx, and nothing for us to look into."""
    world = World()
    answer = await calling(world).validate(case.body)
    found = answer.json()
    outcome = found["code"] if answer.status_code == 200 else found["type"].rpartition(":")[2]
    assert (case.expected, []) == (outcome, world.faults)


async def test_each_intermediate_counts() -> None:
    """The limit is the operator's, and the problem names it."""
    world = World(rules=ApiRules(max_intermediates=1))
    found = await calling(world).validate({"certificate": LEAF.pem + SUB.pem + SUB.pem})
    assert (400, "2 intermediates; the limit is 1.") == (found.status_code, found.json()["detail"])


async def test_a_trust_store_that_cannot_be_used_is_none() -> None:
    """The problem says that it is not the name, and nothing of the file."""
    world = World(stores={"default": (ROOT,), "broken": (replace(LEAF, der=b"\x30\x00"),)})
    found = await calling(world).validate({"certificate": LEAF.pem, "trust_store": "broken"})
    detail = "trust_store: there is one of this name, which cannot be used; /readyz says why."
    assert (404, detail) == (found.status_code, found.json()["detail"])


async def test_a_problem_does_not_quote_the_request() -> None:
    """What a caller calls a certificate may be a private key."""
    found = await calling(World()).validate({"certificate": PRIVATE_KEY.replace("BEGIN", "BEG")})
    assert 400 == found.status_code
    assert PRIVATE_KEY.splitlines()[1] not in found.text
