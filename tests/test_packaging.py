"""The lock files agree with each other and carry nothing of the machine that made them."""

import re
from importlib.metadata import version
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[1]
_LOCKS = sorted((_ROOT / "requirements").glob("*.txt"))
_PIN = re.compile(r"^([a-z0-9-]+)(?:\[[a-z,]+\])?==(\S+)", re.MULTILINE)


def _pins(lock: Path) -> dict[str, str]:
    return dict(_PIN.findall(lock.read_text()))


@pytest.mark.parametrize("lock", _LOCKS, ids=lambda lock: lock.stem)
def test_lock_is_part_of_the_development_lock(lock: Path) -> None:
    """What is installed to run is what was tested, to the version."""
    pins = _pins(lock)

    assert pins
    assert pins.items() <= _pins(_ROOT / "requirements/dev.txt").items()


@pytest.mark.parametrize("lock", _LOCKS, ids=lambda lock: lock.stem)
def test_every_pin_is_hashed(lock: Path) -> None:
    """Each requirement is followed by at least one hash."""
    requirements = re.split(r"^(?=[a-z0-9])", lock.read_text(), flags=re.MULTILINE)[1:]

    assert [] == [entry.split()[0] for entry in requirements if "--hash=sha256:" not in entry]


@pytest.mark.parametrize("lock", _LOCKS, ids=lambda lock: lock.stem)
def test_lock_names_no_place(lock: Path) -> None:
    """No address of an index, and no path."""
    assert [] == re.findall(r".*(?:://|--index-url|--find-links|\s/\S).*", lock.read_text())


def test_vectors_are_of_the_library_s_release() -> None:
    """The test data of `cryptography` is that of the version under test."""
    assert version("cryptography") == version("cryptography-vectors")
