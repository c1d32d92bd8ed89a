"""`/dashboard`: a page that has no data, loads nothing from elsewhere, and is asked for once."""

import re
from collections.abc import Mapping
from html.parser import HTMLParser
from typing import Final

import pytest

from service.api.app import create_management_app
from service.api.dashboard.files import INDEX, MEDIA_TYPES, Asset, shipped_assets
from service.api.dashboard.pages import Dashboard
from tests.api.asgi import exchange, nothing, scope_of
from tests.api.world import WITH_TOKENS, World, calling

pytestmark = pytest.mark.anyio

NAMES: Final = sorted(set(shipped_assets()) - {INDEX})


class _Page(HTMLParser):
    """What a page loads, and what stands in it that a strict policy forbids."""

    def __init__(self) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.links: list[str] = []
        self.inline: list[str] = []
        self._open = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An element begins."""
        self._open = tag
        given = dict(attrs)
        loaded = given.get("src") if tag != "link" else given.get("href")
        self.loads += [loaded] if loaded else []
        self.links += [value for name, value in attrs if name in {"href", "action"} and value and tag != "link"]
        self.inline += [f"{tag} {name}" for name, _ in attrs if name == "style" or name.startswith("on")]

    def handle_data(self, data: str) -> None:
        """What it holds."""
        if self._open in {"script", "style"} and data.strip():
            self.inline.append(self._open)

    def handle_endtag(self, tag: str) -> None:  # noqa: ARG002 - the parser's
        """It ends."""
        self._open = ""


async def test_the_page_needs_no_token() -> None:
    """It asks for one; whoever has none sees a page without data."""
    answer = await calling(World(rules=WITH_TOKENS)).get("/dashboard")
    assert (200, "text/html; charset=utf-8") == (answer.status_code, answer.headers["content-type"])
    assert shipped_assets()[INDEX].body == answer.content


async def test_what_the_page_may_do() -> None:
    """Run and load its own files, and ask this service; nothing else."""
    policy = (await calling(World()).get("/dashboard")).headers["content-security-policy"]
    assert {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "connect-src": "'self'",
        "img-src": "'self' data:",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
        "require-trusted-types-for": "'script'",
        "trusted-types": "'none'",
    } == dict(rule.split(" ", 1) for rule in policy.split("; "))


async def test_headers_of_the_page() -> None:
    """No frame, no window and no page of another origin has it; where it was, nobody is told."""
    headers = (await calling(World()).get("/dashboard")).headers
    assert {
        "cache-control": "no-cache",
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "x-frame-options": "DENY",
    }.items() <= headers.items()
    assert "camera=()" in headers["permissions-policy"]
    assert "set-cookie" not in headers


async def test_everything_that_the_page_loads_is_there() -> None:
    """By a path that a proxy may put something in front of; nothing stands in the page that its policy forbids."""
    caller = calling(World())
    page = _Page()
    page.feed((await caller.get("/dashboard")).text)
    assert [] == page.inline
    for loaded in page.loads:
        if not loaded.startswith("data:"):
            assert not loaded.startswith("/")
            assert 200 == (await caller.get(f"/{loaded}")).status_code, loaded
    assert [] == [link for link in page.links if "://" in link]


@pytest.mark.parametrize("name", NAMES)
async def test_every_file_is_served(name: str) -> None:
    """As what it is, and does nothing when it is looked at by itself."""
    answer = await calling(World(rules=WITH_TOKENS)).get(f"/dashboard/{name}")
    assert 200 == answer.status_code
    assert MEDIA_TYPES[f".{name.rpartition('.')[2]}"].decode() == answer.headers["content-type"]
    assert "default-src 'none'; frame-ancestors 'none'" == answer.headers["content-security-policy"]
    assert shipped_assets()[name].body == answer.content


@pytest.mark.parametrize("name", NAMES)
async def test_no_file_names_another_place(name: str) -> None:
    """Modules import their neighbours, and nothing is fetched from another host; namespaces are names alone."""
    text = shipped_assets()[name].body.decode()
    named = set(re.findall(r"\bhttps?://[^\s'\"`)]+", text))
    assert set() == {one for one in named if not one.startswith("http://www.w3.org/")}
    imported = re.findall(r"^(?:import|export)\b[^;]*?from\s+[\"']([^\"']+)[\"']", text, re.MULTILINE)
    assert [] == [one for one in imported if not re.fullmatch(r"\./[\w-]+\.js", one)]
    assert [] == [one for one in imported if one.removeprefix("./") not in shipped_assets()]


@pytest.mark.parametrize("path", ["/dashboard", *(f"/dashboard/{name}" for name in NAMES)])
@pytest.mark.parametrize("form", ["{tag}", "W/{tag}", '"other", {tag}', "*"])
async def test_what_a_browser_has_is_not_sent_again(path: str, form: str) -> None:
    """It asks whether it is still the same."""
    caller = calling(World())
    first = await caller.get(path)
    tag = first.headers["etag"]
    again = await caller.send("GET", path, headers={"if-none-match": form.format(tag=tag)})
    assert (304, b"", tag) == (again.status_code, again.content, again.headers["etag"])
    assert first.headers["cache-control"] == again.headers["cache-control"]
    other = await caller.send("GET", path, headers={"if-none-match": '"other"'})
    assert (200, first.content) == (other.status_code, other.content)


@pytest.mark.parametrize(
    "name", ["nothing.js", INDEX, "__init__.py", "..", "%2e%2e", "..%2ffiles.py", "%2fetc%2fpasswd", "", "a/b.js"]
)
async def test_no_other_file_is_served(name: str) -> None:
    """A name is looked up among those that there are; the page itself has one path."""
    answer = await calling(World()).get(f"/dashboard/{name}")
    assert 404 == answer.status_code


@pytest.mark.parametrize("path", ["/dashboard", "/dashboard/style.css"])
async def test_nothing_but_looking(path: str) -> None:
    """No other method is known there."""
    app = World().app()
    for method in ("POST", "PUT", "DELETE", "OPTIONS"):
        found = await exchange(app, scope_of(path, method=method), nothing)
        assert (405, b"GET, HEAD") == (found.status, found.headers[b"allow"])


async def test_the_management_port_has_no_dashboard() -> None:
    """What it shows needs tokens, which are asked for on the main port alone."""
    found = await exchange(create_management_app(World().operations()), scope_of("/dashboard", method="GET"), nothing)
    assert 404 == found.status


async def test_head() -> None:
    """The same without a body."""
    page = await calling(World()).send("HEAD", "/dashboard")
    assert (200, b"") == (page.status_code, page.content)
    assert str(len(shipped_assets()[INDEX].body)) == page.headers["content-length"]


def test_two_versions_have_two_tags() -> None:
    """Otherwise a browser would go on with the script of the version before."""
    tags = [asset.tag for asset in shipped_assets().values()]
    assert len(tags) == len(set(tags))


def test_a_package_without_the_page() -> None:
    """It does not start."""
    nothing_shipped: Mapping[str, Asset] = {}
    with pytest.raises(KeyError, match=INDEX):
        Dashboard(nothing_shipped)
