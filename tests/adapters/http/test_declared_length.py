"""How long a body will be, as its origin says, over a real connection."""

import gzip

import pytest

from service.application.origin_headers import Validators
from tests.adapters.http.servers import chunk, head, ok, serve, then_close
from tests.adapters.http.world import wanted, world

pytestmark = pytest.mark.anyio

BODY = b"a certificate revocation list"
PACKED = gzip.compress(BODY, mtime=0)


@pytest.mark.parametrize(
    ("answer", "octets"),
    [
        pytest.param(ok(BODY), len(BODY), id="length"),
        pytest.param(ok(BODY, "Content-Encoding: Identity"), len(BODY), id="no coding"),
        pytest.param(ok(PACKED, "Content-Encoding: gzip"), None, id="coded"),
        pytest.param(
            head(200, "Transfer-Encoding: chunked") + chunk(BODY[:5]) + chunk(BODY[5:]) + chunk(b""), None, id="chunks"
        ),
        pytest.param(
            head(200, "Content-Length: 3", "Transfer-Encoding: chunked") + chunk(BODY) + chunk(b""), None, id="both"
        ),
        pytest.param(head(200, "Connection: close") + BODY, None, id="until it ends"),
    ],
)
async def test_declared(answer: bytes, octets: int | None) -> None:
    """It is told before the first piece where it is about what will come, decoded; and all of it comes in any case."""
    async with (
        world() as there,
        serve(then_close(answer)) as server,
        there.origin.stream(wanted(f"http://ca.example:{server.port}/a.crl")) as streamed,
    ):
        assert octets == streamed.octets
        assert BODY == b"".join([piece async for piece in streamed.chunks])


async def test_nothing_comes() -> None:
    """Where nothing was modified, a length is that of the version that is not sent (RFC 9110 §8.6)."""
    unchanged = head(304, 'ETag: "a"', f"Content-Length: {len(BODY)}")
    async with world() as there, serve(then_close(unchanged)) as server:
        request = wanted(f"http://ca.example:{server.port}/a.crl", validators=Validators('"a"'))
        async with there.origin.stream(request) as streamed:
            assert (True, None) == (streamed.not_modified, streamed.octets)
