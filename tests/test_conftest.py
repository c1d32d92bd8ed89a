"""The rules that tests/conftest.py lays down, seen from a suite of their own."""

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from pytest_socket import SocketConnectBlockedError

_CONFTEST = Path(__file__).with_name("conftest.py")

_MODULES = {
    "at_run_time": "import pytest\n\n\ndef test() -> None:\n    pytest.skip('why')\n",
    "by_mark": "import pytest\n\n\n@pytest.mark.skip(reason='why')\ndef test() -> None:\n    pass\n",
    "whole_module": "import pytest\n\npytest.importorskip('a_module_that_nobody_has')\n",
    "expected_failure": "import pytest\n\n\n@pytest.mark.xfail\ndef test() -> None:\n    raise AssertionError\n",
}


def _run_alone(directory: Path, source: str, ci: str) -> subprocess.CompletedProcess[str]:
    shutil.copy(_CONFTEST, directory)
    (directory / "pytest.ini").write_text("[pytest]\n")
    (directory / "test_one.py").write_text(source)
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider"],
        cwd=directory,
        env={**os.environ, "CI": ci, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("how", ["at_run_time", "by_mark", "whole_module"])
def test_skip_fails_under_ci(how: str, tmp_path: Path) -> None:
    """A skipped test is a failed one under CI, however it was skipped."""
    result = _run_alone(tmp_path, _MODULES[how], ci="true")

    assert 0 < result.returncode < pytest.ExitCode.INTERNAL_ERROR, result.stdout
    assert "skipped under CI" in result.stdout


def test_skip_is_a_skip_elsewhere(tmp_path: Path) -> None:
    """At a desk a skipped test is only skipped."""
    result = _run_alone(tmp_path, _MODULES["by_mark"], ci="")

    assert result.returncode == 0, result.stdout
    assert "1 skipped" in result.stdout


def test_expected_failure_stays_one(tmp_path: Path) -> None:
    """An expected failure is no skip."""
    result = _run_alone(tmp_path, _MODULES["expected_failure"], ci="true")

    assert result.returncode == 0, result.stdout
    assert "1 xfailed" in result.stdout


@pytest.mark.parametrize("passing", [2, 200])
def test_the_log_of_ci_is_no_longer_for_more_tests_that_pass(passing: int, tmp_path: Path) -> None:
    """They are counted and nothing else; one that fails is named, and its trace is there."""
    source = f"import pytest\n\n\n@pytest.mark.parametrize('number', range({passing + 1}))\n"
    source += "def test(number: int) -> None:\n    assert number != 1\n"
    result = _run_alone(tmp_path, source, ci="true")

    assert 1 == result.returncode, result.stdout
    assert f"1 failed, {passing} passed" in result.stdout
    assert "test_one.py::test[1] failed\n" in result.stdout
    assert len(result.stdout.splitlines()) < 30, result.stdout


def test_only_this_host_is_reached() -> None:
    """Outside tests/core, sockets lead to the loopback addresses and nowhere else."""
    with pytest.raises(SocketConnectBlockedError):
        socket.create_connection(("192.0.2.1", 80), timeout=1)
