"""What a stranger gets: the pinned packages, in an environment of their own, from nothing but the checkout."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[1]
_NEEDED = (
    *("Makefile", "LICENSE", "README.md", "pyproject.toml", "requirements", "scripts", "service"),
    *("authorizer", "sidecar"),  # the package carries them
)


def _output(directory: Path, *command: str) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    done = subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_runtime_pins_are_enough(tmp_path: Path) -> None:
    """The packages that `make run` installs carry the command line, and a second time nothing is left to install."""
    for name in _NEEDED:
        source = _ROOT / name
        if source.is_dir():
            shutil.copytree(source, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, tmp_path)

    _output(tmp_path, "make", ".venv/.runtime")

    _output(tmp_path, ".venv/bin/python", "-m", "pip", "check")
    assert "Usage" in _output(tmp_path, ".venv/bin/revet", "--help")
    assert "up to date" in _output(tmp_path, "make", ".venv/.runtime")
