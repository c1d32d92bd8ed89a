"""What the host holds is no authority: an answer is verified again where it is used, and a CRL counts for one key."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest

from service.application.evidence_store import HeldOcsp
from service.application.ocsp_failures import REMEMBERED_S
from service.core.der.certificate import read_certificate
from service.core.ocsp.cert_id import store_key
from tests.adapters.http.servers import serve
from tests.application.chain import NAMESAKE, STRANGER, SUB
from tests.application.holding import hold_crl
from tests.composed.world import GOOD, REVOKED, UNAVAILABLE, Composed, Publishing, composed, leaf_naming, summary
from tests.pki import NOW, Authority, Issued, days

pytestmark = pytest.mark.anyio

Answering = Callable[[Issued], bytes]

ELSEWHERE: Final = "http://ca.example/held"


async def hold_answer(service: Composed, leaf: Issued, answer: bytes) -> None:
    """Put an OCSP answer into the store, as nobody here would."""
    key = store_key(read_certificate(leaf.der), read_certificate(SUB.der))
    await service.store.put_ocsp(key, HeldOcsp(answer, ELSEWHERE, NOW, NOW + days(1)))


@pytest.mark.parametrize(
    "forged",
    [
        lambda leaf: SUB.ocsp(leaf, corrupt_signature=True),
        lambda leaf: NAMESAKE.ocsp(leaf, cert_id_issuer=SUB.issued),
        lambda leaf: SUB.ocsp(leaf, responder=STRANGER.ocsp_responder("OCSP")),
        lambda leaf: SUB.ocsp(leaf, responder=leaf),
    ],
    ids=["forged", "a namesake's", "a stranger's delegate's", "its own"],
)
async def test_a_held_answer_is_verified(directory: Path, forged: Answering) -> None:
    """Who writes into the store does not decide: it is refused by name, and the responder is asked."""
    async with composed(directory) as service, serve(publishing := Publishing()) as server:
        leaf = leaf_naming("ocsp", f"http://ca.example:{server.port}/ocsp")
        await hold_answer(service, leaf, forged(leaf))
        denied = await service.ask(leaf)
        publishing.bodies["/ocsp"] = SUB.ocsp(leaf)
        service.clock.advance(timedelta(seconds=REMEMBERED_S))
        allowed = await service.ask(leaf)
    assert [UNAVAILABLE, GOOD] == [summary(denied), summary(allowed)]
    assert f"{ELSEWHERE}: " in denied["detail"]


async def test_a_held_answer_that_is_genuine(directory: Path) -> None:
    """It answers, and nobody is asked: what is refused above is refused for its signature."""
    async with composed(directory) as service:
        leaf = leaf_naming("ocsp", "http://ca.example/ocsp")
        await hold_answer(service, leaf, SUB.ocsp(leaf, status="revoked"))
        answer = await service.ask(leaf)
    assert (REVOKED, []) == (summary(answer), service.names.asked)


@pytest.mark.parametrize("signer", [NAMESAKE, STRANGER], ids=["a namesake", "a stranger"])
async def test_a_held_crl_counts_for_one_key(directory: Path, signer: Authority) -> None:
    """One of the right name under another key neither allows nor revokes: it is not looked at."""
    async with composed(directory) as service, serve(Publishing()) as server:
        leaf = leaf_naming("crl", f"http://ca.example:{server.port}/crl")
        for crl in (SUB.crl(number=1), SUB.crl(number=2, revoked=[leaf.serial])):
            hold_crl(service.store, crl, signer, ELSEWHERE)
            answer = await service.ask(leaf)
            assert UNAVAILABLE == summary(answer)
            assert ELSEWHERE not in answer["detail"]
        hold_crl(service.store, SUB.crl(), SUB, ELSEWHERE)
        assert GOOD == summary(await service.ask(leaf))
