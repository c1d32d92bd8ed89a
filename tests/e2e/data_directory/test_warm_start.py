"""A start with what is held: ready without a fetch, and without work that grows faster than what is held.

Processor time is compared, not the clock: other programs run on the machine too.
"""

import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from os import sysconf
from pathlib import Path
from typing import Final

import pytest

from tests.e2e.data_directory.scene import code, deaths
from tests.e2e.published import publishing
from tests.e2e.running import ROOT, Service, running_service
from tests.pki import Authority, Issued
from tests.pki.certificate import CertificateOverrides
from tests.pki.clock import now, validity_of_now

AUTHORITIES: Final = 200

LONG: Final = 300_000
"""Entries of the CRL of one of them."""

AT_MOST: Final = 2.0
"""Times the processor time that a start without anything takes; some 1.2 are usual."""

TICKS_PER_S: Final = sysconf("SC_CLK_TCK")

FRAMEWORKS: Final = ("fastapi", "uvicorn")


@pytest.mark.slow
def test_many_crls_and_a_long_one(tmp_path: Path) -> None:
    """Nobody answers any more, and the service is ready: every CRL that is held serves, and none was asked for."""
    trust_store, settings = tmp_path / "trust.pem", {"REVET_LOG_FORMAT": "json", "REVET_FETCH_TIMEOUT_S": "60"}
    with publishing() as published:
        leaves = []
        for number, root in enumerate(_authorities()):
            by_crl: CertificateOverrides = {**validity_of_now(), "crl_urls": [f"{published.url}/{number}.crl"]}
            leaves.append(root.issue("leaf", **by_crl))
            published.bodies[f"/{number}.crl"] = _crl(root, leaves[-1], LONG if number == 0 else 100)
            with trust_store.open("a") as file:
                file.write(root.pem)
        with running_service(tmp_path, trust_store, settings) as service:
            empty_s = _spent_s(service)
        settings["REVET_CRL_SOURCES"] = ",".join(f"{published.url}{path}" for path in published.bodies)
        with running_service(tmp_path, trust_store, settings):
            asked = published.asked.total()
        assert AUTHORITIES == asked

        published.bodies.clear()
        with running_service(tmp_path, trust_store, settings) as service:
            warm_s = _spent_s(service)
            assert {"revoked"} == {code(service, leaf) for leaf in (leaves[0], leaves[1], leaves[-1])}
        assert asked == published.asked.total()
    assert [] == deaths(tmp_path)
    assert warm_s < AT_MOST * empty_s


def test_whoever_supervises_loads_no_framework() -> None:
    """What a start waits for first is soon there."""
    names = "import sys, service.cli.app; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", names], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "service.processes.supervisor" in loaded.stdout.split()
    assert [] == [name for name in FRAMEWORKS if name in loaded.stdout.split()]


def _authorities() -> Iterator[Authority]:
    for number in range(AUTHORITIES):
        yield Authority.root(f"Root {number}", **validity_of_now())


def _crl(root: Authority, leaf: Issued, entries: int) -> bytes:
    this_update = now() - timedelta(minutes=5)
    listed = [leaf.serial, *range(1, entries)]
    return root.crl(number=7, revoked=listed, this_update=this_update, next_update=this_update + timedelta(days=1))


def _spent_s(service: Service) -> float:
    """Processor time of everybody until now."""
    pids = (service.process.pid, *service.children("worker"), *service.children("prefetcher"))
    return sum(_spent_by(pid) for pid in pids)


def _spent_by(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / TICKS_PER_S
