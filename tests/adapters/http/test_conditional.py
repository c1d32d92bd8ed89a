"""Asking for anything but the version that is here."""

import pytest

from service.application.origin import OriginError
from service.application.origin_headers import OriginHeaders, Validators
from service.core.model.attempt import Problem
from tests.adapters.http.servers import always, by_path, head, ok, redirect, serve
from tests.adapters.http.world import wanted, world

pytestmark = pytest.mark.anyio

DATE = "Sat, 21 Nov 2026 10:00:00 GMT"
HELD = Validators('"a"', DATE)
UNCHANGED = head(304, 'ETag: "a"', "Cache-Control: max-age=60")


async def test_what_is_here_is_not_sent_again() -> None:
    """The validators go out as conditions, and "not modified" comes back as an answer without a body."""
    async with world() as there, serve(always(UNCHANGED)) as server:
        request = wanted(f"http://ca.example:{server.port}/a.crl", validators=HELD)
        whole = await there.origin.fetch(request)
        async with there.origin.stream(request) as streamed:
            assert [] == [piece async for piece in streamed.chunks]
    assert (True, b"", OriginHeaders(Validators('"a"'), 60)) == (whole.not_modified, whole.body, whole.said)
    assert (True, OriginHeaders(Validators('"a"'), 60)) == (streamed.not_modified, streamed.headers)
    assert ('"a"', DATE) == tuple(server.received[0].headers[name] for name in ("if-none-match", "if-modified-since"))


async def test_what_has_changed_is_sent() -> None:
    """Another version comes whole, with its own validators."""
    async with world() as there, serve(always(ok(b"a crl", 'ETag: "b"'))) as server:
        request = wanted(f"http://ca.example:{server.port}/a.crl", validators=HELD)
        async with there.origin.stream(request) as streamed:
            assert b"a crl" == b"".join([piece async for piece in streamed.chunks])
    assert (False, Validators('"b"')) == (streamed.not_modified, streamed.headers.validators)


@pytest.mark.parametrize("validators", [None, Validators()])
@pytest.mark.parametrize("body", [None, b"a request"])
async def test_nobody_asked_what_has_changed(validators: Validators | None, body: bytes | None) -> None:
    """Where no condition was sent, "not modified" is an error: there is nothing that it could speak of."""
    async with world() as there, serve(always(UNCHANGED)) as server:
        with pytest.raises(OriginError) as caught:
            await there.origin.fetch(wanted(f"http://ca.example:{server.port}/", validators=validators, body=body))
    assert Problem.HTTP_STATUS == caught.value.problem


async def test_a_post_has_no_conditions() -> None:
    """For a POST a condition would mean something else (RFC 9110 §13.1.2)."""
    async with world() as there, serve(always(ok(b"an answer"))) as server:
        await there.origin.fetch(wanted(f"http://ca.example:{server.port}/", validators=HELD, body=b"a request"))
    assert "if-none-match" not in server.received[0].headers


@pytest.mark.parametrize("name", ["If-None-Match", "if-modified-since"])
async def test_conditions_are_validators(name: str) -> None:
    """A condition in a caller's headers is refused: its "not modified" would be an error."""
    async with world() as there:
        with pytest.raises(OriginError) as caught:
            await there.origin.fetch(wanted("http://ca.example/", headers=((name, '"a"'),)))
    assert Problem.EGRESS_REFUSED == caught.value.problem


async def test_where_a_redirect_leads_is_asked_the_same() -> None:
    """The conditions go with a redirect, and its target may say that nothing was modified."""
    async with world() as there, serve(by_path({"/a": redirect("/b"), "/b": UNCHANGED})) as server:
        answer = await there.origin.fetch(wanted(f"http://ca.example:{server.port}/a", validators=HELD))
    assert answer.not_modified
    assert '"a"' == server.received[1].headers["if-none-match"]


async def test_the_connection_is_used_again() -> None:
    """An answer without a body leaves its connection open, whatever length or coding it declares."""
    answer = head(304, "Content-Length: 99999999", "Content-Encoding: gzip")
    async with world() as there, serve(always(answer)) as server:
        for _ in range(3):
            async with there.origin.stream(wanted(f"http://ca.example:{server.port}/", validators=HELD)) as streamed:
                assert streamed.not_modified
        assert 1 == server.connections
