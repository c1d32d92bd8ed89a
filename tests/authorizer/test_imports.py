"""What importing the function takes: the standard library alone, and little time."""

import ast
import subprocess
import sys
from pathlib import Path
from typing import Final

import lambda_function

SOURCE: Final = Path(lambda_function.__file__)
ALONE: Final = (sys.executable, "-I", "-S")
"""Without the environment, without what is installed, and without this directory."""


def test_only_the_standard_library_is_named() -> None:
    """Read, not run."""
    names = [
        name
        for node in ast.walk(ast.parse(SOURCE.read_text()))
        for name in (
            [one.name for one in node.names]
            if isinstance(node, ast.Import)
            else [node.module or "."]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    ]
    assert names
    assert [] == [name for name in names if name.partition(".")[0] not in sys.stdlib_module_names]


def test_it_is_imported_with_nothing_installed(tmp_path: Path) -> None:
    """From a directory with nothing else in it."""
    (tmp_path / "lambda_function.py").write_bytes(SOURCE.read_bytes())
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import lambda_function as f; print(f.lambda_handler)"
    ended = subprocess.run([*ALONE, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.startswith("<function lambda_handler")


def test_it_adds_little_to_what_http_takes() -> None:
    """Modules, not milliseconds, which depend on the machine: what is loaded besides `http.client` and `json`."""

    def modules(names: str) -> int:
        code = f"import sys; sys.path.insert(0, {str(SOURCE.parent)!r}); import {names}; print(len(sys.modules))"
        return int(subprocess.run([*ALONE, "-c", code], capture_output=True, text=True, check=True).stdout)

    assert modules("lambda_function") < 1.5 * modules("http.client, json")


def test_nothing_slow_is_imported() -> None:
    """Each of these takes as long as all the rest, or is not needed before the first event."""
    code = f"import sys; sys.path.insert(0, {str(SOURCE.parent)!r}); import lambda_function; print(*sys.modules)"
    loaded = subprocess.run([*ALONE, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert {"asyncio", "logging", "urllib.request", "multiprocessing", "concurrent.futures"}.isdisjoint(loaded)
