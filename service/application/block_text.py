"""Blocks and tombstones as they are written, in this host's store and in the fleet's cache: JSON, without the id.

Rules it keeps: every field is there and is what it should be, or nothing is read; what was read can be shown, compared
and written again. The form is that of rows which stores have already: a change of it is another format of theirs.

What it does not do: say whether anybody may have written it.
"""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from service.core.model.block import Block, BlockMatch, FingerprintMatch, IssuerSerialMatch, SpkiMatch, Tombstone
from service.core.model.malformed import MalformedError
from service.core.names.rfc4514 import canonical_of_text

_DIGEST: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)

_NUMBER: Final = re.compile(r"-?[0-9a-f]+", re.ASCII)


class BlockTextError(ValueError):
    """It is no block, or no tombstone."""


def write_block(block: Block) -> bytes:
    """A block as it is written."""
    return _write(
        {
            **_match(block.match),
            "reason": block.reason,
            "created_at": block.created_at.isoformat(),
            "created_by": block.created_by,
            "until": None if block.until is None else block.until.isoformat(),
        }
    )


def read_block(block_id: str, text: bytes) -> Block:
    """A block that was written.

    Raises:
        BlockTextError: it is none; says which field.
    """
    fields = _read(text)
    return Block(
        id=block_id,
        match=_read_match(fields),
        reason=_text(fields, "reason"),
        created_at=_moment(fields, "created_at"),
        created_by=_text(fields, "created_by"),
        until=None if _field(fields, "until") is None else _moment(fields, "until"),
    )


def write_tombstone(tombstone: Tombstone) -> bytes:
    """A tombstone as it is written."""
    return _write({"removed_at": tombstone.removed_at.isoformat(), "removed_by": tombstone.removed_by})


def read_tombstone(block_id: str, text: bytes) -> Tombstone:
    """A tombstone that was written.

    Raises:
        BlockTextError: it is none; says which field.
    """
    fields = _read(text)
    return Tombstone(block_id, _moment(fields, "removed_at"), _text(fields, "removed_by"))


def _match(match: BlockMatch) -> dict[str, object]:
    match match:
        case FingerprintMatch(digest):
            return {"fingerprint": digest.hex()}
        case SpkiMatch(digest):
            return {"spki": digest.hex()}
        case IssuerSerialMatch():
            # The name as text: the form for comparison may be another one in the next version. The number in hex:
            # decimal digits of a very long one are refused by Python and by JSON readers alike.
            return {"issuer": match.issuer, "serial": f"{match.serial_number:x}"}


def _read_match(fields: Mapping[str, object]) -> BlockMatch:
    if "fingerprint" in fields:
        return FingerprintMatch(_digest(fields, "fingerprint"))
    if "spki" in fields:
        return SpkiMatch(_digest(fields, "spki"))
    issuer, serial = _text(fields, "issuer"), _text(fields, "serial")
    if not _NUMBER.fullmatch(serial):
        raise _damaged("serial")
    try:
        return IssuerSerialMatch(issuer, canonical_of_text(issuer), int(serial, 16))
    except MalformedError as error:
        raise BlockTextError(str(error)) from error


def _write(document: dict[str, object]) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()


def _read(text: bytes) -> Mapping[str, object]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise _damaged("JSON") from None
    if not isinstance(document, dict):
        raise _damaged("an object")
    return document


def _field(fields: Mapping[str, object], name: str) -> object:
    if name not in fields:
        raise _damaged(name)
    return fields[name]


def _text(fields: Mapping[str, object], name: str) -> str:
    value = _field(fields, name)
    if not isinstance(value, str) or _has_halves(value):
        raise _damaged(name)
    return value


def _has_halves(text: str) -> bool:
    """Whether there is half of a surrogate pair in it, which can be written nowhere."""
    return not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text)


def _digest(fields: Mapping[str, object], name: str) -> bytes:
    value = _text(fields, name)
    if not _DIGEST.fullmatch(value):
        raise _damaged(name)
    return bytes.fromhex(value)


def _moment(fields: Mapping[str, object], name: str) -> datetime:
    """A moment in UTC: one without an offset cannot be compared with the clock."""
    try:
        moment = datetime.fromisoformat(_text(fields, name))
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise _damaged(name)


def _damaged(what: str) -> BlockTextError:
    return BlockTextError(f"{what} is missing, or is not what it should be")
