"""Shadow mode as callers see it: globally, for a trust store, for a caller, kept answers and batches included."""

from dataclasses import replace
from typing import Final

import pytest

from service.api.authentication import grant_access
from service.api.rules import ApiRules
from service.application.shadow import Enforcement, ShadowRules
from service.core.model.failure import Code
from service.core.model.policy import Policy, RevocationMode, RevocationScope
from tests.api.conformance import Json
from tests.api.world import LEAF, ROOT, SUB, World, calling
from tests.pki import Authority

pytestmark = pytest.mark.anyio

SHADOWED: Final = "shadowed-token"
CALLER: Final = "caller-token"
STRICT: Final = Policy(RevocationMode.REQUIRE, RevocationScope.LEAF)
REQUEST: Final[Json] = {"certificate": LEAF.pem + SUB.pem}
TOKENS: Final = ApiRules(access=grant_access([CALLER], ["admin-token"], shadow_tokens=[SHADOWED]))
EVERYBODY: Final = ShadowRules(Enforcement.SHADOW)


def shown(answer: Json) -> tuple[object, ...]:
    """What a gateway acts on, and what would have been."""
    enforced = answer["enforced"]
    return answer["decision"], answer["status"], answer["code"], None if enforced is None else enforced["code"]


IN_SHADOW: Final = ("allow", "unknown", "ok", "revocation_unavailable")
ENFORCED: Final = ("deny", "unknown", "revocation_unavailable", None)


async def test_everybody() -> None:
    """The answer allows, and carries the denial whole."""
    world = World(policy=STRICT, shadow=EVERYBODY)
    answer = (await calling(world).validate(REQUEST)).json()
    assert IN_SHADOW == shown(answer)
    detail = "No usable answer about the revocation of CN=leaf: nothing is declared and nothing is held."
    assert f"Allowed in shadow mode alone. {detail}" == answer["detail"]
    assert {"decision": "deny", "status": "unknown", "code": "revocation_unavailable", "detail": detail} == (
        answer["enforced"]
    )
    assert "unknown" == answer["path"][0]["revocation"]["status"]
    assert [(answer["decision_id"], Code.REVOCATION_UNAVAILABLE, "default")] == [
        (one.decision_id, one.code, one.trust_store) for one in world.observer.denials
    ]


@pytest.mark.parametrize(("shadow", "expected"), [(EVERYBODY, ["1.2.3.4"]), (ShadowRules(), [])])
async def test_the_policies_of_a_path_that_is_valid(shadow: ShadowRules, expected: list[str]) -> None:
    """Whoever looks at them is told what enforcement would tell of an allow; a deny names none."""
    root = Authority.root("Root", policies=["1.2.3.4"])
    leaf = root.issue("leaf", policies=["1.2.3.4"])
    world = World(stores={"default": (root,)}, policy=STRICT, shadow=shadow)
    answer = (await calling(world).validate({"certificate": leaf.pem})).json()
    assert expected == answer["authorized_policies"]


async def test_nobody() -> None:
    """Where nothing is in shadow."""
    world = World(policy=STRICT)
    assert ENFORCED == shown((await calling(world).validate(REQUEST)).json())
    assert [] == world.observer.denials


async def test_a_trust_store() -> None:
    """Whoever asks about another one is told the truth."""
    shadow = ShadowRules(trust_stores=frozenset({"trial"}))
    caller = calling(World(policy=STRICT, shadow=shadow, stores={"default": (ROOT,), "trial": (ROOT,)}))
    answers = [(await caller.validate({**REQUEST, "trust_store": name})).json() for name in ("trial", "default")]
    assert [IN_SHADOW, ENFORCED] == [shown(answer) for answer in answers]


async def test_a_caller() -> None:
    """By the token."""
    world = World(policy=STRICT, rules=TOKENS)
    answers = [(await calling(world, token).validate(REQUEST)).json() for token in (SHADOWED, CALLER, "admin-token")]
    assert [IN_SHADOW, ENFORCED, ENFORCED] == [shown(answer) for answer in answers]


async def test_a_token_in_shadow_is_a_callers_token() -> None:
    """It alone closes the door, and opens it for nobody else."""
    rules = ApiRules(access=grant_access(shadow_tokens=[SHADOWED]))
    statuses = [
        (await calling(World(rules=rules), token).validate(REQUEST)).status_code for token in (SHADOWED, CALLER, None)
    ]
    assert [200, 401, 401] == statuses


async def test_it_is_no_administrators_token() -> None:
    """Options are for those."""
    answer = await calling(World(rules=TOKENS), SHADOWED).validate({**REQUEST, "options": {}})
    assert 403 == answer.status_code


async def test_what_is_kept_for_one_is_not_given_to_the_other() -> None:
    """The same octets are two questions; both are kept."""
    world = World(policy=STRICT, rules=TOKENS, kept=10)
    app = calling(world).app
    answers = [
        (await replace(calling(world), app=app, token=token).validate(REQUEST)).json()
        for token in (SHADOWED, CALLER, SHADOWED, CALLER)
    ]
    assert [IN_SHADOW, ENFORCED] * 2 == [shown(answer) for answer in answers]
    assert ["miss", "miss", "hit", "hit"] == [answer["cache"] for answer in answers]


async def test_what_is_given_again_is_told_again() -> None:
    """Each answer by its own id, in the report as well."""
    world = World(policy=STRICT, shadow=EVERYBODY, kept=10)
    caller = calling(world)
    first, second = [(await caller.validate(REQUEST)).json() for _ in range(2)]
    ids = [first["decision_id"], second["decision_id"]]
    assert ("hit", ids) == (second["cache"], [one.decision_id for one in world.observer.denials])
    snapshot = world.report.snapshot()
    assert (2, list(reversed(ids))) == (snapshot.total, [one.decision_id for one in snapshot.recent])
    assert {"CN=leaf"} == {one.subject for one in snapshot.recent}


async def test_a_batch() -> None:
    """Each item is answered as its caller is."""
    world = World(policy=STRICT, rules=TOKENS)
    for token, expected in ((SHADOWED, IN_SHADOW), (CALLER, ENFORCED)):
        results = (await calling(world, token).batch(REQUEST, REQUEST)).json()["results"]
        assert [expected, expected] == [shown(answer) for answer in results]


async def test_what_shadow_never_puts_aside() -> None:
    """No path, and what cannot be read."""
    caller = calling(World(policy=STRICT, shadow=EVERYBODY))
    answers = [(await caller.validate({"certificate": text})).json() for text in (LEAF.pem, "MAMCAQE=")]
    assert [("deny", "untrusted", None), ("deny", "malformed", None)] == [
        (answer["decision"], answer["code"], answer["enforced"]) for answer in answers
    ]
