"""How many connections a limit on open files has room for, in processes with other limits than this one."""

import resource
import subprocess
import sys

import pytest

from service.processes.descriptors import RESERVED

_ASK = """
import resource
from service.processes.descriptors import room_for_connections
print(room_for_connections({wanted}), resource.getrlimit(resource.RLIMIT_NOFILE)[0])
"""


def asked(wanted: int, soft: int, hard: int) -> tuple[int, int]:
    """How many connections there is room for under these limits, and the soft limit afterwards."""
    answer = subprocess.run(
        [sys.executable, "-c", _ASK.format(wanted=wanted)],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard)),
    )
    room, now = map(int, answer.stdout.split())
    return room, now


@pytest.mark.parametrize(
    ("wanted", "soft", "hard", "expected"),
    [
        (100, 2_000, 2_000, (100, 2_000)),
        (1_000, 1_024, 4_096, (1_000, 1_000 + RESERVED)),
        (4_096, 1_024, 3_000, (3_000 - RESERVED, 3_000)),
        (4_096, 1_024, 1_024, (512, 1_024)),
        (4_096, 256, 256, (128, 256)),
    ],
    ids=["enough", "raised", "as far as it may be", "half of little", "half of less"],
)
def test_room_for_connections(wanted: int, soft: int, hard: int, expected: tuple[int, int]) -> None:
    """The rest is for everything else; the soft limit is raised where that is needed and allowed."""
    assert expected == asked(wanted, soft, hard)
