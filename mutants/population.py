"""Every mutant of the rooms that decide: what `mutmut` makes of their functions and constants, and what is left out.

Left out, since no test should notice them, or every reader would:

- docstrings, annotations, decorators (`frozen=True`, `slots=True`) and the bodies of classes, where enumerations have
  their texts and dataclasses their defaults;
- texts for people: strings with a blank in them and f-strings, changed, dropped or replaced by None;
- `assert_never` and the `case` that calls it, where no value arrives;
- what `mypy` refuses, most often None in place of an argument: such a change does not come past `make types`.

It changes no file of the working tree.
"""

import difflib
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import libcst as cst
from mutmut.mutation.file_mutation import Mutation, create_mutations, deep_replace

from mutants.omissions import omissions

ROOMS: Final = ("crl", "ocsp", "path", "decision")
CORE: Final = Path("service/core")

_ERROR: Final = re.compile(r"^(?P<path>[^:\n]+):(?P<line>\d+)(?::\d+)?: error: ", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Mutant:
    """A module with one thing changed.

    Attributes:
        path: The module, below the root of the repository.
        room: The package of the core it belongs to.
        function: Where in it; empty for a constant of the module.
        before: Its text.
        after: Its text with the change.
    """

    path: Path
    room: str
    function: str
    before: str = field(repr=False)
    after: str = field(repr=False)

    @property
    def line(self) -> int:
        """Where the change begins, counted from 1."""
        pairs = zip(self.before.splitlines(), self.after.splitlines(), strict=False)
        return next((number for number, (one, other) in enumerate(pairs, 1) if one != other), 0)

    @property
    def place(self) -> str:
        """File and line."""
        return f"{self.path}:{self.line}"

    def diff(self) -> list[str]:
        """What is changed, with as little as possible around it."""
        lines = difflib.unified_diff(self.before.splitlines(), self.after.splitlines(), n=0, lineterm="")
        return [line for line in lines if not line.startswith(("---", "+++", "@@"))]


@dataclass(frozen=True, slots=True)
class Population:
    """All mutants.

    Attributes:
        mutants: Those worth trying, in the order of files and lines.
        refused: How many `mypy` refuses.
    """

    mutants: tuple[Mutant, ...]
    refused: int


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A mutant, and the mutated function under a name of its own, for `mypy`; None for constants and methods."""

    mutant: Mutant
    function: str | None = None


def population(root: Path, scratch: Path, chosen: Sequence[Path] = ()) -> Population:
    """Every mutant worth trying.

    Args:
        root: The repository.
        scratch: A copy of it that may be changed; it is left changed.
        chosen: Modules of the core and packages of it, below the root, whose mutants are meant; empty for the rooms.

    Raises:
        FileNotFoundError: one that is chosen is none of these.
    """
    by_module = {path: list(_candidates(root, path)) for path in _modules(root, chosen)}
    refused = _refused(scratch, by_module)
    every = [one for candidates in by_module.values() for one in candidates]
    kept = tuple(one.mutant for one in every if id(one) not in refused)
    return Population(kept, len(every) - len(kept))


def _modules(root: Path, chosen: Sequence[Path]) -> list[Path]:
    """Below the root, each once, in the order in which they are chosen."""
    root, modules = root.resolve(), list[Path]()
    for one in chosen or [CORE / room for room in ROOMS]:
        path = (root / one).resolve()
        found = sorted(path.glob("*.py")) if path.is_dir() else [path]
        if not found or not all(path.is_file() and path.parent.parent == root / CORE for path in found):
            raise FileNotFoundError(f"{one} is no module or package of {CORE}")
        modules += (path.relative_to(root) for path in found)
    return list(dict.fromkeys(modules))


def _candidates(root: Path, path: Path) -> Iterator[_Candidate]:
    """The mutants of one module, each text once."""
    text = (root / path).read_text()
    module, mutations, *_ = create_mutations(str(path), text)
    seen = {text}
    for mutation in (*mutations, *omissions(module)):
        if _is_wanted(mutation):
            after = _code(deep_replace(module, mutation.original_node, mutation.mutated_node))
            if after not in seen:
                seen.add(after)
                yield _candidate(module, mutation, Mutant(path, path.parts[2], _name(mutation), text, after))


def _is_wanted(mutation: Mutation) -> bool:
    place = mutation.contained_by_top_level_function
    if place is None:  # a constant of the module: its numbers and words, not None in its place
        is_literal = isinstance(mutation.original_node, cst.BaseNumber | cst.SimpleString)
        return is_literal and not _is_prose(mutation.original_node)
    if not _is_function(place):
        return False
    return not any(_is_prose(node) or _is_unreachable(node) for node in (mutation.original_node, *_lost(mutation)))


def _is_function(place: cst.CSTNode) -> bool:
    """Whether it is one: mutmut counts every statement of a class among its functions."""
    return isinstance(place, cst.FunctionDef)


def _lost(mutation: Mutation) -> list[cst.CSTNode]:
    """What the change takes away beside the node itself: arguments of a call, cases of a match."""
    match mutation.original_node, mutation.mutated_node:
        case cst.Call() as before, cst.Call() as after:
            kept = {id(argument.value) for argument in after.args}
            return [argument.value for argument in before.args if id(argument.value) not in kept]
        case cst.Match() as before, cst.Match() as after:
            return [case for case in before.cases if case not in after.cases]
        case _:
            return []


def _is_prose(node: cst.CSTNode) -> bool:
    if isinstance(node, cst.SimpleString):
        return " " in node.raw_value
    return isinstance(node, cst.FormattedString | cst.ConcatenatedString)


def _is_unreachable(node: cst.CSTNode) -> bool:
    return isinstance(node, cst.MatchCase | cst.Call | cst.SimpleStatementLine) and "assert_never(" in cst.Module(
        []
    ).code_for_node(node)


def _name(mutation: Mutation) -> str:
    place = mutation.contained_by_top_level_function
    return "" if place is None else place.name.value


def _code(changed: object) -> str:
    if not isinstance(changed, cst.Module):
        raise TypeError(f"a module that is no module any more: {type(changed).__name__}")
    return changed.code


def _candidate(module: cst.Module, mutation: Mutation, mutant: Mutant) -> _Candidate:
    place = mutation.contained_by_top_level_function
    if place is None or place not in module.body:
        return _Candidate(mutant)
    changed = deep_replace(place, mutation.original_node, mutation.mutated_node)
    return _Candidate(mutant, module.code_for_node(changed) if isinstance(changed, cst.FunctionDef) else None)


def _refused(scratch: Path, by_module: dict[Path, list[_Candidate]]) -> set[int]:
    """The identities of the candidates that `mypy` refuses: all of a module's are checked at once, below each other."""
    owners: dict[tuple[str, int], _Candidate] = {}
    for path, candidates in by_module.items():
        lines = (scratch / path).read_text().splitlines()
        for number, candidate in enumerate(candidates):
            if candidate.function is not None:
                start = len(lines)
                name = re.escape(candidate.mutant.function)
                renamed = re.sub(rf"\bdef {name}\b", f"def _mutant_{number}", candidate.function, count=1)
                lines.extend(renamed.splitlines())
                owners.update({(str(path), line): candidate for line in range(start + 1, len(lines) + 1)})
        (scratch / path).write_text("\n".join(lines) + "\n")
    # Types only: code that is never reached is what many a good mutant makes.
    command = (sys.executable, "-m", "mypy", "--config-file=", "--no-error-summary", *map(str, by_module))
    output = subprocess.run(command, cwd=scratch, capture_output=True, text=True, check=False).stdout
    found = [(match["path"], int(match["line"])) for match in _ERROR.finditer(output)]
    unknown = [place for place in found if place not in owners]
    if unknown:
        raise ValueError(f"mypy refuses what is no mutant: {unknown}\n{output[:2000]}")
    return {id(owners[place]) for place in found}
