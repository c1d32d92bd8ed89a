"""`/v1/blocks`: what it takes, what it answers, and who may."""

import json
from dataclasses import replace
from hashlib import sha256
from typing import Any, Final

import httpx
import pytest
from cryptography import x509

from service.api import examples
from service.api.block_schemas import MAX_ISSUER, MAX_REASON, MAX_SERIAL
from service.core.model.policy import Policy
from tests.api.conformance import Json
from tests.api.example_world import DECISION, DEVICE, example_world
from tests.api.fakes import OneId
from tests.api.world import ADMIN, CALLER, LEAF, SUB, WITH_CLIENT_CA, WITH_TOKENS, Caller, World, calling
from tests.pki import NOW, Authority, Issued

pytestmark = pytest.mark.anyio

REASON: Final = "Key stolen, ticket 4711"
FINGERPRINT: Final = sha256(LEAF.der).hexdigest()
REQUEST: Final = {"certificate": LEAF.pem + SUB.pem}
BY_FINGERPRINT: Final[Json] = {"fingerprint_sha256": FINGERPRINT, "reason": REASON}


async def post(caller: Caller, body: object) -> httpx.Response:
    """Ask for a block."""
    return await caller.post(json.dumps(body).encode(), "/v1/blocks", content_type="application/json")


async def blocked(caller: Caller, body: Json) -> Json:
    """The block that was made.

    Raises:
        AssertionError: it was refused.
    """
    answer = await post(caller, {"reason": REASON, **body})
    assert 201 == answer.status_code, answer.text
    return dict(answer.json())


async def code(caller: Caller, request: Json = REQUEST) -> str:
    """What is said of a certificate."""
    return str((await caller.validate(request)).json()["code"])


def colons(text: str) -> str:
    """Hex with a colon after every two digits."""
    return ":".join(text[index : index + 2] for index in range(0, len(text), 2))


def spki(issued: Issued) -> str:
    """SHA-256 of a certificate's key, as anybody computes it."""
    return sha256(issued.spki).hexdigest()


def issuer(issued: Issued) -> str:
    """The issuer's name as another library writes it."""
    return x509.load_der_x509_certificate(issued.der).issuer.rfc4514_string()


SERIAL: Final = f"{LEAF.serial:x}"


@pytest.mark.parametrize(
    "body",
    [
        {"fingerprint_sha256": FINGERPRINT},
        {"fingerprint_sha256": FINGERPRINT.upper()},
        {"fingerprint_sha256": colons(FINGERPRINT).upper()},
        {"spki_sha256": spki(LEAF)},
        {"issuer": issuer(LEAF), "serial_number": SERIAL},
        {"issuer": issuer(LEAF).lower(), "serial_number": SERIAL.upper()},
        {"issuer": issuer(LEAF), "serial_number": f"0x{SERIAL}"},
        {"issuer": issuer(LEAF), "serial_number": f"0000{SERIAL}"},
        {"issuer": issuer(LEAF), "serial_number": colons(SERIAL.zfill(len(SERIAL) + len(SERIAL) % 2)).upper()},
        {"issuer": issuer(LEAF), "serial_number": SERIAL, "until": "2027-01-01T00:00:00+01:00"},
    ],
)
async def test_each_form_of_each_field(body: Json) -> None:
    """201 with the block; the next verdict denies, and when it is removed it does not."""
    caller = calling(World())
    assert "ok" == await code(caller)
    block = await blocked(caller, body)
    assert "blocked" == await code(caller)
    assert 204 == (await caller.send("DELETE", f"/v1/blocks/{block['id']}")).status_code
    assert "ok" == await code(caller)


async def test_a_block_as_it_is_answered() -> None:
    """Normal forms; where it is; the same one by itself and in the list."""
    caller = calling(World())
    answer = await post(
        caller,
        {
            "issuer": "CN=a+OU=B,C=DE",
            "serial_number": "-0:0A",
            "reason": "  why ",
            "until": "2027-01-01T01:00:00+01:00",
        },
    )
    block = answer.json()
    assert {
        "id": block["id"],
        "fingerprint_sha256": None,
        "spki_sha256": None,
        "issuer": "CN=a+OU=B,C=DE",
        "serial_number": "-a",
        "reason": "why",
        "created_at": "2026-01-01T00:00:00Z",
        "created_by": "anonymous",
        "until": "2027-01-01T00:00:00Z",
        "in_force": True,
    } == block
    assert f"/v1/blocks/{block['id']}" == answer.headers["location"]
    assert block == (await caller.get(answer.headers["location"])).json()
    assert {"blocks": [block]} == (await caller.get("/v1/blocks")).json()


