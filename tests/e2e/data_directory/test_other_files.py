"""What else is below the data directory: none of it has a version, and none is believed for being there.

CRLs and trust stores in it are in their own standard forms and are read and verified like those that just came;
counters and downloads are of one life of the service.
"""

import os
from hashlib import sha256
from pathlib import Path
from typing import Final

import httpx
import pytest

from service.adapters.kept_copies import KeptCopies
from tests.e2e.data_directory.scene import HEADERS, Scene, code, deaths
from tests.e2e.running import logged, running_service, until

pytestmark = pytest.mark.slow

NOWHERE: Final = "https://127.0.0.1:1/trusted.pem"
"""A trust store that nobody serves."""


def _failed(place: Path) -> set[str]:
    """The names of the files that are reported as no CRLs."""
    return {Path(event["source"]).name for event in logged(place, "crl_source_failed")}


def test_nonsense_everywhere(tmp_path: Path, scene: Scene) -> None:
    """Counters of another life and downloads are swept away; CRLs that are none are reported, and the others serve."""
    data = tmp_path / "data"
    for name in ("spool", "pending", "uploads", "metrics", "trust-stores", "decisions", "from-a-newer-version"):
        (data / name).mkdir(mode=0o700, parents=True)
        (data / name / "nonsense").write_bytes(os.urandom(5000))
    named = sha256(b"another").hexdigest()
    for content in (os.urandom(5000), b""):
        (data / "pending" / f"{sha256(content).hexdigest()}.crl").write_bytes(content)
    (data / "pending" / f"{named}.crl").write_bytes(scene.numbered(9, revoked=False))
    (data / "pending" / f"{named}.part").write_bytes(b"half")
    (data / "decisions" / "decisions-7.db").write_bytes(os.urandom(5000))
    (data / "uploads" / "half.crl").write_bytes((scene.crl or b"")[:100])
    (data / "uploads" / "nonsense.crl").write_bytes(os.urandom(5000))
    (data / "uploads" / "good.crl").write_bytes(scene.numbered(8, 5))
    for name in ("counter_1.db", "histogram_1.db", "arrivals"):
        (data / "metrics" / name).write_bytes(os.urandom(5000))
    scene.crl = None

    with running_service(tmp_path, tmp_path / "trust.pem", scene.settings) as service:
        until(lambda: code(service, scene.good) == "ok", "the upload that is good is held")
        assert "revoked" == code(service, scene.revoked)
        assert httpx.codes.OK == httpx.get(f"{service.url}/metrics", headers=HEADERS, timeout=10).status_code
        until(lambda: {"half.crl", "nonsense.crl"} <= _failed(tmp_path), "the others are reported")
        assert "good.crl" not in _failed(tmp_path)
        assert [] == deaths(tmp_path)
        assert not (data / "pending" / f"{named}.part").exists()
        assert not (data / "metrics" / "counter_1.db").exists()
        (event,) = logged(tmp_path, "decisions_put_aside")
        assert (str(data / "decisions" / "decisions-7.db"), True) == (
            event["file"],
            (data / "decisions" / "decisions-8.db").exists(),
        )


@pytest.mark.parametrize("is_good", [True, False])
def test_the_copy_of_a_trust_store(tmp_path: Path, scene: Scene, is_good: bool) -> None:
    """While a trust store cannot be reached, its copy serves if it is one; otherwise nobody is trusted."""
    trusted = (tmp_path / "trust.pem").read_bytes()
    KeptCopies(tmp_path / "data" / "trust-stores").keep(NOWHERE, trusted if is_good else trusted[:-40])
    settings = {**scene.settings, "REVET_TRUST_STORE": NOWHERE}
    with running_service(tmp_path, tmp_path / "trust.pem", settings, awaiting="answers") as service:
        ready = httpx.get(f"{service.url}/readyz", timeout=10)
        if is_good:
            assert "ok" == code(service, scene.good)
        else:
            assert 503 == ready.status_code
            assert "ok" != code(service, scene.good)
