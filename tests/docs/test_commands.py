"""Every command that a page shows is run by a test, or the page says why it is not.

Above a block of commands stands a comment that readers do not see: `<!-- run by tests/… -->` with the test that runs
it, or `<!-- not run: … -->` with the reason. Pages that are run from the top to the bottom need none.
"""

import re
from pathlib import Path
from typing import Final

import pytest

from tests.docs.pages import DOCS, ROOT

WHOLE: Final = {
    "README.md": "tests/docs/test_readme.py",
    "README.ja.md": "tests/docs/test_readme.py",
    "docs/cli.md": "tests/docs/test_sessions.py",
    "docs/settings.md": "tests/docs/test_sessions.py",
}
"""Pages all of whose sessions one test runs."""

PAGES: Final = sorted(
    (*ROOT.glob("*.md"), *DOCS.glob("*.md"), *(ROOT / "sidecar").glob("*.md"), *(ROOT / "helm").glob("*.md"))
)

_BLOCK: Final = re.compile(
    r"^(?P<above>[^\n]*\n)(?:[ \t]*\n)?[ \t]*```(?:console|sh|bash|shell)\n(?P<text>.*?)```",
    re.MULTILINE | re.DOTALL,
)
_RUN: Final = re.compile(r"<!-- run by (tests/[\w/]+\.py) -->")
_NOT_RUN: Final = re.compile(r"<!-- not run: \S.{9,} -->")


def unclaimed(page: str, text: str) -> list[str]:
    """The blocks of a page that nobody runs, and that do not say why; each by its first line."""
    return [
        match["text"].partition("\n")[0]
        for match in _BLOCK.finditer(text)
        if page not in WHOLE and _NOT_RUN.search(match["above"]) is None and not is_run(page, match["above"])
    ]


def is_run(page: str, above: str) -> bool:
    """Whether the test that the line names is there, and knows the page."""
    named = _RUN.search(above)
    return named is not None and (ROOT / named[1]).is_file() and Path(page).name in (ROOT / named[1]).read_text("utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_block_of_commands_is_run_or_says_why_not(page: Path) -> None:
    """A command that nobody runs goes wrong unnoticed."""
    assert [] == unclaimed(str(page.relative_to(ROOT)), page.read_text(encoding="utf-8"))


@pytest.mark.parametrize("page", WHOLE)
def test_pages_that_are_run_whole_are_run(page: str) -> None:
    """By a test that knows them."""
    assert Path(page).name in (ROOT / WHOLE[page]).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("above", "claimed"),
    [
        ("Text.", False),
        ("<!-- not run: it needs an account at AWS -->", True),
        ("<!-- not run: -->", False),
        ("<!-- run by tests/docs/test_sessions.py -->", True),
        ("<!-- run by tests/docs/test_nothing.py -->", False),
        ("<!-- run by tests/docs/test_links.py -->", False),
    ],
)
def test_claims(above: str, claimed: bool) -> None:
    """A reason has words, and a test that is named is there and names the page."""
    assert claimed is ([] == unclaimed("docs/other/cli.md", f"{above}\n```sh\nrevet stats\n```\n"))