async def test_several_blocks() -> None:
    """The oldest first; two that say the same are two."""
    caller = calling(World())
    ids = [(await blocked(caller, BY_FINGERPRINT))["id"] for _ in range(3)]
    assert ids == [one["id"] for one in (await caller.get("/v1/blocks")).json()["blocks"]]
    await caller.send("DELETE", f"/v1/blocks/{ids[1]}")
    assert [ids[0], ids[2]] == [one["id"] for one in (await caller.get("/v1/blocks")).json()["blocks"]]
    assert "blocked" == await code(caller)


async def test_what_an_answer_says_can_be_pasted() -> None:
    """Issuer and serial number of a verdict are those of a block, whatever stands in them."""
    caller = calling(World(stores={"default": (authority := Authority.root('CN=A\\, \\"B\\" \\+ C\\;,O=\\#x'),)}))
    odd = authority.issue("leaf")
    verdict = (await caller.validate({"certificate": odd.pem})).json()
    await blocked(caller, {"issuer": verdict["issuer"], "serial_number": verdict["serial_number"]})
    assert "blocked" == await code(caller, {"certificate": odd.pem})


async def test_the_verdict_says_by_which_block() -> None:
    """In its path, with the reason; and how it may be reused."""
    caller = calling(World())
    block = await blocked(caller, {**BY_FINGERPRINT, "until": "2026-01-01T00:00:30Z"})
    answer = (await caller.validate(REQUEST)).json()
    assert ("deny", "revoked", "blocked", "2026-01-01T00:00:30Z") == (
        answer["decision"],
        answer["status"],
        answer["code"],
        answer["valid_until"],
    )
    assert f"CN=leaf is blocked here: {REASON} (block {block['id']})." == answer["detail"]
    leaf, sub = (one["revocation"] for one in answer["path"])
    assert ("revoked", "block", block["id"], REASON) == tuple(
        leaf[field] for field in ("status", "method", "source", "detail")
    )
    assert ("not_checked", "none") == (sub["status"], sub["method"])


async def test_a_kept_verdict_does_not_outlive_a_block() -> None:
    """Neither the allow before it, nor the denial after it."""
    world = World(kept=10)
    caller = calling(world)
    assert ["ok", "ok"] == [await code(caller), await code(caller)]
    block = await blocked(caller, BY_FINGERPRINT)
    world.number.value = 8
    assert ["blocked", "blocked"] == [await code(caller), await code(caller)]
    await caller.send("DELETE", f"/v1/blocks/{block['id']}")
    world.number.value = 9
    assert "ok" == await code(caller)


