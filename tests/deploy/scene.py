"""A Revet, an application and the files of everybody: what the proxies of one test module share."""

import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from tests.deploy.application import Application, running_application
from tests.deploy.clients import HOST, write_pki
from tests.e2e.running import PATIENCE_S, Service, running_service

ROOT: Final = Path(__file__).parents[2]
DEPLOY: Final = ROOT / "deploy"

TOKEN: Final = "the-token-of-the-proxies"
ADMIN: Final = "an-administrators-token"


BY_TOKEN: Final = MappingProxyType({"REVET_API_TOKENS": TOKEN, "REVET_ADMIN_TOKENS": ADMIN})
"""Settings with which Revet knows its callers."""


@dataclass(frozen=True, slots=True)
class Scene:
    """What is around a proxy.

    Attributes:
        directory: Where all files are.
        service: Revet, on HTTPS.
        application: Behind the proxy.
    """

    directory: Path
    service: Service
    application: Application

    @property
    def revet(self) -> str:
        """Where Revet is, as `localhost:port`."""
        return f"{HOST}:{urlsplit(self.service.url).port}"

    def _ask(self, method: str, path: str, body: object = None) -> httpx.Response:
        context = ssl.create_default_context(cafile=self.directory / "infrastructure.pem")
        context.load_cert_chain(self.directory / "caller.pem", self.directory / "caller.key")
        headers = {"authorization": f"Bearer {ADMIN}"}
        with httpx.Client(verify=context, trust_env=False, timeout=PATIENCE_S) as client:
            return client.request(method, f"https://{self.revet}{path}", json=body, headers=headers)

    def verdict(self, client: str) -> dict[str, Any]:
        """What `POST /v1/validate` says of a client's certificate."""
        certificate = (self.directory / f"{client}.pem").read_text()
        return dict(self._ask("POST", "/v1/validate", {"certificate": certificate}).json())

    @contextmanager
    def blocked(self, client: str) -> Iterator[None]:
        """Block a client's certificate until the block is left."""
        fingerprint = self.verdict(client)["fingerprint_sha256"]
        made = self._ask("POST", "/v1/blocks", {"fingerprint_sha256": fingerprint, "reason": "lost"})
        assert httpx.codes.CREATED == made.status_code, made.text
        try:
            yield
        finally:
            gone = self._ask("DELETE", f"/v1/blocks/{made.json()['id']}")
            assert httpx.codes.NO_CONTENT == gone.status_code, gone.text


@contextmanager
def running_scene(directory: Path, callers: Mapping[str, str] = BY_TOKEN, **settings: str) -> Iterator[Scene]:
    """Run it until the block is left.

    Args:
        directory: An empty one.
        callers: Settings with which it knows who asks.
        settings: More settings of Revet, `REVET_…`.
    """
    write_pki(directory)
    own = {
        "REVET_WORKERS": "1",
        "REVET_TLS_CERT": str(directory / "server.pem"),
        "REVET_TLS_KEY": str(directory / "server.key"),
        "REVET_INTERMEDIATES": str(directory / "known.pem"),
        "REVET_CRL_SOURCES": str(directory / "crls"),
        **callers,
        **settings,
    }
    with (
        running_application() as application,
        running_service(directory, directory / "root.pem", own, management=True) as service,
    ):
        yield Scene(directory, service, application)
