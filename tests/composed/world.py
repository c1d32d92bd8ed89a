"""The whole service in one process: the real application, guard, ingester and store, in a made-up Internet.

Rules: `service.bootstrap` puts the parts together, as it does for a command that asks without a service; of the parts
only the name server, the connector and the clock are the test's. Names are answered from a table and every address is
found on loopback, so that no packet leaves the host, whatever a certificate names. Every answer is a verdict: another
status than 200, or anything that the service calls its own fault, fails the test.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias, TypedDict, Unpack

import pytest

from service.adapters.http.transport import tls_context
from service.adapters.lmdb.store import Store
from service.api.app import ApiServices, OperationsServices, create_app
from service.api.operations import Readiness
from service.api.rules import ApiRules
from service.bootstrap import answering as composition
from service.bootstrap import outside
from service.bootstrap.directories import SPOOL_DIRECTORY
from service.core.model.policy import EvidenceOrder, OcspNonce, RevocationScope
from service.settings import Settings
from tests.adapters.http.servers import Received, head, ok
from tests.adapters.http.world import PRIVATE, PUBLIC, Names, ToLoopback
from tests.api.conformance import Json
from tests.api.world import Caller, good
from tests.application.chain import ROOT, SUB
from tests.pki import NOW, Authority, CertificateOverrides, Issued, bundle

Table: TypeAlias = Mapping[str, list[tuple[str, ...]]]
"""Names and their successive addresses."""

Method = Literal["crl", "ocsp"]

METHODS: Final[tuple[Method, ...]] = ("crl", "ocsp")

GOOD: Final = ("allow", "good", "ok")
REVOKED: Final = ("deny", "revoked", "revoked")
UNAVAILABLE: Final = ("deny", "unknown", "revocation_unavailable")
UNTRUSTED: Final = ("deny", "invalid", "untrusted")

PATIENCE_S: Final = 20.0
"""How long anything may take where a test is not about time: far more than it does."""


class Rules(TypedDict, total=False):
    """What a test may say of the settings, under their names."""

    revocation_scope: RevocationScope
    evidence_order: EvidenceOrder
    deadline_ms: int
    fetch_timeout_s: float
    ocsp_timeout_s: float
    ocsp_nonce: OcspNonce
    ocsp_trusted_responders: tuple[Path, ...]
    max_crl_bytes: int
    egress_allow: tuple[str, ...]


class MovedClock:
    """The machine's time, moved to when the certificates of the tests live; its calendar stands still in between."""

    def __init__(self) -> None:
        """It is `NOW`."""
        self._moved = timedelta()

    def now(self) -> datetime:
        """The moment."""
        return NOW + self._moved

    def monotonic(self) -> float:
        """Seconds that really pass, and those that the test lets pass."""
        return time.monotonic() + self._moved.total_seconds()

    async def sleep(self, seconds: float) -> None:
        """Nobody here sleeps.

        Raises:
            AssertionError: somebody does.
        """
        raise AssertionError(f"somebody sleeps for {seconds} s")

    def advance(self, by: timedelta) -> None:
        """Let time pass."""
        self._moved += by


@dataclass(frozen=True, slots=True)
class Composed:
    """A service, and what it looks at of the world outside.

    Attributes:
        names: Remembers which names were asked for.
        connector: Remembers which addresses were connected to.
        spool: Where downloads are while they are read.
    """

    caller: Caller
    names: Names
    connector: ToLoopback
    clock: MovedClock
    store: Store
    spool: Path

    async def ask(self, *chain: Issued | Authority) -> Json:
        """The verdict about a chain in PEM, leaf first."""
        return await self.ask_text(bundle(chain))

    async def ask_text(self, certificate: str, *intermediates: str) -> Json:
        """The verdict about whatever stands in a request."""
        response = await self.caller.validate({"certificate": certificate, "intermediates": intermediates})
        assert 200 == response.status_code, response.text
        answer: Json = response.json()
        return answer


@asynccontextmanager
async def composed(directory: Path, names: Table | None = None, **rules: Unpack[Rules]) -> AsyncIterator[Composed]:
    """Compose a service that trusts Root and knows Sub.

    Args:
        directory: For everything that it writes.
        names: More names and their successive addresses; `ca.example` is public and `inside.example` private.
        rules: Settings. Unless given, the leaf alone is asked about, and nothing meets a time-out.
    """
    resolver = Names({"ca.example": [(PUBLIC,)], "inside.example": [(PRIVATE,)], **(names or {})})
    connector, clock = ToLoopback(), MovedClock()
    (directory / "trusted.pem").write_text(bundle([ROOT, SUB]))
    usual: Rules = {
        "revocation_scope": RevocationScope.LEAF,
        "deadline_ms": int(PATIENCE_S * 1000),
        "fetch_timeout_s": PATIENCE_S,
        "ocsp_timeout_s": PATIENCE_S,
    }
    data = directory / "data"
    settings = Settings(data_dir=data, trust_store=str(directory / "trusted.pem"), **(usual | rules))
    data.mkdir(mode=0o700)
    faults: list[tuple[str, Exception]] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(outside, "SystemResolver", _always(resolver))
        patch.setattr(outside, "TcpConnector", _always(connector))
        patch.setattr(outside, "tls_context", _tls_context)
        patch.setattr(composition, "SystemClock", _always(clock))
        async with composition.open_alone(settings, data) as answering:
            readiness = Readiness({"world": good}, lambda *fault: faults.append(fault))
            operations = OperationsServices(readiness, lambda: b"", lambda *fault: faults.append(fault), "0")
            app = create_app(
                ApiServices(answering.validator, answering.policy, operations, answering.blocks), ApiRules()
            )
            yield Composed(Caller(app), resolver, connector, clock, answering.store, data / SPOOL_DIRECTORY)
    assert [] == faults


_tls_context = cache(tls_context)
"""The real one, made once: the system's trust store takes longer to load than most of these tests."""


def _always(part: object) -> Callable[[], object]:
    return lambda: part


def summary(answer: Json) -> tuple[Any, Any, Any]:
    """Decision, status and code."""
    return answer["decision"], answer["status"], answer["code"]


def declaring(method: Method, *urls: str) -> CertificateOverrides:
    """What makes a certificate name a source: each URL a distribution point, or a responder."""
    return {"crl_urls": urls} if method == "crl" else {"ocsp_urls": urls}


def leaf_naming(method: Method, *urls: str) -> Issued:
    """A certificate below Sub that names a source."""
    return SUB.issue("leaf", **declaring(method, *urls))


@dataclass(slots=True)
class Publishing:
    """What a certificate authority publishes: a body under the beginning of each path; everything else is a 404.

    A test may change it while the server runs.
    """

    bodies: dict[str, bytes] = field(default_factory=dict)
    headers: tuple[str, ...] = ()

    async def __call__(self, received: Received, writer: asyncio.StreamWriter) -> None:
        """Answer a request."""
        path = received.line.split(" ")[1]
        for beginning, body in self.bodies.items():
            if path.startswith(beginning):
                writer.write(ok(body, *self.headers))
                return
        writer.write(head(404, "Content-Length: 0"))


def revocation(answer: Json) -> Json:
    """What is known of the leaf's revocation."""
    found: Json = answer["path"][0]["revocation"]
    return found
