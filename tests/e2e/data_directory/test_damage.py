"""Files of the store that were cut, lost or overwritten: a message and an end, or no evidence; never an allow."""

import os
import random
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Final

import httpx
import pytest

from service.processes.exit_code import EXIT_CONFIGURATION
from tests.e2e.data_directory.scene import Scene, block, code, detail, refusal
from tests.e2e.running import PATIENCE_S, Service, running_service, until
from tests.pki import Issued

pytestmark = pytest.mark.slow

PAGE: Final = 4096


def noise(octets: int) -> bytes:
    """What nobody has written; the same each time: one page of LMDB's in some hundreds would be taken for one."""
    return random.Random(1).randbytes(octets)  # noqa: S311 - nobody is to be surprised


def a_store(tmp_path: Path, scene: Scene) -> Path:
    """The store of a service that holds a CRL and a block, and has been stopped."""
    with running_service(tmp_path, tmp_path / "trust.pem", scene.settings) as service:
        assert 201 == block(service, scene.good).status_code
        assert ["blocked", "revoked"] == [code(service, scene.good), code(service, scene.revoked)]
    return tmp_path / "data" / "store"


def test_at_the_start(tmp_path: Path, scene: Scene) -> None:
    """Each damage has its message and exit code 78, and what was there serves again when it is back."""
    store = a_store(tmp_path, scene)
    data = store / "hot" / "data.mdb"
    whole = data.read_bytes()
    for damaged, says in (
        (bytes(len(whole)), "it is damaged, or not one of Revet's: "),
        (whole[: len(whole) // 2], "data.mdb is damaged: it has "),
        (b"", "data.mdb is empty: what it held is lost"),
        (whole[: 2 * PAGE] + noise(len(whole) - 2 * PAGE), f"the store at {store}"),
        (whole[: 2 * PAGE] + bytes(len(whole) - 2 * PAGE), f"the store at {store}"),
    ):
        data.write_bytes(damaged)
        assert says in refusal(tmp_path, scene.settings)
    data.unlink()
    assert "data.mdb is missing: what it held is lost" in refusal(tmp_path, scene.settings)
    data.write_bytes(whole)
    (store / "hot" / "lock.mdb").write_bytes(os.urandom(100_000))
    (store / "namespace.lock").write_bytes(os.urandom(100))
    with running_service(tmp_path, tmp_path / "trust.pem", scene.settings) as service:
        assert ["blocked", "revoked"] == [code(service, scene.good), code(service, scene.revoked)]
        assert 1 == scene.asked


@pytest.mark.parametrize("empty", [False, True])
def test_all_small_rows_are_lost(tmp_path: Path, scene: Scene, empty: bool) -> None:
    """Also where no CRL was ever held, what was blocked is not forgotten, unless the whole store is removed."""
    settings = {**scene.settings, "REVET_REVOCATION_MODE": "off"}
    with running_service(tmp_path, tmp_path / "trust.pem", settings) as service:
        assert 201 == block(service, scene.good).status_code
        assert "blocked" == code(service, scene.good)
    store = tmp_path / "data" / "store"
    (store / "hot").rename(tmp_path / "kept")
    if empty:
        (store / "hot").mkdir(0o700)

    assert f"hot is {'empty' if empty else 'missing'}, and there was a store" in refusal(tmp_path, settings)

    (tmp_path / "kept").replace(store / "hot")
    with running_service(tmp_path, tmp_path / "trust.pem", settings) as service:
        assert "blocked" == code(service, scene.good)
    shutil.rmtree(store)
    with running_service(tmp_path, tmp_path / "trust.pem", settings) as service:
        assert "ok" == code(service, scene.good)


def _cut(data: Path) -> None:
    os.truncate(data, 2 * PAGE)


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (_cut, "data.mdb is damaged: it has 8192 octets and says that it has"),
        (Path.unlink, "data.mdb is missing: what it held is lost"),
    ],
)
def test_under_a_service(tmp_path: Path, scene: Scene, damage: Callable[[Path], None], says: str) -> None:
    """Nothing that was blocked is allowed meanwhile; when a process has to open it again, the service ends with 78."""
    with running_service(tmp_path, tmp_path / "trust.pem", scene.settings) as service:
        assert 201 == block(service, scene.good).status_code
        damage(tmp_path / "data" / "store" / "hot" / "data.mdb")
        for pid in service.children("worker"):
            os.kill(pid, signal.SIGKILL)
        said = set()
        while service.process.poll() is None:
            said.add(_said(service, scene.good))
        assert {"blocked", "nothing"} >= said
        assert EXIT_CONFIGURATION == service.process.wait(PATIENCE_S)
    assert says in (tmp_path / "service.log").read_text()


def _said(service: Service, leaf: Issued) -> str:
    try:
        return code(service, leaf)
    except httpx.HTTPError:
        return "nothing"


def test_the_files_of_crls(tmp_path: Path, scene: Scene) -> None:
    """One that is lost while it is used is fetched again; one that is overwritten or cut is no evidence."""
    generations = tmp_path / "data" / "store" / "generations"
    with running_service(tmp_path, tmp_path / "trust.pem", scene.settings) as service:
        assert ["ok", "revoked"] == [code(service, scene.good), code(service, scene.revoked)]
        (generation,) = generations.iterdir()
        generation.unlink()
        _new_workers(service)
        said = {code(service, scene.revoked) for _ in range(20)}
        assert {"revoked", "revocation_unavailable"} >= said
        until(lambda: code(service, scene.good) == "ok", "it is fetched again")
        assert "revoked" == code(service, scene.revoked)

        (generation,) = generations.iterdir()
        generation.chmod(0o600)
        with generation.open("r+b") as file:
            file.seek(2 * PAGE)
            file.write(noise(generation.stat().st_size - 2 * PAGE))
        _new_workers(service)
        assert ["revocation_unavailable"] * 2 == [code(service, scene.good), code(service, scene.revoked)]
        assert f"cannot read a CRL in {generations}" in detail(service, scene.good)

        os.truncate(generation, PAGE)
        assert {"revoked", "revocation_unavailable", "nothing"} >= {_said(service, scene.revoked) for _ in range(20)}
        until(lambda: _said(service, scene.good) == "ok", "it is fetched again")
        assert "revoked" == code(service, scene.revoked)


def _new_workers(service: Service) -> None:
    """Have workers that have opened no file yet."""
    before = set(service.children("worker"))
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    until(lambda: len(set(service.children("worker")) - before) == len(before), "others are there")
    until(service.is_ready, "they answer")
