"""What is no part of the package is found, beside it or within it."""

from pathlib import Path

import pytest

from service.demo.errors import UsageError
from service.demo.shipped_files import AUTHORIZER, SIDECAR_ENTRYPOINT, shipped_file
from tests.demo.running import ROOT


@pytest.mark.parametrize("name", [AUTHORIZER, SIDECAR_ENTRYPOINT])
def test_in_a_checkout(name: Path) -> None:
    """The files of the repository are taken."""
    assert ROOT / name == shipped_file(name)


def test_the_package_s_own_copies_go_first(tmp_path: Path) -> None:
    """Whatever is beside an installed package by the same name is somebody else's."""
    name = Path("sidecar", "entrypoint")
    for place in ("within", "beside"):
        (tmp_path / place / "sidecar").mkdir(parents=True)
        (tmp_path / place / name).touch()

    assert tmp_path / "within" / name == shipped_file(name, (tmp_path / "within", tmp_path / "beside"))


def test_nowhere(tmp_path: Path) -> None:
    """An installation without them says so."""
    with pytest.raises(UsageError, match=r"sidecar/entrypoint is not there.*incomplete"):
        shipped_file(SIDECAR_ENTRYPOINT, (tmp_path,))
