"""Every link of the documentation leads somewhere."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tests.docs.pages import DOCS, ROOT, anchors, links, page, sections

PAGES = (ROOT / "README.md", ROOT / "README.ja.md", ROOT / "CHANGELOG.md", *sorted(DOCS.rglob("*.md")))

CONTENTS = "**On this page:** "
LONG = {"api.md": 2, "operations.md": 3, "settings.md": 3, "sidecar.md": 2, "revocation.md": 2, "api-gateway.md": 2}
"""Pages that say at their beginning what is on them, and down to which level of headings."""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_relative_links_resolve(page: Path) -> None:
    """The file is there, and has the heading where one is named."""
    broken = [link for link in links(page.read_text(encoding="utf-8")) if _is_broken(page, link)]
    assert [] == broken


def _is_broken(page: Path, link: str) -> bool:
    parts = urlsplit(link)
    if parts.scheme:
        return parts.scheme not in {"http", "https"}
    target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
    if not target.is_relative_to(ROOT) or not target.exists():
        return True
    return bool(parts.fragment) and parts.fragment not in anchors(target.read_text(encoding="utf-8"))


def test_every_page_is_in_the_index() -> None:
    """Whoever reads `docs/README.md` finds all of them; the decisions are found by their directory."""
    index = DOCS / "README.md"
    named = {(DOCS / link.partition("#")[0]).resolve() for link in links(index.read_text(encoding="utf-8"))}
    assert set() == {*DOCS.glob("*.md"), DOCS / "adr"} - {index} - named


@pytest.mark.parametrize("name", LONG)
def test_long_pages_say_what_is_on_them(name: str) -> None:
    """All of it, in its order."""
    text = page(name)
    _, _, contents, *_ = text.splitlines()
    assert contents.startswith(CONTENTS)
    headings = {heading for level in range(2, LONG[name] + 1) for heading in sections(text, level)}
    named = [f"[{heading}]" for heading in sorted(headings, key=lambda one: text.index(f"# {one}\n"))]
    assert named == [entry.partition("(")[0] for entry in contents.removeprefix(CONTENTS).split(" · ")]


def test_a_broken_link_is_seen() -> None:
    """A file that is not there, a heading that is not there, and a way out of the repository."""
    page = DOCS / "README.md"
    for link in (
        "nothing.md",
        "security.md#no-such-heading",
        "#no-such-heading",
        "../../elsewhere",
        "ftp://x.example/",
    ):
        assert _is_broken(page, link), link
    for link in ("security.md#the-egress-guard", "adr/", "https://x.example/#y"):
        assert not _is_broken(page, link), link
