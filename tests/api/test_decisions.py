"""`/v1/decisions` over HTTP, with decisions in memory."""

from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

import pytest

from service.api import decision_examples as examples
from service.application.decision_records import DecisionRecord
from service.core.model.failure import Code
from service.core.model.verdict import Decision, Status
from tests.api.example_world import DEVICE, SUB, example_world
from tests.api.fakes import StandingClock
from tests.api.world import ADMIN, CALLER, WITH_TOKENS, World, calling
from tests.operators import Operators
from tests.pki import NOW, Authority

pytestmark = pytest.mark.anyio

DENIAL: Final = DecisionRecord(
    decision_id="01a",
    at=NOW,
    decision=Decision.DENY,
    status=Status.REVOKED,
    code=Code.REVOKED,
    detail="It is revoked.",
    trust_store="default",
    front="api",
    serial_number="5eed01",
    subject="CN=device-1",
    issuer="CN=Sub",
    fingerprint_sha256="ab" * 32,
    duration_s=0.25,
)
ALLOW: Final = replace(
    DENIAL, decision_id="01b", decision=Decision.ALLOW, status=Status.UNKNOWN, code=Code.OK, enforced=Code.REVOKED
)
OTHER: Final = replace(DENIAL, decision_id="01c", code=Code.EXPIRED, status=Status.INVALID, trust_store="partners")
REPEAT: Final = replace(DENIAL, decision_id="01d", duration_s=None, repeats="01a", front="nginx", left_out=3)
RECORDS: Final = (DENIAL, ALLOW, OTHER, REPEAT)


def world(*records: DecisionRecord) -> World:
    """A service that keeps these."""
    operators = Operators(StandingClock())
    operators.decisions.records += records
    return World(operators=operators)


async def listed(query: str = "", *records: DecisionRecord) -> list[str]:
    """The ids of an answer."""
    answer = await calling(world(*(records or RECORDS))).get(f"/v1/decisions{query}")
    assert 200 == answer.status_code, answer.text
    return [one["decision_id"] for one in answer.json()["decisions"]]


@pytest.mark.parametrize("path", ["/v1/decisions", "/v1/decisions/01a"])
@pytest.mark.parametrize(("token", "status"), [(None, 401), ("wrong", 401), (CALLER, 200), (ADMIN, 200)])
async def test_looking_needs_a_token(path: str, token: str | None, status: int) -> None:
    """Any that is known: decisions name people."""
    whole = world(*RECORDS)
    whole.rules = WITH_TOKENS
    assert status == (await calling(whole, token).get(path)).status_code


async def test_the_newest_first() -> None:
    """Each with everything but its case."""
    answer = await calling(world(DENIAL)).get("/v1/decisions")
    assert {
        "decisions": [
            {
                "decision_id": "01a",
                "at": "2026-01-01T00:00:00Z",
                "decision": "deny",
                "status": "revoked",
                "code": "revoked",
                "detail": "It is revoked.",
                "trust_store": "default",
                "front": "api",
                "serial_number": "5eed01",
                "subject": "CN=device-1",
                "issuer": "CN=Sub",
                "fingerprint_sha256": "ab" * 32,
                "duration_s": 0.25,
                "enforced": None,
                "repeats": None,
                "left_out": 0,
            }
        ],
        "next": None,
    } == answer.json()
    assert ["01d", "01c", "01b", "01a"] == await listed()


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("?code=revoked", ["01d", "01a"]),
        ("?code=expired", ["01c"]),
        ("?code=blocked", []),
        ("?decision=allow", ["01b"]),
        ("?decision=deny", ["01d", "01c", "01a"]),
        ("?trust_store=partners", ["01c"]),
        ("?trust_store=nobody", []),
        ("?before=01c", ["01b", "01a"]),
        ("?before=01a", []),
        ("?before=01c&code=revoked&decision=deny&trust_store=default", ["01a"]),
        ("?limit=2", ["01d", "01c"]),
    ],
)
async def test_filters(query: str, expected: list[str]) -> None:
    """One, or all of them."""
    assert expected == await listed(query)


