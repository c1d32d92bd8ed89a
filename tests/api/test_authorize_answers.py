"""What proxies are told: what fits into headers, what clients may read, and for how long it may be kept."""

import json
import re
from datetime import timedelta
from hashlib import sha256
from typing import Final
from urllib.parse import unquote

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from service.api.authorize_answer import header_text
from service.application.fronts import Front
from service.application.shadow import Enforcement, ShadowRules
from service.core.model.block import Block, FingerprintMatch
from service.core.model.policy import Policy, RevocationMode, RevocationScope
from tests.api.authorizing import LEAF_ALONE, handed_over, proxy, trusting
from tests.api.client_cert.certificates import JAPANESE, LINES, QUOTES
from tests.api.world import LEAF, ROOT, SUB, World, calling
from tests.pki import REVOKED_AT, Authority, Issued, der, key

pytestmark = pytest.mark.anyio

CERTIFICATE: Final = handed_over(Front.NGINX, LEAF.der)
LONG: Final = "x" * 8_000
REASON: Final = "Stolen from the depot, ticket 4711"
BLOCK_ID: Final = "block-4711"
CRL_URL: Final = "http://crl.inside.example/sub.crl"
OCSP_URL: Final = "http://ocsp.inside.example/"
STRICT: Final = Policy(RevocationMode.REQUIRE, RevocationScope.LEAF)
EVERYBODY: Final = ShadowRules(Enforcement.SHADOW)


def called(common_name: str) -> Issued:
    """A certificate of somebody's."""
    return SUB.issue(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)]))


# --- values of headers -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("CN=leaf", b"CN=leaf"),
        ("CN=a b,O=c", b"CN=a b,O=c"),
        ('CN=\\"quoted\\"\\, and \\\\', b'CN=\\"quoted\\"\\, and \\\\'),
        ("CN=100%", b"CN=100%25"),
        ("CN=%0D%0A", b"CN=%250D%250A"),
        ("CN=one\r\ntwo", b"CN=one%0D%0Atwo"),
        ("CN=車", b"CN=%E8%BB%8A"),
        ("CN=ü b", b"CN=%C3%BC b"),
        ("CN=\x7f\x00\t", b"CN=%7F%00%09"),
        (" CN=a  ", b"%20CN=a%20%20"),
        ("CN=a\\ ", b"CN=a\\%20"),
        (" ", b"%20"),
        ("", b""),
        ("\ud800", b"%ED%A0%80"),
    ],
)
def test_values(text: str, expected: bytes) -> None:
    """Printable ASCII as it is; everything else, the percent sign, and blanks at either end as octets of UTF-8."""
    assert expected == header_text(text)


@given(st.text())
def test_there_is_one_way_back(text: str) -> None:
    """Whoever decodes percent signs has the text again; nothing in it ends the header or begins another."""
    value = header_text(text)
    assert text == unquote(value.decode("ascii"))
    assert value == value.strip(b" ")
    assert re.fullmatch(rb"[ -~]*", value)


@pytest.mark.parametrize("name", [JAPANESE, QUOTES, LINES, "50%", "a" * 64, " ends "])
async def test_subjects(name: str) -> None:
    """Decoded, the header is what the other answer has as text."""
    world, leaf = trusting(ROOT, SUB), called(name)
    answer = await proxy(world).present(Front.NGINX, leaf.der)
    told = (await calling(world).validate({"certificate": leaf.pem})).json()["subject"]
    assert (200, told) == (answer.status, unquote(answer.headers[b"x-revet-subject"].decode("ascii")))


async def test_long_subjects() -> None:
    """Kilobytes of it, in Japanese as well: nothing is cut off."""
    for units in (["x" * 60] * 100, ["車" * 20] * 100):
        name = x509.Name([x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, unit) for unit in units])
        answer = await proxy(trusting(ROOT, SUB)).present(Front.NGINX, SUB.issue(name).der)
        subject = unquote(answer.headers[b"x-revet-subject"].decode("ascii"))
        assert (200, units[0], 100) == (answer.status, subject.split(",")[0].removeprefix("OU="), subject.count("OU="))


