"""A disk without room: what cannot be written is said, nothing is allowed by it, and all goes on when there is room."""

import sys
from pathlib import Path
from typing import Final

import httpx
import pytest

from service.adapters.lmdb.role import Role
from service.adapters.lmdb.store import Store
from tests.adapters.lmdb.older import put_back, rows_of
from tests.e2e.data_directory.disks import Disk
from tests.e2e.data_directory.scene import (
    HEADERS,
    Scene,
    block,
    blocks,
    code,
    deaths,
    detail,
    killed,
    refusal,
    shown,
    unblock,
)
from tests.e2e.running import logged, running_service, until

pytestmark = pytest.mark.slow

NO_ROOM: Final = "No space left on device"

LITTLE: Final = 48 * 1024
"""Octets: some blocks fit, and not many."""

NO_COUNTERS: Final = 300 * 1024
"""Octets: room for an empty store, and none for counters that are shared."""

FAILED: Final = "revet_data_write_failures_total"

ROOM: Final = "revet_data_free_bytes"

LARGE: Final = 60_000
"""Entries of a CRL that takes some megabytes until it is held."""


def test_at_the_start(tmp_path: Path, scene: Scene, disk: Disk) -> None:
    """The first start says that there is no room and leaves nothing that stands in the way of the next one."""
    disk.fill()
    assert NO_ROOM in refusal(tmp_path, scene.settings, disk.inside)
    disk.empty()
    disk.fill(but=NO_COUNTERS)
    with running_service(tmp_path, tmp_path / "trust.pem", scene.settings, inside=disk.inside) as service:
        assert "ok" == code(service, scene.by_ocsp)
        assert "no room in the metrics directory" in (tmp_path / "service.log").read_text()
        assert [] == deaths(tmp_path)
    disk.empty()
    with running_service(tmp_path, tmp_path / "trust.pem", scene.settings, inside=disk.inside) as service:
        assert 201 == block(service, scene.good).status_code
        assert ["blocked", "revoked"] == [code(service, scene.good), code(service, scene.revoked)]
    disk.fill()
    with running_service(tmp_path, tmp_path / "trust.pem", scene.settings, inside=disk.inside) as service:
        assert ["blocked", "revoked"] == [code(service, scene.good), code(service, scene.revoked)]
        assert [] == deaths(tmp_path)


def test_while_certificates_are_blocked(tmp_path: Path, scene: Scene, disk: Disk) -> None:
    """A 503 that says that nothing has changed; and no 201 for what is not there after everything was killed."""
    held = []
    with running_service(tmp_path, tmp_path / "trust.pem", scene.settings, inside=disk.inside) as service:
        assert 0 == shown(service, FAILED)
        disk.fill(but=LITTLE)
        while (answer := block(service, scene.by_ocsp)).status_code == httpx.codes.CREATED:
            held.append(answer.json()["id"])
        assert 503 == answer.status_code
        assert "Nothing was changed; the log says why." == answer.json()["detail"]
        assert NO_ROOM in logged(tmp_path, "block_not_written")[0]["problem"]
        disk.fill_for_good()
        assert 503 == block(service, scene.good).status_code
        assert shown(service, FAILED) >= 2
        assert shown(service, ROOM) <= LITTLE
        assert "blocked" == code(service, scene.by_ocsp)
        assert [] == deaths(tmp_path)
        killed(service)
    assert held
    with running_service(tmp_path, tmp_path / "trust.pem", scene.settings, inside=disk.inside) as service:
        assert sorted(held) == sorted(blocks(service))
        assert "blocked" == code(service, scene.by_ocsp)
        disk.fill_for_good()  # a start gives back what the one before had for counters, and had not put in order yet
        assert 503 == unblock(service, held[0]).status_code
        assert "blocked" == code(service, scene.by_ocsp)
        disk.empty()
        assert 201 == block(service, scene.good).status_code
        assert "blocked" == code(service, scene.good)
        assert 204 == unblock(service, held[0]).status_code


def test_while_evidence_is_fetched(tmp_path: Path, scene: Scene, disk: Disk) -> None:
    """A CRL that cannot be stored denies; what was held before goes on; an OCSP answer serves though it is not kept."""
    scene.crl = scene.numbered(7, entries=LARGE)
    with running_service(tmp_path, tmp_path / "trust.pem", scene.settings, inside=disk.inside) as service:
        assert shown(service, ROOM) > LITTLE
        disk.fill()
        assert shown(service, ROOM) <= LITTLE  # files that are exchanged meanwhile give back a page or two
        assert NO_ROOM in detail(service, scene.good)
        assert shown(service, FAILED) >= 1
        assert ["revocation_unavailable"] * 2 == [code(service, scene.good), code(service, scene.revoked)]
        assert "ok" == code(service, scene.by_ocsp)
        assert NO_ROOM in logged(tmp_path, "fetch_failed")[0]["detail"]

        disk.empty()
        until(lambda: code(service, scene.good) == "ok", "it is fetched again")
        assert "revoked" == code(service, scene.revoked)

        assert shown(service, ROOM) > LITTLE
        failed = shown(service, FAILED)
        disk.fill()
        scene.crl = scene.numbered(8, 5, entries=2 * LARGE)
        httpx.post(f"{service.url}/v1/refresh", json={}, headers=HEADERS, timeout=20)
        until(lambda: len(logged(tmp_path, "crl_source_failed")) > 1, "the newer one was fetched in vain")
        assert shown(service, FAILED) > failed
        assert ["ok", "revoked"] == [code(service, scene.good), code(service, scene.revoked)]
        assert [] == deaths(tmp_path)


def test_a_disk_for_reading_only(disk: Disk) -> None:
    """Has no room, whatever is free on it."""
    look = "; ".join(
        (
            "from pathlib import Path as P",
            "from service.adapters.write_failures import RoomCollector",
            f"print([s.value for one in RoomCollector(P({str(disk.path)!r})).collect() for s in one.samples])",
        )
    )
    assert "[0]\n" != disk.run(sys.executable, "-c", look).stdout
    disk.remount("ro")
    assert "[0]\n" == disk.run(sys.executable, "-c", look).stdout


def test_while_a_store_is_brought_forward(tmp_path: Path, scene: Scene, disk: Disk) -> None:
    """The old store stays as it was, the message says why, and the next start with room goes on."""
    store = disk.outside / "data" / "store"
    with running_service(tmp_path, tmp_path / "trust.pem", scene.settings, inside=disk.inside) as service:
        assert 201 == block(service, scene.good).status_code
    put_back(store, "3")
    old = rows_of(store)
    disk.fill()

    assert NO_ROOM in refusal(tmp_path, scene.settings, disk.inside)

    assert old == rows_of(store)
    disk.empty()
    with running_service(tmp_path, tmp_path / "trust.pem", scene.settings, inside=disk.inside) as service:
        assert 1 == logged(tmp_path, "store_brought_forward")[0]["kept"]["blocks"]
        assert "blocked" == code(service, scene.good)
    with Store.open(store, Role.WORKER) as opened:
        assert opened.blocks.block_ids()
