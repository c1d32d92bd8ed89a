"""Sorting what does not fit into memory: all of it, in order, of each key the row that counts."""

import os
from collections.abc import Iterator
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.adapters.lmdb import sorted_runs
from service.adapters.lmdb.errors import Translating
from service.adapters.lmdb.sorted_runs import SortedRuns
from service.application.evidence_store import StoreError
from service.core.crl.entries import prevailing
from service.core.model.crl import CrlRow
from service.core.model.reason import Reason

FAILING = Translating("cannot write")

few_keys = st.binary(min_size=1, max_size=1) | st.sampled_from([b"ab", b"abc"])
records = st.sampled_from([b"one", b"two", bytes((Reason.REMOVE_FROM_CRL,)) + b"removed"])


def _sorted(path: Path, rows: list[CrlRow]) -> list[CrlRow]:
    with closing(SortedRuns(path, FAILING)) as runs:
        runs.collect(rows)
        return list(runs.merged())


def _expected(rows: list[CrlRow]) -> list[CrlRow]:
    kept: dict[bytes, bytes] = {}
    for key, record in rows:
        kept[key] = prevailing(kept[key], record) if key in kept else record
    return sorted(kept.items())


@pytest.fixture
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs of five rows, which are read back two at a time."""
    monkeypatch.setattr(sorted_runs, "RUN_ROWS", 5)
    monkeypatch.setattr(sorted_runs, "BLOCK_ROWS", 2)


@pytest.fixture(scope="module", params=[(1, 1), (3, 1), (5, 2), (1000, 1)], ids=str)
def _sizes(request: pytest.FixtureRequest) -> Iterator[None]:
    """Runs of a few rows, or of all, read back in several blocks."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sorted_runs, "RUN_ROWS", request.param[0])
        patch.setattr(sorted_runs, "BLOCK_ROWS", request.param[1])
        yield


@pytest.mark.usefixtures("_sizes")
@given(rows=st.lists(st.tuples(few_keys, records), max_size=40))
def test_any_rows(tmp_path_factory: pytest.TempPathFactory, rows: list[CrlRow]) -> None:
    """They come back sorted, each key once, with the record that counts among those of all runs."""
    assert _expected(rows) == _sorted(tmp_path_factory.getbasetemp(), rows)


def test_as_it_is_set(tmp_path: Path) -> None:
    """Several runs of the real size are merged."""
    numbers = range(2 * sorted_runs.RUN_ROWS + 1)
    rows = [(sha256(b"%d" % number).digest()[: 15 + number % 5], b"%d" % number) for number in numbers]
    assert sorted(rows) == _sorted(tmp_path, rows)


@pytest.mark.usefixtures("_small")
def test_memory_is_bounded(tmp_path: Path) -> None:
    """What is full goes to a file: as many runs as there are full ones, and never more rows at hand than one."""
    rows = [(bytes((number,)), b"") for number in range(17)]
    with closing(SortedRuns(tmp_path, FAILING)) as runs:
        runs.collect(rows)
        assert (3, rows) == (runs.runs, list(runs.merged()))


@pytest.mark.usefixtures("_small")
def test_the_file_has_no_name(tmp_path: Path) -> None:
    """Nobody else finds it, and a crash leaves nothing."""
    with closing(SortedRuns(tmp_path, FAILING)) as runs:
        runs.collect([(bytes((number,)), b"") for number in range(6)])
        assert (1, []) == (runs.runs, list(tmp_path.iterdir()))


def test_octets_are_at_least_those_of_the_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The size of the map is computed from them."""
    rows = [(bytes((number,)), b"record") for number in range(7)]
    for run_rows in (5, 100):
        monkeypatch.setattr(sorted_runs, "RUN_ROWS", run_rows)
        with closing(SortedRuns(tmp_path, FAILING)) as runs:
            runs.collect(rows)
            assert runs.octets >= sum(len(key) + len(record) for key, record in rows)


@pytest.mark.usefixtures("_small")
def test_a_run_that_cannot_be_written(tmp_path: Path) -> None:
    """An error of the disk is one of the store."""
    with closing(SortedRuns(tmp_path / "gone", FAILING)) as runs, pytest.raises(StoreError, match="cannot write"):
        runs.collect([(bytes((number,)), b"") for number in range(6)])


@pytest.mark.usefixtures("_small")
def test_a_run_that_is_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows that cannot be read back are an error, and never left out."""
    really = os.pread
    monkeypatch.setattr(os, "pread", lambda file, octets, position: really(file, octets - 1, position))
    with closing(SortedRuns(tmp_path, FAILING)) as runs:
        runs.collect([(bytes((number,)), b"") for number in range(6)])
        with pytest.raises(OSError, match="not there"):
            list(runs.merged())
