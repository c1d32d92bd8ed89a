"""cfn-lint over all templates: errors, warnings and notes alike, and nothing switched off."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.deploy.aws.templates import DIRECTORY, names, template
from tests.e2e.running import ROOT


def lint(*files: Path) -> subprocess.CompletedProcess[str]:
    """Run it as a reader would, notes included."""
    program = Path(sys.executable).with_name("cfn-lint")
    command = [str(program), "--include-checks", "I", "--template", *map(str, files)]
    return subprocess.run(command, cwd=DIRECTORY, capture_output=True, text=True, timeout=55, check=False)


def test_nothing_is_found() -> None:
    """No error, no warning, no note."""
    found = lint(*map(template, names()))

    assert ("", "", 0) == (found.stdout, found.stderr, found.returncode)


def test_nothing_is_switched_off() -> None:
    """Neither in a template nor in a file beside it, nor for the whole repository."""
    assert not [one for one in names() if "cfn-lint" in template(one).read_text()]
    assert not [one for place in (DIRECTORY, ROOT) for one in place.glob(".cfnlint*")]


@pytest.mark.parametrize(
    ("name", "before", "after", "rule"),
    [
        ("service", "Default: revet\n", "Default: REVET\n", "E2015"),
        ("service", "GetAtt LogGroup.Arn", "GetAtt LogGroup.Nothing", "E1010"),
        (
            "service",
            "bring back.\n    DeletionPolicy: Delete\n    UpdateReplacePolicy: Delete\n",
            "bring back.\n",
            "I3011",
        ),
        ("authorizer", "  HasTopic: ", "  Unused: !Equals [!Ref FailMode, open]\n  HasTopic: ", "W8001"),
        ("sidecar-nlb", "Protocol: TCP\n      DefaultActions", "Protocol: GOPHER\n      DefaultActions", "E3030"),
    ],
)
def test_faults_are_found(tmp_path: Path, name: str, before: str, after: str, rule: str) -> None:
    """Errors, warnings and notes all fail."""
    text = template(name).read_text()
    broken = tmp_path / "broken.yaml"
    broken.write_text(text.replace(before, after, 1))
    assert text != broken.read_text()

    found = lint(broken)

    assert found.returncode
    assert rule in found.stdout
