"""A service whose log nobody reads: it goes on, and says afterwards what was lost."""

import os
from pathlib import Path

import httpx
import pytest

from service.adapters.log_stream import LOST_EVENT
from tests.e2e.running import PATIENCE_S, running_service, until
from tests.pki import Authority
from tests.pki.clock import validity_of_now

pytestmark = pytest.mark.slow

LINES = 600
"""Denials whose lines are more than a pipe has room for (64 KiB)."""


def read(fifo: int) -> str:
    """All that is in a pipe now."""
    pieces = []
    try:
        while piece := os.read(fifo, 1 << 16):
            pieces.append(piece)
    except BlockingIOError:
        pass
    return b"".join(pieces).decode()


def test_it_goes_on(tmp_path: Path) -> None:
    """No worker waits for a reader, and so none is replaced; a reader that comes is told how many lines were lost."""
    root = Authority.root("Root", **validity_of_now())
    stranger = Authority.root("Other", **validity_of_now()).issue("leaf", **validity_of_now())
    trust_store, fifo = tmp_path / "trust.pem", tmp_path / "log"
    trust_store.write_text(root.pem)
    os.mkfifo(fifo)
    # Opened for reading as well, so that there is a reader, which does not read.
    inside = ("sh", "-c", 'exec "$@" 2<>"$0"', str(fifo))
    settings = {"REVET_WORKERS": "1", "REVET_HANG_AFTER_S": "5"}
    with running_service(tmp_path, trust_store, settings, inside=inside) as service:
        workers = service.children("worker")
        batch = {"items": [{"certificate": stranger.pem}] * LINES}
        answer = httpx.post(f"{service.url}/v1/validate/batch", json=batch, timeout=PATIENCE_S)
        assert ["untrusted"] * LINES == [one["code"] for one in answer.json()["results"]]
        assert workers == service.children("worker")
        reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
        try:
            heard = [read(reader)]

            def is_told() -> bool:
                service.validate(stranger.pem)
                heard.append(read(reader))
                return LOST_EVENT in "".join(heard)

            until(is_told, "what was lost is told")
        finally:
            os.close(reader)
