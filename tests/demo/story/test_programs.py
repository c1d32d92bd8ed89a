"""What is missing is named, with what to do about it."""

from pathlib import Path

import pytest

from service.demo.errors import EXIT_USAGE, UsageError
from service.demo.story import programs
from service.demo.story.programs import find_programs


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The one directory in which programs are looked for."""
    monkeypatch.setattr(programs, "_SYSTEM", ())
    return tmp_path


def put(shelf: Path, *names: str) -> None:
    """Have programs of these names."""
    for name in names:
        (shelf / name).write_text("#!/bin/sh\n")
        (shelf / name).chmod(0o755)


def test_all_are_there(shelf: Path) -> None:
    """Each is found on the PATH."""
    put(shelf, "curl", "nginx", "openssl")

    found = find_programs({"PATH": str(shelf)})

    assert (str(shelf / "curl"), str(shelf / "nginx")) == (found.curl, found.nginx)


def test_beside_the_path(shelf: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The directories of the system are looked in as well: nginx is in /usr/sbin, which users do not have."""
    (tmp_path / "sbin").mkdir()
    put(shelf, "curl", "openssl")
    put(tmp_path / "sbin", "nginx")
    monkeypatch.setattr(programs, "_SYSTEM", (str(tmp_path / "sbin"),))

    assert str(tmp_path / "sbin" / "nginx") == find_programs({"PATH": str(shelf)}).nginx


@pytest.mark.parametrize("there", [("curl", "openssl"), ("nginx",), ()])
def test_some_are_missing(shelf: Path, there: tuple[str, ...]) -> None:
    """All that are missing are named at once, and how to install them."""
    put(shelf, *there)
    missing = [name for name in ("curl", "nginx", "openssl") if name not in there]

    with pytest.raises(UsageError) as refused:
        find_programs({"PATH": str(shelf)})

    assert EXIT_USAGE == refused.value.exit_code
    assert f"apt-get install {' '.join(missing)}" == refused.value.reason.partition("as root: ")[2]
    assert missing == [line.split()[0] for line in refused.value.reason.splitlines() if line.startswith("  ")]
