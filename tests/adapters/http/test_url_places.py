"""Places that are URLs, over a real connection."""

import pytest

from service.adapters.http.origin import HttpOrigin
from service.application.origin import OriginError
from service.application.places import Content, FilePlace, NotModified, UrlPlace, parse_place
from service.application.url_places import UrlPlaces
from service.core.model.attempt import Problem
from tests.adapters.http.servers import always, head, ok, redirect, serve
from tests.adapters.http.world import world

pytestmark = pytest.mark.anyio

LARGE = 2**24
DATE = "Sat, 21 Nov 2026 10:00:00 GMT"


async def read(origin: HttpOrigin, url: str, held: str = "", max_bytes: int = LARGE) -> Content | NotModified:
    """What is found, when its octets are b"a crl"."""
    async with UrlPlaces(origin, 20.0).read(UrlPlace(url), max_bytes, held) as found:
        if isinstance(found, Content):
            assert b"a crl" == b"".join([piece async for piece in found.chunks])
        return found


async def test_a_version_is_not_read_twice() -> None:
    """What the origin says of a version goes back to it, and its answer is heard."""
    answers = [ok(b"a crl", 'ETag: "a"', f"Last-Modified: {DATE}", "Cache-Control: max-age=5"), head(304)]
    async with world() as there, serve(always(answers[0])) as server:
        url = f"http://inside.example:{server.port}/a.crl"
        first = await read(there.origin, url)
        assert isinstance(first, Content)
        server.answer = always(answers[1])
        assert NotModified() == await read(there.origin, url, first.version)
    assert (5, 5) == (first.max_age_s, first.octets)
    asked = server.received[1].headers
    assert ('"a"', DATE) == (asked["if-none-match"], asked["if-modified-since"])


@pytest.mark.parametrize("held", ["", "no version", "[1, 2]", '["a"]', "null"])
async def test_what_is_no_version_is_not_sent(held: str) -> None:
    """Nor is anything made of it."""
    async with world() as there, serve(always(ok(b"a crl"))) as server:
        found = await read(there.origin, f"http://inside.example:{server.port}/a.crl", held)
    assert isinstance(found, Content)
    assert "" == found.version
    assert not {"if-none-match", "if-modified-since"} & server.received[0].headers.keys()


async def test_a_redirect_is_a_strangers_word() -> None:
    """The operator may name an address inside; whoever answers there may not."""
    async with world() as there, serve(always(redirect("http://inside.example/"))) as server:
        with pytest.raises(OriginError) as caught:
            await read(there.origin, f"http://inside.example:{server.port}/a.crl")
    assert Problem.EGRESS_REFUSED == caught.value.problem


async def test_the_limit() -> None:
    """It is the caller's."""
    async with world() as there, serve(always(ok(b"a crl"))) as server:
        with pytest.raises(OriginError) as caught:
            await read(there.origin, f"http://inside.example:{server.port}/a.crl", max_bytes=4)
    assert Problem.TOO_LARGE == caught.value.problem


async def test_a_url_is_its_own_list() -> None:
    """Nothing is asked for that; a file is none of its business."""
    async with world() as there:
        places = UrlPlaces(there.origin, 20.0)
        (found,) = await places.list(parse_place("https://ca.example/a.crl"))
        with pytest.raises(OriginError) as caught:
            await places.list(parse_place("/etc/a.crl"))
    assert "https://ca.example/a.crl" == found.key
    assert Problem.UNSUPPORTED_SCHEME == caught.value.problem
    assert isinstance(parse_place("/etc/a.crl"), FilePlace)
