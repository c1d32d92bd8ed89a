"""The API in this process, with the real validator behind it and everything beyond that in memory."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

import httpx
from fastapi import FastAPI

from service.adapters.nonces import RandomNonces
from service.api.app import ApiServices, OperationsServices, create_app
from service.api.authentication import ClientCertificates, grant_access
from service.api.authorize import AuthorizeServices
from service.api.event_streams import EventStreams
from service.api.events import EventServices
from service.api.kept_answers import KeptAnswer
from service.api.operations import CheckResult, Condition, Readiness, ReadinessCheck
from service.api.rules import ApiRules, Overrides
from service.application.auditing import AuditTrail
from service.application.block_sharing import BlockSharing
from service.application.blocks import Blocks
from service.application.caller_limits import CallerLimits
from service.application.decision_records import DecisionKeeper
from service.application.gather import Gatherer
from service.application.ids import DecisionIds
from service.application.ocsp_client import OcspClient, OcspRules
from service.application.shadow import ShadowReport, ShadowRules
from service.application.trust_stores import TrustStores
from service.application.validate import Validator
from service.application.verdict_cache import VerdictCache
from service.core.model.policy import Policy
from tests.api.conformance import Json, check_documented
from tests.api.fakes import (
    IngestingProcess,
    Number,
    NumberedIds,
    PublishedCrl,
    RememberingObserver,
    Responders,
    Shelf,
    StandingClock,
)
from tests.api.stores import Contents, trust_stores
from tests.memory_blocks import MemoryBlockStore
from tests.operators import Operators
from tests.pki import Authority

VERSION: Final = "1.2.3"
CALLER: Final = "caller-token"
ADMIN: Final = "admin-token"

ROOT: Final = Authority.root("Root")
SUB: Final = ROOT.subordinate("Sub", path_length=0)
LEAF: Final = SUB.issue("leaf")

OVERRIDING: Final = ApiRules(overrides=Overrides.ALLOWED)
WITH_TOKENS: Final = ApiRules(access=grant_access([CALLER], [ADMIN]))
WITH_CLIENT_CA: Final = ApiRules(access=grant_access(client_certificates=ClientCertificates.REQUIRED))


async def good() -> CheckResult:
    """A check that passes."""
    return CheckResult(Condition.GOOD)


@dataclass(slots=True)
class World:
    """What the API is made of, and what has come of it.

    Attributes:
        stores: Trust stores by name.
        crls: What is published, by URL.
        responders: What OCSP responders answer, by URL.
        faults: What the API has called its own fault.
        kept: Answers that are kept to be given again.
        number: The generation of the decisions.
        operators: What operators are answered from; nothing is held where it is None.
        shadow: Who is answered in shadow.
        report: What would have been denied.
        limits: What callers are held to.
        trail: Where changes are written down.
        streams: Of events; each ends after the first one.
    """

    rules: ApiRules = field(default_factory=ApiRules)
    policy: Policy = field(default_factory=Policy)
    stores: Contents = field(default_factory=lambda: {"default": (ROOT,)})
    crls: Mapping[str, PublishedCrl] = field(default_factory=dict)
    responders: Mapping[str, bytes] = field(default_factory=dict)
    checks: Mapping[str, ReadinessCheck] = field(default_factory=lambda: {"world": good})
    ids: DecisionIds = field(default_factory=NumberedIds)
    clock: StandingClock = field(default_factory=StandingClock)
    shelf: Shelf = field(default_factory=Shelf)
    observer: RememberingObserver = field(default_factory=RememberingObserver)
    faults: list[tuple[str, Exception]] = field(default_factory=list)
    kept: int = 0
    number: Number = field(default_factory=Number)
    blocks: MemoryBlockStore = field(default_factory=MemoryBlockStore)
    sharing: BlockSharing | None = None
    operators: Operators | None = None
    most_blocks: int = 1_000
    shadow: ShadowRules = field(default_factory=ShadowRules)
    report: ShadowReport = field(default_factory=ShadowReport)
    limits: CallerLimits | None = None
    trail: AuditTrail | None = None
    streams: EventStreams = field(default_factory=lambda: EventStreams(longest_s=0.0))

    def services(self) -> ApiServices:
        """What the application is made with."""
        stores = trust_stores(self.stores)
        answers: VerdictCache[KeptAnswer] = VerdictCache(
            self.kept, self.policy, self.number, stores.in_force, self.clock
        )
        blocks = Blocks(self.blocks, self.clock, self.ids, self.observer, self.most_blocks, self.sharing)
        operators = self.operators or Operators(self.clock)
        authorizing = AuthorizeServices(self.clock, self.ids, self.observer)
        return ApiServices(
            self._validator(stores, blocks, operators.decisions),
            self.policy,
            self.operations(),
            blocks,
            answers,
            operators.services(),
            authorizing,
            self.limits,
            self.trail,
            EventServices(self.streams, self.clock),
        )

    def operations(self) -> OperationsServices:
        """What the operations are made with."""
        readiness = Readiness(self.checks, self._keep)
        return OperationsServices(readiness, lambda: b"revet_up 1\n", self._keep, VERSION)

    def app(self) -> FastAPI:
        """The application."""
        return create_app(self.services(), self.rules)

    def _validator(self, stores: TrustStores, blocks: Blocks, keeper: DecisionKeeper) -> Validator:
        ocsp = OcspClient(
            Responders(self.responders),
            self.shelf,
            self.clock,
            self.observer,
            OcspRules(self.policy, 1.0),
            RandomNonces(),
        )
        process = IngestingProcess(self.shelf, self.crls)
        gatherer = Gatherer(self.shelf, self.shelf, process, ocsp, self.clock)
        observer, shadow = self.observer, self.shadow
        return Validator(stores, gatherer, self.clock, self.ids, observer, 1.0, blocks, shadow, self.report, keeper)

    def _keep(self, operation: str, error: Exception) -> None:
        self.faults.append((operation, error))


@dataclass(frozen=True, slots=True)
class Caller:
    """Sends requests to an application and holds every answer against its document."""

    app: FastAPI
    token: str | None = None

    async def validate(self, body: Json) -> httpx.Response:
        """Ask for one verdict."""
        return await self.post(json.dumps(body).encode(), content_type="application/json")

    async def batch(self, *items: object) -> httpx.Response:
        """Ask for several."""
        content = json.dumps({"items": items}).encode()
        return await self.post(content, "/v1/validate/batch", content_type="application/json")

    async def post(self, content: bytes, path: str = "/v1/validate", **headers: str) -> httpx.Response:
        """Send octets, as they are."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.send("POST", path, content=content, headers=named)

    async def get(self, path: str) -> httpx.Response:
        """Get a path."""
        return await self.send("GET", path)

    async def send(
        self,
        method: str,
        path: str,
        *,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """Send any request."""
        given = dict(headers or {})
        if self.token is not None:
            given.setdefault("authorization", f"Bearer {self.token}")
        transport = httpx.ASGITransport(app=self.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            response = await client.request(method, path, content=content, headers=given)
        if method != "HEAD":
            check_documented(self.app.openapi(), response)
        is_shown = path.startswith("/dashboard") and response.status_code in {200, 304}
        assert ("no-cache" if is_shown else "no-store") == response.headers["cache-control"]
        assert "nosniff" == response.headers["x-content-type-options"]
        return response


def calling(world: World, token: str | None = None) -> Caller:
    """Somebody who calls the API of a world."""
    return Caller(world.app(), token)


def overriding(world: World | None = None) -> Caller:
    """Somebody whose requests may carry options."""
    world = world or World()
    world.rules = replace(world.rules, overrides=Overrides.ALLOWED)
    return calling(world)
