"""Rows of the hot environment that say what is remembered of the sources of CRLs, as JSON.

A source's key is the digest of its name; a place's likewise, in a database of its own.
"""

from collections.abc import Iterable
from datetime import datetime
from hashlib import sha256

from service.adapters.lmdb.fields import Fields, decode, encode, hexadecimal
from service.adapters.lmdb.hot import Hot
from service.application.crl_fetcher import CrlSigner
from service.application.evidence_store import StoreError
from service.application.origin_headers import Validators
from service.application.prefetch.source_record import GivenCrl, Phase, PlaceRecord, Progress, SourceRecord
from service.core.model.attempt import Problem
from service.core.prefetch.inventory import Source, SourceKind, SourceState, Window


class SourceRows:
    """The two databases."""

    def __init__(self, hot: Hot) -> None:
        self._hot = hot
        self._sources = hot.database(b"sources")
        self._places = hot.database(b"places")

    def sources(self) -> tuple[SourceRecord, ...]:
        """Every source whose record can be read.

        Raises:
            StoreError: the store cannot be read.
        """
        return tuple(record for row in self._rows(places=False) if (record := _readable(row)) is not None)

    def places(self) -> tuple[PlaceRecord, ...]:
        """Every place.

        Raises:
            StoreError: the store cannot be read, or a record is damaged.
        """
        return tuple(_decode_place(row) for row in self._rows(places=True))

    def put_sources(self, records: Iterable[SourceRecord]) -> None:
        """Write these in one transaction.

        Raises:
            StoreError: they could not be written; nothing changed.
        """
        with self._hot.writing, self._hot.begin_writing() as transaction:
            for record in records:
                transaction.put(_key(record.source.key), encode_source(record), db=self._sources)

    def forget_sources(self, keys: Iterable[str]) -> None:
        """Remove these.

        Raises:
            StoreError: nothing was removed.
        """
        with self._hot.writing, self._hot.begin_writing() as transaction:
            for key in keys:
                transaction.delete(_key(key), db=self._sources)

    def put_places(self, records: Iterable[PlaceRecord]) -> None:
        """Write these, and remove every other.

        Raises:
            StoreError: nothing changed.
        """
        with self._hot.writing, self._hot.begin_writing() as transaction:
            transaction.drop(self._places, delete=False)
            for record in records:
                transaction.put(_key(record.place), _encode_place(record), db=self._places)

    def _rows(self, *, places: bool) -> list[bytes]:
        database = self._places if places else self._sources
        with self._hot.reading, self._hot.begin() as transaction, transaction.cursor(db=database) as cursor:
            return [row for _, row in cursor.iternext()]


def encode_source(record: SourceRecord) -> bytes:
    """A source's row."""
    state, progress = record.state, record.progress
    return encode(
        {
            "key": state.source.key,
            "places": list(state.source.places),
            "kind": state.source.kind.value,
            "used_at": state.used_at.isoformat(),
            "tried_at": _moment(state.tried_at),
            "succeeded_at": _moment(state.succeeded_at),
            "failures": state.failures,
            "window": None if state.window is None else _window(state.window),
            "fresh_until": _moment(state.fresh_until),
            "asked_at": _moment(state.asked_at),
            "known_since": _moment(state.known_since),
            "signers": [_signer(signer) for signer in record.signers],
            "etag": record.validators.etag,
            "last_modified": record.validators.last_modified,
            "served_by": record.served_by,
            "given": [_given(one) for one in record.given],
            "pending": [digest.hex() for digest in record.pending],
            "named": [digest.hex() for digest in record.named],
            "is_partial": record.is_partial,
            "problem": None if record.problem is None else record.problem.value,
            "detail": record.detail,
            "version": record.version,
            "progress": None if progress is None else _progress(progress),
        }
    )


