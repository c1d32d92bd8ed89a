"""`/healthz`, `/readyz`, `/metrics`, and where they are served."""

import asyncio

import httpx
import pytest
from fastapi import FastAPI

from service.api import operations as operations_module
from service.api.app import create_app, create_management_app
from service.api.operations import CheckResult, Condition
from service.api.rules import ApiRules, OperationsPort
from tests.api.conformance import check_schema
from tests.api.world import World, calling, good

pytestmark = pytest.mark.anyio

MANAGED = ApiRules(operations=OperationsPort.MANAGEMENT)


class Switch:
    """A check whose outcome is set from outside."""

    def __init__(self, condition: Condition, detail: str = "") -> None:
        """Begin with this outcome."""
        self.result = CheckResult(condition, detail)

    def set(self, condition: Condition, detail: str = "") -> None:
        """From now on it is this one."""
        self.result = CheckResult(condition, detail)

    async def __call__(self) -> CheckResult:
        """The outcome."""
        return self.result


async def status(app: FastAPI) -> tuple[int, str]:
    """Status and verdict of `/readyz`."""
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        answer = await client.get("/readyz")
    check_schema(World().app().openapi(), "ReadinessAnswer", answer.json())
    return answer.status_code, answer.json()["status"]


async def test_health_is_that_the_process_lives() -> None:
    """Whatever else is wrong."""
    world = World(checks={"store": Switch(Condition.FAILED)})
    answer = await calling(world).get("/healthz")
    assert (200, {"status": "ok"}) == (answer.status_code, answer.json())


async def test_ready_is_when_every_check_passes() -> None:
    """Each is in the answer by its name."""
    world = World(checks={"trust_stores": good, "store": Switch(Condition.FAILED, "not open")})
    answer = await calling(world).get("/readyz")
    assert (503, "not_ready") == (answer.status_code, answer.json()["status"])
    assert {
        "trust_stores": {"ok": True, "detail": ""},
        "store": {"ok": False, "detail": "not open"},
    } == answer.json()["checks"]


async def test_readiness_latches() -> None:
    """503 until everything has passed once; from then on trouble is 200 and `degraded`."""
    store, ingester = Switch(Condition.FAILED), Switch(Condition.GOOD)
    app = World(checks={"store": store, "ingester": ingester}).app()
    seen = [await status(app)]
    store.set(Condition.GOOD)
    ingester.set(Condition.FAILED)
    seen.append(await status(app))
    ingester.set(Condition.GOOD)
    seen.append(await status(app))
    store.set(Condition.FAILED, "gone")
    seen.append(await status(app))
    store.set(Condition.GOOD)
    seen.append(await status(app))
    assert [(503, "not_ready"), (503, "not_ready"), (200, "ready"), (200, "degraded"), (200, "ready")] == seen


async def test_what_is_impaired_is_no_reason_to_wait() -> None:
    """One broken trust store of many is told, and the others are served."""
    app = World(checks={"trust_stores": Switch(Condition.IMPAIRED, "b.pem: no PEM block"), "store": good}).app()
    assert (200, "degraded") == await status(app)


async def test_the_latch_is_one_for_both_ports() -> None:
    """What the management port has found holds on the main one."""
    store = Switch(Condition.GOOD)
    services = World(checks={"store": store}).services()
    main, management = create_app(services, ApiRules()), create_management_app(services.operations)
    assert (200, "ready") == await status(management)
    store.set(Condition.FAILED)
    assert (200, "degraded") == await status(main)


async def test_a_check_that_does_not_answer_has_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A probe waits for a second, and for nobody."""
    monkeypatch.setattr(operations_module, "CHECK_TIMEOUT_S", 0.01)

    async def hanging() -> CheckResult:
        await asyncio.Event().wait()
        return CheckResult(Condition.GOOD)

    answer = await calling(World(checks={"store": hanging})).get("/readyz")
    assert (503, {"ok": False, "detail": "no answer within 0.01 s"}) == (
        answer.status_code,
        answer.json()["checks"]["store"],
    )


async def test_a_check_that_breaks_has_failed() -> None:
    """What broke is told to the log."""

    async def broken() -> CheckResult:
        raise OSError("/secret/path")

    world = World(checks={"store": broken, "other": good})
    answer = await calling(world).get("/readyz")
    assert (503, False, True) == (
        answer.status_code,
        answer.json()["checks"]["store"]["ok"],
        answer.json()["checks"]["other"]["ok"],
    )
    assert "secret" not in answer.text
    assert ["readiness check store"] == [what for what, _ in world.faults]


async def test_metrics_are_what_the_renderer_gives() -> None:
    """In the type that Prometheus asks for."""
    answer = await calling(World()).get("/metrics")
    assert (b"revet_up 1\n", "text/plain; version=0.0.4; charset=utf-8") == (
        answer.content,
        answer.headers["content-type"],
    )


@pytest.mark.parametrize(("path", "expected"), [("/healthz", 200), ("/readyz", 404), ("/metrics", 404)])
async def test_with_a_management_port_the_main_one_has_only_health(path: str, expected: int) -> None:
    """And its document says so."""
    assert expected == (await calling(World(rules=MANAGED)).get(path)).status_code


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/healthz", 200),
        ("/readyz", 200),
        ("/metrics", 200),
        ("/v1/validate", 404),
        ("/docs", 404),
        ("/openapi.json", 404),
    ],
)
async def test_the_management_port_has_operations_alone(path: str, expected: int) -> None:
    """No verdicts are given where no certificates are asked for."""
    transport = httpx.ASGITransport(app=create_management_app(World().operations()))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        answer = await client.get(path)
    assert (expected, "no-store") == (answer.status_code, answer.headers["cache-control"])
