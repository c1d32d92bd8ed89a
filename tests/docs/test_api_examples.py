"""Every example in `docs/api.md` is what the service takes and answers."""

import ast
import inspect
import json
from collections.abc import Iterable
from hashlib import sha256
from typing import Any, Final

import pytest

import service.api.auditing
import service.api.crl_problems
import service.api.decision_problems
import service.api.event_streams
import service.api.hosts
import service.api.limit_problems
import service.api.origins
import service.api.problems
import service.api.proxy_problems
from service.api import decision_examples, examples, operator_examples
from service.api.auditing import audit_unavailable
from service.api.body import body_too_slow
from service.api.crl_problems import crl_refused, too_many_uploads, upload_under_way
from service.api.decision_problems import decisions_unavailable
from service.api.event_streams import streams_end, too_many_streams
from service.api.hosts import misdirected
from service.api.limit_problems import limited
from service.api.openapi import openapi_document
from service.api.origins import cross_origin
from service.api.problems import (
    TYPE_PREFIX,
    Problem,
    block_is_local,
    blocks_unavailable,
    internal,
    overloaded,
    prefetcher_unavailable,
    store_unavailable,
    too_many_blocks,
)
from service.api.proxy_problems import undecided
from service.api.rules import MIB, ApiRules, Overrides
from service.application.caller_limits import Limited, LimitedError
from service.core.model.block import Block, FingerprintMatch
from service.core.model.failure import Code
from tests.api.authorizing import proxy
from tests.api.conformance import Json, check_schema
from tests.api.example_world import example_world
from tests.api.world import CALLER, LEAF, ROOT, SUB, VERSION, WITH_TOKENS, World, calling, overriding
from tests.docs.pages import Row, blocks, page, sections, table, word, words
from tests.docs.shown import is_shown
from tests.pki import NOW, Authority, Extension, Issued, days, key

pytestmark = pytest.mark.anyio

PAGE: Final = "api.md"
SECTIONS: Final = {**sections(page(PAGE), 2), **sections(page(PAGE), 3)}
BAD_DOCUMENT: Final = '{"certificate": "AAAA"'


def examples_below(heading: str) -> list[Any]:
    """The JSON that is shown below a heading."""
    return [json.loads(block) for block in blocks(SECTIONS[heading], "json")]


async def test_request_and_answer() -> None:
    """The request is taken as it stands, with its certificates in full, and gets the answer shown."""
    (request,), (answer,) = examples_below("Request"), examples_below("Answer")
    assert is_shown(request, examples.REQUEST)
    check_schema(openapi_document(VERSION, ApiRules()), "ValidateRequest", examples.REQUEST)
    given = await calling(example_world(revoked=False)).validate(examples.REQUEST)
    assert (200, True) == (given.status_code, is_shown(answer, given.json()))


async def test_batch() -> None:
    """An answer and a problem."""
    request, answer = examples_below("`POST /v1/validate/batch`")
    real = {"items": [{"certificate": examples.REQUEST["certificate"]}, {"certificate": "?"}]}
    assert is_shown(request, real)
    check_schema(openapi_document(VERSION, ApiRules()), "BatchRequest", real)
    given = await calling(example_world(revoked=False)).batch(*real["items"])
    assert (200, True) == (given.status_code, is_shown(answer, given.json()))


@pytest.mark.parametrize(
    ("heading", "example"),
    [
        ("What is held", operator_examples.CRLS),
        ("Refresh", operator_examples.REFRESHED),
        ("Purge", operator_examples.PURGED),
        ("Reset", operator_examples.RESET),
        ("Uploads", operator_examples.UPLOAD),
        ("Decisions", decision_examples.DECISIONS),
        ("Statistics", operator_examples.STATS),
        ("Trust stores", operator_examples.TRUST_STORES),
    ],
)
def test_answers_to_operators(heading: str, example: Json) -> None:
    """As the service gives them: another test asks for each example again."""
    (answer,) = examples_below(heading)
    assert is_shown(answer, example)


