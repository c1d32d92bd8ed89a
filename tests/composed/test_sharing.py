"""Fetches are shared: among requests that come together, and with the one that comes after a deadline."""

import asyncio
from pathlib import Path
from typing import Final

import pytest

from service.core.model.policy import EvidenceOrder
from tests.adapters.http.servers import Received, serve
from tests.application.chain import SUB
from tests.application.fakes import settle
from tests.composed.world import (
    GOOD,
    METHODS,
    PATIENCE_S,
    UNAVAILABLE,
    Method,
    Publishing,
    composed,
    leaf_naming,
    summary,
)
from tests.pki import Issued

pytestmark = pytest.mark.anyio

TOGETHER: Final = 20


class Gated(Publishing):
    """An authority that answers nobody before its gate is opened."""

    def __init__(self) -> None:
        """It is closed."""
        super().__init__()
        self.gate = asyncio.Event()

    async def __call__(self, received: Received, writer: asyncio.StreamWriter) -> None:
        """Wait for the gate, then answer."""
        await self.gate.wait()
        await super().__call__(received, writer)


def published(method: Method, leaf: Issued) -> bytes:
    """What says that a certificate is good."""
    return SUB.crl() if method == "crl" else SUB.ocsp(leaf)


async def test_many_ask_about_one_new_certificate(directory: Path) -> None:
    """Its CRL and its responder are asked once, whoever asks and however often."""
    async with (
        composed(directory, evidence_order=EvidenceOrder.BOTH) as service,
        serve(published_at := Gated()) as server,
    ):
        base = f"http://ca.example:{server.port}"
        leaf = SUB.issue("leaf", crl_urls=f"{base}/sub.crl", ocsp_urls=f"{base}/ocsp")
        published_at.bodies.update({"/sub.crl": SUB.crl(), "/ocsp": SUB.ocsp(leaf)})
        asking = [asyncio.create_task(service.ask(leaf)) for _ in range(TOGETHER)]
        await asyncio.wait_for(server.asked.wait(), 20)
        await settle()
        published_at.gate.set()
        answers = await asyncio.gather(*asking)
    assert [GOOD] * TOGETHER == [summary(answer) for answer in answers]
    assert ["ocsp", "sub.crl"] == sorted(received.line.split("/")[1].split(" ")[0] for received in server.received)


@pytest.mark.parametrize("method", METHODS)
async def test_a_fetch_that_outlives_its_request(directory: Path, method: Method) -> None:
    """The request is denied at its deadline; the next ones join what is under way, or find it held."""
    async with composed(directory, deadline_ms=150) as service, serve(slow := Gated()) as server:
        leaf = leaf_naming(method, url := f"http://ca.example:{server.port}/source")
        slow.bodies["/source"] = published(method, leaf)
        late = await service.ask(leaf)
        slow.gate.set()
        async with asyncio.timeout(PATIENCE_S):
            while GOOD != summary(await service.ask(leaf)):
                pass
    assert UNAVAILABLE == summary(late)
    assert f"{url}: timed out" in late["detail"]
    assert 1 == len(server.received)


@pytest.mark.parametrize("method", METHODS)
async def test_a_failure_is_not_asked_for_by_everybody(directory: Path, method: Method) -> None:
    """Those who wait for one fetch get its failure, all of them."""
    async with composed(directory) as service, serve(nothing := Gated()) as server:
        leaf = leaf_naming(method, url := f"http://ca.example:{server.port}/source")
        asking = [asyncio.create_task(service.ask(leaf)) for _ in range(TOGETHER)]
        await asyncio.wait_for(server.asked.wait(), 20)
        await settle()
        nothing.gate.set()
        answers = await asyncio.gather(*asking)
    assert [UNAVAILABLE] * TOGETHER == [summary(answer) for answer in answers]
    assert all(url in answer["detail"] for answer in answers)
    assert TOGETHER > len(server.received)
