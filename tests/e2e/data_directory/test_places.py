"""A data directory that cannot be used as it is: who owns it, who may write, what stands in its place."""

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from tests.e2e.data_directory.disks import Disk
from tests.e2e.data_directory.scene import Scene, block, code, refusal
from tests.e2e.running import running_service

pytestmark = pytest.mark.slow

STRANGER: Final = 12345
"""A user that owns nothing."""


def _file(path: Path) -> None:
    path.touch()


def _nowhere(path: Path) -> None:
    path.symlink_to(path.with_name("nowhere"))


def _elsewhere(path: Path) -> None:
    path.with_name("elsewhere").mkdir(0o700)
    path.symlink_to(path.with_name("elsewhere"))


def _open_to_all(path: Path) -> None:
    path.mkdir()
    path.chmod(0o755)


def _closed(path: Path) -> None:
    path.mkdir(0o500)


LINK: Final = r"the store's directory {} \(owner \d+, mode 0777\) is a symbolic link: name the directory itself"


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (_file, r"the store's directory {} \(owner \d+, mode 0\d{{3}}\) is not a directory"),
        (_nowhere, LINK),
        (
            _elsewhere,
            r"the store's directory {} \(owner \d+, mode 0777\) is a symbolic link: name the directory itself",
        ),
        (_open_to_all, r"the store's directory {} \(owner \d+, mode 0755\) must be for its owner alone: mode 0700"),
        (_closed, r"the store's directory {} \(owner \d+, mode 0500\) must be for its owner alone: mode 0700"),
    ],
)
def test_what_stands_in_its_place(tmp_path: Path, scene: Scene, make: Callable[[Path], None], says: str) -> None:
    """The message names the directory, its owner and its mode, and what is wrong with it."""
    store = tmp_path / "data" / "store"
    store.parent.mkdir(0o700)
    make(store)
    assert re.search("revet: REVET_DATA_DIR: " + says.format(re.escape(str(store))), refusal(tmp_path, scene.settings))


@pytest.mark.parametrize("make", [_file, _nowhere])
def test_what_stands_in_the_place_of_all(tmp_path: Path, scene: Scene, make: Callable[[Path], None]) -> None:
    """Likewise where the data directory itself is none."""
    make(tmp_path / "data")
    says = refusal(tmp_path, scene.settings)
    assert f"revet: REVET_DATA_DIR: cannot use the store's directory {tmp_path}/data/store: " in says


@pytest.mark.parametrize("name", ["pending", "spool", "uploads", "metrics", "store/hot"])
def test_what_stands_in_the_place_of_others(tmp_path: Path, scene: Scene, name: str) -> None:
    """Likewise for whatever else is below it."""
    path = tmp_path / "data" / name
    for directory in reversed(path.relative_to(tmp_path).parents[:-1]):
        (tmp_path / directory).mkdir(0o700)
    path.touch()
    assert str(path) in refusal(tmp_path, scene.settings)


def test_what_is_left_of_a_store(tmp_path: Path, scene: Scene) -> None:
    """Whatever it is, it shows that there was one, and what it held is missed."""
    store = tmp_path / "data" / "store"
    store.mkdir(0o700, parents=True)
    (store / "generations").touch()
    assert f"{store}/hot is missing, and there was a store (generations)" in refusal(tmp_path, scene.settings)


def test_a_directory_of_somebody_else(tmp_path: Path, scene: Scene) -> None:
    """Nobody puts verdicts into a store that another user can change."""
    store = tmp_path / "data" / "store"
    store.mkdir(parents=True)
    inside: tuple[str, ...] = ()
    if os.geteuid() == 0:
        store.chmod(0o700)
        os.chown(store, STRANGER, STRANGER)
    else:  # what belongs to the machine's root is nobody's in a namespace of ours
        mount = 'mount --bind /usr "$0" && exec "$@"'
        inside = ("unshare", "--user", "--map-root-user", "--mount", "sh", "-c", mount, str(store))

    says = refusal(tmp_path, scene.settings, inside)

    assert f"the store's directory {store} (owner " in says
    assert "does not belong to user 0, who runs the service" in says


def test_a_disk_that_cannot_be_written(tmp_path: Path, scene: Scene, disk: Disk) -> None:
    """It does not start there, whether it was there before or not, and does when it can be written again."""
    disk.remount("ro")
    says = refusal(tmp_path, scene.settings, disk.inside)
    assert f"REVET_DATA_DIR: cannot use the store's directory {disk.path}/data/store: " in says
    assert "Read-only file system" in says
    disk.remount("rw")
    with running_service(tmp_path, tmp_path / "trust.pem", scene.settings, inside=disk.inside) as service:
        assert 201 == block(service, scene.good).status_code
        # The kernel takes no disk away from whoever has files open for writing there.
        assert "busy" in disk.run("mount", "-o", "remount,ro", str(disk.path)).stderr
        assert ["blocked", "revoked"] == [code(service, scene.good), code(service, scene.revoked)]
    disk.remount("ro")
    says = refusal(tmp_path, scene.settings, disk.inside)
    assert f"REVET_DATA_DIR: cannot open {disk.path}/data/store/service.lock: " in says
    assert "Read-only file system" in says
    disk.remount("rw")
    with running_service(tmp_path, tmp_path / "trust.pem", scene.settings, inside=disk.inside) as service:
        assert ["blocked", "revoked"] == [code(service, scene.good), code(service, scene.revoked)]