async def test_the_problem_in_full() -> None:
    """As the service writes it."""
    (problem,) = examples_below("Problems")
    request = {"certificate": LEAF.pem, "options": {"revocation_mode": "strict"}}
    assert problem == (await overriding().validate(request)).json()


# --- codes -----------------------------------------------------------------------------------------------------------


def blocked(leaf: Issued) -> tuple[World, Json]:
    """A request about a certificate that is blocked."""
    world, request = below_sub(leaf)
    match = FingerprintMatch(sha256(leaf.der).digest())
    world.blocks.blocks["b"] = Block(examples.BLOCK["id"], match, examples.BLOCK["reason"], NOW, "anonymous")
    return world, request


def below_sub(leaf: Issued, *intermediates: str) -> tuple[World, Json]:
    """A request about a certificate with Sub's beside it."""
    return World(), {"certificate": leaf.pem + SUB.pem, "intermediates": intermediates}


def decisions() -> dict[Code, tuple[World, Json]]:
    """A world and a request for each code that this version gives."""
    name, critical = "device-1", Extension("1.2.3.4", b"\x05\x00", critical=True)
    namesakes = (Authority.root("Sub", key=key("p256", number)).pem for number in range(1, 99))
    below = SUB.subordinate("Below")
    strict = ROOT.subordinate("Strict", extensions=[Extension("2.5.29.36", bytes.fromhex("3003800100"), critical=True)])
    return {
        Code.OK: (example_world(revoked=False), examples.REQUEST),
        Code.REVOKED: (example_world(revoked=True), examples.REQUEST),
        Code.BLOCKED: blocked(SUB.issue(name)),
        Code.EXPIRED: below_sub(SUB.issue(name, not_after=NOW - days(1))),
        Code.NOT_YET_VALID: below_sub(SUB.issue(name, not_before=NOW + days(1))),
        Code.UNTRUSTED: below_sub(Authority.root("Elsewhere").issue(name)),
        Code.BAD_SIGNATURE: below_sub(SUB.issue(name, corrupt_signature=True)),
        Code.CONSTRAINT_VIOLATION: below_sub(SUB.issue(name, extended_key_usage="serverAuth")),
        Code.POLICY_VIOLATION: (World(), {"certificate": strict.issue(name).pem + strict.pem}),
        Code.WEAK_ALGORITHM: below_sub(SUB.issue(name, key=key("rsa1024"))),
        Code.UNSUPPORTED: below_sub(SUB.issue(name, extensions=[critical])),
        Code.REVOCATION_UNAVAILABLE: below_sub(SUB.issue(name, crl_urls="http://crl.example/sub.crl")),
        Code.MALFORMED: (World(), {"certificate": "AAAA"}),
        Code.BUDGET_EXHAUSTED: (
            World(),
            {
                "certificate": below.issue(name).pem,
                "intermediates": [below.pem, below.reissue(path_length=1).pem, *namesakes],
            },
        ),
    }


CODES: Final[dict[str, Row]] = {word(row["code"]): row for row in table(PAGE, "codes")}


def test_every_code_is_explained() -> None:
    """Once, in the order of the code, with something to do."""
    assert [code.value for code in Code] == [word(row["code"]) for row in table(PAGE, "codes")]
    assert all(row["what to do"] for row in CODES.values())


async def test_codes() -> None:
    """Decision, status and detail of each are what the service gives."""
    given = decisions()
    assert set(Code) == set(given)
    for code, (world, request) in given.items():
        answer = (await calling(world).validate(request)).json()
        row = CODES[code.value]
        assert (code.value, row["for example"]) == (answer["code"], answer["detail"])
        assert word(row["decision"]) == answer["decision"]
        assert answer["status"] in words(row["status"])


async def test_allowed_without_an_answer() -> None:
    """The other status of `ok`."""
    answer = (await calling(World()).validate({"certificate": LEAF.pem + SUB.pem})).json()
    assert ["good", answer["status"]] == words(CODES["ok"]["status"])


