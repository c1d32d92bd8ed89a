"""The story out of a wheel: what is no part of the package is carried by it."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.demo.running import ROOT
from tests.demo.story.stranger import telling

pytestmark = pytest.mark.slow

PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check", "-q")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory in which the package is installed, and nothing else; what it depends on is where it is for tests."""
    wheels, place = tmp_path_factory.mktemp("wheels"), tmp_path_factory.mktemp("installed")
    _run(*PIP, "wheel", str(ROOT), "--no-deps", "--no-build-isolation", "-w", str(wheels))
    (wheel,) = wheels.glob("revet-*.whl")
    _run(*PIP, "install", "--no-deps", "--no-index", "--target", str(place), str(wheel))
    return place


def test_the_package_carries_them(installed: Path) -> None:
    """Whole, and as they are in the checkout."""
    shipped = installed / "service" / "demo" / "shipped"
    files = {Path("authorizer", "lambda_function.py"), *_files(ROOT / "sidecar", ROOT)}

    assert files == _files(shipped, shipped)
    for name in files:
        assert (ROOT / name).read_bytes() == (shipped / name).read_bytes(), name


def test_the_story_is_told(installed: Path) -> None:
    """By the installed package's own parts, wherever one is."""
    environment = {"PYTHONPATH": str(installed), "PYTHONSAFEPATH": "1"}
    with telling(sys.executable, "-m", "service", "demo", environment=environment) as stranger:
        stranger.until("2. The authority revokes")  # by now the authorizer has been asked
        commands = [b" ".join(words).decode() for words in stranger.commands().values()]

        assert 0 == stranger.exit_code(), stranger.complaints
    assert any(str(installed / "service" / "demo" / "shipped" / "authorizer") in one for one in commands)


def _files(below: Path, root: Path) -> set[Path]:
    """Every file, but for what Python has compiled."""
    return {path.relative_to(root) for path in below.rglob("*") if path.is_file() and path.suffix != ".pyc"}


def _run(*command: str) -> None:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert 0 == done.returncode, done.stdout + done.stderr
