"""A demonstration PKI, alone and being served."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from service.adapters.clock import SystemClock
from service.demo.pki import DemoPki
from service.demo.ports import Listeners, Ports
from service.demo.servers import DemoServers

CLOCK = SystemClock()

UNSERVED = Ports(crl=19_998, ocsp=19_999)
"""Ports for a PKI that nobody serves."""


@contextmanager
def serving(directory: Path) -> Iterator[DemoPki]:
    """A new PKI that is served."""
    with Listeners.anywhere() as listeners:
        pki = DemoPki.create(directory, listeners.ports, CLOCK.now())
        with DemoServers(pki, listeners, CLOCK):
            yield pki


@pytest.fixture
def pki(tmp_path: Path) -> DemoPki:
    """A PKI that nobody serves."""
    return DemoPki.create(tmp_path / "demo", UNSERVED, CLOCK.now())


@pytest.fixture
def served(tmp_path: Path) -> Iterator[DemoPki]:
    """A PKI that is served."""
    with serving(tmp_path / "demo") as pki:
        yield pki
