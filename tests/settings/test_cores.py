"""How many workers a machine has room for."""

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from service.settings.cores import allowed_cores

CORES = 8


@pytest.fixture(autouse=True)
def eight_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """The process may run on eight cores; what its groups allow is each test's business."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: set(range(CORES)))


def cores(directory: Path, groups: str, files: Mapping[str, str]) -> int:
    """What is allowed under a tree of control groups."""
    own = directory / "own"
    own.write_text(groups)
    for name, content in files.items():
        path = directory / "cgroup" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return allowed_cores(directory / "cgroup", own)


@pytest.mark.parametrize(
    ("maximum", "expected"),
    [
        ("max 100000\n", CORES),
        ("200000 100000\n", 2),
        ("250000 100000\n", 2),
        ("50000 100000\n", 1),
        ("9900000 100000\n", CORES),
        ("100000\n", CORES),
        ("100000 0\n", CORES),
        ("garbage 100000\n", CORES),
        ("", CORES),
    ],
)
def test_version_2(tmp_path: Path, maximum: str, expected: int) -> None:
    """Whole cores of `cpu.max`, at least one and at most those that exist."""
    assert expected == cores(tmp_path, "0::/\n", {"cpu.max": maximum})


def test_the_tightest_group_above_counts(tmp_path: Path) -> None:
    """A service in a slice has what the slice has, at most."""
    files = {"system.slice/cpu.max": "300000 100000", "system.slice/revet.service/cpu.max": "max 100000"}
    assert 3 == cores(tmp_path, "0::/system.slice/revet.service\n", files)


@pytest.mark.parametrize("group", ["/../../kubepods/pod1", "/docker/0123456789abcdef"])
def test_a_container_that_sees_its_own_group_only(tmp_path: Path, group: str) -> None:
    """It is told a name that does not exist where it is: the root of what it sees is its group."""
    assert 2 == cores(tmp_path, f"0::{group}\n", {"cpu.max": "200000 100000"})


@pytest.mark.parametrize(("quota", "expected"), [("-1\n", CORES), ("400000\n", 4), ("\n", CORES)])
def test_version_1(tmp_path: Path, quota: str, expected: int) -> None:
    """The quota and the period stand in two files."""
    files = {"cpu,cpuacct/docker/a/cpu.cfs_quota_us": quota, "cpu,cpuacct/docker/a/cpu.cfs_period_us": "100000\n"}
    groups = "12:pids:/docker/a\n4:cpu,cpuacct:/docker/a\n1:name=systemd:/docker/a\n"
    assert expected == cores(tmp_path, groups, files)


def test_without_control_groups(tmp_path: Path) -> None:
    """Nothing is mounted: the cores that the process may run on."""
    assert CORES == allowed_cores(tmp_path / "nowhere", tmp_path / "nothing")


def test_here() -> None:
    """On the machine at hand there is at least one core."""
    assert allowed_cores() >= 1
