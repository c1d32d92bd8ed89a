"""A record of a decision as a row, and back."""

import zlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, TypeAlias

from service.application.decision_records import DecisionRecord
from service.core.model.failure import Code
from service.core.model.verdict import Decision, Status

Value: TypeAlias = str | int | float | bytes | None

Row: TypeAlias = tuple[Value, ...]
"""The values of `FIELDS`, and the case."""

FIELDS: Final = (
    "id",
    "at",
    "decision",
    "status",
    "code",
    "detail",
    "trust_store",
    "front",
    "serial_number",
    "subject",
    "issuer",
    "fingerprint_sha256",
    "duration_s",
    "enforced",
    "repeats",
    "left_out",
)
"""Columns of the table, but for the case."""

MAX_CASE_OCTETS: Final = 1 << 20
"""Octets of a case before it is compressed; that of a longer one is left out. Four times the longest that is made."""

MAX_TEXT: Final = 4_096
"""Characters of one text of a row; a name in a certificate may be longer, and is whole in the case."""

LEVEL: Final = 1
"""Of compression: a case is certificates for the most part, which get no shorter by trying harder."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


class DamagedRowError(Exception):
    """A row that means nothing."""


def row_of(record: DecisionRecord) -> Row:
    """A record as it is written."""
    return (
        record.decision_id,
        instant(record.at),
        record.decision.value,
        record.status.value,
        record.code.value,
        _writable(record.detail),
        _writable(record.trust_store),
        record.front,
        record.serial_number,
        _writable(record.subject),
        _writable(record.issuer),
        record.fingerprint_sha256,
        record.duration_s,
        None if record.enforced is None else record.enforced.value,
        record.repeats,
        record.left_out,
        compressed(record.case),
    )


def record_of(row: Sequence[Value], case: bytes | None = None) -> DecisionRecord:
    """The record of the values of `FIELDS`.

    Raises:
        DamagedRowError: they mean nothing.
    """
    (name, at, decision, status, code, *texts, duration_s, enforced, repeats, left_out) = row
    detail, trust_store, front, serial_number, subject, issuer, fingerprint = map(_text, texts)
    try:
        return DecisionRecord(
            decision_id=str(name),
            at=_EPOCH + int(at or 0) * _MICROSECOND,
            decision=Decision(str(decision)),
            status=Status(str(status)),
            code=Code(str(code)),
            detail=detail or "",
            trust_store=trust_store or "",
            front=front or "",
            serial_number=serial_number,
            subject=subject,
            issuer=issuer,
            fingerprint_sha256=fingerprint,
            duration_s=None if duration_s is None else float(duration_s),
            enforced=None if enforced is None else Code(str(enforced)),
            repeats=_text(repeats),
            case=case,
            left_out=int(left_out or 0),
        )
    except (ValueError, OverflowError) as error:
        raise DamagedRowError(str(error)) from error


def instant(at: datetime) -> int:
    """Microseconds since 1970."""
    return (at - _EPOCH) // _MICROSECOND


def compressed(case: bytes | None) -> bytes | None:
    """A case as it is kept; None where it is too long."""
    return None if case is None or len(case) > MAX_CASE_OCTETS else zlib.compress(case, LEVEL)


def expanded(content: Value) -> bytes | None:
    """A case as it was.

    Raises:
        DamagedRowError: it was another.
    """
    if content is None:
        return None
    if not isinstance(content, bytes):
        raise DamagedRowError("its case is none")
    try:
        reading = zlib.decompressobj()
        case = reading.decompress(content, MAX_CASE_OCTETS + 1)
    except zlib.error as error:
        raise DamagedRowError(f"its case cannot be read: {error}") from error
    if not reading.eof or len(case) > MAX_CASE_OCTETS:
        raise DamagedRowError("its case has no end")
    return case


def size_of(row: Sequence[Value]) -> int:
    """Octets of a row, roughly: what its texts and its case take."""
    return sum(len(value) for value in row if isinstance(value, str | bytes))


def _writable(text: str | None) -> str | None:
    """Text as SQLite takes it: names in certificates may have half of a surrogate pair."""
    return None if text is None else text[:MAX_TEXT].encode("utf-8", "replace").decode()


def _text(value: Value) -> str | None:
    return None if value is None else str(value)
