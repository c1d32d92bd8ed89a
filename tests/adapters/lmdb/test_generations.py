"""Generations: written sorted, whatever the order; found by key; refused where the file is not as written."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lmdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.adapters.lmdb import generation_writer, sorted_runs
from service.adapters.lmdb.generation import MAX_KEY_OCTETS, Generation, row_key
from service.adapters.lmdb.generation_reader import GenerationGoneError, GenerationReader
from service.adapters.lmdb.generation_writer import GenerationWriter
from service.adapters.lmdb.sorted_runs import SortedRuns
from service.application.evidence_store import StoreError
from service.core.model.crl import CrlRow
from service.core.model.reason import Reason
from tests.adapters.lmdb.open_files import open_below

SLOT = b"slot"

keys = st.sampled_from([b"a", b"b"]) | st.binary(min_size=1, max_size=3) | st.binary(min_size=499, max_size=600)
records = st.binary(max_size=20) | st.binary(max_size=3).map(bytes((Reason.REMOVE_FROM_CRL,)).__add__)
rows_in_any_order = st.lists(st.tuples(keys, records), max_size=30)


def _writer(path: Path) -> GenerationWriter:
    (path / "generations").mkdir()
    (path / "building").mkdir()
    return GenerationWriter(path / "generations", path / "building")


def _rows(count: int, start: int = 0) -> list[CrlRow]:
    return [(number.to_bytes(20, "big"), b"record %d" % number) for number in range(start, start + count)]


def _counting(rows: list[CrlRow], key: bytes) -> bytes:
    """The last record of a key that is no removal, else the last."""
    records = [record for listed, record in rows if listed == key]
    removal = bytes((Reason.REMOVE_FROM_CRL,))
    return ([record for record in records if not record.startswith(removal)] or records)[-1]


@pytest.fixture
def writer(tmp_path: Path) -> GenerationWriter:
    """A writer of a new directory."""
    return _writer(tmp_path)


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[GenerationReader]:
    """A reader of the same one, for two open files."""
    reader = GenerationReader(tmp_path / "generations", 2)
    yield reader
    reader.close()


@pytest.fixture(scope="module", params=[3, 1000], ids=["merged", "in memory"])
def _run_rows(request: pytest.FixtureRequest) -> Iterator[None]:
    """Runs and transactions of a few rows, or of all."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sorted_runs, "RUN_ROWS", request.param)
        patch.setattr(sorted_runs, "BLOCK_ROWS", 2)
        patch.setattr(generation_writer, "BATCH_ROWS", 2 * request.param)
        yield


@pytest.mark.usefixtures("_run_rows")
@given(rows=rows_in_any_order, asked=keys)
def test_any_rows_in_any_order(tmp_path_factory: pytest.TempPathFactory, rows: list[CrlRow], asked: bytes) -> None:
    """Rows are found by their keys, of duplicates the one that counts, and no other key is found."""
    path = tmp_path_factory.mktemp("any")
    expected: dict[bytes, bytes | None] = {key: _counting(rows, key) for key, _ in rows}
    expected.setdefault(asked, None)
    reader = GenerationReader(path / "generations", 1)

    generation = _writer(path).build(rows)

    assert expected == {key: reader.look_up(SLOT, generation, key) for key in expected}
    assert len({key for key, _ in rows}) == generation.rows
    reader.close()
    shutil.rmtree(path)


def test_a_long_key() -> None:
    """It is cut to what LMDB takes and is no shorter one's; two that begin alike stay two."""
    long = bytes(501)

    assert MAX_KEY_OCTETS == len(row_key(long))
    assert row_key(long) != row_key(bytes(502))
    assert bytes(500) == row_key(bytes(500))


def test_file_as_written(writer: GenerationWriter, tmp_path: Path) -> None:
    """The file has the size that was noted, nobody may write to it, and nothing unfinished stays."""
    generation = writer.build(_rows(1000))
    status = (tmp_path / "generations" / generation.name).stat()

    assert (generation.size, 0o400) == (status.st_size, status.st_mode & 0o777)
    assert [] == list((tmp_path / "building").iterdir())


def test_map_grows(writer: GenerationWriter, reader: GenerationReader, monkeypatch: pytest.MonkeyPatch) -> None:
    """A map that was computed too small grows while rows are written."""
    monkeypatch.setattr(generation_writer, "_map_size", lambda _: 16384)
    rows = _rows(5000)

    generation = writer.build(reversed(rows))

    assert len(rows) == generation.rows
    assert {record for _, record in rows} == {reader.look_up(SLOT, generation, key) for key, _ in rows}


