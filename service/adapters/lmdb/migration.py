"""How a store of an older format becomes one of this format.

What nobody can tell again is carried over: blocks and tombstones, the watermarks that let nobody go back, the names of
CRLs that wait, and how far the fleet's events were read. OCSP responses are as they always were, and are read and
verified anew each time. CRLs are dropped, and fetched again: where their entries stood and how they are found has
changed with each format.

Rules it keeps: one transaction leads from the old format to this one, so that whatever ends it leaves the old store or
the new one; a row that is carried over is the same octets, damaged or not: what is made of a damaged one is decided
where it is read.

A later format raises `environment.FORMAT` and adds one step.

What it does not do: see to it that nobody else has the store open (`readying`), or remove the files of dropped CRLs,
which whoever publishes does when he opens the store.

The formats:
1: `crl-slots`, `crl-index`, `crl-watermarks` without digests, `ocsp`, `ocsp-expiries`. There were no blocks.
2: watermarks with the digest of the CRL that was accepted last; other keys of entries. There were no blocks.
3: paths of signers in `crl-slots`; later `sources`, `places`, `waiting`, and `blocks`. There were no tombstones.
4: `crl-index` by keys, `crl-signers`, `held-names`; later `block-tombstones` and `fleet`.
"""

from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import lmdb

from service.adapters.lmdb.environment import ABOUT, FORMAT, FORMAT_KEY, MAP_OCTETS, open_environment
from service.adapters.lmdb.fields import decode, encode
from service.application.evidence_store import StoreError

_CRLS: Final = (b"crl-slots", b"crl-index", b"sources", b"places")
"""What is told again by those who publish; a source that is taken for read would not be asked."""

_KEPT: Final = (b"blocks", b"block-tombstones", b"crl-watermarks", b"waiting", b"ocsp")
"""What is counted for the log."""


class OldRows:
    """The rows of an older store, within the transaction that brings it forward."""

    def __init__(self, environment: lmdb.Environment, transaction: "lmdb.Transaction[bytes]") -> None:
        """Take an environment, and the transaction."""
        self._environment = environment
        self._transaction = transaction

    def all(self, name: bytes) -> dict[bytes, bytes]:
        """Every row of a database whose keys lead to one row each; none where there is no such database."""
        database = self._database(name)
        if database is None:
            return {}
        with self._transaction.cursor(db=database) as cursor:
            return dict(cursor)

    def put(self, name: bytes, key: bytes, row: bytes) -> None:
        """Write a row of a database that is there."""
        self._transaction.put(key, row, db=self._database(name))

    def drop(self, name: bytes) -> int:
        """Remove a database; how many rows it had."""
        rows = self.count(name)
        database = self._database(name)
        if database is not None:
            self._transaction.drop(database, delete=True)
        return rows

    def count(self, name: bytes) -> int:
        """How many rows a database has."""
        database = self._database(name)
        return 0 if database is None else int(self._transaction.stat(database)["entries"])

    def _database(self, name: bytes) -> "lmdb._Database | None":
        try:
            return self._environment.open_db(name, txn=self._transaction, create=False)
        except lmdb.NotFoundError:
            return None


Step = Callable[[OldRows], None]
"""Rewrites what one format's rows are in the next one; what is dropped in every case needs no step."""


@dataclass(frozen=True, slots=True)
class BroughtForward:
    """What became of an older store.

    Attributes:
        found: Its format.
        kept: How many rows of which database were carried over.
        dropped: How many rows of which database were not.
    """

    found: str
    kept: Mapping[str, int]
    dropped: Mapping[str, int]


def bring_forward(path: Path) -> BroughtForward | None:
    """Make a store one of this format; None where it is.

    Args:
        path: The hot environment, which nobody else has open.

    Raises:
        StoreError: it has no format that leads to this one, or a row cannot be read; nothing has changed.
        OSError: it cannot be written; nothing has changed.
        lmdb.Error: likewise.
    """
    with closing(open_environment(path, MAP_OCTETS)) as environment:
        about = environment.open_db(ABOUT, create=False)
        with environment.begin(write=True) as transaction:
            found = transaction.get(FORMAT_KEY, db=about)
            steps = steps_from(found)
            if found is None or not steps:
                return None
            rows = OldRows(environment, transaction)
            for step in steps:
                step(rows)
            dropped = {name.decode(): rows.drop(name) for name in _CRLS}
            transaction.put(FORMAT_KEY, FORMAT, db=about)
            kept = {name.decode(): rows.count(name) for name in _KEPT}
        return BroughtForward(found.decode(), kept, dropped)


def steps_from(found: bytes | None) -> tuple[Step, ...]:
    """What leads from a format to this one; nothing where it is this one.

    Raises:
        StoreError: no steps lead from there.
    """
    steps: list[Step] = []
    at = found
    while at != FORMAT:
        if at is None or at not in _STEPS:
            raise StoreError(
                f"it has {_named(found)}, and this version reads {_oldest()} to {FORMAT.decode()}: run the version "
                "that wrote it; nothing was changed"
            )
        step, at = _STEPS[at]
        steps.append(step)
    return tuple(steps)


def _named(found: bytes | None) -> str:
    return "no format of Revet's" if found is None else f"format {ascii(found.decode(errors='replace'))[1:-1]}"


def _oldest() -> str:
    return min(_STEPS).decode()


def _add_digests(rows: OldRows) -> None:
    """1 to 2: a watermark names the CRL that was accepted last, so that this very one may come again.

    Where nothing is held any more it names none: the next CRL must be newer. One that is damaged stays so, and lets
    nothing in.
    """
    held = rows.all(b"crl-slots")
    for slot, row in rows.all(b"crl-watermarks").items():
        with suppress(StoreError):
            watermark = decode(row)
            number, at = watermark.optional("crl_number", watermark.text), watermark.text("this_update")
            digest = "" if slot not in held else _digest(held[slot], at)
            rows.put(b"crl-watermarks", slot, encode({"crl_number": number, "this_update": at, "digest": digest}))


def _digest(slot: bytes, this_update: str) -> str:
    """The digest of the CRL in a slot, where that is the newest that the slot has seen."""
    try:
        meta = decode(slot).inner("meta")
        return meta.digest("digest").hex() if meta.text("this_update") == this_update else ""
    except StoreError:  # damaged: what is published next is newer, or refused
        return ""


def _nothing_rewritten(rows: OldRows) -> None:
    """What this format has changed belongs to CRLs, which are dropped."""


_STEPS: Final[Mapping[bytes, tuple[Step, bytes]]] = {
    b"1": (_add_digests, b"2"),
    b"2": (_nothing_rewritten, b"3"),
    b"3": (_nothing_rewritten, b"4"),
}
"""What leads from each older format to the next."""