async def test_the_example_is_true() -> None:
    """What the documentation shows is what is answered."""
    world = example_world(revoked=False)
    world.ids = OneId(DECISION)
    for request in (examples.BLOCK_REQUEST, examples.BLOCK_REQUEST_FINGERPRINT):
        caller = calling(replace(world, blocks=type(world.blocks)()))
        answer = await post(caller, request)
        assert 201 == answer.status_code
        assert "blocked" == await code(caller, examples.REQUEST)
        if request is examples.BLOCK_REQUEST:
            assert examples.BLOCK == answer.json()
    assert sha256(DEVICE.der).hexdigest() == examples.BLOCK_REQUEST_FINGERPRINT["fingerprint_sha256"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "request"),
        ({"until": "2027-01-01T00:00:00Z"}, "request"),
        ({"fingerprint_sha256": FINGERPRINT, "spki_sha256": FINGERPRINT}, "request"),
        ({"fingerprint_sha256": FINGERPRINT, "serial_number": "1"}, "request"),
        ({"spki_sha256": FINGERPRINT, "issuer": "CN=a", "serial_number": "1"}, "request"),
        ({"issuer": "CN=a"}, "serial_number"),
        ({"serial_number": "1"}, "issuer"),
        ({"fingerprint_sha256": FINGERPRINT[:-1]}, "fingerprint_sha256"),
        ({"fingerprint_sha256": FINGERPRINT + "00"}, "fingerprint_sha256"),
        ({"fingerprint_sha256": FINGERPRINT[:-2] + "zz"}, "fingerprint_sha256"),
        ({"fingerprint_sha256": FINGERPRINT + "\n"}, "fingerprint_sha256"),
        ({"fingerprint_sha256": "0x" + FINGERPRINT[2:]}, "fingerprint_sha256"),
        ({"fingerprint_sha256": f"{FINGERPRINT[:32]}:{FINGERPRINT[32:]}"}, "fingerprint_sha256"),
        ({"fingerprint_sha256": None}, "fingerprint_sha256"),
        ({"fingerprint_sha256": 1}, "fingerprint_sha256"),
        ({"spki_sha256": ""}, "spki_sha256"),
        ({"issuer": "", "serial_number": "1"}, "issuer"),
        ({"issuer": "Example", "serial_number": "1"}, "issuer"),
        ({"issuer": "C = DE, CN = a", "serial_number": "1"}, "issuer"),
        ({"issuer": "CN=a" * (MAX_ISSUER // 4 + 1), "serial_number": "1"}, "issuer"),
        ({"issuer": "CN=a", "serial_number": ""}, "serial_number"),
        ({"issuer": "CN=a", "serial_number": 1}, "serial_number"),
        ({"issuer": "CN=a", "serial_number": "1 "}, "serial_number"),
        ({"issuer": "CN=a", "serial_number": "xyz"}, "serial_number"),
        ({"issuer": "CN=a", "serial_number": "+1"}, "serial_number"),
        ({"issuer": "CN=a", "serial_number": "1_0"}, "serial_number"),
        ({"issuer": "CN=a", "serial_number": "01:2"}, "serial_number"),
        ({"issuer": "CN=a", "serial_number": "01:"}, "serial_number"),
        ({"issuer": "CN=a", "serial_number": "0x01:02"}, "serial_number"),
        ({"issuer": "CN=a", "serial_number": "\N{ARABIC-INDIC DIGIT ONE}"}, "serial_number"),
        ({"issuer": "CN=a", "serial_number": "1" * (MAX_SERIAL + 1)}, "serial_number"),
        ({**BY_FINGERPRINT, "reason": ""}, "reason"),
        ({**BY_FINGERPRINT, "reason": " \n"}, "reason"),
        ({**BY_FINGERPRINT, "reason": "x" * (MAX_REASON + 1)}, "reason"),
        ({**BY_FINGERPRINT, "reason": None}, "reason"),
        ({**BY_FINGERPRINT, "until": "2027-01-01"}, "until"),
        ({**BY_FINGERPRINT, "until": "2026-01-01T00:00:00Z"}, "until"),
        ({**BY_FINGERPRINT, "until": "2025-12-31T23:59:59Z"}, "until"),
        ({**BY_FINGERPRINT, "until": None}, "until"),
        ({**BY_FINGERPRINT, "created_by": "me"}, "created_by"),
        ({"fingerprint": FINGERPRINT}, "fingerprint"),
    ],
)
async def test_what_is_no_block(body: Json, field: str) -> None:
    """400 that names the field, and nothing is blocked."""
    world = World()
    answer = await post(calling(world), {"reason": REASON, **body})
    assert (400, field) == (answer.status_code, answer.json()["errors"][0]["field"])
    assert {} == world.blocks.blocks


@pytest.mark.parametrize("body", [[], "block", None, 1, {"fingerprint_sha256": FINGERPRINT}])
async def test_what_is_no_object_or_has_no_reason(body: object) -> None:
    """400."""
    assert 400 == (await post(calling(World()), body)).status_code


async def test_a_serial_number_of_any_size() -> None:
    """As long as is allowed, without a limit on decimal digits."""
    block = await blocked(calling(World()), {"issuer": "CN=a", "serial_number": "f" * MAX_SERIAL})
    assert "f" * MAX_SERIAL == block["serial_number"]


@pytest.mark.parametrize(
    ("rules", "token", "reading", "changing"),
    [
        (None, None, 200, 201),
        (WITH_TOKENS, None, 401, 401),
        (WITH_TOKENS, "wrong", 401, 401),
        (WITH_TOKENS, CALLER, 200, 403),
        (WITH_TOKENS, ADMIN, 200, 201),
        (WITH_CLIENT_CA, None, 200, 201),
    ],
)
async def test_who_may(rules: Any, token: str | None, reading: int, changing: int) -> None:  # noqa: ANN401 - rules or None
    """Looking takes a token, changing an administrator's, where tokens are configured."""
    world = World() if rules is None else World(rules=rules)
    existing = (await blocked(calling(replace(world, rules=World().rules)), BY_FINGERPRINT))["id"]
    caller = calling(world, token)
    assert [reading, reading] == [(await caller.get(f"/v1/blocks{path}")).status_code for path in ("", f"/{existing}")]
    assert changing == (await post(caller, BY_FINGERPRINT)).status_code
    deleted = (await caller.send("DELETE", f"/v1/blocks/{existing}")).status_code
    assert (204 if changing == 201 else changing) == deleted
    assert (existing in world.blocks.blocks) == (changing != 201)


@pytest.mark.parametrize(
    ("rules", "token", "name"),
    [
        (None, None, "anonymous"),
        (None, "anything", "anonymous"),
        (WITH_TOKENS, ADMIN, f"admin token {sha256(ADMIN.encode()).hexdigest()[:8]}"),
        (WITH_CLIENT_CA, None, "client certificate"),
    ],
)
async def test_who_asked_is_written_down(rules: Any, token: str | None, name: str) -> None:  # noqa: ANN401 - as above
    """Never the token itself."""
    caller = calling(World() if rules is None else World(rules=rules), token)
    assert name == (await blocked(caller, BY_FINGERPRINT))["created_by"]


async def test_a_block_that_is_not_there() -> None:
    """404, whatever it is called."""
    caller = calling(World())
    for name in ("nobody", "0" * 32, "x" * 600, "%F0%9F%90%8D", "..%2f"):
        for method in ("GET", "DELETE"):
            answer = await caller.send(method, f"/v1/blocks/{name}")
            assert 404 == answer.status_code, name


@pytest.mark.parametrize("path", ["/v1/blocks/%7Bid%7D", "/v1/crls/uploads/%7Bname%7D"])
@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT"])
async def test_a_variables_own_name_is_a_value_as_any_other(path: str, method: str) -> None:
    """It names nothing that is there, and is no fault of ours."""
    world = World()
    answer = await calling(world).send(method, path)
    assert answer.status_code in {400, 404, 405}
    assert [] == world.faults


async def test_other_methods() -> None:
    """405, and which there are."""
    caller = calling(World())
    for path, allowed in (("/v1/blocks", "GET, HEAD, POST"), ("/v1/blocks/one", "DELETE, GET, HEAD")):
        answer = await caller.send("PUT", path)
        assert (405, allowed) == (answer.status_code, answer.headers["allow"])
    assert 405 == (await caller.send("DELETE", "/v1/blocks")).status_code


async def test_there_is_no_room() -> None:
    """409, and nothing is blocked."""
    world = World()
    world.most_blocks = 1
    caller = calling(world)
    await blocked(caller, BY_FINGERPRINT)
    answer = await post(caller, {"spki_sha256": spki(LEAF), "reason": REASON})
    assert (409, 1) == (answer.status_code, len(world.blocks.blocks))


async def test_a_list_that_cannot_be_read() -> None:
    """503 for everything, verdicts included: nothing is allowed, and nothing denied for good, without the list."""
    world = World(policy=Policy())
    caller = calling(world)
    block = await blocked(caller, BY_FINGERPRINT)
    world.blocks.broken = "/var/lib/revet burnt"
    for answer in (
        await caller.validate(REQUEST),
        await caller.get("/v1/blocks"),
        await caller.get(f"/v1/blocks/{block['id']}"),
        await caller.send("DELETE", f"/v1/blocks/{block['id']}"),
        await post(caller, BY_FINGERPRINT),
    ):
        assert (503, "urn:revet:problem:blocks-unavailable") == (answer.status_code, answer.json()["type"])
        assert "1" == answer.headers["retry-after"]
        assert "burnt" not in answer.text
    assert "Nothing was changed; the log says why." == answer.json()["detail"]
    (item,) = (await caller.batch(REQUEST)).json()["results"]
    assert 503 == item["problem"]["status"]
    assert [] == world.faults


async def test_a_block_whose_time_is_over() -> None:
    """Is listed as one that is not in force."""
    world = World()
    caller = calling(world)
    await blocked(caller, {**BY_FINGERPRINT, "until": "2026-01-01T00:00:05Z"})
    world.clock.moment = NOW.replace(second=5)
    assert [False] == [one["in_force"] for one in (await caller.get("/v1/blocks")).json()["blocks"]]
    assert "ok" == await code(caller)
