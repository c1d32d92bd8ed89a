"""A repository of a few lines, with the rooms that mutation testing looks into."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from mutants.population import CORE, ROOMS

ROOT: Final = Path(__file__).parents[2]

MODULE: Final = '''\
"""A module."""

from dataclasses import dataclass
from enum import Enum
from typing import assert_never

LIMIT = 8


class Kind(Enum):
    """A kind."""

    ONE = "one"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Found:
    """What was found."""

    kind: Kind | None
    detail: str = ""


def find(size: int, kind: Kind) -> Found | None:
    """Find something."""
    match kind:
        case Kind.ONE:
            if size > LIMIT:
                return Found(kind, "more than that")
            return Found(kind, f"only {size}")
        case Kind.OTHER:
            return None
        case _:
            assert_never(kind)


def count(size: int) -> int:
    """Count up to a size."""
    number = 0
    while number < size:
        number += 1
    return number
'''

TEST: Final = '''\
"""Tests of a room."""

from service.core.crl.module import Kind, count, find


def test_limit() -> None:
    """The limit itself is within it."""
    assert "more" not in find(8, Kind.ONE).detail
    assert "more" in find(9, Kind.ONE).detail
    assert find(9, Kind.OTHER) is None


def test_count() -> None:
    """All are counted."""
    assert 3 == count(3)
'''


def make_repository(directory: Path, tests: Mapping[str, str]) -> Path:
    """A repository with one module in the room `crl`, and these tests by room; the other rooms have one that passes."""
    for room in ROOMS:
        for package in (directory / CORE / room, directory / "tests" / "core" / room):
            package.mkdir(parents=True)
            (package / "__init__.py").touch()
        text = tests.get(room, "def test() -> None:\n    assert True\n")
        (directory / "tests" / "core" / room / f"test_{room}.py").write_text(text)
    for name in ("service", "service/core", "tests", "tests/core"):
        (directory / name / "__init__.py").touch()
    (directory / CORE / "crl" / "module.py").write_text(MODULE)
    (directory / "docs").mkdir()
    (directory / "pyproject.toml").write_text("[tool.pytest.ini_options]\n")
    shutil.copytree(ROOT / "mutants", directory / "mutants", ignore=shutil.ignore_patterns("__pycache__"))
    return directory
