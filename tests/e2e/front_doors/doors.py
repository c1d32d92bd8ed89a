"""A service, the authorizer, the gateway in front of it and its clients, put together as their users have them."""

import json
import ssl
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx

from service.adapters.clock import SystemClock
from service.demo.gateway.function import Function
from service.demo.gateway.integration import Integration, no_content
from service.demo.gateway.model import Api, AuthorizerSettings
from service.demo.gateway.own_certificate import OwnCertificate, make_own_certificate
from service.demo.gateway.server import Front, Gateway
from tests.adapters.s3.bucket import ENVIRONMENT, Bucket
from tests.demo.gateway.clients import Answer, curl
from tests.e2e.running import ROOT

PATIENCE_MS: Final = "8000"
"""The authorizer's deadline: its 800 ms are too short where many tests run side by side."""

NOWHERE: Final = Path("unused")
"""In place of a trust store's file, where the settings name an object."""

EXPLICIT_DENY: Final = '{"Message":"User is not authorized to access this resource with an explicit deny"}'

BOUND: Final = ("context.identity.clientCert.clientCertPem",)
"""Identity sources that bind kept results to the certificate."""


def s3_settings(bucket: Bucket, trust_store: str, **more: str) -> dict[str, str]:
    """Settings of a service that reads its trust store out of a bucket."""
    return {
        **ENVIRONMENT,
        "AWS_ENDPOINT_URL_S3": bucket.endpoint,
        "REVET_TRUST_STORE": f"s3://{bucket.name}/{trust_store}",
        "REVET_WORKERS": "1",
        "REVET_DRAIN_S": "0",
        "REVET_CRL_FIRST_DELAY_S": "0",
        "REVET_CRL_RETRY_S": "0.2",
        "REVET_BREAKER_OPEN_S": "0.2",
        **more,
    }


def own_certificate(directory: Path, name: str) -> OwnCertificate:
    """A server's certificate of a private authority."""
    return make_own_certificate(directory, (name,), SystemClock().now(), authority_name="Private root of the network")


def refresh(url: str, authority: Path | None = None) -> None:
    """Have all CRLs fetched now, and wait until every worker decides by them.

    Args:
        url: Of the service.
        authority: Who vouches for a service on HTTPS.
    """
    context = ssl.create_default_context(cafile=authority)
    answer = httpx.post(f"{url}/v1/refresh?wait=true", json={}, timeout=90, verify=context, trust_env=False)
    assert httpx.codes.OK == answer.status_code, answer.text
    # A bucket may hold CRLs of authorities that are in nobody's trust store.
    problems = {one["problem"] for one in answer.json()["outcomes"]}
    assert None in problems <= {None, "wrong_issuer"}, answer.text


def is_refused(answer: Answer) -> bool:
    """Whether it is what the client of a revoked certificate sees."""
    seen = (answer.status, answer.headers.get("x-amzn-errortype"), answer.body)
    return seen == (403, "AccessDeniedException", EXPLICIT_DENY)


def is_an_error(answer: Answer) -> bool:
    """Whether it is what a client sees when the authorizer has raised."""
    seen = (answer.status, answer.headers.get("x-amzn-errortype"), answer.body)
    return seen == (500, "AuthorizerConfigurationException", '{"message":null}')


def has_no_connection(answer: Answer) -> bool:
    """Whether there was no answer at all: curl: (35) in TLS 1.2, (56) in TLS 1.3."""
    return answer.status == 0 and answer.exit_code in {35, 56}


class MovedClock(SystemClock):
    """The machine's clock, and what a test adds to it: so that nobody has to wait until a kept result is over."""

    def __init__(self) -> None:
        """Begin with the machine's."""
        self._added_s = 0.0

    def skip(self, seconds: float) -> None:
        """Be later."""
        self._added_s += seconds

    def monotonic(self) -> float:
        """Seconds that never go backwards."""
        return super().monotonic() + self._added_s


@dataclass(frozen=True, slots=True)
class Shown:
    """What a client shows: its certificate, with its chain below, and the key to it."""

    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True)
class Door:
    """A custom domain name with mutual TLS, and the authorizer behind it.

    Attributes:
        authority: Who vouches for the domain name.
        log: What the authorizer has printed.
    """

    gateway: Gateway
    function: Function
    clock: MovedClock
    authority: Path
    log: Path

    def codes(self) -> list[str]:
        """The codes that the authorizer has logged, in their order."""
        lines = [one for one in self.log.read_text().splitlines() if one.startswith("{")]
        return [str(json.loads(one)["code"]) for one in lines if "code" in json.loads(one)]

    def curl(self, shown: Shown | None, *more: str) -> Answer:
        """What curl gets with a certificate, or without one."""
        certificate, key = (None, None) if shown is None else (shown.certificate, shown.key)
        return curl(self.gateway, self.authority, certificate, key, *more)


@contextmanager
def opened(
    directory: Path,
    trust_store: bytes,
    environment: Mapping[str, str],
    *files: Path,
    api: Api | None = None,
    settings: AuthorizerSettings | None = None,
    integration: Integration = no_content,
) -> Iterator[Door]:
    """A gateway with the authorizer, until the block is left.

    Args:
        directory: For the domain name's certificate, and the authorizer's log.
        trust_store: What mutual TLS trusts.
        environment: The authorizer's settings.
        files: To be uploaded with it, and found in its working directory.
        api: What is there.
        settings: How the authorizer is called.
        integration: What answers requests that may pass.
    """
    clock = MovedClock()
    api = api or Api()
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / "authorizer.log"
    own = make_own_certificate(directory / "domain", (api.domain,), clock.now())
    with ExitStack() as stack:
        log = stack.enter_context(path.open("ab"))
        function = Function(
            archive(directory / "authorizer.zip", *files), {"REVET_TIMEOUT_MS": PATIENCE_MS, **environment}, log=log
        )
        stack.enter_context(function)
        front = Front(own.certificate, own.key, trust_store)
        gateway = Gateway(front, function, clock, api=api, settings=settings, integration=integration)
        yield Door(stack.enter_context(gateway), function, clock, own.authority, path)


def archive(path: Path, *more: Path) -> Path:
    """The authorizer as it is uploaded, with more files beside it."""
    pack = [sys.executable, str(ROOT / "scripts" / "authorizer_archive.py"), str(path), *map(str, more)]
    subprocess.run(pack, check=True, capture_output=True)
    return path
