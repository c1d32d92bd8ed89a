"""The good path: what authorities publish is fetched, verified, held, and answers."""

from pathlib import Path

import pytest

from tests.adapters.http.servers import serve
from tests.application.chain import SUB
from tests.composed.world import (
    GOOD,
    Publishing,
    composed,
    leaf_naming,
    summary,
)

pytestmark = pytest.mark.anyio


async def test_a_crl(tmp_path: Path) -> None:
    publishing = Publishing()
    async with composed(tmp_path) as service, serve(publishing) as server:
        leaf = leaf_naming("crl", f"http://ca.example:{server.port}/other.crl")
        from tests.pki import IssuingDistributionPoint

        publishing.bodies["/other.crl"] = SUB.crl(number=2, idp=IssuingDistributionPoint(["http://ca.example/x.crl"]))
        answer = await service.ask(leaf)
        print(answer)
    assert GOOD == summary(answer)
