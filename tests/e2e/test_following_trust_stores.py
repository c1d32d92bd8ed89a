"""A trust store at a URL changes: one replica finds it, and the others are told."""

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.e2e.running import running_service, until
from tests.e2e.test_following import code, place, settings
from tests.e2e.test_tls import write
from tests.pki import Authority, CertificateOverrides, bundle
from tests.pki.clock import validity_of_now
from tests.redis_servers import redis_server

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


class Shelf:
    """What is published."""

    def __init__(self, content: bytes) -> None:
        """Nobody has asked."""
        self.content = content
        self.url = ""


@contextmanager
def publishing(content: bytes, certificate: Path, key: Path) -> Iterator[Shelf]:
    """Publish over HTTPS until the block is left."""
    shelf = Shelf(content)

    class Handler(BaseHTTPRequestHandler):
        """Answers with ETags."""

        def do_GET(self) -> None:
            """Answer, or say that nothing was modified."""
            etag = f'"{sha256(shelf.content).hexdigest()}"'
            is_known = self.headers["If-None-Match"] == etag
            self.send_response(304 if is_known else 200)
            self.send_header("ETag", etag)
            self.send_header("Content-Length", "0" if is_known else str(len(shelf.content)))
            self.end_headers()
            if not is_known:
                self.wfile.write(shelf.content)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        server.socket = context.wrap_socket(server.socket, server_side=True)
        shelf.url = f"https://127.0.0.1:{server.server_address[1]}/trust.pem"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield shelf
        finally:
            server.shutdown()
            thread.join()


def test_who_is_told_looks(tmp_path: Path) -> None:
    """One looks each second, the other once an hour: both trust whoever is new within seconds."""
    validity = validity_of_now()
    old, new = Authority.root("Old", **validity), Authority.root("New", **validity)
    ours: CertificateOverrides = {**validity, "san": ["IP:127.0.0.1"], "extended_key_usage": ["serverAuth"]}
    certificate, key = write(tmp_path, "server", old.issue("server", **ours))
    authorities, _ = write(tmp_path, "authority", old.issued)
    leaf = new.issue("leaf", **validity)
    with publishing(bundle([old]).encode(), certificate, key) as shelf, redis_server(tmp_path / "redis") as server:

        def replica(name: str, poll_s: str) -> dict[str, str]:
            elsewhere = {"TRUST_STORE": shelf.url, "TRUST_STORE_POLL_S": poll_s, "EGRESS_CA_BUNDLE": str(authorities)}
            return settings(server, name, **elsewhere)

        with (
            running_service(place(tmp_path, "a"), certificate, replica("a", "1")) as one,
            running_service(place(tmp_path, "b"), certificate, replica("b", "3600")) as other,
        ):
            assert ["untrusted"] * 2 == [code(each, leaf) for each in (one, other)]
            shelf.content = bundle([old, new]).encode()
            until(lambda: code(one, leaf) == "ok", "whoever looks often has it")
            until(lambda: code(other, leaf) == "ok", "the other was told")
