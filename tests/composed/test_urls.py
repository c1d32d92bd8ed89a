"""URLs in certificates that lead where nobody may go: denied, named, and nothing is connected to."""

from pathlib import Path
from typing import Final

import pytest

from tests.adapters.http.servers import always, by_path, ok, redirect, serve
from tests.adapters.http.world import PRIVATE, PUBLIC
from tests.application.chain import SUB
from tests.composed.world import (
    GOOD,
    METHODS,
    UNAVAILABLE,
    Method,
    Publishing,
    Table,
    composed,
    leaf_naming,
    revocation,
    summary,
)

pytestmark = pytest.mark.anyio

SCHEME: Final = "not fetched: only http and https are"
GUARD: Final = "refused by the egress guard"

REFUSED: Final = [
    ("http://127.0.0.1:{port}/", GUARD),
    ("http://localhost:{port}/", GUARD),
    ("http://[::1]:{port}/", GUARD),
    ("http://0.0.0.0:{port}/", GUARD),
    ("http://169.254.169.254/", GUARD),
    ("http://169.254.169.254/latest/meta-data/iam/security-credentials/", GUARD),
    ("http://[fd00:ec2::254]/", GUARD),
    ("http://[::ffff:127.0.0.1]:{port}/", GUARD),
    ("http://[64:ff9b::7f00:1]:{port}/", GUARD),
    ("http://10.0.0.1:{port}/", GUARD),
    ("http://inside.example:{port}/", GUARD),
    ("https://inside.example:{port}/", GUARD),
    ("http://mixed.example:{port}/", GUARD),
    ("http://mapped.example:{port}/", GUARD),
    ("http://2130706433:{port}/", GUARD),
    ("http://0x7f000001:{port}/", GUARD),
    ("http://0177.0.0.1:{port}/", GUARD),
    ("http://127.1:{port}/", GUARD),
    ("http://user:secret@ca.example:{port}/", GUARD),
    ("http://ca.example@127.0.0.1:{port}/", GUARD),
    ("http://ca.example\\@127.0.0.1:{port}/", GUARD),
    ("http://ca.example:{port}/\r\nHost: inside.example", GUARD),
    ("http://ca.example:{port}/\x00", GUARD),
    ("http:///", GUARD),
    ("http://ca.example:99999/", GUARD),
    ("http://ca.example:{port}/" + "a" * 200_000, GUARD),
    ("file:///etc/passwd", SCHEME),
    ("ldap://ca.example:{port}/CN=CA?certificateRevocationList", SCHEME),
    ("gopher://ca.example:{port}/", SCHEME),
    ("unix:///run/docker.sock", SCHEME),
    ("", SCHEME),
]

NAMES: Final[Table] = {
    "localhost": [("127.0.0.1",)],
    "mixed.example": [(PUBLIC, PRIVATE)],
    "mapped.example": [("::ffff:10.0.0.1",)],
    "rebinding.example": [(PUBLIC,), (PRIVATE,)],
    "nowhere.example": [()],
}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("url", "expected"), REFUSED, ids=[url[:50] for url, _ in REFUSED])
async def test_where_no_certificate_leads(directory: Path, method: Method, url: str, expected: str) -> None:
    """Denied by name; nothing is connected to, and a server that listens there hears nothing."""
    async with composed(directory, NAMES) as service, serve(always(ok(SUB.crl()))) as inside:
        named = url.format(port=inside.port)
        answer = await service.ask(leaf_naming(method, named))
    assert UNAVAILABLE == summary(answer)
    assert expected in answer["detail"]
    assert named[:150] in answer["detail"]
    assert 1000 > len(answer["detail"])
    assert ([], 0) == (service.connector.asked, inside.connections)


@pytest.mark.parametrize("method", METHODS)
async def test_the_next_source_is_asked(directory: Path, method: Method) -> None:
    """A refused URL is an attempt beside the answer of another."""
    async with composed(directory) as service, serve(publishing := Publishing()) as server:
        leaf = leaf_naming(method, "http://169.254.169.254/", f"http://ca.example:{server.port}/source")
        publishing.bodies["/source"] = SUB.crl() if method == "crl" else SUB.ocsp(leaf)
        answer = await service.ask(leaf)
    assert GOOD == summary(answer)
    assert "http://169.254.169.254/: refused by the egress guard" in revocation(answer)["detail"]
    assert [PUBLIC] == service.connector.asked