async def test_no_subject() -> None:
    """A value that is no name: without one, the client's own header of this name would get through at some proxies."""
    leaf = SUB.issue("", san="DNS:car.example", criticality={"2.5.29.17": True})
    answer = await proxy(trusting(ROOT, SUB)).present(Front.NGINX, leaf.der)
    assert (200, b"-") == (answer.status, answer.headers[b"x-revet-subject"])


async def test_a_subject_that_calls_itself_none() -> None:
    """It is told from none: a name has its type."""
    answer = await proxy(trusting(ROOT, SUB)).present(Front.NGINX, called("-").der)
    assert b"CN=-" == answer.headers[b"x-revet-subject"]


# --- sentences -------------------------------------------------------------------------------------------------------


async def everything(world: World, front: Front, *ders: bytes) -> str:
    """All that a proxy is told."""
    answer = await proxy(world).present(front, *ders)
    assert 403 == answer.status
    return b"\n".join((*answer.headers.values(), answer.body)).decode("ascii")


@pytest.mark.parametrize("front", Front)
async def test_nothing_of_a_block(front: Front) -> None:
    """Neither its reason nor its id nor who made it; `POST /v1/validate` has them."""
    world = trusting(ROOT, SUB)
    match = FingerprintMatch(sha256(LEAF.der).digest())
    world.blocks.blocks["b"] = Block(BLOCK_ID, match, REASON, REVOKED_AT, "admin token 1234")
    told = await everything(world, front, LEAF.der)
    assert "CN=leaf is blocked here." in told
    assert not any(secret in told for secret in (REASON, "4711", "Stolen", BLOCK_ID, "1234"))
    full = (await calling(world).validate({"certificate": LEAF.pem})).json()
    assert (REASON in full["detail"], BLOCK_ID in full["detail"]) == (True, True)


@pytest.mark.parametrize("front", Front)
async def test_nothing_of_where_evidence_comes_from(front: Front) -> None:
    """No URL, and nothing of what became of it."""
    leaf = SUB.issue("leaf", crl_urls=CRL_URL, ocsp_urls=OCSP_URL)
    world = trusting(ROOT, SUB, policy=STRICT)
    told = await everything(world, front, leaf.der)
    assert "No usable answer about the revocation of CN=leaf." in told
    assert not any(secret in told for secret in ("inside.example", "http:", "unreachable"))
    assert CRL_URL in (await calling(world).validate({"certificate": leaf.pem})).json()["detail"]


async def test_nothing_of_it_in_shadow_either() -> None:
    """The sentence of what it would have been is as public."""
    leaf = SUB.issue("leaf", crl_urls=CRL_URL)
    world = trusting(ROOT, SUB, policy=STRICT, shadow=EVERYBODY)
    answer = await proxy(world).present(Front.NGINX, leaf.der)
    detail = json.loads(answer.body)["detail"]
    assert (200, "Allowed in shadow mode alone. No usable answer about the revocation of CN=leaf.") == (
        answer.status,
        detail,
    )


@pytest.mark.parametrize("front", Front)
async def test_an_issuer_that_is_missing(front: Front) -> None:
    """By name; and where the front hands over the leaf alone, where its intermediates belong."""
    detail = json.loads((await proxy(trusting(ROOT)).present(front, LEAF.der)).body)["detail"]
    missing = "No certificate at hand issued CN=leaf: no other bears the name of its issuer, CN=Sub."
    hint = (
        f" The front {front} hands over the leaf alone, so that intermediates belong into the trust store, or into "
        "REVET_INTERMEDIATES."
    )
    assert missing + (hint if front in LEAF_ALONE else "") == detail


async def test_an_issuer_that_is_missing_through_validate() -> None:
    """API Gateway hands over the leaf alone as well, and its authorizer asks there."""
    answer = (await calling(trusting(ROOT)).validate({"certificate": LEAF.pem})).json()
    assert "No certificate at hand issued CN=leaf: no other bears the name of its issuer, CN=Sub." == answer["detail"]


