"""Which mutants there are: changes of behaviour that a type checker lets pass, and none of anything else."""

import shutil
from pathlib import Path

import pytest

from mutants.population import CORE, Mutant, Population, population
from tests.mutants.repositories import MODULE, make_repository


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Population:
    """The mutants of the module."""
    directory = tmp_path_factory.mktemp("population")
    root = make_repository(directory / "root", {})
    shutil.copytree(root, directory / "scratch")
    result = population(root, directory / "scratch")
    assert MODULE == (root / "service/core/crl/module.py").read_text()
    return result


def changes(found: Population, function: str) -> set[str]:
    """The lines that mutants of a function put in the place of others."""
    return {
        line[1:].strip()
        for mutant in found.mutants
        if mutant.function == function
        for line in mutant.diff()
        if line.startswith("+")
    }


def test_comparisons_numbers_and_arguments_are_changed(found: Population) -> None:
    """What decides is what is changed, in constants of the module too."""
    assert {"LIMIT = 9"} == changes(found, "")
    assert {
        "if size >= LIMIT:",
        'return Found(None, "more than that")',
        'return Found(None, f"only {size}")',
        "pass",  # instead of the `if`
    } == changes(found, "find")
    assert {"number = 1", "while number <= size:", "number -= 1", "number += 2", "pass"} == changes(found, "count")


def test_texts_for_people_and_definitions_are_left_alone(found: Population) -> None:
    """Docstrings, messages, enumerations, decorators and annotations are in no diff."""
    changed = "\n".join(line for mutant in found.mutants for line in mutant.diff() if line.startswith("-"))

    for untouched in ('"""', '"one"', "@dataclass", "->", "assert_never"):
        assert untouched not in changed


def test_what_mypy_refuses_is_no_mutant(found: Population) -> None:
    """None in place of the whole number that is counted up is one of them, and there are more."""
    assert "number = None" not in changes(found, "count")
    assert 0 < found.refused


def test_mutant_knows_its_place(found: Population) -> None:
    """File, line and room are those of the change."""
    mutant = next(one for one in found.mutants if "+LIMIT = 9" in one.diff())

    assert ("service/core/crl/module.py:7", "crl", "") == (mutant.place, mutant.room, mutant.function)
    assert ["-LIMIT = 8", "+LIMIT = 9"] == mutant.diff()


def test_every_text_is_there_once(found: Population) -> None:
    """Two ways to the same change are one mutant."""
    assert len(found.mutants) == len({mutant.after for mutant in found.mutants})


def test_types_of_the_unchanged_code_are_right(tmp_path: Path) -> None:
    """Otherwise nobody could tell which errors are those of mutants."""
    root = make_repository(tmp_path / "root", {})
    module = root / "service/core/crl/module.py"
    module.write_text(f"{MODULE}\n\nwrong: int = 'text'\n")
    shutil.copytree(root, tmp_path / "scratch")

    with pytest.raises(ValueError, match="mypy refuses what is no mutant"):
        population(root, tmp_path / "scratch")


def test_line_of_a_removal() -> None:
    """The first line that differs is where the change is."""
    mutant = Mutant(Path("a.py"), "crl", "f", "one\ntwo\nthree\n", "one\nthree\n")

    assert 2 == mutant.line


def test_modules_and_packages_can_be_chosen(tmp_path: Path) -> None:
    """Of any part of the core, each once; what is neither is an error."""
    root = make_repository(tmp_path / "root", {})
    for name in ("crl/other.py", "model/value.py"):
        (root / CORE / name).parent.mkdir(exist_ok=True)
        (root / CORE / name).write_text("SIZE = 1\n")

    def places(*chosen: Path) -> set[str]:
        scratch = tmp_path / f"scratch-{len(chosen)}"
        shutil.copytree(root, scratch)
        return {mutant.place for mutant in population(root, scratch, chosen).mutants}

    assert {"service/core/crl/other.py:1"} == places(CORE / "crl/other.py")
    assert {"service/core/crl/other.py:1", "service/core/model/value.py:1"} == places(
        CORE / "crl/other.py", CORE / "model", CORE / "model/value.py"
    )


@pytest.mark.parametrize("wrong", ["crl/missing.py", "missing", "..", "", "crl/empty"])
def test_what_is_chosen_is_of_the_core(tmp_path: Path, wrong: str) -> None:
    """A slip of the pen does not end in all mutants being noticed."""
    root = make_repository(tmp_path / "root", {})
    (root / CORE / "crl" / "empty").mkdir()

    with pytest.raises(FileNotFoundError, match="is no module or package of service/core"):
        population(root, tmp_path, [CORE / wrong])
