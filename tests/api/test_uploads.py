"""Uploads of CRLs: what is taken, what is refused, and what is left of it."""

from dataclasses import replace

import httpx
import pytest

from service.application.operating.telling import Uploaded, UploadRemoved
from service.application.operating.uploads import MAX_UPLOADS
from service.application.origin_headers import Validators
from service.application.prefetch.source_record import SourceRecord
from service.core.model.attempt import Problem
from tests.api.operating_parts import (
    HELD,
    URL,
    post,
    world,
)
from tests.api.world import Caller, World, calling
from tests.application.manual_clock import ManualClock
from tests.operators import Operators, given

pytestmark = pytest.mark.anyio


def reading(operators: Operators, problem: Problem | None = None, *, is_pending: bool = False) -> None:
    """What is uploaded gives a CRL, or has a problem."""

    def attempt(record: SourceRecord) -> SourceRecord:
        if problem is None:
            return replace(record, state=replace(record.state, failures=0), given=(given(HELD),), problem=None)
        if is_pending:
            return replace(record, state=replace(record.state, failures=0), pending=(bytes(32),), problem=problem)
        return replace(record, state=replace(record.state, failures=1), problem=problem, detail="why")

    operators.prefetcher.attempt = attempt


async def put(caller: Caller, content: bytes = b"a crl", name: str = "a.crl", **headers: str) -> httpx.Response:
    """Upload something."""
    named = {key.replace("_", "-"): value for key, value in headers.items()}
    return await caller.send("PUT", f"/v1/crls/uploads/{name}", content=content, headers=named)


@pytest.mark.parametrize(
    "media_type", ["application/pkix-crl", "application/x-pem-file", "application/octet-stream; a=b"]
)
async def test_an_upload_that_is_held(media_type: str) -> None:
    """It is on the shelf, was read, and is told."""
    world_, operators = world()
    reading(operators)
    answer = await put(calling(world_), content_type=media_type)
    assert (200, "held") == (answer.status_code, answer.json()["outcome"])
    assert {"a.crl": b"a crl"} == operators.shelf.content
    assert [Uploaded("anonymous", "a.crl", 5, "held")] == operators.asked.told
    listed = (await calling(world_).get("/v1/crls/uploads")).json()["uploads"]
    assert [("a.crl", "held")] == [(one["name"], one["outcome"]) for one in listed]


async def test_an_upload_that_waits_for_its_issuer() -> None:
    """It is no failure."""
    world_, operators = world()
    reading(operators, Problem.WRONG_ISSUER, is_pending=True)
    answer = await put(calling(world_))
    assert (200, "pending") == (answer.status_code, answer.json()["outcome"])


async def test_an_upload_that_is_refused_changes_nothing() -> None:
    """What had its name before has it again."""
    world_, operators = world()
    operators.shelf.content["a.crl"] = b"before"
    reading(operators, Problem.BAD_SIGNATURE)
    answer = await put(calling(world_))
    assert (422, "Nothing has changed: bad_signature (why).") == (answer.status_code, answer.json()["detail"])
    assert {"a.crl": b"before"} == operators.shelf.content


async def test_an_upload_that_nobody_reads() -> None:
    """It is on the disk, and counts as soon as somebody does."""
    world_, operators = world()
    operators.prefetcher.is_there = False
    answer = await put(calling(world_))
    assert (202, "waiting", {"a.crl": b"a crl"}) == (
        answer.status_code,
        answer.json()["outcome"],
        operators.shelf.content,
    )


@pytest.mark.parametrize(
    ("name", "headers", "size", "status"),
    [
        ("a.pem", {}, 5, 400),
        (".a.crl", {}, 5, 400),
        ("a" * 65 + ".crl", {}, 5, 400),
        ("%2e%2e%2fa.crl", {}, 5, 404),
        ("a.crl", {"content_type": "application/json"}, 5, 415),
        ("a.crl", {"content_encoding": "gzip"}, 5, 415),
        ("a.crl", {}, 101, 413),
    ],
)
async def test_uploads_that_are_none(name: str, headers: dict[str, str], size: int, status: int) -> None:
    """Nothing is on the shelf."""
    world_, operators = world(max_crl_bytes=100)
    answer = await put(calling(world_), bytes(size), name, **headers)
    assert (status, {}) == (answer.status_code, operators.shelf.content)