async def test_other_denials_have_no_hint() -> None:
    """A certificate of one's own making is untrusted too, and nothing in the settings would change that."""
    own = Authority.root("leaf", key=key("p384", 8)).issued
    detail = json.loads((await proxy(trusting(ROOT)).present(Front.NGINX, own.der)).body)["detail"]
    assert "CN=leaf is self-signed and not a trust anchor." == detail


async def test_what_of_a_chain_was_ignored() -> None:
    """It is the client's own, and said."""
    broken = der.seq(der.integer(1))
    answer = await proxy(World()).present(Front.ALB_PASSTHROUGH, LEAF.der, SUB.issued.der, broken)
    assert 200 == answer.status
    assert "Ignored: intermediate 2: " in json.loads(answer.body)["detail"]


# --- for how long it may be kept -------------------------------------------------------------------------------------


def expires(headers: dict[bytes, bytes]) -> bytes | None:
    """What nginx obeys."""
    return headers.get(b"x-accel-expires")


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], None),
        (["0"], b"0"),
        (["1"], b"1"),
        (["30"], b"30"),
        (["58"], b"58"),
        (["59"], b"58"),
        (["60"], b"58"),
        (["61"], b"0"),
        (["600"], b"0"),
        (["-1"], b"0"),
        (["+1"], b"0"),
        (["1.5"], b"0"),
        (["1 "], b"1"),
        (["\u0661"], b"0"),
        ([""], b"0"),
        (["max"], b"0"),
        (["30, 30"], b"0"),
        (["30", "30"], b"0"),
        (["30", ""], b"0"),
    ],
)
async def test_as_long_as_the_proxy_asks(values: list[str], expected: bytes | None) -> None:
    """And no longer than the answer holds, less what nginx may be late; what is no number counts as 0."""
    headers = [(b"x-revet-max-age", value.encode()) for value in values]
    answer = await proxy(trusting(ROOT, SUB)).ask("nginx", [*CERTIFICATE, *headers])
    assert (200, expected) == (answer.status, expires(answer.headers))


async def test_as_long_as_the_answer_holds() -> None:
    """What is given again holds as long as it did; never longer, and a denial likewise."""
    world = trusting(ROOT, SUB, kept=10)
    asked = proxy(world)
    seen = []
    for seconds in (0, 20, 20, 18.5, 0.4, 0.2):
        world.clock.moment += timedelta(seconds=seconds)
        answer = await asked.ask("nginx", [*CERTIFICATE, (b"x-revet-max-age", b"30")])
        seen.append(expires(answer.headers))
    assert [b"30", b"30", b"18", b"0", b"0", b"0"] == seen
    denied = await asked.ask("alb-verify", [*handed_over(Front.ALB_VERIFY, ROOT.issue("x").der)])
    assert expires(denied.headers) is None


async def test_a_denial_may_be_kept() -> None:
    """As long as it holds: nothing about it changes before."""
    answer = await proxy(trusting(ROOT)).ask("nginx", [*CERTIFICATE, (b"x-revet-max-age", b"10")])
    assert (403, b"10") == (answer.status, expires(answer.headers))


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("nginx", [], 401),
        ("nginx", [(b"x-ssl-client-cert", b"?")], 400),
        ("nginx@nobody", CERTIFICATE, 404),
        ("elsewhere", CERTIFICATE, 404),
        ("alb-verify", handed_over(Front.ALB_VERIFY, LEAF.der), 503),
    ],
)
async def test_what_is_no_decision_is_never_kept(path: str, headers: list[tuple[bytes, bytes]], status: int) -> None:
    """Said aloud to whoever asks, since nginx may be told to keep what says nothing."""
    world = trusting(ROOT, SUB)
    world.blocks.broken = "the disk is gone" if status == 503 else ""
    answer = await proxy(world).ask(path, [*headers, (b"x-revet-max-age", b"30")])
    silent = await proxy(world).ask(path, headers)
    assert (status, b"0", None) == (answer.status, expires(answer.headers), expires(silent.headers))