@pytest.mark.parametrize("method", METHODS)
async def test_a_name_that_changes_its_address(directory: Path, method: Method) -> None:
    """It is asked once, and the connection goes where that answer said; a second answer has no say."""
    async with composed(directory, NAMES) as service, serve(publishing := Publishing()) as server:
        leaf = leaf_naming(method, f"http://rebinding.example:{server.port}/source")
        publishing.bodies["/source"] = SUB.crl() if method == "crl" else SUB.ocsp(leaf)
        answer = await service.ask(leaf)
    assert GOOD == summary(answer)
    assert (["rebinding.example"], [PUBLIC]) == (service.names.asked, service.connector.asked)


@pytest.mark.parametrize("method", METHODS)
async def test_a_name_that_has_changed_its_address(directory: Path, method: Method) -> None:
    """The next connection is judged anew."""
    async with composed(directory, NAMES) as service, serve(publishing := Publishing()) as server:
        publishing.headers = ("Connection: close",)
        first, second = (
            leaf_naming(method, f"http://rebinding.example:{server.port}/{name}") for name in ("first", "second")
        )
        refused = ok(SUB.crl(corrupt_signature=True))
        publishing.bodies |= {"/first": refused, "/second": refused}
        answers = [await service.ask(first), await service.ask(second)]
    assert [UNAVAILABLE, UNAVAILABLE] == [summary(answer) for answer in answers]
    assert GUARD in answers[1]["detail"]
    assert (1, [PUBLIC]) == (len(server.received), service.connector.asked)


@pytest.mark.parametrize("method", METHODS)
async def test_a_name_without_an_address(directory: Path, method: Method) -> None:
    """Unreachable."""
    async with composed(directory, NAMES) as service:
        answer = await service.ask(leaf_naming(method, "http://nowhere.example/"))
    assert UNAVAILABLE == summary(answer)
    assert "http://nowhere.example/: unreachable" in answer["detail"]


REDIRECTS: Final = [
    "http://127.0.0.1:{port}/",
    "http://localhost:{port}/",
    "http://inside.example:{port}/",
    "//inside.example:{port}/",
    "http://[::ffff:127.0.0.1]:{port}/",
    "http://169.254.169.254/",
    "http://2130706433:{port}/",
    "http://user:secret@ca.example:{port}/",
    "file:///etc/passwd",
    "ldap://ca.example:{port}/",
]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("location", REDIRECTS)
async def test_where_no_redirect_leads(directory: Path, method: Method, location: str) -> None:
    """What a public server says is held to the rule for certificates."""
    async with composed(directory, NAMES) as service, serve(always(ok(SUB.crl()))) as inside:
        elsewhere = redirect(location.format(port=inside.port))
        async with serve(always(elsewhere)) as server:
            answer = await service.ask(leaf_naming(method, url := f"http://ca.example:{server.port}/"))
    assert UNAVAILABLE == summary(answer)
    assert f"{url}: {GUARD}" in answer["detail"]
    assert ([PUBLIC], 0) == (service.connector.asked, inside.connections)


@pytest.mark.parametrize("method", METHODS)
async def test_a_redirect_in_a_circle(directory: Path, method: Method) -> None:
    """It ends after a few."""
    async with composed(directory) as service, serve(always(redirect("/"))) as server:
        answer = await service.ask(leaf_naming(method, f"http://ca.example:{server.port}/"))
    assert UNAVAILABLE == summary(answer)
    assert "more than 3 redirects" in answer["detail"]
    assert 4 == len(server.received)


async def test_what_the_operator_allows(directory: Path) -> None:
    """The same private name, where `REVET_EGRESS_ALLOW` has its network."""
    async with (
        composed(directory, egress_allow=("10.0.0.0/8",)) as service,
        serve(by_path({"/sub.crl": ok(SUB.crl())})) as server,
    ):
        answer = await service.ask(leaf_naming("crl", f"http://inside.example:{server.port}/sub.crl"))
    assert (GOOD, [PRIVATE]) == (summary(answer), service.connector.asked)