def test_rows_out_of_order(writer: GenerationWriter, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows that do not come sorted are an error: LMDB would leave them out."""
    monkeypatch.setattr(SortedRuns, "merged", lambda _: iter(_rows(5)[::-1]))

    with pytest.raises(StoreError, match="not in order"):
        writer.build(_rows(5))


def test_error_of_the_rows_passes_through(writer: GenerationWriter, tmp_path: Path) -> None:
    """What the rows raise is not turned into an error of the store, and nothing of them stays."""

    def rows() -> Iterator[CrlRow]:
        yield from _rows(10)
        raise OSError("theirs")

    with pytest.raises(OSError, match="theirs"):
        writer.build(rows())

    assert ([], []) == (list((tmp_path / "generations").iterdir()), list((tmp_path / "building").iterdir()))


@pytest.mark.parametrize("call", ["fsync", "replace", "fchmod"])
def test_error_of_the_disk(
    writer: GenerationWriter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    """An error of the operating system is a StoreError, and nothing stays."""

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, call, fail)

    with pytest.raises(StoreError, match="No space left"):
        writer.build(_rows(10))

    assert ([], []) == (list((tmp_path / "generations").iterdir()), list((tmp_path / "building").iterdir()))


def test_directory_that_cannot_be_synced(
    writer: GenerationWriter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A generation whose name may not last is taken back."""

    def fail(_: Path) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(generation_writer, "sync", fail)

    with pytest.raises(StoreError, match="Input/output"):
        writer.build(_rows(10))

    assert [] == list((tmp_path / "generations").iterdir())


def test_empty_key_is_an_error(writer: GenerationWriter, reader: GenerationReader) -> None:
    """A key without octets is an error where it is written and where it is asked for."""
    with pytest.raises(StoreError, match="BAD_VALSIZE"):
        writer.build([(b"", b"")])
    with pytest.raises(StoreError, match="BAD_VALSIZE"):
        reader.look_up(SLOT, writer.build([]), b"")


def test_open_files_are_bounded(writer: GenerationWriter, reader: GenerationReader, tmp_path: Path) -> None:
    """However many slots are asked, no more files are open than allowed; the least recently asked one is closed."""
    generations = {b"%d" % number: writer.build(_rows(1, number)) for number in range(3)}
    first, second, third = generations

    for slot in (first, second, first, third):
        assert reader.look_up(slot, generations[slot], int(slot).to_bytes(20, "big")) is not None

    assert sorted(generations[slot].name for slot in (first, third)) == sorted(
        file.name for file in open_below(tmp_path)
    )


def test_replaced_file_is_closed(writer: GenerationWriter, reader: GenerationReader, tmp_path: Path) -> None:
    """A file that was removed gives its room back as soon as its slot is asked for another one."""
    old, new = writer.build(_rows(1)), writer.build(_rows(2))
    reader.look_up(SLOT, old, b"1")
    writer.remove(old.name)

    reader.look_up(SLOT, new, b"1")

    assert [new.name] == [file.name for file in open_below(tmp_path)]


def test_absent_file(writer: GenerationWriter, reader: GenerationReader) -> None:
    """A generation that is not there is its own error."""
    generation = writer.build(_rows(1))
    writer.remove(generation.name)

    with pytest.raises(GenerationGoneError):
        reader.look_up(SLOT, generation, b"1")


def test_file_that_goes_while_it_is_opened(
    writer: GenerationWriter, reader: GenerationReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A generation that is removed between the look at its size and its opening is the same error."""
    generation = writer.build(_rows(1))
    really = lmdb.open

    def open_too_late(path: str, **options: Any) -> lmdb.Environment:  # noqa: ANN401 - handed on as they came
        writer.remove(generation.name)
        return really(path, **options)

    monkeypatch.setattr(lmdb, "open", open_too_late)

    with pytest.raises(GenerationGoneError):
        reader.look_up(SLOT, generation, b"1")


def test_damaged_files(writer: GenerationWriter, reader: GenerationReader, tmp_path: Path) -> None:
    """A shorter file, another of the same size, and one that is not LMDB's are errors, and never an absent entry."""
    path = tmp_path / "generations"
    generation, other = writer.build(_rows(1)), writer.build(_rows(2))
    whole = (path / other.name).read_bytes()
    assert generation.size == other.size

    for content, message in [(whole[:-4096], "octets"), (whole, "2 rows, not 1"), (bytes(len(whole)), "INVALID")]:
        (path / generation.name).unlink()
        (path / generation.name).write_bytes(content)
        with pytest.raises(StoreError, match=message):
            reader.look_up(SLOT, generation, b"1")


def test_sweep(writer: GenerationWriter, tmp_path: Path) -> None:
    """What a crash left is removed; what is named stays."""
    used, unused = writer.build(_rows(1)), writer.build(_rows(1))
    (tmp_path / "building" / "left").mkdir()
    (tmp_path / "building" / "left" / "run-0").touch()

    writer.sweep({used.name})

    assert unused.name != used.name
    assert [used.name] == [path.name for path in (tmp_path / "generations").iterdir()]
    assert [] == list((tmp_path / "building").iterdir())


def test_remove_what_is_not_there(writer: GenerationWriter) -> None:
    """Removing an absent generation is no error: the sweep of another start was quicker."""
    writer.remove(Generation("00" * 16, 0, 0).name)
