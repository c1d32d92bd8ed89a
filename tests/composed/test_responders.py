"""A certificate with several responders, of which most are dead: through the whole service, over real sockets."""

from pathlib import Path
from typing import Final

import pytest

from service.core.model.policy import EvidenceOrder
from tests.adapters.http.servers import always, head, ok, serve, silence
from tests.adapters.http.world import PUBLIC
from tests.application.chain import SUB
from tests.composed.world import GOOD, composed, revocation, summary

pytestmark = pytest.mark.anyio

NAMES: Final = ("hole.example", "deep.example", "failing.example", "healthy.example")
SERIALS: Final = (4711, 4712, 4713)


async def test_three_of_four_are_dead(tmp_path: Path) -> None:
    """Two accept and never answer, one has errors: the last one answers in time, and alone the next time."""
    answer = ok(SUB.ocsp(*SERIALS))
    async with (
        serve(silence) as hole,
        serve(silence) as deep,
        serve(always(head(500, "Content-Length: 0"))) as failing,
        serve(always(answer)) as healthy,
        composed(
            tmp_path,
            {name: [(PUBLIC,)] for name in NAMES},
            evidence_order=EvidenceOrder.OCSP_ONLY,
            deadline_ms=5000,
        ) as here,
    ):
        servers = (hole, deep, failing, healthy)
        urls = [f"http://{name}:{server.port}/" for name, server in zip(NAMES, servers, strict=True)]
        for serial in SERIALS:
            found = await here.ask(SUB.issue("leaf", serial=serial, ocsp_urls=urls), SUB)
            assert GOOD == summary(found)
            assert urls[3] == revocation(found)["source"]
        assert [1, 1, 1, 3] == [len(server.received) for server in servers]