async def test_a_file_of_which_some_is_held() -> None:
    """It counts as a failure, of a source that gives something older; what is held of it is not taken back."""
    world_, operators = world()

    def attempt(record: SourceRecord) -> SourceRecord:
        state = replace(record.state, failures=1)
        return replace(record, state=state, given=(given(HELD),), problem=Problem.ROLLED_BACK, detail="why")

    operators.prefetcher.attempt = attempt
    answer = (await put(calling(world_))).json()
    assert ("held", "rolled_back", [7]) == (
        answer["outcome"],
        answer["problem"],
        [one["crl_number"] for one in answer["crls"]],
    )
    assert {"a.crl": b"a crl"} == operators.shelf.content
    listed = (await calling(world_).get("/v1/crls/uploads")).json()["uploads"]
    assert [("held", "rolled_back")] == [(one["outcome"], one["problem"]) for one in listed]


async def test_what_was_given_before_makes_nothing_held() -> None:
    """It stays remembered; an older one that comes in its place is refused, and one that is listed so as well."""
    world_, operators = world()
    reading(operators)
    caller = calling(world_)
    await put(caller)

    def attempt(record: SourceRecord) -> SourceRecord:
        state = replace(record.state, failures=1)
        return replace(record, state=state, problem=Problem.ROLLED_BACK, validators=Validators('"of the first"'))

    operators.prefetcher.attempt = attempt
    assert (422, "Nothing has changed: rolled_back.") == (
        (answer := await put(caller, b"older")).status_code,
        answer.json()["detail"],
    )
    assert {"a.crl": b"a crl"} == operators.shelf.content
    assert "refused" == (await caller.get("/v1/crls/uploads")).json()["uploads"][0]["outcome"]


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
async def test_a_name_that_somebody_else_changes(method: str) -> None:
    """Nobody waits for ever, and nothing is changed; when that has ended it can be."""
    operators = Operators(ManualClock())
    operators.shelf.content["a.crl"] = b"before"
    operators.prefetcher.is_there = False
    operators.shelf.claimed.add("a.crl")
    caller = calling(World(operators=operators))
    answer = await caller.send(method, "/v1/crls/uploads/a.crl", content=b"a crl")
    assert (409, "urn:revet:problem:upload-under-way") == (answer.status_code, answer.json()["type"])
    assert ({"a.crl": b"before"}, []) == (operators.shelf.content, operators.asked.told)
    operators.shelf.claimed.clear()
    answer = await caller.send(method, "/v1/crls/uploads/a.crl", content=b"a crl")
    assert answer.status_code in (202, 204)
    assert set() == operators.shelf.claimed


async def test_too_many_uploads() -> None:
    """There is a limit; what is there already may be replaced."""
    world_, operators = world()
    operators.shelf.content |= {f"{number}.crl": b"" for number in range(MAX_UPLOADS)}
    answer = await put(calling(world_))
    assert (409, "urn:revet:problem:too-many-uploads") == (answer.status_code, answer.json()["type"])
    operators.prefetcher.is_there = False
    assert 202 == (await put(calling(world_), name="7.crl")).status_code


async def test_removing_an_upload() -> None:
    """Once; then there is none."""
    world_, operators = world()
    operators.shelf.content["a.crl"] = b"a crl"
    caller = calling(world_)
    answers = [await caller.send("DELETE", "/v1/crls/uploads/a.crl") for _ in range(2)]
    assert ([204, 404], {}) == ([one.status_code for one in answers], operators.shelf.content)
    assert [UploadRemoved("anonymous", "a.crl")] == operators.asked.told


async def test_a_store_that_cannot_be_written() -> None:
    """Nothing is said to be done."""
    world_, operators = world()
    operators.prefetcher.disk_is_full = True
    answer = await post(calling(world_), "/v1/crls/reset", {"url": URL})
    assert (503, []) == (answer.status_code, operators.asked.told)
