"""Stores of older formats.

`old_stores/format-N.tar.xz` were written by the last version of each format itself, with the values of its own tests:
two CRLs (numbers 7 and 8, the watermark of the second one at 9), an OCSP response, and, in format 3, three blocks and a
CRL that waits. `put_back` turns a store of today into what those versions wrote, so that a test may choose the values:
the same databases, and the fields that their rows had.
"""

import json
import struct
import tarfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final

import lmdb

FORMATS: Final = ("1", "2", "3")

_STORES: Final = Path(__file__).parent / "old_stores"

_DATABASES: Final = {
    "1": frozenset({b"about", b"crl-slots", b"crl-index", b"crl-watermarks", b"ocsp", b"ocsp-expiries"}),
    "2": frozenset({b"about", b"crl-slots", b"crl-index", b"crl-watermarks", b"ocsp", b"ocsp-expiries"}),
    "3": frozenset(
        {b"about", b"crl-slots", b"crl-index", b"crl-watermarks", b"ocsp", b"ocsp-expiries", b"blocks"}
        | {b"sources", b"places", b"waiting"}
    ),
}

_ENTRIES: Final = struct.Struct("<Q")

_BEFORE_ENTRIES: Final = 32
"""Octets of flags and numbers of pages."""

Database = dict[bytes, list[bytes]]
"""Rows of a database, and of one with duplicates all of them."""


def unpack(store_format: str, path: Path) -> Path:
    """A store that a version with this format has written."""
    path.mkdir(0o700)
    with tarfile.open(_STORES / f"format-{store_format}.tar.xz") as archive:
        archive.extractall(path, filter="data")
    for directory in (path / "hot", path / "generations"):
        directory.chmod(0o700)
    return path


def rows_of(path: Path) -> dict[bytes, Database]:
    """Every row of a store that nobody has open."""
    with _opened(path) as environment:
        found: dict[bytes, Database] = {}
        for name in _names(environment):
            database = environment.open_db(name, create=False)
            found[name] = {}
            with environment.begin() as transaction, transaction.cursor(db=database) as cursor:
                for key, row in cursor:
                    found[name].setdefault(bytes(key), []).append(bytes(row))
    return found


def put_back(path: Path, store_format: str) -> None:
    """Make a store of today one that a version with an older format has written."""
    with _opened(path) as environment:
        for name in _names(environment) - _DATABASES[store_format]:
            database = environment.open_db(name, create=False)
            with environment.begin(write=True) as transaction:
                transaction.drop(database)
        _rewrite(environment, b"crl-slots", lambda row: _older_slot(row, store_format))
        _rewrite(environment, b"crl-watermarks", lambda row: _older_watermark(row, store_format))
    set_format(path, store_format.encode())


def set_format(path: Path, store_format: bytes | None) -> None:
    """Have a store say something else of itself."""
    overwrite(path, b"about", b"format", store_format)


def fill(path: Path, name: bytes, rows: Mapping[bytes, bytes]) -> None:
    """Add many rows to a database of a store of any format."""
    with _opened(path) as environment:
        database = environment.open_db(name)
        with environment.begin(write=True) as transaction, transaction.cursor(db=database) as cursor:
            cursor.putmulti(list(rows.items()))


def claim(path: Path, name: bytes, entries: int) -> None:
    """Have a database say that it has so many rows: what is left of one that has lost a page."""
    data = path / "hot" / "data.mdb"
    octets, place = bytearray(data.read_bytes()), -1
    while (place := octets.find(name, place + 1)) >= 0:  # a record of LMDB's follows, with this number in it
        _ENTRIES.pack_into(octets, place + len(name) + _BEFORE_ENTRIES, entries)
    data.write_bytes(octets)


def overwrite(path: Path, name: bytes | None, key: bytes, row: bytes | None) -> None:
    """Change a row of a store of any format, or remove it; a name of None is for the environment's own database."""
    with _opened(path) as environment:
        database = None if name is None else environment.open_db(name)
        with environment.begin(write=True) as transaction:
            if row is None:
                transaction.delete(key, db=database)
            else:
                transaction.put(key, row, db=database)


def _names(environment: lmdb.Environment) -> frozenset[bytes]:
    """The names of the databases of an open store."""
    with environment.begin() as transaction, transaction.cursor() as cursor:
        return frozenset(bytes(name) for name in cursor.iternext(values=False))


def _older_slot(row: dict[str, Any], store_format: str) -> None:
    if store_format in ("1", "2"):
        del row["signer_paths"]
    if store_format == "1":
        del row["meta"]["freshest_crl"]


def _older_watermark(row: dict[str, Any], store_format: str) -> None:
    if store_format == "1":
        del row["digest"]


def _rewrite(environment: lmdb.Environment, name: bytes, change: Callable[[dict[str, Any]], None]) -> None:
    """Change the JSON of every row."""
    database = environment.open_db(name)
    with environment.begin(write=True) as transaction, transaction.cursor(db=database) as cursor:
        for key, row in list(cursor):
            document = json.loads(row)
            change(document)
            transaction.put(key, json.dumps(document, separators=(",", ":")).encode(), db=database)


@contextmanager
def _opened(path: Path) -> Iterator[lmdb.Environment]:
    with closing(lmdb.open(str(path / "hot"), max_dbs=20, map_size=512 << 20)) as environment:
        yield environment