def test_the_block() -> None:
    """What is shown is what the document shows, which a test of the service holds to be true."""
    assert [examples.BLOCK, examples.LOCAL_BLOCK] == examples_below("Blocks")


# --- problems --------------------------------------------------------------------------------------------------------

FOR_OPTIONS: Final = ApiRules(access=WITH_TOKENS.access, overrides=Overrides.ALLOWED)


async def problems() -> dict[str, Json]:
    """Every problem that one can have, as the service gives it."""
    caller, options = calling(World()), {"certificate": LEAF.pem, "options": {}}
    asked = [
        await caller.post(BAD_DOCUMENT.encode()),
        await caller.validate({"certificate": LEAF.pem, "opt": {}}),
        await caller.validate({"certificate": "?"}),
        await calling(World(rules=WITH_TOKENS)).validate({"certificate": LEAF.pem}),
        await caller.validate(options),
        await calling(World(rules=FOR_OPTIONS), CALLER).validate(options),
        await caller.validate({"certificate": LEAF.pem, "trust_store": "partners"}),
        await caller.get("/nothing"),
        await caller.get("/v1/validate"),
        await caller.get("/v1/blocks/nobody"),
        await caller.get("/v1/decisions/nobody"),
        await caller.post(b'{"source": "http://nobody.example/"}', "/v1/refresh"),
        await caller.post(b'{"issuer": "CN=Nobody"}', "/v1/crls/reset"),
        await caller.send("DELETE", "/v1/crls/uploads/nobody.crl"),
        await caller.post(b" " * (MIB + 1)),
        await caller.batch(*[0] * 1001),
        await caller.post(b"{}", content_type="text/plain"),
    ]
    proxies = [
        await proxy(World(rules=WITH_TOKENS)).ask("nginx"),
        await proxy(World()).ask("nginx"),
        await proxy(World()).ask("nginx", [(b"x-ssl-client-cert", b"(null)")]),
        await proxy(World()).ask("elsewhere"),
    ]
    made = [problem.document() for problem in made_here()]
    given = [*(one.json() for one in asked), *(json.loads(one.body) for one in proxies), *made]
    return {str(found["type"]).removeprefix(TYPE_PREFIX): found for found in given}


def made_here() -> Iterable[Problem]:
    """Problems that take more than one request: a slow body, a fault of ours, too many at once, a store that burnt."""
    return (
        body_too_slow(),
        internal(),
        undecided(),
        limited(LimitedError(Limited.RATE, 0.5)),
        limited(LimitedError(Limited.CONCURRENCY, 1.0)),
        audit_unavailable(),
        cross_origin(),
        misdirected(),
        overloaded(),
        too_many_blocks(),
        blocks_unavailable(),
        block_is_local("1", "Redis is gone."),
        too_many_uploads(),
        upload_under_way(),
        crl_refused("bad_signature", "why"),
        prefetcher_unavailable(),
        store_unavailable(),
        decisions_unavailable("why"),
        too_many_streams(),
        streams_end(),
    )


async def test_problems() -> None:
    """Status and detail of each are what the service gives, and there is no other."""
    given = await problems()
    rows = table(PAGE, "problems")
    kind = "type, behind `urn:revet:problem:`"
    assert [(str(given[word(row[kind])]["status"]), given[word(row[kind])]["detail"]) for row in rows] == [
        (row["status"], row["for example"]) for row in rows
    ]
    assert set(given) == {word(row[kind]) for row in rows}


def test_every_problem_is_had_above() -> None:
    """Whatever the service can call a problem is made in two places, and each of these has a row."""
    made = {
        node.args[1].value
        for module in (
            service.api.problems,
            service.api.proxy_problems,
            service.api.limit_problems,
            service.api.crl_problems,
            service.api.decision_problems,
            service.api.event_streams,
            service.api.auditing,
            service.api.origins,
            service.api.hosts,
        )
        for node in ast.walk(ast.parse(inspect.getsource(module)))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Problem"
        if isinstance(node.args[1], ast.Constant)
    }
    assert made == {word(row["type, behind `urn:revet:problem:`"]) for row in table(PAGE, "problems")}
