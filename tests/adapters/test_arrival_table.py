"""The table that workers count in: what is found again, by whom, and what shares a place."""

import os
from hashlib import sha256
from pathlib import Path

import pytest

from service.adapters import arrival_table
from service.adapters.arrival_table import TABLE_OCTETS, ArrivalTable, make_table
from service.application.caller_limits import Caller, Stranger, Times

NOW = Times(1_000.0, 2_000.0)


def put(table: ArrivalTable, who: Caller | Stranger, due: float, times: Times) -> None:
    """Have somebody's next request be due."""
    table.put(table.find(who, times), due, times)


def due(table: ArrivalTable, who: Caller | Stranger, times: Times) -> float:
    """When it is."""
    return table.due(table.find(who, times), times)


def token(number: int) -> Caller:
    """A caller with a token."""
    return Caller("192.0.2.1", sha256(str(number).encode()).digest())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A table as the supervisor makes it."""
    path = tmp_path / "arrivals"
    make_table(path)
    return path


CALLERS = (token(1), token(2), Caller("192.0.2.1"), Caller("192.0.2.2"), Stranger("192.0.2.1"))


@pytest.mark.parametrize("who", CALLERS)
def test_what_one_worker_writes_the_others_read(path: Path, who: Caller | Stranger) -> None:
    """And nobody else's number changes."""
    one, other = ArrivalTable.open(path), ArrivalTable.open(path)
    put(one, who, 1_234.5, NOW)
    assert [1_234.5 if each == who else 0.0 for each in CALLERS] == [due(other, each, NOW) for each in CALLERS]


def test_all_of_its_room_is_taken_at_once(path: Path) -> None:
    """On a disk that is full later, nobody is ended who fills a hole; and nobody else reads it."""
    found = path.stat()
    assert (TABLE_OCTETS, 0o600) == (found.st_size, found.st_mode & 0o777)
    assert found.st_blocks * 512 >= TABLE_OCTETS


def test_a_new_service_knows_nothing_of_the_one_before(path: Path) -> None:
    """Neither numbers nor the places of addresses; a clock that began anew would have everybody wait."""
    before = path.read_bytes()
    put(ArrivalTable.open(path), token(1), 1_999.0, NOW)
    make_table(path)
    assert 0.0 == due(ArrivalTable.open(path), token(1), NOW)
    assert before[:16] != path.read_bytes()[:16]


def test_what_is_no_table_is_refused(tmp_path: Path) -> None:
    """One of another version, or one that was cut."""
    (tmp_path / "arrivals").write_bytes(b"\0" * 100)
    with pytest.raises(OSError, match="no table of this version"):
        ArrivalTable.open(tmp_path / "arrivals")


def test_what_nobody_of_today_can_have_written_says_nothing(path: Path) -> None:
    """An earlier setting's number, of a caller who had to wait for longer: it is replaced with the next one."""
    table = ArrivalTable.open(path)
    for who in CALLERS:
        put(table, who, 1_900.0, NOW)
        put(table, who, 1_050.0, Times(1_000.0, 1_100.0))
        assert 1_050.0 == due(table, who, Times(1_000.0, 1_100.0))


def test_tokens_never_share_a_place(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even where the table is full to the last slot: each has its own, in every worker."""
    monkeypatch.setattr(arrival_table, "TOKENS", 64)
    one, other = ArrivalTable.open(path), ArrivalTable.open(path)
    tokens = [token(number) for number in range(64)]
    for number, who in enumerate(tokens):
        put((one if number % 2 else other), who, 1_001.0 + number, NOW)
    assert [1_001.0 + number for number in range(64)] == [due(one, who, NOW) for who in tokens]
    assert [1_001.0 + number for number in range(64)] == [due(other, who, NOW) for who in tokens]


def test_tokens_beyond_all_slots_count_as_addresses_do(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody's slot is taken who needs it."""
    monkeypatch.setattr(arrival_table, "TOKENS", 8)
    table = ArrivalTable.open(path)
    tokens = [token(number) for number in range(12)]
    for number, who in enumerate(tokens):
        put(table, who, 1_001.0 + number, NOW)
    assert [1_001.0 + number for number in range(12)] == [due(table, who, NOW) for who in tokens]


def test_a_slot_that_nobody_needs_is_given_to_another(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A request that is due says as much as none; tokens come and go, and the table does not grow."""
    monkeypatch.setattr(arrival_table, "TOKENS", 8)
    table = ArrivalTable.open(path)
    for number in range(100):
        put(table, token(number), 1_000.0 + number, Times(999.0 + number, 2_000.0))
        assert 1_000.0 + number == due(table, token(number), Times(999.0 + number, 2_000.0))
    assert 0.0 == due(table, token(0), Times(1_100.0, 2_000.0))


def test_a_slot_that_two_workers_gave_away_is_one_tokens(path: Path) -> None:
    """Who does not find himself in it takes another, with his next request."""
    one, other = ArrivalTable.open(path), ArrivalTable.open(path)
    put(one, token(1), 1_500.0, NOW)
    place = one._keys.tolist().index(int.from_bytes((token(1).token or b"")[:8], "big"))  # noqa: SLF001 - the race
    other._keys[place] = 4_711  # noqa: SLF001 - somebody else has written himself there at the same moment
    assert 0.0 == due(one, token(1), NOW)
    put(one, token(1), 1_600.0, NOW)
    assert (1_600.0, 4_711) == (due(other, token(1), NOW), other._keys[place])  # noqa: SLF001 - as above


def test_addresses_touch_no_token(path: Path) -> None:
    """However many there are; and few of them share both places with another."""
    table = ArrivalTable.open(path)
    put(table, token(1), 1_500.0, NOW)
    for number in range(2_000):
        put(table, Caller(f"198.18.{number // 256}.{number % 256}"), 1_700.0, NOW)
    assert 1_500.0 == due(table, token(1), NOW)
    strangers = [Caller(f"203.0.{number // 256}.{number % 256}") for number in range(2_000)]
    assert sum(1 for one in strangers if due(table, one, NOW)) < 20


def test_two_that_share_a_place_share_the_later_number(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody gets more for it."""
    monkeypatch.setattr(arrival_table, "ADDRESSES", 1)
    table = ArrivalTable.open(path)
    put(table, Caller("192.0.2.1"), 1_700.0, NOW)
    put(table, Caller("192.0.2.2"), 1_600.0, NOW)
    assert [1_700.0, 1_700.0] == [due(table, Caller(f"192.0.2.{host}"), NOW) for host in (1, 2)]


def test_a_private_table_is_nobody_elses() -> None:
    """Where there is no directory to share."""
    one, other = ArrivalTable.private(), ArrivalTable.private()
    put(one, token(1), 1_500.0, NOW)
    assert (1_500.0, 0.0) == (due(one, token(1), NOW), due(other, token(1), NOW))


def test_a_full_disk_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anybody has mapped anything; half a table is none."""

    def full(descriptor: int, offset: int, length: int) -> None:
        raise OSError(28, "No space left on device", str((descriptor, offset, length)))

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(OSError, match="No space left"):
        make_table(tmp_path / "arrivals")
    assert [] == list(tmp_path.iterdir())
