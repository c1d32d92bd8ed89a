"""The directory that the sidecar writes to: nobody else may put anything there, or lead it elsewhere."""

import os
import subprocess
import tempfile
from pathlib import Path

import pytest

from tests.sidecar.application import Application
from tests.sidecar.material import TOKEN
from tests.sidecar.running import ENTRYPOINT, NOBODY, running_sidecar, sidecar_environment
from tests.sidecar.stand_in import StandIn


@pytest.fixture(scope="module")
def environment(stand_in: StandIn, application: Application, tls: dict[str, str]) -> dict[str, str]:
    """Settings of a sidecar that asks a stand-in."""
    return {**tls, "REVET_URL": stand_in.url, "REVET_TOKEN": TOKEN, "REVET_SIDECAR_UPSTREAM": application.url}


def test_a_directory_that_leads_elsewhere(tmp_path: Path, environment: dict[str, str]) -> None:
    """Nothing is written through a symbolic link."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "nginx").symlink_to(tmp_path / "elsewhere")
    more = {"REVET_SIDECAR_MODE": "nlb", "REVET_SIDECAR_RUN_DIR": str(tmp_path)}
    ended = subprocess.run(
        [ENTRYPOINT],
        env=sidecar_environment({**environment, **more}),
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert (78, []) == (ended.returncode, list((tmp_path / "elsewhere").iterdir()))
    assert "REVET_SIDECAR_RUN_DIR" in ended.stderr


@pytest.mark.skipif(os.getuid() != 0, reason="gives directories away")
@pytest.mark.parametrize(
    ("owner", "mode", "below", "status"),
    [
        (NOBODY, 0o700, "", 78),
        (NOBODY, 0o755, "further/down", 78),
        (0, 0o777, "", 78),
        (0, 0o775, "further/down", 78),
        (0, 0o1777, "", 0),
        (0, 0o755, "further/down", 0),
    ],
)
def test_a_directory_of_others(environment: dict[str, str], owner: int, mode: int, below: str, status: int) -> None:
    """As root it reads its configuration from where nobody else can have put it."""
    with tempfile.TemporaryDirectory(prefix="revet-sidecar-of-others-") as directory:
        os.chown(directory, owner, owner)
        Path(directory).chmod(mode)
        ended = subprocess.run(
            [ENTRYPOINT],
            env=sidecar_environment(
                {
                    **environment,
                    "REVET_SIDECAR_MODE": "nlb",
                    "REVET_SIDECAR_RUN_DIR": f"{directory}/{below}".rstrip("/"),
                    "REVET_SIDECAR_TLS_KEY": environment["REVET_SIDECAR_TLS_CERT"],  # with which it does not get far
                }
            ),
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )
        written = [one for one in Path(directory).rglob("*") if one.is_file()]
    said = "revet-sidecar: REVET_SIDECAR_RUN_DIR: somebody else than root may write there, or to a directory above it\n"
    assert 78 == ended.returncode
    assert (status == 78, status == 0) == (said == ended.stderr, any(one.name == "token.conf" for one in written))


@pytest.mark.skipif(os.getuid() != 0, reason="gives directories away")
def test_a_link_of_others(tmp_path: Path, environment: dict[str, str]) -> None:
    """Where the directory really is counts, whoever may lead the way there elsewhere."""
    with tempfile.TemporaryDirectory() as directory, tempfile.TemporaryDirectory() as true:
        os.chown(directory, NOBODY, NOBODY)
        Path(true).chmod(0o711)
        link = Path(directory) / "run"
        link.symlink_to(true)
        with running_sidecar(tmp_path, "nlb", {**environment, "REVET_SIDECAR_RUN_DIR": str(link)}) as sidecar:
            words = Path(f"/proc/{sidecar.process.pid}/cmdline").read_text()
    assert f"{true}/nginx/nginx.conf" in words
    assert str(link) not in words