async def test_every_page() -> None:
    """Every decision comes once, and the last page says that it is the last."""
    caller, found, following = calling(world(*RECORDS)), [], ""
    for expected in ("01c", "01a"):
        page = (await caller.get(f"/v1/decisions?limit=2{following}")).json()
        found += [one["decision_id"] for one in page["decisions"]]
        assert (expected == "01c") == (page["next"] == "01c")
        following = f"&before={page['next']}"
    assert (["01d", "01c", "01b", "01a"], "&before=None") == (found, following)


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("?limit=0", "limit"),
        ("?limit=1001", "limit"),
        ("?limit=x", "limit"),
        ("?code=good", "code"),
        ("?code=REVOKED", "code"),
        ("?decision=maybe", "decision"),
        ("?code=revoked&code=expired", "code"),
        ("?after=01a", "after"),
        ("/01a?case=true", "case"),
    ],
)
async def test_a_query_that_is_wrong(path: str, field: str) -> None:
    """What is misspelt is not what is absent."""
    answer = await calling(world(*RECORDS)).get(f"/v1/decisions{path}")
    assert (400, [field]) == (answer.status_code, [fault["field"] for fault in answer.json()["errors"]])


@pytest.mark.parametrize(
    ("case", "expected"),
    [(None, None), (b'{"version": 1, "a": [1.5]}', {"version": 1, "a": [1.5]}), (b'{"a', None), (b"[1]", None)],
)
async def test_one_of_them(case: bytes | None, expected: Any) -> None:  # noqa: ANN401 - any JSON
    """With its case as an object; what a disk has spoilt is none."""
    answer = await calling(world(replace(DENIAL, case=case))).get("/v1/decisions/01a")
    assert (200, "01a", expected) == (answer.status_code, answer.json()["decision_id"], answer.json()["case"])


@pytest.mark.parametrize("name", ["01e", "%00", "%F0%9F%98%80", "a%2Fb"])
async def test_one_that_is_not_kept(name: str) -> None:
    """Whatever it is called."""
    answer = await calling(world(*RECORDS)).get(f"/v1/decisions/{name}")
    expected = "not-found" if name == "a%2Fb" else "unknown-decision"
    assert (404, f"urn:revet:problem:{expected}") == (answer.status_code, answer.json()["type"])


@pytest.mark.parametrize("path", ["/v1/decisions", "/v1/decisions/01a"])
async def test_nothing_can_be_read(path: str) -> None:
    """Why is said, and verdicts are given all the same."""
    whole = world(*RECORDS)
    assert whole.operators is not None
    whole.operators.decisions.broken = "it is damaged"
    answer = await calling(whole).get(path)
    assert (503, "urn:revet:problem:decisions-unavailable", True) == (
        answer.status_code,
        answer.json()["type"],
        "it is damaged" in answer.json()["detail"],
    )


async def test_a_moment_with_a_fraction() -> None:
    """Is written as everywhere else."""
    at = NOW + timedelta(microseconds=1500)
    answer = await calling(world(replace(DENIAL, at=at))).get("/v1/decisions")
    assert ["2026-01-01T00:00:00.001500Z"] == [one["at"] for one in answer.json()["decisions"]]


async def test_examples() -> None:
    """Are what is answered about a certificate that was denied a moment ago, but for how long that took."""
    whole = example_world(revoked=True)
    whole.operators = Operators(whole.clock)
    caller = calling(whole)
    assert 200 == (await caller.validate({"certificate": DEVICE.pem, "intermediates": [SUB.pem]})).status_code
    took = {"duration_s": 0.0}
    assert {**examples.DECISIONS, "decisions": [{**examples.LINE, **took}]} == (
        await caller.get("/v1/decisions")
    ).json()
    answer = (await caller.get(f"/v1/decisions/{examples.LINE['decision_id']}")).json()
    assert {**examples.LINE, **took, "case": answer["case"]} == answer
    assert (list(examples.DECISION["case"]), 1) == (list(answer["case"]), answer["case"]["version"])


async def test_an_answer_that_is_given_again() -> None:
    """Has a record of its own, which names the first one; who came from is said of each."""
    whole = World(kept=10, operators=Operators(StandingClock()))
    caller = calling(whole)
    stranger = {"certificate": Authority.root("Stranger").issue("x").pem}
    answers = [(await caller.validate(stranger)).json() for _ in range(2)]
    assert ["miss", "hit"] == [answer["cache"] for answer in answers]
    newest, first = (await caller.get("/v1/decisions")).json()["decisions"]
    assert [answer["decision_id"] for answer in answers] == [first["decision_id"], newest["decision_id"]]
    assert (None, first["decision_id"]) == (first["repeats"], newest["repeats"])
    assert {"untrusted"} == {first["code"], newest["code"]}
