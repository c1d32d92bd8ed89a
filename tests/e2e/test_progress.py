"""How far a long download has come: a real service, and an origin that takes its time."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

import httpx

from tests.e2e.running import PATIENCE_S, Service, running_service, until
from tests.pki import Authority, bundle
from tests.pki.clock import validity_of_now

PIECE: Final = 1000
"""Octets that come at one time while it is slow."""

PAUSE_S: Final = 0.2


@contextmanager
def dripping(body: bytes, hurry: threading.Event) -> Iterator[str]:
    """An origin that says how much there is, and gives it bit by bit until it is to hurry."""

    class Handler(BaseHTTPRequestHandler):
        """Answers every request."""

        def do_GET(self) -> None:
            """Drip."""
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            position = 0
            while position < len(body) and not hurry.wait(PAUSE_S):
                self.wfile.write(body[position : position + PIECE])
                position += PIECE
            self.wfile.write(body[position:])

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/long.crl"
        finally:
            hurry.set()
            server.shutdown()
            thread.join()


def line_of(service: Service, url: str) -> dict[str, Any]:
    """What is said of a source; nothing where nobody has heard of it."""
    lines = httpx.get(f"{service.url}/v1/crls", timeout=PATIENCE_S).raise_for_status().json()["crls"]
    return next((dict(one) for one in lines if one["source"] == url), {})


def test_a_long_download(tmp_path: Path) -> None:
    """It is seen to grow, of as many octets as there are; when it is done there is the CRL, and no progress."""
    authority, hurry = Authority.root("Root", **validity_of_now()), threading.Event()
    trust_store = tmp_path / "trust.pem"
    trust_store.write_text(bundle([authority]))
    validity = validity_of_now()
    body = authority.crl(
        revoked=range(1, 20_000), this_update=validity["not_before"], next_update=validity["not_after"]
    )
    seen: list[int] = []
    with dripping(body, hurry) as url, running_service(tmp_path, trust_store, {"REVET_DEADLINE_MS": "300"}) as service:
        validity["crl_urls"] = [url]
        leaf = authority.issue("leaf", **validity)
        assert "revocation_unavailable" == service.validate(leaf.pem)["code"]

        def grows() -> bool:
            progress = line_of(service, url).get("progress")
            if progress is not None:
                assert ("downloading", len(body), None) == tuple(
                    progress[name] for name in ("phase", "total", "entries_total")
                )
                seen.append(progress["done"])
            return len(set(seen)) > 1

        until(grows, "it is seen to grow")
        assert sorted(seen) == seen
        assert 0 < seen[0] < seen[-1] < len(body)
        hurry.set()
        until(lambda: line_of(service, url)["slot"] is not None, "it is held")
        until(lambda: line_of(service, url)["progress"] is None, "nothing is under way")
        assert 19_999 == line_of(service, url)["entries"]
        assert "ok" == service.validate(leaf.pem)["code"]
