"""A responder that is blocked, from the host's store of blocks to the verdict."""

from pathlib import Path
from typing import Final

import pytest

from service.application.blocks import MAX_BLOCKS
from service.core.model.block import Block, FingerprintMatch
from tests.adapters.http.servers import serve
from tests.application.chain import SUB, read
from tests.composed.world import GOOD, REVOKED, Publishing, composed, leaf_naming, summary
from tests.pki import NOW

pytestmark = pytest.mark.anyio

DELEGATE: Final = SUB.ocsp_responder("OCSP")
BLOCK: Final = Block("one", FingerprintMatch(read(DELEGATE).fingerprint), "stolen", NOW, "admin")


@pytest.mark.parametrize(("blocks", "expected", "asked"), [((), GOOD, 1), ((BLOCK,), REVOKED, 2)])
async def test_the_next_one_is_asked(
    directory: Path, blocks: tuple[Block, ...], expected: tuple[str, str, str], asked: int
) -> None:
    """What asks responders knows the blocks of the host: whoever has the delegate's key hides no revocation."""
    async with serve(publishing := Publishing()) as server:
        host = f"http://ca.example:{server.port}"
        leaf = leaf_naming("ocsp", f"{host}/first", f"{host}/second")
        publishing.bodies["/first"] = SUB.ocsp(leaf, responder=DELEGATE, certificates=[DELEGATE])
        publishing.bodies["/second"] = SUB.ocsp(leaf, status="revoked")
        async with composed(directory) as service:
            for block in blocks:
                await service.store.blocks.add_block(block, MAX_BLOCKS)
            assert expected == summary(await service.ask(leaf))
    assert asked == len(server.received)
