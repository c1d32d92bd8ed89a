"""What the origin gives, and how it goes on when asked to go elsewhere."""

import asyncio
import gzip
import zlib

import pytest

from service.adapters.http.origin import MAX_REDIRECTS
from service.adapters.http.slots import Slots
from service.application.origin import OriginAnswer, OriginError, UrlTrust
from service.core.model.attempt import Problem
from tests.adapters.http.servers import Received, always, by_path, chunk, head, ok, redirect, serve, silence
from tests.adapters.http.world import PRIVATE, PUBLIC, USER_AGENT, wanted, world

pytestmark = pytest.mark.anyio


async def test_a_body_is_fetched() -> None:
    """The body, the headers by lower-case name, and where they came from."""
    async with world() as there, serve(always(ok(b"a crl", "Content-Type: application/pkix-crl"))) as server:
        url = f"http://ca.example:{server.port}/a.crl"
        answer = await there.origin.fetch(wanted(url))
    expected = OriginAnswer(url, b"a crl", (("content-length", "5"), ("content-type", "application/pkix-crl")))
    assert expected == answer
    assert "GET /a.crl HTTP/1.1" == server.received[0].line


async def test_the_request_says_no_more_than_it_must() -> None:
    """Who asks, for what, in which coding: and nothing else."""
    async with world() as there, serve(always(ok())) as server:
        await there.origin.fetch(wanted(f"http://CA.example.:{server.port}/a.crl#fragment"))
    expected = {
        "host": f"ca.example:{server.port}",
        "accept": "*/*",
        "accept-encoding": "gzip",
        "connection": "keep-alive",
        "user-agent": USER_AGENT,
    }
    assert expected == server.received[0].headers


async def test_a_request_is_posted() -> None:
    """A body makes it a POST, with the headers of the caller."""
    request = (("Content-Type", "application/ocsp-request"),)
    async with world() as there, serve(always(ok(b"an answer"))) as server:
        answer = await there.origin.fetch(
            wanted(f"http://ca.example:{server.port}/", body=b"a request", headers=request)
        )
    assert b"an answer" == answer.body
    assert "POST / HTTP/1.1" == server.received[0].line
    assert b"a request" == server.received[0].body
    assert "application/ocsp-request" == server.received[0].headers["content-type"]


@pytest.mark.parametrize("name", ["Authorization", "cookie", "Host", "Proxy-Authorization", "Transfer-Encoding"])
async def test_some_headers_are_not_the_callers(name: str) -> None:
    """Nobody inside the service can send credentials, or frame the message, by mistake."""
    async with world() as there:
        with pytest.raises(OriginError) as caught:
            await there.origin.fetch(wanted("http://ca.example/", headers=((name, "secret"),)))
    assert Problem.EGRESS_REFUSED == caught.value.problem
    assert "secret" not in caught.value.detail
    assert [] == there.connector.asked


