"""The files of a store, seen from outside, and changed behind its back."""

from pathlib import Path

from service.adapters.lmdb.hot import Hot


def generations(path: Path) -> list[Path]:
    """The files with the entries of CRLs, sorted by name."""
    return sorted((path / "generations").iterdir())


def overwrite(path: Path, database: bytes, key: bytes, value: bytes | None) -> None:
    """Put something else under a key of a store that nobody has open, or, with None, remove what is there."""
    hot = Hot(path / "hot", 1 << 20)
    opened = hot.database(database)
    with hot.begin_writing() as transaction:
        if value is None:
            transaction.delete(key, db=opened)
        else:
            transaction.put(key, value, db=opened)
    hot.close()


def stored(path: Path, database: bytes, key: bytes) -> bytes | None:
    """What is under a key of a store that nobody has open."""
    hot = Hot(path / "hot", 1 << 20)
    try:
        opened = hot.database(database)
        with hot.begin() as transaction:
            return transaction.get(key, db=opened)
    finally:
        hot.close()
