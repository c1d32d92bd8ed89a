"""The Dockerfiles as text: linted, agreeing with what they are about, and sent no more than they need."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from service import __name__ as package
from tests.e2e.running import ROOT
from tests.images.building import default_of

DOCKERFILES: Final = (ROOT / "Dockerfile", ROOT / "sidecar/Dockerfile")
HADOLINT: Final = Path(sys.executable).with_name("hadolint")


def lint(*files: Path) -> subprocess.CompletedProcess[str]:
    """What hadolint says, every rule of it in force."""
    return subprocess.run((HADOLINT, "--no-color", *files), capture_output=True, text=True, check=False)


def test_hadolint_finds_nothing() -> None:
    """Not even something of style."""
    done = lint(*DOCKERFILES)

    assert ("", 0) == (done.stdout, done.returncode)


def test_hadolint_would_find_something(tmp_path: Path) -> None:
    """A pin that is missing, for one."""
    file = tmp_path / "Dockerfile"
    file.write_text("FROM debian\nRUN apt-get install nginx\n")

    assert "DL3006" in lint(file).stdout


def test_every_exception_is_argued() -> None:
    """A rule is switched off for one instruction, below a comment that says why, or not at all."""
    lines = [line for file in DOCKERFILES for line in file.read_text().splitlines()]
    at = [number for number, line in enumerate(lines) if "hadolint ignore" in line]

    assert ["DL3008"] == [lines[number].rpartition("=")[2] for number in at]
    assert all(re.match(r"# [^h]", lines[number - 1]) for number in at)
    assert not list(ROOT.glob(".hadolint.y*ml"))


@pytest.mark.parametrize("file", DOCKERFILES, ids=lambda file: file.parent.name)
def test_version_is_the_package_s(file: Path) -> None:
    """The label says what `revet --version` says."""
    (version,) = re.findall(r'^version = "(.*)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)

    assert version == default_of(file, "VERSION")


def test_whole_package_is_copied() -> None:
    """What `pyproject.toml` builds the wheel of is copied, and let through by `.dockerignore`."""
    copied = set(re.findall(r"^COPY (?!--from)(.*) \S+$", DOCKERFILES[0].read_text(), re.MULTILINE))
    sources = {name for line in copied for name in line.split()}
    admitted = set(re.findall(r"^!(.*)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE))
    wheel = re.findall(r'^"(\S+)" = "service/demo/shipped/', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)

    assert {package, "LICENSE", "README.md", "pyproject.toml", *(name.partition("/")[0] for name in wheel)} <= sources
    assert {*sources, *wheel} - {"authorizer"} == admitted
