"""Who has changed what over HTTP: a record before and one after, and no change without the first."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import pytest
from fastapi import FastAPI
from starlette.routing import Route

from service.adapters.arrival_table import ArrivalTable
from service.api.app import ACTIONS, QUESTIONS
from service.application.auditing import MAX_REFUSED, AuditRecord, AuditTrail, AuditUnavailableError, Outcome
from service.application.block_sharing import Reach
from service.application.caller_limits import CallerLimits, LimitRules
from service.application.rate import Rate
from service.core.model.block import Block, Tombstone
from tests.api.asgi import Exchange, exchange, piece, receiving, scope_of, sending
from tests.api.fakes import NumberedIds
from tests.api.operating_parts import HELD, world
from tests.api.test_limits import Refused
from tests.api.test_uploads import reading
from tests.api.world import ADMIN, CALLER, WITH_TOKENS, World
from tests.application.manual_clock import ManualClock
from tests.operators import Operators

pytestmark = pytest.mark.anyio

BLOCK: Final = {"fingerprint_sha256": "ab" * 32, "reason": "Key stolen"}


def name_of(token: str) -> str:
    """What records call whoever has a token."""
    return WITH_TOKENS.access.authenticate(sending((b"authorization", b"Bearer " + token.encode()))).name


WHO: Final = name_of(ADMIN)


@dataclass(slots=True)
class Trail:
    """Keeps records while it can, and what else was told.

    Attributes:
        room: For how many records there is still.
    """

    clock: ManualClock = field(default_factory=ManualClock)
    room: int = 1_000_000
    kept: list[AuditRecord] = field(default_factory=list)
    told: list[AuditRecord] = field(default_factory=list)
    lost: list[AuditRecord] = field(default_factory=list)

    async def keep(self, record: AuditRecord) -> None:
        """Keep it."""
        if len(self.kept) >= self.room:
            raise AuditUnavailableError("No space left on device")
        self.kept.append(record)

    def recorded(self, record: AuditRecord) -> None:
        """Remember it."""
        self.told.append(record)

    def not_kept(self, record: AuditRecord, reason: str) -> None:
        """Remember it."""
        assert "No space left on device" == reason
        self.lost.append(record)

    def open(self) -> AuditTrail:
        """What an application is made with."""
        return AuditTrail(self, self.clock, NumberedIds(), self)

    def outcomes(self) -> list[tuple[str, str, str]]:
        """What was kept, in short."""
        return [(one.action, one.outcome.value, one.problem) for one in self.kept]


def audited(trail: Trail) -> tuple[World, Operators]:
    """A world with tokens, CRLs, uploads that are held, and a trail."""
    world_, operators = world()
    reading(operators)
    world_.rules, world_.trail = WITH_TOKENS, trail.open()
    return world_, operators


async def ask(
    app: FastAPI,
    request: str,
    document: object = None,
    token: str | None = ADMIN,
    headers: Mapping[str, str] | None = None,
) -> Exchange:
    """A request, from an address."""
    method, path = request.split()
    named = {**({} if token is None else {"authorization": f"Bearer {token}"}), **(headers or {})}
    scope = scope_of(path, [(name.encode(), value.encode()) for name, value in named.items()], method)
    body = document if isinstance(document, bytes) else b"" if document is None else json.dumps(document).encode()

    async def whole() -> Any:  # noqa: ANN401 - ASGI's messages
        yield piece(body, is_last=True)

    return await exchange(app, {**scope, "client": ("192.0.2.7", 4711)}, receiving(whole()))


CHANGES: Final[Mapping[str, tuple[str, object, dict[str, object]]]] = {
    "POST /v1/blocks": ("POST /v1/blocks", BLOCK, {**BLOCK, "block": "decision-1"}),
    "DELETE /v1/blocks/{id}": ("DELETE /v1/blocks/decision-1", None, {"block": "decision-1"}),
    "POST /v1/crls/reset": (
        "POST /v1/crls/reset",
        {"slot": HELD.slot.key.hex()},
        {"slot": HELD.slot.key.hex(), "count": 1, "slots": [HELD.slot.key.hex()]},
    ),
    "PUT /v1/crls/uploads/{name}": (
        "PUT /v1/crls/uploads/a.crl",
        b"a crl",
        {"name": "a.crl", "octets": 5, "became": "held"},
    ),
    "DELETE /v1/crls/uploads/{name}": ("DELETE /v1/crls/uploads/a.crl", None, {"name": "a.crl"}),
    "POST /v1/refresh": ("POST /v1/refresh", None, {"sources": "all"}),
    "POST /v1/cache/purge": ("POST /v1/cache/purge", {"caches": ["ocsp"]}, {"caches": ["ocsp"]}),
}
"""For each path that changes something: a request that does, and what its last record says of it; in this order."""


def test_every_change_is_among_them() -> None:
    """A route that is new needs a name in records, and a request here."""
    changing = {
        f"{method} {route.path}"
        for route in World().app().routes
        if isinstance(route, Route) and route.path not in QUESTIONS
        for method in ("POST", "PUT", "DELETE", "PATCH")
        if method in _methods(route)
    }
    assert set(CHANGES) == changing == set(ACTIONS)


def _methods(route: Route) -> frozenset[str]:
    return frozenset(getattr(route.endpoint, "_methods", ()))


async def test_every_change_has_a_record_before_and_after() -> None:
    """Who, from where, what, on what, and what came of it; both of one attempt."""
    trail = Trail()
    world_, _ = audited(trail)
    app = world_.app()
    for path, (request, document, on) in CHANGES.items():
        trail.kept.clear()
        answer = await ask(app, request, document, headers={"x-request-id": "request-1"})
        assert answer.status is not None
        assert answer.status < 300, (path, answer.body)
        before, after = trail.kept
        assert (Outcome.BEGUN, Outcome.DONE) == (before.outcome, after.outcome)
        assert before.attempt == after.attempt
        for one in (before, after):
            assert (ACTIONS[path], WHO, "192.0.2.7", "request-1", "") == (
                one.action,
                one.by,
                one.peer,
                one.request_id,
                one.problem,
            )
        assert on == dict(after.on)
        assert before.on.items() <= after.on.items()
        assert before.on
    assert [one.action for one in trail.told] == list(ACTIONS.values())


@pytest.mark.parametrize("path", sorted(set(CHANGES) - {"POST /v1/blocks"}))
async def test_no_record_no_change(path: str) -> None:
    """503, and everything is as it was."""
    trail, (request, document, _) = Trail(), CHANGES[path]
    world_, operators = audited(trail)
    app = world_.app()
    for before, (earlier, given, _) in CHANGES.items():
        if before == path:
            break
        await ask(app, earlier, given)
    state = [*operators.asked.told], dict(operators.shelf.content), dict(world_.blocks.blocks)
    trail.room = 0
    answer = await ask(app, request, document)
    kind = json.loads(answer.body)["type"].rpartition(":")[2]
    assert (503, "audit-unavailable", b"1") == (answer.status, kind, answer.headers[b"retry-after"])
    assert state == ([*operators.asked.told], dict(operators.shelf.content), dict(world_.blocks.blocks))
    assert [ACTIONS[path]] == [one.action for one in trail.lost]


async def test_a_block_is_added_all_the_same() -> None:
    """It denies more, and at once: that it could not be written down is told, twice."""
    trail = Trail(room=0)
    world_, _ = audited(trail)
    answer = await ask(world_.app(), "POST /v1/blocks", BLOCK)
    assert (201, 1) == (answer.status, len(world_.blocks.blocks))
    assert [Outcome.BEGUN, Outcome.DONE] == [one.outcome for one in trail.lost]
    assert ["block_add"] == [one.action for one in trail.told]


async def test_what_has_happened_is_answered_whatever_becomes_of_its_second_record() -> None:
    """It has happened, and whoever asked must know; that it could not be written down is told."""
    trail = Trail(room=1)
    world_, operators = audited(trail)
    answer = await ask(world_.app(), "POST /v1/cache/purge", {"caches": ["ocsp"]})
    assert (200, 1) == (answer.status, operators.host.purged["ocsp"])
    assert [("cache_purge", "begun", "")] == trail.outcomes()
    assert [Outcome.DONE] == [one.outcome for one in trail.lost]


@pytest.mark.parametrize(
    ("request_", "document", "outcome", "problem"),
    [
        ("DELETE /v1/blocks/nobody", None, "refused", "unknown-block"),
        ("POST /v1/blocks", {**BLOCK, "until": "2020-01-01T00:00:00Z"}, "refused", "invalid-request"),
        ("POST /v1/crls/reset", {"issuer": "CN=Nobody"}, "refused", "unknown-crl"),
        ("DELETE /v1/crls/uploads/b.crl", None, "refused", "unknown-upload"),
        ("POST /v1/refresh", {"source": "http://nobody.example/"}, "refused", "unknown-source"),
    ],
)
async def test_what_cannot_be_done(request_: str, document: object, outcome: str, problem: str) -> None:
    """Both records are there, and the second says why not."""
    trail = Trail()
    world_, _ = audited(trail)
    assert (await ask(world_.app(), request_, document)).status in {400, 404}
    assert [("begun", ""), (outcome, problem)] == [(found[1], found[2]) for found in trail.outcomes()]


async def test_what_could_not_be_done_is_no_refusal() -> None:
    """A store that cannot be written, and a fault of ours."""
    trail = Trail()
    world_, operators = audited(trail)
    operators.host.broken = "burnt"
    assert 503 == (await ask(world_.app(), "POST /v1/cache/purge", {"caches": ["ocsp"]})).status
    assert ("cache_purge", "failed", "store-unavailable") == trail.outcomes()[-1]


class Alone:
    """A fleet that nobody reaches. Implements `service.application.block_sharing.BlockSharing`."""

    fleet = None

    async def share(self, block: Block) -> Reach:
        """In vain."""
        assert block.id
        return Reach.UNREACHABLE

    async def share_removal(self, tombstone: Tombstone) -> Reach:
        """In vain."""
        assert tombstone.block_id
        return Reach.UNREACHABLE


async def test_a_block_on_this_host_alone_is_done() -> None:
    """A 503, and in force here: the record says both, and which block it is."""
    trail = Trail()
    world_, _ = audited(trail)
    world_.sharing = Alone()
    assert 503 == (await ask(world_.app(), "POST /v1/blocks", BLOCK)).status
    assert ("block_add", "done", "block-is-local") == trail.outcomes()[-1]
    assert "decision-1" == trail.kept[-1].on["block"]


# --- who may not -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", sorted(CHANGES))
@pytest.mark.parametrize(
    ("token", "by", "problem"),
    [
        (None, "nobody", "unauthenticated"),
        ("wrong", "unknown token", "unauthenticated"),
        (CALLER, name_of(CALLER), "admin-needed"),
    ],
)
async def test_whoever_may_not_is_recorded(path: str, token: str | None, by: str, problem: str) -> None:
    """One record, and nothing of the token that nobody knows."""
    trail = Trail()
    world_, _ = audited(trail)
    request, document, _ = CHANGES[path]
    assert (await ask(world_.app(), request, document, token)).status in {401, 403}
    assert [(ACTIONS[path], "refused", problem)] == trail.outcomes()
    record = trail.kept[0]
    assert (by, "192.0.2.7", {"path": request.split()[1], "left_out": 0}) == (record.by, record.peer, dict(record.on))


async def test_nobody_fills_a_disk() -> None:
    """Of each kind so many in a minute; and whoever is known is not hidden behind those who are not."""
    trail = Trail()
    world_, _ = audited(trail)
    app = world_.app()
    for _ in range(MAX_REFUSED + 40):
        await ask(app, "POST /v1/refresh", None, "wrong")
    await ask(app, "POST /v1/refresh", None, CALLER)
    assert ["unauthenticated"] * MAX_REFUSED + ["admin-needed"] == [one.problem for one in trail.kept]
    trail.clock.advance(60)
    await ask(app, "POST /v1/refresh", None, "wrong")
    assert 40 == trail.kept[-1].on["left_out"]


async def test_with_limits_too() -> None:
    """Whoever is refused for his token is recorded whoever refuses him; whoever has asked enough is not."""
    trail = Trail()
    world_, _ = audited(trail)
    world_.limits = CallerLimits(LimitRules(Rate(1.0, 2)), ArrivalTable.private(), ManualClock(), Refused())
    app = world_.app()
    assert [401, 401, 429] == [(await ask(app, "POST /v1/refresh", None, "wrong")).status for _ in range(3)]
    assert [("crl_refresh", "refused", "unauthenticated")] * 2 == trail.outcomes()


# --- what is no change -----------------------------------------------------------------------------------------------


async def test_whoever_looks_is_not_recorded() -> None:
    """Nor who asks, or what could not be understood."""
    trail = Trail()
    world_, _ = audited(trail)
    app = world_.app()
    for request in ("GET /v1/blocks", "HEAD /v1/blocks", "GET /v1/stats", "GET /v1/crls/uploads", "POST /v1/validate"):
        await ask(app, request)
    await ask(app, "POST /v1/blocks", b"{")
    await ask(app, "POST /v1/blocks", {**BLOCK, "more": 1})
    await ask(app, "PATCH /v1/blocks")
    assert [] == trail.kept


@pytest.mark.parametrize(
    ("sent", "expected"),
    [("abc-123", "abc-123"), ("a b", ""), ("x" * 129, ""), ("x" * 128, "x" * 128), ("\x1b[2J", ""), ("ü", "")],
)
async def test_what_a_request_is_called(sent: str, expected: str) -> None:
    """Printable and short, or nothing."""
    trail = Trail()
    world_, _ = audited(trail)
    await ask(world_.app(), "POST /v1/refresh", headers={"x-request-id": sent})
    assert [expected] * 2 == [one.request_id for one in trail.kept]
