"""How many cores this process may use: what its affinity and its control groups allow.

A container with two of a machine's 64 cores has 64 in `os.cpu_count()`; 64 workers would share two cores' time and
memory for 64.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

CGROUPS: Final = Path("/sys/fs/cgroup")
"""Where control groups are mounted: cgroups(7)."""

OWN_GROUPS: Final = Path("/proc/self/cgroup")
"""Which ones this process is in."""

_UNIFIED: Final = ""  # the controllers that version 2 names in OWN_GROUPS: none, since one hierarchy has them all


def allowed_cores(cgroups: Path = CGROUPS, own_groups: Path = OWN_GROUPS) -> int:
    """Count the cores that this process may keep busy, at least one.

    A share of a core counts as none: a worker more than there is time for only waits for the others.

    Args:
        cgroups: Mount point of the control groups.
        own_groups: The file that lists the process's groups.
    """
    affinity = len(os.sched_getaffinity(0))
    return max(1, int(min((affinity, *_quotas(cgroups, own_groups)))))


def _quotas(cgroups: Path, own_groups: Path) -> Iterator[float]:
    """Every limit in force, in cores: that of a group binds the groups below it too."""
    for line in (_text(own_groups) or "").splitlines():
        _, _, rest = line.partition(":")
        controllers, _, group = rest.partition(":")
        if controllers == _UNIFIED:
            for directory in _with_parents(cgroups, group):
                yield from _quota_v2(directory)
        elif "cpu" in controllers.split(","):
            for directory in _with_parents(cgroups / controllers, group):
                yield from _quota_v1(directory)


def _with_parents(root: Path, group: str) -> Iterator[Path]:
    # A container without a cgroup namespace is told the host's names, of which it sees the last part or nothing; what
    # is not there has no limit. `..` stands for what is above the root of the namespace.
    parts = [part for part in group.split("/") if part not in {"", ".."}]
    for depth in range(len(parts), -1, -1):
        yield root.joinpath(*parts[:depth])


def _quota_v2(directory: Path) -> Iterator[float]:
    """Read `cpu.max`: microseconds or `max`, and the period."""
    match (_text(directory / "cpu.max") or "").split():
        case [quota, period]:
            yield from _cores(quota, period)
        case _:
            pass


def _quota_v1(directory: Path) -> Iterator[float]:
    """Read `cpu.cfs_quota_us`, -1 for none, and `cpu.cfs_period_us`."""
    yield from _cores(_text(directory / "cpu.cfs_quota_us") or "", _text(directory / "cpu.cfs_period_us") or "")


def _cores(quota: str, period: str) -> Iterator[float]:
    if quota.strip().isdecimal() and period.strip().isdecimal() and int(period) > 0:
        yield int(quota) / int(period)


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
