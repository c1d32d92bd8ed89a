"""What each of these tests begins with."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.data_directory.disks import MIB, Disk, small_disk
from tests.e2e.data_directory.scene import Scene, a_scene

DISK_OCTETS = 24 * MIB
"""Room for a service and some CRLs."""


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """A CA that publishes."""
    with a_scene(tmp_path) as made:
        yield made


@pytest.fixture
def disk(tmp_path: Path, scene: Scene) -> Iterator[Disk]:
    """A small disk, with the data directory of the scene's services on it."""
    with small_disk(tmp_path / "disk", DISK_OCTETS) as mounted:
        scene.settings["REVET_DATA_DIR"] = str(mounted.path / "data")
        yield mounted
