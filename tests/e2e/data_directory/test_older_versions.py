"""Data of older versions, under a service of this one: what was blocked is denied, and nobody goes back."""

import asyncio
from hashlib import sha256
from pathlib import Path
from typing import Final

import httpx
import pytest

from service.adapters.lmdb.role import Role
from service.adapters.lmdb.store import Store
from service.core.model.block import Block, FingerprintMatch, Tombstone
from tests.adapters.lmdb.older import FORMATS, put_back, rows_of, set_format
from tests.application.holding import hold_crl
from tests.e2e.data_directory.scene import HEADERS, HELD_NUMBER, Scene, blocks, code, refusal, unblock
from tests.e2e.running import logged, running_service, until
from tests.pki.clock import now

pytestmark = pytest.mark.slow

KEPT: Final = "01a204b2236d1f2ebbe4ed64c75b3215"
REMOVED: Final = "01a204b2236d1f2ebbe4ed64c75b3216"


def a_store(tmp_path: Path, scene: Scene) -> Path:
    """A store with a CRL, a block of the certificate that has a responder, and a tombstone."""
    path = tmp_path / "data" / "store"
    with Store.open(path, Role.INGESTER) as store:
        hold_crl(store, scene.numbered(HELD_NUMBER), scene.root, "http://127.0.0.1/root.crl")
        match = FingerprintMatch(sha256(scene.by_ocsp.der).digest())
        for name in (KEPT, REMOVED):
            asyncio.run(store.blocks.add_block(Block(name, match, "stolen", now(), "somebody"), 10))
        asyncio.run(store.blocks.remove_block(Tombstone(REMOVED, now(), "somebody")))
    return path


@pytest.mark.parametrize("store_format", FORMATS)
def test_each_older_format(tmp_path: Path, scene: Scene, store_format: str) -> None:
    """Formats 1 and 2 hold no blocks, 3 does; a CRL that is older than what they have seen is refused all the same."""
    path = a_store(tmp_path, scene)
    put_back(path, store_format)
    scene.crl = scene.numbered(HELD_NUMBER - 2, -30, revoked=False)
    with running_service(tmp_path, tmp_path / "trust.pem", scene.settings) as service:
        (told,) = logged(tmp_path, "store_brought_forward")
        assert (store_format, 1, 1) == (told["found"], told["kept"]["crl-watermarks"], told["dropped"]["crl-slots"])
        if store_format == "3":
            assert "blocked" == code(service, scene.by_ocsp)
            assert [KEPT] == blocks(service)
            assert 204 == unblock(service, KEPT).status_code
        assert "ok" == code(service, scene.by_ocsp)

        assert "revocation_unavailable" == code(service, scene.revoked)
        assert "rolled_back" == logged(tmp_path, "crl_refused")[0]["problem"]
        scene.crl = scene.numbered(HELD_NUMBER + 1, 5)
        httpx.post(f"{service.url}/v1/refresh", json={}, headers=HEADERS, timeout=20)
        until(lambda: code(service, scene.good) == "ok", "the newer one is held")
        assert "revoked" == code(service, scene.revoked)


def test_what_was_held_comes_again(tmp_path: Path, scene: Scene) -> None:
    """The CRL that was accepted last is no older than itself."""
    path = a_store(tmp_path, scene)
    put_back(path, "3")
    scene.crl = scene.numbered(HELD_NUMBER)
    with Store.open(tmp_path / "other", Role.INGESTER) as other:
        hold_crl(other, scene.crl, scene.root, "http://127.0.0.1/root.crl")
    with running_service(tmp_path, tmp_path / "trust.pem", scene.settings) as service:
        assert ["ok", "revoked"] == [code(service, scene.good), code(service, scene.revoked)]


def test_a_newer_format(tmp_path: Path, scene: Scene) -> None:
    """The service does not start, says why, and leaves every row as it is."""
    path = a_store(tmp_path, scene)
    set_format(path, b"5")
    before = rows_of(path)

    says = refusal(tmp_path, scene.settings)

    assert (
        f"REVET_DATA_DIR: the store at {path} cannot be used: it has format 5, and this version reads 1 to 4: run the "
        "version that wrote it; nothing was changed"
    ) in says
    assert before == rows_of(path)


def test_this_format(tmp_path: Path, scene: Scene) -> None:
    """Everything is as it was, tombstones included, and nothing is said to have been brought forward."""
    path = a_store(tmp_path, scene)
    with running_service(tmp_path, tmp_path / "trust.pem", scene.settings) as service:
        assert ["blocked", "ok", "revoked"] == [
            code(service, leaf) for leaf in (scene.by_ocsp, scene.good, scene.revoked)
        ]
        assert 0 == scene.asked
        assert [] == logged(tmp_path, "store_brought_forward")
    assert {REMOVED.encode()} == set(rows_of(path)[b"block-tombstones"])
