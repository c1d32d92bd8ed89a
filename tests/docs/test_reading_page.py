"""`docs/reading.md`: every decision about an odd construct has a reason, and tests that exist."""

import re
from typing import Final

import pytest

from service.core.model.failure import Code
from tests.docs.pages import ROOT, Row, table, words

ROWS: Final = table("reading.md", "reading")

rows = pytest.mark.parametrize("row", ROWS, ids=lambda row: row["construct"])


def test_no_construct_is_decided_twice() -> None:
    """Each stands in one row."""
    assert len(ROWS) == len({row["construct"] for row in ROWS})


@rows
def test_decisions(row: Row) -> None:
    """A decision is one of the few that the page explains; a refusal gives the code of the verdict."""
    decision, *codes = row["decision"], *words(row["decision"])
    assert re.match(r"read\b|malformed$|refused: `\w+`$|unusable$|speaks for nobody$", decision)
    assert decision.startswith("refused") is bool(codes)
    assert set(codes) <= set(Code)


@rows
def test_reasons(row: Row) -> None:
    """There is one."""
    assert row["why"]


@rows
def test_tests(row: Row) -> None:
    """Each test that is named is there."""
    named = words(row["test"])
    assert named
    for one in named:
        path, _, function = one.partition("::")
        text = (ROOT / "tests" / "core" / path).read_text(encoding="utf-8")
        assert f"\ndef {function}(" in text
