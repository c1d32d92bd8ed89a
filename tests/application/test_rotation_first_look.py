"""What a worker tells of its first look at files: what none before it has had in force, and nothing else."""

from collections.abc import Mapping
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path
from typing import Final

import pytest
import structlog

from service.adapters.kept_memory import KeptMemory
from service.application.tokens import digest_of_entry
from service.bootstrap.rotation import keep_rotating_files, open_rotating
from service.settings import Settings, load_settings
from tests.adapters.tls.materials import NEW_CA, OLD_CA, server_pair, write

pytestmark = pytest.mark.anyio

FIRST: Final = "first-0123456789abcdef"
SECOND: Final = "second-0123456789abcdef"


async def told(settings: Settings, kept: Mapping[str, KeptMemory], *known: str) -> list[tuple[str, str]]:
    """What a worker tells that begins now, and lets these tokens in."""
    with structlog.testing.capture_logs() as events:
        async with AsyncExitStack() as stack:
            rotating = open_rotating(settings, kept, stack)
    assert {digest_of_entry(one) for one in known} == set(rotating.access.callers)
    return [(event["event"], event["setting"]) for event in events]


async def test_tokens(tmp_path: Path) -> None:
    """The worker before it was gone before it could look: whoever removed a token sees when that came into force."""
    file = write(tmp_path / "tokens", FIRST.encode())
    settings = load_settings(None, {"HOME": str(tmp_path), "REVET_API_TOKENS_FILE": str(file)})
    with ExitStack() as stack:
        kept = keep_rotating_files(settings, stack)
        assert [] == await told(settings, kept, FIRST)
        write(file, SECOND.encode())
        assert [("file_taken", "REVET_API_TOKENS_FILE")] == await told(settings, kept, SECOND)
        assert [] == await told(settings, kept, SECOND)
        write(file, b"")
        assert [("file_refused", "REVET_API_TOKENS_FILE")] == await told(settings, kept, SECOND)


async def test_tls(tmp_path: Path) -> None:
    """The same of a certificate, its key and the client CA."""
    names = ("TLS_CERT", "TLS_KEY", "TLS_CLIENT_CA")
    before, after = server_pair("before"), server_pair("after")
    old = (before.certificate, before.key, OLD_CA.issued.pem.encode())
    new = (after.certificate, after.key, NEW_CA.issued.pem.encode())
    environment = {f"REVET_{name}": str(write(tmp_path / name, one)) for name, one in zip(names, old, strict=True)}
    settings = load_settings(None, {"HOME": str(tmp_path), **environment})
    with ExitStack() as stack:
        kept = keep_rotating_files(settings, stack)
        assert [] == await told(settings, kept)
        for name, one in zip(names, new, strict=True):
            write(tmp_path / name, one)
        assert [("file_taken", f"REVET_{name}") for name in names] == await told(settings, kept)


async def test_whoever_begins_with_nothing_tells_nothing(tmp_path: Path) -> None:
    """What is new to it is new to nobody else."""
    file = write(tmp_path / "tokens", FIRST.encode())
    settings = load_settings(None, {"HOME": str(tmp_path), "REVET_API_TOKENS_FILE": str(file)})
    assert [] == await told(settings, {}, FIRST)
