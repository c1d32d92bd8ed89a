"""The pages of `docs/` as tests read them: tables between marks, blocks of code, headings and links.

A table that a test reads stands between `<!-- NAME: begin -->` and `<!-- NAME: end -->`; several of one name are read
as one.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, TypeAlias

ROOT: Final = Path(__file__).parents[2]
DOCS: Final = ROOT / "docs"

Row: TypeAlias = dict[str, str]
"""The cells of a row, by the words at the head of their columns."""

_CELL_END: Final = re.compile(r"(?<!\\)\|")
_CODE: Final = re.compile(r"`([^`]+)`")
_FENCE: Final = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_HEADING: Final = re.compile(r"^(#+) (.+)$", re.MULTILINE)
_LINK: Final = re.compile(r"(?<!\\)!?\[[^\]]*\]\(([^)\s]+)\)")


def page(name: str) -> str:
    """The text of a page."""
    return (DOCS / name).read_text(encoding="utf-8")


def table(name: str, mark: str) -> list[Row]:
    """The rows of every table of a page that has this mark."""
    marked = re.findall(rf"<!-- {mark}: begin -->\n(.*?)<!-- {mark}: end -->", page(name), re.DOTALL)
    assert marked, f"{name} has no table {mark}"
    return [row for text in marked for row in _rows(text)]


def _rows(text: str) -> Iterator[Row]:
    head, ruler, *lines = (_cells(line) for line in text.strip().splitlines())
    assert all(set(cell) <= {"-"} for cell in ruler)
    for cells in lines:
        yield dict(zip(head, cells, strict=True))


def _cells(line: str) -> list[str]:
    assert line.startswith("|"), line
    assert line.endswith("|"), line
    return [cell.strip().replace(r"\|", "|") for cell in _CELL_END.split(line[1:-1])]


def words(cell: str) -> list[str]:
    """What stands as code in a cell."""
    return _CODE.findall(cell)


def word(cell: str) -> str:
    """The one piece of code that a cell consists of."""
    found = words(cell)
    assert [f"`{one}`" for one in found] == [cell], cell
    return str(found[0])


def blocks(text: str, language: str) -> list[str]:
    """The blocks of code in one language."""
    return [body for found, body in _FENCE.findall(text) if found == language]


def without_code(text: str) -> str:
    """The text without its blocks and pieces of code, which hold no headings and no links."""
    return _CODE.sub("", _FENCE.sub("", text))


def sections(text: str, level: int) -> dict[str, str]:
    """What stands below each heading of a level, by the heading."""
    outside = [match for match in _HEADING.finditer(text) if not _in_block(text, match.start())]
    found = {}
    for number, match in enumerate(outside):
        if len(match[1]) == level:
            ends = (later.start() for later in outside[number + 1 :] if len(later[1]) <= level)
            found[match[2]] = text[match.end() : next(ends, len(text))]
    return found


def anchors(text: str) -> set[str]:
    """The fragments that links may name: headings as GitHub writes them."""
    headings = [match[2] for match in _HEADING.finditer(text) if not _in_block(text, match.start())]
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links(text: str) -> list[str]:
    """Where the links and pictures of a text lead."""
    return [match[1] for match in _LINK.finditer(_FENCE.sub("", text))]


def _in_block(text: str, position: int) -> bool:
    return any(match.start() <= position < match.end() for match in _FENCE.finditer(text))
