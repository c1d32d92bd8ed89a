"""docs/invariants.md names the lines that keep each invariant, and the tests that notice; here both is tried.

Each guard is taken out of a copy of the service, after `tests/mutations.py`, and the tests that its row names are run
against the copy, in a process of their own: every one of them has to fail there, and for a reason of its own.
"""

import ast
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from tests.docs.pages import ROOT, table, words
from tests.mutations import MUTATIONS

INVARIANTS: Final = ("1", "2", "3", "5", "6", "7", "9", "10", "11")

AUTHORIZER: Final = "authorizer"

ALL_PASSED: Final = 0
SOME_FAILED: Final = 1
"""Exit codes of pytest; what cannot be imported, a test that is not there, and the like have others."""

RUN: Final = """
import pathlib, sys, lambda_function, pytest, service
for loaded in (lambda_function, service):
    assert pathlib.Path(loaded.__file__).is_relative_to(sys.argv[1]), loaded.__file__
sys.exit(pytest.main(sys.argv[2:]))
"""
"""Whatever pytest puts in front of the path, what is loaded stays."""

_LEFT_OUT: Final = ("randomly", "cacheprovider", "xdist", "cov", "unraisableexception")
"""The last of them ends a run by raising where a directory was not closed in time, before it has told what failed."""

OPTIONS: Final = ("-q", "-rf", "--tb=line", *(f"-pno:{name}" for name in _LEFT_OUT))

BROKEN: Final = re.compile(r"\b(NameError|UnboundLocalError|ImportError|ModuleNotFoundError|SyntaxError)\b")
"""How a program fails that was not mutated but broken: any test would notice."""


@dataclass(frozen=True, slots=True)
class Guard:
    """A row of the document.

    Attributes:
        file: Below `service`, or the Lambda authorizer's.
        function: Name of the function in it, after its class where it has one.
        tests: Those that notice.
    """

    name: str
    file: str
    function: str
    tests: tuple[str, ...]

    @property
    def place(self) -> Path:
        """Of the file, in the repository and in a copy."""
        return Path(self.file) if self.file.startswith(f"{AUTHORIZER}/") else Path("service", self.file)


def guards() -> Iterator[Guard]:
    """Every row."""
    for row in table("invariants.md", "guards"):
        file, function = words(row["where"])
        yield Guard(row["guard"], file, function, tuple(words(row["noticed by"])))


GUARDS: Final = tuple(guards())

each_guard: Final = pytest.mark.parametrize("guard", GUARDS, ids=[guard.name for guard in GUARDS])


def source_of(function: str, source: str) -> str:
    """The text of a function in a module.

    Raises:
        AssertionError: there is none of that name.
    """
    body: list[ast.stmt] = ast.parse(source).body
    found: ast.stmt | None = None
    for name in function.split("."):
        named = [
            node
            for node in body
            if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and node.name == name
        ]
        assert 1 == len(named), f"{len(named)} of {name} in {function}"
        found, body = named[0], named[0].body
    text = None if found is None else ast.get_source_segment(source, found, padded=True)
    assert text is not None
    return text


def mutated(guard: Guard, source: str) -> str:
    """The source of a module without a guard.

    Raises:
        AssertionError: the text that guards is not there, or there twice.
    """
    mutation, text = MUTATIONS[guard.name], source_of(guard.function, source)
    assert 1 == text.count(mutation.old), f"{text.count(mutation.old)} times in {guard.function}: {mutation.old}"
    without = text.replace(mutation.old, mutation.new)
    assert 1 == source.count(text)
    return source.replace(text, without)


def run(copy: Path, tests: tuple[str, ...]) -> tuple[int, str]:
    """Run tests against a copy of the service: the exit code, and what was printed."""
    environment = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    # CI: the same examples on every run, and no test that skips itself.
    path = os.pathsep.join(str(copy / name) for name in (".", AUTHORIZER))
    environment |= {"PYTHONPATH": path, "PYTHONSAFEPATH": "1", "CI": "true"}
    ended = subprocess.run(
        [sys.executable, "-c", RUN, str(copy), *OPTIONS, *tests],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=300,
        check=False,
        text=True,
    )
    return ended.returncode, ended.stdout


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A directory with a copy of what is guarded, compiled files and all."""
    for name in ("service", AUTHORIZER):
        shutil.copytree(ROOT / name, tmp_path / name)
    return tmp_path


def test_every_guard_is_told_and_tried() -> None:
    """No row without a mutation, no mutation without a row, and no row twice."""
    assert sorted(MUTATIONS) == sorted(guard.name for guard in GUARDS)


def test_every_invariant_has_guards() -> None:
    """Two at the least, in its own section of the document."""
    sections = (ROOT / "docs" / "invariants.md").read_text().split("\n## ")[1:]
    assert list(INVARIANTS) == [section.partition(".")[0] for section in sections]
    named = [[guard for guard in GUARDS if f"| {guard.name} |" in section] for section in sections]
    assert all(len(found) >= 2 for found in named)
    assert len(GUARDS) == sum(len(found) for found in named)


@each_guard
def test_the_guard_stands_where_the_document_says(guard: Guard) -> None:
    """In that function, once; without it the module still compiles, and is another."""
    path = ROOT / guard.place
    source = path.read_text()
    without = mutated(guard, source)
    assert source != without
    compile(without, str(path), "exec")


@pytest.mark.slow
def test_the_tests_pass(copy: Path) -> None:
    """On a copy of the service as it is."""
    code, output = run(copy, tuple(dict.fromkeys(test for guard in GUARDS for test in guard.tests)))
    assert ALL_PASSED == code, output


@pytest.mark.slow
@each_guard
def test_the_tests_notice(copy: Path, guard: Guard) -> None:
    """Without its guard, every test of the row fails."""
    path = copy / guard.place
    path.write_text(mutated(guard, path.read_text()))
    code, output = run(copy, guard.tests)
    assert SOME_FAILED == code, output
    assert BROKEN.search(output) is None, output
    failed = {line.removeprefix("FAILED ").partition(" - ")[0] for line in output.splitlines() if "FAILED " in line}
    failed |= {test.partition("[")[0] for test in failed}
    assert set() == set(guard.tests) - failed, output
