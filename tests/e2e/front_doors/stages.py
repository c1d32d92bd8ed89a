"""A service, a sidecar in each mode before one application, and clients: what one door after the other is tried with.

In `alb` mode the test itself is the load balancer: it says the header, from an address that the sidecar trusts.
"""

import contextlib
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias, assert_never

import httpx

from service.application.fronts import Front
from tests.api.client_cert import proxies
from tests.e2e.running import PATIENCE_S, Service, running_service
from tests.pki import Issued
from tests.sidecar.application import Application, running_application
from tests.sidecar.material import ROOT, TOKEN, Pair, authority_file, server_pair, write
from tests.sidecar.running import Mode, Sidecar, running_sidecar

CERTIFICATE_HEADERS: Final = {
    Front.ALB_PASSTHROUGH: "X-Amzn-Mtls-Clientcert",
    Front.ALB_VERIFY: "X-Amzn-Mtls-Clientcert-Leaf",
    Front.NGINX: "X-SSL-Client-Cert",
    Front.ENVOY: "X-Forwarded-Client-Cert",
    Front.TRAEFIK: "X-Forwarded-Tls-Client-Cert",
    Front.RFC9440: "Client-Cert",
}
"""By which header each front hands a certificate over."""

WRITERS: Final = {
    "alb-passthrough": (Front.ALB_PASSTHROUGH, proxies.alb),
    "alb-verify": (Front.ALB_VERIFY, proxies.alb),
    "nginx": (Front.NGINX, proxies.nginx),
    "envoy": (Front.ENVOY, proxies.envoy),
    "traefik-3": (Front.TRAEFIK, proxies.traefik_3),
    "traefik-2": (Front.TRAEFIK, proxies.traefik_2),
    "rfc9440": (Front.RFC9440, proxies.byte_sequences),
}
"""How each front writes a certificate into its header; one has had two ways."""

MODES: Final[tuple[Mode, Mode]] = ("alb", "nlb")

ALB_HEADER: Final = CERTIFICATE_HEADERS[Front.ALB_PASSTHROUGH]


Header: TypeAlias = tuple[str, str | bytes]


@dataclass(frozen=True, slots=True)
class Stage:
    """What runs.

    Attributes:
        place: For certificates of clients.
        alb: A sidecar in `alb` mode.
        nlb: One in `nlb` mode.
        authority: What clients trust it by.
        server: Its own certificate.
    """

    place: Path
    service: Service
    application: Application
    alb: Sidecar
    nlb: Sidecar
    authority: Path
    server: Pair

    def authorize(self, front: Front, *headers: Header, path: str = "") -> httpx.Response:
        """Ask the service as a proxy does."""
        given = encoded(("X-Revet-Token", TOKEN), *headers)
        url = f"{self.service.url}/v1/authorize/{front}{path}"
        return httpx.get(url, headers=given, timeout=PATIENCE_S, trust_env=False)

    def through_alb(self, *headers: Header, path: str = "/") -> httpx.Response:
        """A request as it comes from the load balancer."""
        return httpx.get(f"{self.alb.url}{path}", headers=encoded(*headers), timeout=PATIENCE_S, trust_env=False)

    def through_nlb(self, pair: Pair | None, *headers: Header, path: str = "/") -> httpx.Response:
        """A request of a client that shows a certificate, or none, in its handshake."""
        with httpx.Client(verify=self.context(pair), timeout=PATIENCE_S, trust_env=False) as asking:
            return asking.get(f"{self.nlb.url}{path}", headers=encoded(*headers))

    @contextlib.contextmanager
    def another_sidecar(self, mode: Mode, environment: Mapping[str, str]) -> Iterator[Sidecar]:
        """A sidecar with other settings, as long as the block lasts."""
        given = {**sidecar_settings(mode, self.service, self.application, self.server), **environment}
        with running_sidecar(self.place, mode, given) as sidecar:
            yield sidecar

    def context(self, pair: Pair | None) -> ssl.SSLContext:
        """What a client does TLS with."""
        context = ssl.create_default_context(cafile=self.authority)
        if pair is not None:
            context.load_cert_chain(pair.certificate, pair.key)
        return context

    def pair(self, name: str, issued: Issued) -> Pair:
        """A client's certificate and key in files."""
        return write(self.place, name, issued)


def encoded(*headers: Header) -> list[tuple[bytes, bytes]]:
    """Headers as octets."""
    pairs = ((name.encode("ascii"), value) for name, value in headers)
    return [(name, value.encode("latin-1") if isinstance(value, str) else value) for name, value in pairs]


@contextlib.contextmanager
def running_stage(
    place: Path, service_settings: Mapping[str, str] | None = None, more: Mapping[str, str] | None = None
) -> Iterator[Stage]:
    """Run all of it until the block is left; `ROOT` of the sidecar's tests is the trust store.

    Args:
        place: For files.
        service_settings: More settings of the service.
        more: Of both sidecars.
    """
    (place / "trust.pem").write_text(ROOT.pem)
    server, authority = server_pair(place), authority_file(place)
    settings = {"REVET_API_TOKENS": TOKEN, "REVET_ADMIN_TOKENS": f"{TOKEN}-of-an-administrator", "REVET_WORKERS": "1"}
    with contextlib.ExitStack() as stack:
        service = stack.enter_context(
            running_service(place, place / "trust.pem", {**settings, **(service_settings or {})})
        )
        application = stack.enter_context(running_application())
        alb, nlb = (
            stack.enter_context(
                running_sidecar(place, mode, {**sidecar_settings(mode, service, application, server), **(more or {})})
            )
            for mode in MODES
        )
        yield Stage(place, service, application, alb, nlb, authority, server)


def sidecar_settings(mode: Mode, service: Service, application: Application, server: Pair) -> dict[str, str]:
    """What a sidecar is told."""
    common = {"REVET_URL": service.url, "REVET_TOKEN": TOKEN, "REVET_SIDECAR_UPSTREAM": application.url}
    match mode:
        case "alb":
            own = {"REVET_SIDECAR_TRUSTED_PROXIES": "127.0.0.1/32", "REVET_SIDECAR_ALB_HEADER": "passthrough"}
        case "nlb":
            own = {"REVET_SIDECAR_TLS_CERT": str(server.certificate), "REVET_SIDECAR_TLS_KEY": str(server.key)}
        case _:
            assert_never(mode)
    return {**common, **own}