def decode_source(row: bytes) -> SourceRecord:
    """What a source's row says.

    Raises:
        StoreError: it is damaged.
    """
    fields = decode(row)
    window = fields.optional("window", fields.inner)
    progress = fields.optional("progress", fields.inner)
    problem = fields.optional("problem", fields.text)
    try:
        kind, named_problem = SourceKind(fields.text("kind")), None if problem is None else Problem(problem)
    except ValueError as error:
        raise StoreError("a damaged record in the store: kind or problem") from error
    state = SourceState(
        Source(fields.text("key"), fields.texts("places"), kind),
        used_at=fields.moment("used_at"),
        tried_at=fields.optional("tried_at", fields.moment),
        succeeded_at=fields.optional("succeeded_at", fields.moment),
        failures=fields.count("failures"),
        window=None if window is None else _read_window(window),
        fresh_until=fields.optional("fresh_until", fields.moment),
        asked_at=fields.optional("asked_at", fields.moment),
        known_since=fields.optional("known_since", fields.moment),
    )
    return SourceRecord(
        state,
        signers=tuple(_read_signer(one) for one in fields.inners("signers")),
        validators=Validators(fields.optional("etag", fields.text), fields.optional("last_modified", fields.text)),
        served_by=fields.text("served_by"),
        given=tuple(_read_given(one) for one in fields.inners("given")),
        pending=fields.octet_strings("pending"),
        named=fields.octet_strings("named"),
        is_partial=fields.flag("is_partial"),
        problem=named_problem,
        detail=fields.text("detail"),
        version=fields.text("version"),
        progress=None if progress is None else _read_progress(progress),
    )


def _readable(row: bytes) -> SourceRecord | None:
    try:
        return decode_source(row)
    except StoreError:
        return None


def _key(name: str) -> bytes:
    return sha256(name.encode()).digest()


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _window(window: Window) -> dict[str, object]:
    return {"this_update": window.this_update.isoformat(), "next_update": _moment(window.next_update)}


def _read_window(fields: Fields) -> Window:
    return Window(fields.moment("this_update"), fields.optional("next_update", fields.moment))


def _signer(signer: CrlSigner) -> dict[str, object]:
    return {
        "name": signer.name.hex(),
        "spki": signer.spki.hex(),
        "path": [der.hex() for der in signer.path],
        "authorities": [digest.hex() for digest in sorted(signer.authorities)],
    }


def _read_signer(fields: Fields) -> CrlSigner:
    authorities = frozenset(fields.octet_strings("authorities"))
    return CrlSigner(fields.octets("name"), fields.octets("spki"), fields.octet_strings("path"), authorities)


def _given(given: GivenCrl) -> dict[str, object]:
    return {
        "slot": given.slot.hex(),
        "digest": given.digest.hex(),
        "issuer": given.issuer,
        "crl_number": None if given.crl_number is None else hexadecimal(given.crl_number),
        "this_update": given.this_update.isoformat(),
        "next_update": _moment(given.next_update),
        "entries": given.entries,
        "size": given.size,
        "number_moved_at": given.number_moved_at.isoformat(),
        "stalled": given.stalled,
    }


def _read_given(fields: Fields) -> GivenCrl:
    return GivenCrl(
        slot=fields.octets("slot"),
        digest=fields.octets("digest"),
        issuer=fields.text("issuer"),
        crl_number=fields.optional("crl_number", fields.number),
        this_update=fields.moment("this_update"),
        next_update=fields.optional("next_update", fields.moment),
        entries=fields.count("entries"),
        size=fields.count("size"),
        number_moved_at=fields.moment("number_moved_at"),
        stalled=fields.flag("stalled"),
    )


def _progress(progress: Progress) -> dict[str, object]:
    return {
        "phase": progress.phase.value,
        "done": progress.done,
        "total": progress.total,
        "at": progress.at.isoformat(),
        "entries": progress.entries,
        "entries_total": progress.entries_total,
    }


def _read_progress(fields: Fields) -> Progress:
    try:
        phase = Phase(fields.text("phase"))
    except ValueError as error:
        raise StoreError("a damaged record in the store: phase") from error
    return Progress(
        phase,
        done=fields.count("done"),
        total=fields.optional("total", fields.count),
        at=fields.moment("at"),
        entries=fields.count("entries"),
        entries_total=fields.optional("entries_total", fields.count),
    )


def _encode_place(record: PlaceRecord) -> bytes:
    return encode(
        {
            "place": record.place,
            "listed_at": _moment(record.listed_at),
            "objects": record.objects,
            "problem": record.problem,
        }
    )


def _decode_place(row: bytes) -> PlaceRecord:
    fields = decode(row)
    return PlaceRecord(
        place=fields.text("place"),
        listed_at=fields.optional("listed_at", fields.moment),
        objects=fields.count("objects"),
        problem=fields.text("problem"),
    )