async def test_a_body_is_streamed() -> None:
    """The pieces come as they are sent, before the body has ended."""
    more = asyncio.Event()

    async def answer(_received: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(head(200, "Transfer-Encoding: chunked") + chunk(b"first"))
        await writer.drain()
        await more.wait()
        writer.write(chunk(b"second") + chunk(b""))

    async with (
        world() as there,
        serve(answer) as server,
        there.origin.stream(wanted(f"http://ca.example:{server.port}/")) as answered,
    ):
        assert b"first" == await anext(answered.chunks)
        more.set()
        assert b"second" == b"".join([piece async for piece in answered.chunks])


@pytest.mark.parametrize(
    ("coding", "data"), [("gzip", gzip.compress(b"a crl" * 9999, mtime=0)), ("deflate", zlib.compress(b"a crl" * 9999))]
)
async def test_a_compressed_body_is_decoded(coding: str, data: bytes) -> None:
    """Content codings are undone before anybody sees the body."""
    async with world() as there, serve(always(ok(data, f"Content-Encoding: {coding}"))) as server:
        answer = await there.origin.fetch(wanted(f"http://ca.example:{server.port}/"))
    assert b"a crl" * 9999 == answer.body


async def test_a_connection_is_used_again() -> None:
    """Two fetches from one host are one connection and one resolution."""
    async with world() as there, serve(always(ok(b"x"))) as server:
        for _ in range(3):
            await there.origin.fetch(wanted(f"http://ca.example:{server.port}/"))
    assert (1, ["ca.example"], [PUBLIC]) == (server.connections, there.names.asked, there.connector.asked)


async def test_the_operators_connection_is_not_a_certificates() -> None:
    """An open connection to a private address, made for the operator, is no way in for a certificate."""
    async with world() as there, serve(always(ok(b"inside"))) as server:
        url = f"http://inside.example:{server.port}/"
        assert b"inside" == (await there.origin.fetch(wanted(url, trust=UrlTrust.OPERATOR))).body
        with pytest.raises(OriginError) as caught:
            await there.origin.fetch(wanted(url))
    assert Problem.EGRESS_REFUSED == caught.value.problem
    assert [PRIVATE] == there.connector.asked
    assert 1 == len(server.received)


async def test_cookies_are_never_kept() -> None:
    """A server that sets a cookie does not get it back, and nobody sees it."""
    async with world() as there, serve(always(ok(b"", "Set-Cookie: id=1; Path=/", "SET-COOKIE2: id=2"))) as server:
        url = f"http://ca.example:{server.port}/"
        answer = await there.origin.fetch(wanted(url))
        await there.origin.fetch(wanted(url))
    assert (("content-length", "0"),) == answer.headers
    assert "cookie" not in server.received[1].headers


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"])
async def test_proxies_of_the_environment_are_ignored(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    """Nobody but the operator, in the settings, sends fetches elsewhere."""
    async with serve(always(ok(b"from the proxy"))) as proxy:
        monkeypatch.setenv(variable, f"http://127.0.0.1:{proxy.port}")
        async with world() as there, serve(always(ok(b"from the origin"))) as server:
            answer = await there.origin.fetch(wanted(f"http://ca.example:{server.port}/"))
    assert b"from the origin" == answer.body
    assert 0 == proxy.connections


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_followed(status: int) -> None:
    """The answer of the place redirected to is the answer."""
    answers = {"/a": redirect("/b?c", status), "/b?c": ok(b"here")}
    async with world() as there, serve(by_path(answers)) as server:
        answer = await there.origin.fetch(wanted(f"http://ca.example:{server.port}/a"))
    assert (f"http://ca.example:{server.port}/b?c", b"here") == (answer.url, answer.body)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirected_post_stays_one(status: int) -> None:
    """An OCSP request is repeated where the redirect leads."""
    answers = {"/a": redirect("/b", status), "/b": ok(b"here")}
    async with world() as there, serve(by_path(answers)) as server:
        await there.origin.fetch(wanted(f"http://ca.example:{server.port}/a", body=b"a request"))
    assert ("POST /b HTTP/1.1", b"a request") == (server.received[1].line, server.received[1].body)


@pytest.mark.parametrize(
    ("raw", "body"),
    [
        (redirect("/b", 303), b"a request"),
        (head(302, "Content-Length: 0"), None),
        (head(300, "Location: /b", "Content-Length: 0"), None),
        (head(304), None),
        (head(204), None),
        (head(206, "Content-Length: 0"), None),
        (head(404, "Content-Length: 0"), None),
        (head(500, "Content-Length: 0"), None),
    ],
)
async def test_other_statuses_are_failures(raw: bytes, body: bytes | None) -> None:
    """Only 200 gives a body, and the status is named."""
    async with world() as there, serve(always(raw)) as server:
        with pytest.raises(OriginError) as caught:
            await there.origin.fetch(wanted(f"http://ca.example:{server.port}/", body=body))
    assert Problem.HTTP_STATUS == caught.value.problem
    assert f"ca.example:{server.port} answered {raw[9:12].decode()}" == caught.value.detail


async def test_so_many_redirects_are_followed() -> None:
    """As many as the limit says lead to an answer."""
    answers = {f"/{number}": redirect(f"/{number + 1}") for number in range(MAX_REDIRECTS)}
    async with world() as there, serve(by_path(answers | {f"/{MAX_REDIRECTS}": ok(b"here")})) as server:
        answer = await there.origin.fetch(wanted(f"http://ca.example:{server.port}/0"))
    assert b"here" == answer.body


async def test_a_redirect_loop_ends() -> None:
    """A place that redirects to itself is asked once more than redirects are followed, and no more."""
    async with world() as there, serve(always(redirect("/"))) as server:
        with pytest.raises(OriginError) as caught:
            await there.origin.fetch(wanted(f"http://ca.example:{server.port}/"))
    assert Problem.EGRESS_REFUSED == caught.value.problem
    assert MAX_REDIRECTS + 1 == len(server.received)


@pytest.mark.parametrize("trust", list(UrlTrust))
@pytest.mark.parametrize(
    "location",
    [
        "http://127.0.0.1:{port}/",
        "http://localhost:{port}/",
        "http://[::ffff:127.0.0.1]:{port}/",
        "http://inside.example:{port}/",
        "http://169.254.169.254/latest/meta-data/",
        "//inside.example:{port}/",
        "file:///etc/passwd",
        "ldap://ca.example/",
        "http://user:secret@ca.example:{port}/",
        "http://127.1:{port}/",
    ],
)
async def test_a_redirect_leads_nowhere_that_a_certificate_may_not(trust: UrlTrust, location: str) -> None:
    """Whoever named the first URL, its redirects are held to the rule for certificates."""
    async with (
        world({"localhost": [("127.0.0.1",)]}) as there,
        serve(always(ok(b"inside"))) as inside,
        serve(always(redirect(location.format(port=inside.port)))) as server,
    ):
        with pytest.raises(OriginError) as caught:
            await there.origin.fetch(wanted(f"http://ca.example:{server.port}/", trust=trust))
    assert Problem.EGRESS_REFUSED == caught.value.problem
    assert [PUBLIC] == there.connector.asked
    assert 0 == inside.connections


@pytest.mark.parametrize("allow", [(), ("inside.example",), ("127.0.0.2",)])
async def test_the_operators_loopback_does_not_lead_to_another(allow: tuple[str, ...]) -> None:
    """The operator's own URL leads anywhere; from there it goes on only where the allow list says."""
    async with (
        world(allow=allow) as there,
        serve(always(ok(b"here"))) as elsewhere,
        serve(always(redirect(f"http://127.0.0.1:{elsewhere.port}/"))) as server,
    ):
        with pytest.raises(OriginError) as caught:
            await there.origin.fetch(wanted(f"http://127.0.0.1:{server.port}/", trust=UrlTrust.OPERATOR))
    assert Problem.EGRESS_REFUSED == caught.value.problem
    assert (1, 0) == (server.connections, elsewhere.connections)


@pytest.mark.parametrize("allow", [("127.0.0.0/8",), ("127.0.0.1",)])
async def test_the_operators_loopback_leads_to_what_is_allowed(allow: tuple[str, ...]) -> None:
    """What the allow list names may be redirected to."""
    async with (
        world(allow=allow) as there,
        serve(always(ok(b"here"))) as elsewhere,
        serve(always(redirect(f"http://127.0.0.1:{elsewhere.port}/"))) as server,
    ):
        answer = await there.origin.fetch(wanted(f"http://127.0.0.1:{server.port}/", trust=UrlTrust.OPERATOR))
    assert b"here" == answer.body


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://169.254.169.254/latest/meta-data/", Problem.EGRESS_REFUSED),
        ("http://[fd00:ec2::254]/", Problem.EGRESS_REFUSED),
        ("http://127.0.0.1/", Problem.EGRESS_REFUSED),
        ("http://[::1]/", Problem.EGRESS_REFUSED),
        ("http://[::ffff:127.0.0.1]/", Problem.EGRESS_REFUSED),
        ("http://0.0.0.0/", Problem.EGRESS_REFUSED),
        ("http://inside.example/", Problem.EGRESS_REFUSED),
        ("http://mixed.example/", Problem.EGRESS_REFUSED),
        ("http://mapped.example/", Problem.EGRESS_REFUSED),
        ("http://2130706433/", Problem.EGRESS_REFUSED),
        ("http://user:secret@ca.example/", Problem.EGRESS_REFUSED),
        ("http://ca.example/\r\nX: y", Problem.EGRESS_REFUSED),
        ("file:///etc/passwd", Problem.UNSUPPORTED_SCHEME),
        ("ldap://ca.example/", Problem.UNSUPPORTED_SCHEME),
        ("http://nowhere.example/", Problem.UNREACHABLE),
    ],
)
async def test_a_certificate_leads_nowhere_else(url: str, expected: Problem) -> None:
    """What a certificate may not name is not connected to, whole or in pieces."""
    table: dict[str, list[tuple[str, ...]]] = {
        "mixed.example": [(PUBLIC, PRIVATE)],
        "mapped.example": [("::ffff:10.0.0.1",)],
        "nowhere.example": [()],
    }
    async with world(table) as there:
        with pytest.raises(OriginError) as caught:
            await there.origin.fetch(wanted(url))
        assert expected == caught.value.problem
        with pytest.raises(OriginError) as caught:
            async with there.origin.stream(wanted(url)):
                pass
    assert expected == caught.value.problem
    assert [] == there.connector.asked


async def test_one_host_does_not_take_all_places() -> None:
    """While a host keeps us waiting, others are asked."""
    async with (
        world({"slow.example": [(PUBLIC,)]}, slots=Slots(total=2, per_host=1)) as there,
        serve(silence) as slow,
        serve(always(ok(b"quick"))) as quick,
    ):
        request = wanted(f"http://slow.example:{slow.port}/")
        waiting = [asyncio.create_task(there.origin.fetch(request)) for _ in range(2)]
        await asyncio.wait_for(slow.asked.wait(), 20)
        answer = await there.origin.fetch(wanted(f"http://ca.example:{quick.port}/"))
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
    assert b"quick" == answer.body
    assert 1 == slow.connections


async def test_nothing_is_fetched_after_closing() -> None:
    """A closed origin fails by name."""
    async with world() as there:
        await there.origin.aclose()
        with pytest.raises(OriginError) as caught:
            await there.origin.fetch(wanted("http://ca.example/"))
    assert Problem.INTERNAL == caught.value.problem
