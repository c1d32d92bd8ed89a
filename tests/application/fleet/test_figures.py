"""What a replica knows of itself."""

import pytest

from service.application.evidence_store import HeldCrl, StoreError
from service.application.fleet.figures import CRLS_EVERY_S, HostFigures, digest_of
from service.application.fleet.heartbeat import Held, Hits, Tallies
from tests.application.manual_clock import ManualClock
from tests.operators import held_crl
from tests.pki import Authority

ROOT = Authority.root("Root")
OTHER = Authority.root("Other")
FIRST = held_crl(ROOT, "http://crl.example/a", number=1)
SECOND = held_crl(OTHER, "http://crl.example/b", number=1)
TALLIES = Tallies(Hits(1, 2), Hits(3, 4), Hits(5, 6), 7, 8)


class Host:
    """A store."""

    def __init__(self) -> None:
        """One CRL is held."""
        self.number = 7
        self.crls = [FIRST]
        self.read = 0
        self.broken = False

    def generation(self) -> int:
        """The generation."""
        if self.broken:
            raise StoreError("the disk is gone")
        return self.number

    def held(self) -> tuple[HeldCrl, ...]:
        """The CRLs."""
        self.read += 1
        return tuple(self.crls)


def figures(host: Host, clock: ManualClock) -> HostFigures:
    """Of a host with two blocks."""
    return HostFigures(host, lambda: 2, lambda: TALLIES, clock)


def test_what_is_held() -> None:
    """And what is counted."""
    found = figures(Host(), ManualClock())
    assert (Held(7, 1, digest_of([FIRST]), 2), TALLIES) == (found.held(), found.tallies())


def test_a_digest_is_of_what_is_held() -> None:
    """In whatever order; of another version it is another."""
    newer = held_crl(ROOT, "http://crl.example/a", number=2)
    assert digest_of([FIRST, SECOND]) == digest_of([SECOND, FIRST])
    assert 4 == len({digest_of(held) for held in ([], [FIRST], [newer], [FIRST, SECOND])})


def test_crls_are_read_when_something_changed() -> None:
    """And not with every heartbeat, however much changes."""
    host, clock = Host(), ManualClock()
    found = figures(host, clock)
    for _ in range(3):
        found.held()
        clock.advance(CRLS_EVERY_S)
    assert 1 == host.read
    host.number, host.crls = 8, [FIRST, SECOND]
    assert Held(8, 2, digest_of([FIRST, SECOND]), 2) == found.held()
    host.number, host.crls = 9, [SECOND]
    clock.advance(CRLS_EVERY_S - 1)
    assert Held(9, 2, digest_of([FIRST, SECOND]), 2) == found.held()
    clock.advance(1)
    assert Held(9, 1, digest_of([SECOND]), 2) == found.held()
    assert 3 == host.read


def test_a_store_that_cannot_be_read() -> None:
    """Whoever asks is told."""
    host = Host()
    host.broken = True
    with pytest.raises(StoreError):
        figures(host, ManualClock()).held()
