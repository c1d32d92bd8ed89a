"""Reading JSON that this package wrote: every field is there and has its type, or the record is damaged."""

import json
import re
from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from service.application.evidence_store import StoreError

T = TypeVar("T")

_DIGEST_OCTETS = 32

_HEX_NUMBER = re.compile(r"-?[0-9a-f]+")


class Fields:
    """One JSON object; every reader raises `StoreError` where the field is not what it should be."""

    def __init__(self, document: object) -> None:
        if not isinstance(document, dict):
            raise _damaged("an object")
        self._document: dict[object, object] = document

    def text(self, name: str) -> str:
        """A string."""
        return _text(self._value(name), name)

    def texts(self, name: str) -> tuple[str, ...]:
        """An array of strings."""
        return tuple(_text(value, name) for value in self._array(name))

    def octets(self, name: str) -> bytes:
        """Octets, written in hex."""
        return _octets(self._value(name), name)

    def digest(self, name: str) -> bytes:
        """A SHA-256, written in hex."""
        found = self.octets(name)
        if len(found) != _DIGEST_OCTETS:
            raise _damaged(name)
        return found

    def has(self, name: str) -> bool:
        """Whether there is a field of this name."""
        return name in self._document

    def octet_strings(self, name: str) -> tuple[bytes, ...]:
        """An array of octets."""
        return tuple(_octets(value, name) for value in self._array(name))

    def count(self, name: str) -> int:
        """A number of things."""
        value = self._value(name)
        if type(value) is not int or value < 0:
            raise _damaged(name)
        return value

    def number(self, name: str) -> int:
        """An integer of any size, written in hex."""
        value = self.text(name)
        if not _HEX_NUMBER.fullmatch(value):
            raise _damaged(name)
        return int(value, 16)

    def flag(self, name: str) -> bool:
        """True or false."""
        value = self._value(name)
        if not isinstance(value, bool):
            raise _damaged(name)
        return value

    def moment(self, name: str) -> datetime:
        """A moment with its offset."""
        try:
            return datetime.fromisoformat(self.text(name))
        except ValueError as error:
            raise _damaged(name) from error

    def inner(self, name: str) -> "Fields":
        """An object within."""
        return Fields(self._value(name))

    def inners(self, name: str) -> tuple["Fields", ...]:
        """An array of objects."""
        return tuple(Fields(value) for value in self._array(name))

    def optional(self, name: str, reader: Callable[[str], T]) -> T | None:
        """What one of the readers above reads, or None where it says null."""
        return None if self._value(name) is None else reader(name)

    def _value(self, name: str) -> object:
        if name not in self._document:
            raise _damaged(name)
        return self._document[name]

    def _array(self, name: str) -> list[object]:
        value = self._value(name)
        if not isinstance(value, list):
            raise _damaged(name)
        return value


def decode(row: bytes) -> Fields:
    """The fields of a stored record.

    Raises:
        StoreError: it is no JSON object.
    """
    try:
        return Fields(json.loads(row))
    except ValueError as error:
        raise _damaged("JSON") from error


def encode(document: dict[str, object]) -> bytes:
    """A record as it is stored."""
    return json.dumps(document, separators=(",", ":")).encode()


def hexadecimal(number: int) -> str:
    """An integer of any size: decimal digits of a very long one are refused by Python and by JSON readers alike."""
    return format(number, "x")


def _text(value: object, name: str) -> str:
    if not isinstance(value, str):
        raise _damaged(name)
    return value


def _octets(value: object, name: str) -> bytes:
    try:
        return bytes.fromhex(_text(value, name))
    except ValueError as error:
        raise _damaged(name) from error


def _damaged(name: str) -> StoreError:
    return StoreError(f"a damaged record in the store: {name}")
