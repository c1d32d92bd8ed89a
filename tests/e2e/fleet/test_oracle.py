"""The oracle itself: what it calls wrong, and what it does not."""

from math import inf
from typing import Final

import pytest

from tests.e2e.fleet.ca_control import Revocation
from tests.e2e.fleet.oracle import Oracle, Patience
from tests.e2e.fleet.population import Declares, Population, Size

CLIENTS: Final = Population(Size(3, 1, 1, (Declares.BOTH, Declares.CRL, Declares.OCSP)), "http://127.0.0.1:1").clients
ONLY_OCSP: Final = 2

REVOKED: Final = Revocation(at=100.0, published_at=102.0, list_ends_at=107.0, answer_ends_at=120.0)


@pytest.fixture
def oracle() -> Oracle:
    """One that permits an interval of two seconds and one more, with a second of skew."""
    return Oracle(CLIENTS, Patience(interval_s=2.0, extra_s=1.0, skew_s=1.0))


def hear(oracle: Oracle, code: str, at: float, *, number: int = 0, replica: int = 0) -> None:
    """A verdict that took a tenth of a second."""
    oracle.hear(at, at + 0.1, replica, [(number, {"code": code})])


def test_nothing_happened(oracle: Oracle) -> None:
    """Whoever was never touched is allowed."""
    hear(oracle, "ok", 100.0)
    assert 0 == oracle.judge({})


@pytest.mark.parametrize("code", ["revoked", "blocked", "revocation_unavailable", "expired", "problem"])
def test_denied_for_nothing(oracle: Oracle, code: str) -> None:
    """Whoever was never touched is not denied."""
    hear(oracle, code, 100.0)
    assert 1 == oracle.judge({})


@pytest.mark.parametrize(("at", "wrong"), [(100.5, 0), (104.9, 0), (105.1, 1)])
def test_allowed_although_revoked(oracle: Oracle, at: float, wrong: int) -> None:
    """An allow is permitted for an interval and some patience after the publication."""
    hear(oracle, "ok", at)
    assert wrong == oracle.judge({0: REVOKED})


@pytest.mark.parametrize(("at", "wrong"), [(107.9, 0), (108.1, 1)])
def test_allowed_while_the_authority_is_away(oracle: Oracle, at: float, wrong: int) -> None:
    """Where nobody could fetch it, until the list before it has ended, and no longer."""
    oracle.authority_away(101.0, 200.0)
    hear(oracle, "ok", at)
    assert wrong == oracle.judge({0: REVOKED})


@pytest.mark.parametrize(("at", "wrong"), [(120.9, 0), (121.1, 1)])
def test_allowed_by_an_old_answer(oracle: Oracle, at: float, wrong: int) -> None:
    """Where only a responder says so, until the last answer has ended that said otherwise."""
    hear(oracle, "ok", at, number=ONLY_OCSP)
    assert wrong == oracle.judge({ONLY_OCSP: REVOKED})


def test_revoked_before_anybody_knew(oracle: Oracle) -> None:
    """Nobody denies as revoked what is not revoked yet."""
    hear(oracle, "revoked", 99.0)
    assert 1 == oracle.judge({0: REVOKED})


def test_not_published_yet(oracle: Oracle) -> None:
    """What no list has yet may be allowed."""
    hear(oracle, "ok", 500.0, number=1)
    assert 0 == oracle.judge({1: Revocation(100.0, inf, inf, 100.0)})


@pytest.mark.parametrize(("at", "wrong"), [(100.9, 0), (101.1, 1)])
def test_allowed_although_blocked(oracle: Oracle, at: float, wrong: int) -> None:
    """A second after its 201 a block is in force everywhere."""
    oracle.blocking(0, 99.0)
    oracle.blocked(0, 100.0)
    hear(oracle, "ok", at, replica=4)
    assert wrong == oracle.judge({})


@pytest.mark.parametrize(("replica", "wrong"), [(1, 1), (2, 0)])
def test_a_local_block(oracle: Oracle, replica: int, wrong: int) -> None:
    """One that is said to be local is in force there, at once, and nowhere else is it promised."""
    oracle.blocking(0, 99.0)
    oracle.blocked_locally(0, 1, 100.0)
    hear(oracle, "ok", 100.05, replica=replica)
    assert wrong == oracle.judge({})


@pytest.mark.parametrize(("replica", "at", "wrong"), [(1, 109.0, 0), (1, 115.1, 1), (2, 109.0, 1)])
def test_a_replica_that_was_cut_off(oracle: Oracle, replica: int, at: float, wrong: int) -> None:
    """What was blocked meanwhile it may allow, until it was back for some seconds; the others may not."""
    oracle.cut_off(1, 99.0, 110.0)
    oracle.blocking(0, 99.5)
    oracle.blocked(0, 100.0)
    hear(oracle, "ok", at, replica=replica)
    assert wrong == oracle.judge({})


def test_cut_off_later(oracle: Oracle) -> None:
    """What a replica knew before it was cut off it goes on knowing."""
    oracle.cut_off(1, 105.0, 110.0)
    oracle.blocking(0, 99.0)
    oracle.blocked(0, 100.0)
    hear(oracle, "ok", 106.0, replica=1)
    assert 1 == oracle.judge({})


def test_unblocked(oracle: Oracle) -> None:
    """While a block is removed, both is right; a second after that, only an allow."""
    oracle.blocking(0, 99.0)
    oracle.blocked(0, 100.0)
    oracle.unblocking(0, 110.0)
    hear(oracle, "ok", 109.95)
    hear(oracle, "blocked", 110.5)
    oracle.unblocked(0, 111.0)
    hear(oracle, "blocked", 111.9)
    assert 0 == oracle.judge({})
    hear(oracle, "blocked", 112.1)
    assert 1 == oracle.judge({})


def test_blocked_before_anybody_asked(oracle: Oracle) -> None:
    """Nobody denies as blocked what nobody has blocked yet."""
    oracle.blocking(0, 200.0)
    hear(oracle, "blocked", 100.0)
    assert 1 == oracle.judge({})


def test_an_answer_that_is_none(oracle: Oracle) -> None:
    """A 5xx is wrong whatever the truth is."""
    oracle.failed(3, "500")
    assert (1, ["replica 3: 500"]) == (oracle.judge({}), oracle.wrong)


def test_it_says_what_was_wrong(oracle: Oracle) -> None:
    """A wrong verdict is told with all that is known."""
    hear(oracle, "ok", 300.0)
    oracle.judge({0: REVOKED})
    (complaint,) = oracle.wrong
    assert complaint.startswith("allowed although revoked: replica 0, certificate 0 (both), asked at 300.000")
