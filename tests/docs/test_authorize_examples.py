"""What `docs/api.md` tells proxies: its commands are run with a real curl, and its tables are the service's."""

import asyncio
import os
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import pytest
import uvicorn

from service.api.authorize_answer import STATUSES, Undecided
from service.api.client_cert.fronts import HANDS_OVER
from service.api.client_cert.header import HeaderNames
from service.api.reply import DATA_HEADERS
from service.application.fronts import Front
from service.core.model.verdict import Decision
from tests.api.authorizing import handed_over, proxy
from tests.api.example_world import DEVICE, SUB, example_world
from tests.api.world import WITH_TOKENS, World
from tests.docs.pages import blocks, page, sections, table, word, words

pytestmark = pytest.mark.anyio

PAGE: Final = "api.md"
SECTION: Final = sections(page(PAGE), 2)["`ANY /v1/authorize/{front}`"]
COMMANDS: Final = blocks(SECTION, "sh")
TOLD: Final = {b"cache-control"}
"""Of the headers of all answers, the one that is shown: it matters to proxies."""

SHOWN: Final = blocks(SECTION, "http")


@asynccontextmanager
async def served(world: World) -> AsyncIterator[int]:
    """A port where a world is served."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(world.app(), lifespan="off", log_config=None, server_header=False))
        serving = asyncio.create_task(server.serve([listening]))
        try:
            yield listening.getsockname()[1]
        finally:
            server.should_exit = True
            await serving


async def run(command: str, port: int, directory: Path) -> str:
    """What a shell prints, in a directory with the demonstration's certificates."""
    certificates = directory / ".demo" / "certificates"
    certificates.mkdir(parents=True, exist_ok=True)
    (certificates / "good.pem").write_text(DEVICE.pem + SUB.pem)
    shell = await asyncio.create_subprocess_exec(
        *("sh", "-euc", command.replace("127.0.0.1:8080", f"127.0.0.1:{port}")),
        cwd=directory,
        env={"PATH": os.environ["PATH"]},
        stdout=asyncio.subprocess.PIPE,
    )
    printed, _ = await asyncio.wait_for(shell.communicate(), 30)
    return printed.decode().replace("\r\n", "\n")


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
@pytest.mark.parametrize(
    ("number", "revoked", "command"), [(0, False, 0), (1, True, 0), (2, False, 1)], ids=["allow", "deny", "none"]
)
async def test_the_commands(number: int, revoked: bool, command: int, tmp_path: Path) -> None:
    """They print what is shown, in this order, and beside it only what says how it was sent."""
    async with served(example_world(revoked=revoked)) as port:
        printed = await run(COMMANDS[command], port, tmp_path)
    more = ("date: ", "content-length: ", *(f"{name.decode()}: " for name, _ in DATA_HEADERS if name not in TOLD))
    kept = [line for line in printed.splitlines() if not line.startswith(more)]
    assert SHOWN[number].splitlines() == kept


def test_every_front_is_there() -> None:
    """With the headers that it reads by default, and what it hands over."""
    rows = table(PAGE, "fronts")
    assert list(Front) == [word(row["front"]) for row in rows]
    names = HeaderNames()
    for row in rows:
        front = Front(word(row["front"]))
        assert names.of(front) == tuple(name.lower().encode() for name in words(row["reads"]))
        assert row["what of the client's"].startswith(f"the {HANDS_OVER[front].value}:")


def test_every_status_is_there() -> None:
    """With the codes of answers without a decision."""
    rows = table(PAGE, "authorize-statuses")
    without = [row for row in rows if int(row["status"]) not in STATUSES.values()]
    assert set(STATUSES.values()) | {401, 400, 404, 503} == {int(row["status"]) for row in rows}
    assert set(Undecided) == {word(row["`X-Revet-Code`"]) for row in without}


async def test_every_header_is_there() -> None:
    """Of allows, denials and refusals, as the table has them."""
    of: dict[str, set[str]] = {}
    for row in table(PAGE, "authorize-headers"):
        of.setdefault(row["of"].split()[0], set()).add(word(row["header"]).lower())
    every = of["every"] - {"x-accel-expires"}
    headers = handed_over(Front.ALB_PASSTHROUGH, DEVICE.der, SUB.issued.der)
    allow = await proxy(example_world(revoked=False)).ask("alb-passthrough", headers)
    deny = await proxy(example_world(revoked=True)).ask("alb-passthrough", headers)
    nobody = await proxy(World(rules=WITH_TOKENS)).ask("alb-passthrough", headers)
    told = [
        {name.decode() for name in one.headers if name.startswith((b"x-revet-", b"www-"))}
        for one in (allow, deny, nobody)
    ]
    assert [every | (of["200"] - {"x-revet-enforced-code"}), every, every | of["401"]] == told
    assert [STATUSES[Decision.ALLOW], STATUSES[Decision.DENY], 401] == [one.status for one in (allow, deny, nobody)]
