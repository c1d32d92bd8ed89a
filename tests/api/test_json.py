"""Bodies: what is JSON, of which type, and how large."""

import json
from collections.abc import AsyncIterator
from contextlib import suppress

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.api.json_text import MAX_CONTAINERS, read_json
from service.api.problems import ProblemError
from service.api.rules import ApiRules
from tests.api.world import LEAF, SUB, World, calling

pytestmark = pytest.mark.anyio

CHAIN = json.dumps({"certificate": LEAF.pem + SUB.pem}).encode()
SMALL = ApiRules(max_request_bytes=100)


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        pytest.param(b"", "The body is not JSON: Expecting value at line 1, column 1.", id="empty"),
        pytest.param(b"{", "The body is not JSON: ", id="cut off"),
        pytest.param(b"{} {}", "The body is not JSON: Extra data at line 1, column 4.", id="two values"),
        pytest.param(b"{'a': 1}", "The body is not JSON: ", id="single quotes"),
        pytest.param(b"\xef\xbb\xbf{}", "The body is not JSON: ", id="a byte order mark"),
        pytest.param('{"certificate": "é"}'.encode("latin-1"), "The body is not UTF-8.", id="Latin-1"),
        pytest.param('{"certificate": "é"}'.encode("utf-16"), "The body is not UTF-8.", id="UTF-16"),
        pytest.param(b'{"certificate": "a\nb"}', "The body is not JSON: Invalid control character", id="a line end"),
        pytest.param(b'{"certificate": NaN}', "NaN is not JSON.", id="NaN"),
        pytest.param(b'{"certificate": -Infinity}', "-Infinity is not JSON.", id="infinity"),
        pytest.param(b'{"a": ' * 30_000, "The body nests too deeply.", id="objects thirty thousand deep"),
        pytest.param(b"[" * 30_000, "The body nests too deeply.", id="arrays thirty thousand deep"),
        pytest.param(b'{"a": ' + b"9" * 5_000 + b"}", "The body has a number with too many digits.", id="digits"),
        pytest.param(
            b'{"certificate": "a", "certificate": "b"}', "An object has the member certificate twice.", id="twice"
        ),
        pytest.param(
            b'{"certificate": "a", "certific\\u0061te": "b"}',
            "An object has the member certificate twice.",
            id="escaped",
        ),
        pytest.param(b'{"\\ud800": 1, "\\ud800": 2}', "An object has the member \\ud800 twice.", id="surrogates twice"),
        pytest.param(b'{"\\uDBFF": 1}', "A string has an unpaired surrogate.", id="a surrogate for a name"),
        pytest.param(b'{"a": ["\\udc00"]}', "A string has an unpaired surrogate.", id="a surrogate for a value"),
        pytest.param(
            json.dumps({f"a{number}": 1 for number in range(65)}).encode(),
            "An object has more than 64 members.",
            id="65",
        ),
    ],
)
async def test_what_is_no_json_is_a_400(body: bytes, detail: str) -> None:
    """The problem says where it stops being JSON, or what is ambiguous about it."""
    answer = await calling(World()).post(body)
    assert (400, "urn:revet:problem:malformed-json") == (answer.status_code, answer.json()["type"])
    assert answer.json()["detail"].startswith(detail)


@pytest.mark.parametrize("body", ["null", "true", "1", '"certificate"', "[]", "[{}]"])
async def test_a_request_is_an_object(body: str) -> None:
    """Other JSON is understood, and no request."""
    answer = await calling(World()).post(body.encode())
    assert (400, "urn:revet:problem:invalid-request") == (answer.status_code, answer.json()["type"])


@given(st.binary(max_size=200))
def test_any_octets_are_json_or_a_problem(octets: bytes) -> None:
    """Nothing else comes out of reading a body."""
    with suppress(ProblemError):
        read_json(octets)


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


@given(_json)
def test_json_is_read_as_it_was_written(value: object) -> None:
    """Nothing is lost by looking for what is ambiguous."""
    assert value == read_json(json.dumps(value).encode())


@pytest.mark.parametrize(
    "media_type", ["application/json", "Application/JSON; charset=utf-8", "application/vnd.example+json", None]
)
async def test_json_by_any_name_is_read(media_type: str | None) -> None:
    """A type that ends with +json is JSON, and a body without a type is taken for it."""
    headers = {} if media_type is None else {"content_type": media_type}
    assert 200 == (await calling(World()).post(CHAIN, **headers)).status_code


@pytest.mark.parametrize(
    "media_type", ["", "text/plain", "application/x-www-form-urlencoded", "text/json", "application/jsonp", "+json"]
)
async def test_a_body_of_another_type_is_refused(media_type: str) -> None:
    """What says that it is something else is not read: a form on another site cannot ask."""
    answer = await calling(World()).post(CHAIN, content_type=media_type)
    assert (415, "urn:revet:problem:unsupported-media-type") == (answer.status_code, answer.json()["type"])


async def test_a_compressed_body_is_refused() -> None:
    """Nothing is unpacked here: a few bytes would become a few gigabytes."""
    assert 415 == (await calling(World()).post(CHAIN, content_encoding="gzip")).status_code
    assert 200 == (await calling(World()).post(CHAIN, content_encoding="identity")).status_code


@pytest.mark.parametrize(("size", "status"), [(99, 400), (100, 400), (101, 413)])
async def test_a_body_may_be_as_long_as_the_limit(size: int, status: int) -> None:
    """One byte more is too much."""
    answer = await calling(World(rules=SMALL)).post(b"x" * size)
    assert status == answer.status_code


async def test_a_long_body_without_a_length_is_counted() -> None:
    """A chunked body is refused as soon as it is over the limit, and the connection is done for."""

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield b"x" * 40

    transport = httpx.ASGITransport(app=World(rules=SMALL).app())
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        answer = await client.post("/v1/validate", content=pieces())
    assert "content-length" not in answer.request.headers
    assert (413, "close") == (answer.status_code, answer.headers["connection"])
    assert "The limit is 100 bytes." == answer.json()["detail"]


@pytest.mark.parametrize(("count", "is_read"), [(MAX_CONTAINERS, True), (MAX_CONTAINERS + 1, False)])
def test_objects_and_lists_are_counted_before_they_are_made(count: int, is_read: bool) -> None:
    """As many as the limit are read; one more is a problem."""
    body = b"[" + b",".join([b"[]"] * (count - 1)) + b"]"
    if is_read:
        assert [[]] * (count - 1) == read_json(body)
        return
    with pytest.raises(ProblemError, match="objects and lists"):
        read_json(body)
