"""Evidence that says good and may not: of somebody else, about somebody else, of another time, or none at all."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest

from tests.adapters.http.servers import serve
from tests.application.chain import NAMESAKE, ROOT, STRANGER, SUB
from tests.composed.world import (
    GOOD,
    METHODS,
    REVOKED,
    UNAVAILABLE,
    Method,
    Publishing,
    composed,
    leaf_naming,
    revocation,
    summary,
)
from tests.pki import NEXT_UPDATE, NOW, Extension, Issued, IssuingDistributionPoint, days, der, hours, key, ocsp_error

pytestmark = pytest.mark.anyio

SIGNATURE: Final = "its signature does not verify under the issuer's key"
SIGNER: Final = "signed by somebody who may not speak for the issuer"
OTHER: Final = "an answer about another certificate"
ISSUER: Final = "issued by somebody else"
SCOPE: Final = "does not cover this certificate"

ELSEWHERE: Final = "http://ca.example/another.crl"
NO_RESPONDER: Final = SUB.issue("OCSP")
EXPIRED: Final = SUB.ocsp_responder("OCSP", not_after=NOW - days(1))

GARBAGE: Final[list[tuple[str, bytes]]] = [
    ("nothing", b""),
    ("html", b"<html><body>Not found</body></html>"),
    ("zeros", bytes(10_000)),
    ("nested", b"\x30\x80" * 5_000),
    ("a length without its content", bytes.fromhex("3084ffffffff")),
    ("a certificate", SUB.der),
    ("armour around nothing", b"-----BEGIN X509 CRL-----\n-----END X509 CRL-----\n"),
]

UNKNOWN: Final = Extension("1.2.3.4", der.null(), critical=True)

CRLS: Final[list[tuple[str, bytes, str]]] = [
    *((name, content, "malformed") for name, content in GARBAGE),
    ("truncated", SUB.crl()[:-1], "malformed"),
    ("followed by something", SUB.crl() + b"\x00", "malformed"),
    ("an OCSP answer", SUB.ocsp(1), "malformed"),
    ("of another authority", STRANGER.crl(), ISSUER),
    ("of a namesake", NAMESAKE.crl(), SIGNATURE),
    ("of the issuer's issuer", ROOT.crl(), ISSUER),
    ("forged", SUB.crl(corrupt_signature=True), SIGNATURE),
    ("in another's name", SUB.crl(issuer_name="Stranger"), ISSUER),
    ("of another partition", SUB.crl(idp=IssuingDistributionPoint([ELSEWHERE])), SCOPE),
    ("of authorities", SUB.crl(idp=IssuingDistributionPoint(only_ca=True)), SCOPE),
    ("of attributes", SUB.crl(idp=IssuingDistributionPoint(only_attribute=True)), SCOPE),
    ("of some reasons", SUB.crl(idp=IssuingDistributionPoint(only_some_reasons={"superseded"})), "some revocation"),
    ("a delta", SUB.crl(delta_base=1), "without a complete CRL that it builds on"),
    ("with something unknown", SUB.crl(extensions=[UNKNOWN]), "uses a feature that is not supported (1.2.3.4)"),
    ("of yesterday", SUB.crl(this_update=NOW - days(2), next_update=NOW - days(1)), "out of date"),
    ("without an end", SUB.crl(next_update=None), "without nextUpdate"),
    ("of tomorrow", SUB.crl(this_update=NOW + days(1), next_update=NOW + days(2)), "from the future"),
    ("under SHA-1", SUB.crl(signature_hash="sha1"), "signed with a weak algorithm or key"),
]  # fmt: skip

Answering = Callable[[Issued], bytes]

ANSWERS: Final[list[tuple[str, Answering, str]]] = [
    ("truncated", lambda leaf: SUB.ocsp(leaf)[:-1], "malformed"),
    ("a CRL", lambda _: SUB.crl(), "malformed"),
    ("try later", lambda _: ocsp_error("tryLater"), "the responder reported an error (try_later"),
    ("success without an answer", lambda _: ocsp_error("successful"), "malformed"),
    ("about another certificate", lambda leaf: SUB.ocsp(leaf.serial + 1), OTHER),
    ("about nobody", lambda _: SUB.ocsp(), OTHER),
    ("by another authority", STRANGER.ocsp, OTHER),
    ("by a namesake", NAMESAKE.ocsp, OTHER),
    ("by another authority in the issuer's words", lambda leaf: STRANGER.ocsp(leaf, cert_id_issuer=SUB.issued), SIGNER),
    ("by a namesake in the issuer's words", lambda leaf: NAMESAKE.ocsp(leaf, cert_id_issuer=SUB.issued), SIGNATURE),
    ("forged", lambda leaf: SUB.ocsp(leaf, corrupt_signature=True), SIGNATURE),
    ("by another's delegate", lambda leaf: SUB.ocsp(leaf, responder=STRANGER.ocsp_responder("OCSP")), SIGNER),
    ("by a client", lambda leaf: SUB.ocsp(leaf, responder=NO_RESPONDER), SIGNER),
    ("by the certificate itself", lambda leaf: SUB.ocsp(leaf, responder=leaf), SIGNER),
    ("by an expired delegate", lambda leaf: SUB.ocsp(leaf, responder=EXPIRED), SIGNER),
    ("unknown", lambda leaf: SUB.ocsp(leaf, status="unknown"), "the responder does not know the certificate"),
    ("of yesterday", lambda leaf: SUB.ocsp(leaf, this_update=NOW - days(2), next_update=NOW - days(1)), "out of date"),
    ("of tomorrow", lambda leaf: SUB.ocsp(leaf, this_update=NOW + days(1), next_update=NOW + days(2)), "the future"),
    ("under SHA-1", lambda leaf: SUB.ocsp(leaf, signature_hash="sha1"), "signed with a weak algorithm or key"),
    ("too large", lambda leaf: SUB.ocsp(leaf, certificates=[bytes(65_536)]), "too large"),
]


@pytest.mark.parametrize(("crl", "expected"), [row[1:] for row in CRLS], ids=[row[0] for row in CRLS])
async def test_a_crl_that_proves_nothing(directory: Path, crl: bytes, expected: str) -> None:
    """Denied by name, and what nobody vouches for does not stay: the same request is denied again."""
    async with composed(directory) as service, serve(Publishing({"/sub.crl": crl})) as server:
        leaf = leaf_naming("crl", url := f"http://ca.example:{server.port}/sub.crl")
        answers = [await service.ask(leaf) for _ in range(2)]
    assert [UNAVAILABLE, UNAVAILABLE] == [summary(answer) for answer in answers]
    for answer in answers:
        assert url in answer["detail"]
        assert expected in answer["detail"]


@pytest.mark.parametrize(("answering", "expected"), [row[1:] for row in ANSWERS], ids=[row[0] for row in ANSWERS])
async def test_an_ocsp_answer_that_proves_nothing(directory: Path, answering: Answering, expected: str) -> None:
    """Likewise."""
    async with composed(directory) as service, serve(publishing := Publishing()) as server:
        leaf = leaf_naming("ocsp", url := f"http://ca.example:{server.port}/ocsp")
        publishing.bodies["/ocsp"] = answering(leaf)
        answers = [await service.ask(leaf) for _ in range(2)]
    assert [UNAVAILABLE, UNAVAILABLE] == [summary(answer) for answer in answers]
    for answer in answers:
        assert url in answer["detail"]
        assert expected in answer["detail"]


@pytest.mark.parametrize("content", [content for _, content in GARBAGE], ids=[name for name, _ in GARBAGE])
async def test_garbage_from_a_responder(directory: Path, content: bytes) -> None:
    """It is malformed, whatever it is."""
    async with composed(directory) as service, serve(Publishing({"/ocsp": content})) as server:
        answer = await service.ask(leaf_naming("ocsp", url := f"http://ca.example:{server.port}/ocsp"))
    assert UNAVAILABLE == summary(answer)
    assert f"{url}: malformed" in answer["detail"]


@pytest.mark.parametrize("method", METHODS)
async def test_the_next_source_answers(directory: Path, method: Method) -> None:
    """What proves nothing does not hide what does."""
    async with composed(directory) as service, serve(publishing := Publishing()) as server:
        base = f"http://ca.example:{server.port}"
        leaf = leaf_naming(method, f"{base}/bad", f"{base}/good")
        good, bad = (SUB.crl(), STRANGER.crl()) if method == "crl" else (SUB.ocsp(leaf), STRANGER.ocsp(leaf))
        publishing.bodies |= {"/bad": bad, "/good": good}
        answer = await service.ask(leaf)
    assert GOOD == summary(answer)
    assert f"{base}/bad: " in revocation(answer)["detail"]


@pytest.mark.parametrize(
    "older",
    [
        SUB.crl(number=6, this_update=NOW + hours(23), next_update=NOW + days(3)),
        SUB.crl(number=7, this_update=NOW - hours(2), next_update=NOW + days(3)),
        SUB.crl(number=None, this_update=NOW - hours(2), next_update=NOW + days(3)),
    ],
    ids=["a lower number", "an older thisUpdate", "without a number"],
)
async def test_nobody_goes_back(directory: Path, older: bytes) -> None:
    """When the CRL that revokes is out of date, an older one that does not revoke is refused, however long it lasts."""
    async with composed(directory) as service, serve(publishing := Publishing()) as server:
        leaf = leaf_naming("crl", url := f"http://ca.example:{server.port}/sub.crl")
        publishing.bodies["/sub.crl"] = SUB.crl(number=7, revoked=[leaf.serial])
        assert REVOKED == summary(await service.ask(leaf))
        publishing.bodies["/sub.crl"] = older
        service.clock.advance(NEXT_UPDATE - NOW + timedelta(minutes=5))
        answer = await service.ask(leaf)
        publishing.bodies["/sub.crl"] = SUB.crl(number=8, this_update=NOW + days(1), next_update=NOW + days(2))
        service.clock.advance(timedelta(minutes=5))
        forward = await service.ask(leaf)
    assert UNAVAILABLE == summary(answer)
    assert f"{url}: older than what was seen before" in answer["detail"]
    assert f"{url}: out of date" in answer["detail"]
    assert GOOD == summary(forward)


async def test_an_older_ocsp_answer_makes_nobody_forget(directory: Path) -> None:
    """A `good` that is replayed does not help, neither while a later `revoked` is current nor when its time is over."""
    async with composed(directory) as service, serve(publishing := Publishing()) as server:
        leaf = leaf_naming("ocsp", f"http://ca.example:{server.port}/ocsp")
        publishing.bodies["/ocsp"] = SUB.ocsp(leaf, status="revoked")
        answers = [await service.ask(leaf)]
        publishing.bodies["/ocsp"] = SUB.ocsp(leaf, this_update=NOW - hours(2), next_update=NOW + days(9))
        service.clock.advance(hours(12))
        answers.append(await service.ask(leaf))
        assert 1 == len(server.received)
        service.clock.advance(days(1))
        answers.append(await service.ask(leaf))
    assert [REVOKED, REVOKED, UNAVAILABLE] == [summary(answer) for answer in answers]
    assert 2 == len(server.received)


async def test_a_crl_under_another_key_of_the_same_name(directory: Path) -> None:
    """What one key signed is not taken for what the other says, though the store holds both."""
    rolled = ROOT.subordinate("Sub", key=key("p256", 3))
    async with composed(directory) as service, serve(publishing := Publishing()) as server:
        base = f"http://ca.example:{server.port}"
        publishing.bodies |= {"/new": rolled.crl(), "/old": SUB.crl(next_update=NOW - hours(0.5))}
        new = await service.ask(rolled.issue("leaf", crl_urls=f"{base}/new"), rolled)
        old = await service.ask(SUB.issue("leaf", crl_urls=f"{base}/old"))
    assert [GOOD, UNAVAILABLE] == [summary(new), summary(old)]
    assert f"{base}/old: out of date" in old["detail"]
