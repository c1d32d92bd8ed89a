"""How values become JSON and come back: small codecs, and others that are made of them.

Rules they keep: what is read has exactly the members, types and ranges that writing gives, and anything else is a
`CaseError` that says where; nothing is looked up, imported or called by a name that the document has. Octets are
base64, except certificates: each stands once in a table, and is a number everywhere else.

What they do not do: bound the document. Whoever reads one looks at its length first.
"""

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from enum import Enum, IntFlag
from typing import Any, Generic, TypeAlias, TypeVar

from service.application.replay.case import CaseError
from service.core.der.certificate import read_certificate
from service.core.model.certificate import Certificate
from service.core.model.malformed import MalformedError

T = TypeVar("T")
E = TypeVar("E", bound=Enum)
F = TypeVar("F", bound=IntFlag)

Json: TypeAlias = "bool | int | str | list[Json] | dict[str, Json] | None"

MAX_HEX_DIGITS = 1 << 16
"""Of a serial number or a CRL number: RFC 5280 allows 40, and what is out of it is read all the same."""

LONGEST = timedelta(days=10_000_000)
"""No duration of a policy is longer; the sum of two is still one."""


@dataclass(slots=True)
class Table:
    """The certificates of one document, each once.

    Attributes:
        octets: DER of each, in the order of their numbers.
    """

    octets: list[bytes] = field(default_factory=list)
    _numbers: dict[bytes, int] = field(default_factory=dict)
    _read: dict[bytes, Certificate] = field(default_factory=dict)

    def number(self, der: bytes) -> int:
        """The number of a certificate, which is added where it has none."""
        if der not in self._numbers:
            self._numbers[der] = len(self.octets)
            self.octets.append(der)
        return self._numbers[der]

    def der(self, number: object) -> bytes:
        """What stands under a number.

        Raises:
            CaseError: it is no number of the table.
        """
        if type(number) is not int or not 0 <= number < len(self.octets):
            raise CaseError("no number of a certificate")
        return self.octets[number]

    def certificate(self, number: object) -> Certificate:
        """The certificate under a number.

        Raises:
            CaseError: it is no number of the table, or no certificate.
        """
        der = self.der(number)
        if der not in self._read:
            try:
                self._read[der] = read_certificate(der)
            except MalformedError as error:
                raise CaseError(f"not a certificate: {error.reason}") from None
        return self._read[der]


@dataclass(frozen=True, slots=True)
class Codec(Generic[T]):
    """Both ways for values of one type.

    Attributes:
        write: Gives the JSON of a value, and puts its certificates into the table.
        read: Gives the value of JSON that comes from outside; raises `CaseError`.
    """

    write: Callable[[T, Table], Json]
    read: Callable[[object, Table], T]


def _text(value: object, _: Table) -> str:
    if type(value) is not str or any("\ud800" <= one <= "\udfff" for one in value):
        raise CaseError("not a text")
    return value


def _flag(value: object, _: Table) -> bool:
    if type(value) is not bool:
        raise CaseError("neither true nor false")
    return value


def _octets(value: object, table: Table) -> bytes:
    try:
        return base64.b64decode(_text(value, table), validate=True)
    except (binascii.Error, ValueError):
        raise CaseError("not base64") from None


def _big(value: object, table: Table) -> int:
    text = _text(value, table)
    digits = text.removeprefix("-")
    if not 0 < len(digits) <= MAX_HEX_DIGITS or not set(digits) <= set("0123456789abcdef"):
        raise CaseError("not a hexadecimal number")
    return int(text, 16)


def _moment(value: object, table: Table) -> datetime:
    text = _text(value, table)
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise CaseError("not a moment") from None
    if found.tzinfo is not UTC or found.isoformat() != text:
        raise CaseError("not a moment in UTC as it is written here")
    return found


def _duration(value: object, _: Table) -> timedelta:
    return timedelta(microseconds=_whole_within(value, 0, LONGEST // timedelta(microseconds=1)))


def _whole_within(value: object, least: int, most: int) -> int:
    if type(value) is not int or not least <= value <= most:
        raise CaseError("not a number in its range")
    return value


text: Codec[str] = Codec(lambda value, _: value, _text)
flag: Codec[bool] = Codec(lambda value, _: value, _flag)
octets: Codec[bytes] = Codec(lambda value, _: base64.b64encode(value).decode(), _octets)
big: Codec[int] = Codec(lambda value, _: f"{value:x}", _big)
moment: Codec[datetime] = Codec(lambda value, _: value.isoformat(), _moment)
duration: Codec[timedelta] = Codec(lambda value, _: value // timedelta(microseconds=1), _duration)
certificate: Codec[Certificate] = Codec(
    lambda value, table: table.number(value.der), lambda value, table: table.certificate(value)
)
der: Codec[bytes] = Codec(lambda value, table: table.number(value), lambda value, table: table.der(value))
"""Octets that are meant to be a certificate, and are not read."""


def whole(most: int) -> Codec[int]:
    """A number from 0 on.

    Args:
        most: The largest that is read.
    """
    return Codec(lambda value, _: value, lambda value, _: _whole_within(value, 0, most))


def optional(codec: Codec[T]) -> Codec[T | None]:
    """A value, or null."""
    return Codec(
        lambda value, table: None if value is None else codec.write(value, table),
        lambda value, table: None if value is None else codec.read(value, table),
    )


def listed(codec: Codec[T]) -> Codec[tuple[T, ...]]:
    """Several, in their order."""

    def read(value: object, table: Table) -> tuple[T, ...]:
        if type(value) is not list:
            raise CaseError("not a list")
        return tuple(_inside(f"[{number}]", codec, one, table) for number, one in enumerate(value))

    return Codec(lambda value, table: [codec.write(one, table) for one in value], read)


def collected(codec: Codec[T], order: Callable[[T], Any]) -> Codec[frozenset[T]]:
    """Several, whose order is that of `order` and each of which is there once."""
    several = listed(codec)

    def read(value: object, table: Table) -> frozenset[T]:
        found = several.read(value, table)
        unique = frozenset(found)
        if len(unique) != len(found):
            raise CaseError("something is there twice")
        return unique

    return Codec(lambda value, table: several.write(tuple(sorted(value, key=order)), table), read)


def choice(kind: type[E]) -> Codec[E]:
    """A member of an enumeration, by its value."""
    members = {(type(one.value), one.value): one for one in kind}

    def read(value: object, _: Table) -> E:
        found = members.get((type(value), value)) if isinstance(value, (str, int)) else None
        if found is None:
            raise CaseError("none of the values that there are")
        return found

    return Codec(lambda value, _: value.value, read)


def flags(kind: type[F], every: int) -> Codec[F]:
    """Members of a set of bits.

    Args:
        kind: Which.
        every: All bits that there are.
    """
    return Codec(lambda value, _: int(value), lambda value, _: kind(_whole_within(value, 0, every)))


def record(kind: type[T], /, **members: Codec[Any]) -> Codec[T]:
    """An object with every field of a dataclass, each by its name.

    Raises:
        TypeError: the members are not the fields of the class: a case without one would say less than was decided by.
    """
    names = {one.name for one in fields(kind)}  # type: ignore[arg-type]
    if names != members.keys():
        raise TypeError(f"{kind.__name__} has other fields: {sorted(names ^ members.keys())}")

    def write(value: T, table: Table) -> Json:
        return {name: codec.write(getattr(value, name), table) for name, codec in members.items()}

    def read(value: object, table: Table) -> T:
        given = members_of(value, members)
        return kind(**{name: _inside(f".{name}", codec, given[name], table) for name, codec in members.items()})

    return Codec(write, read)


def one_of(**kinds: tuple[type[Any], Codec[Any]]) -> Codec[Any]:
    """A value of one of several types, as an object whose only member says which."""

    def write(value: object, table: Table) -> Json:
        name = next(name for name, (kind, _) in kinds.items() if isinstance(value, kind))
        return {name: kinds[name][1].write(value, table)}

    def read(value: object, table: Table) -> object:
        if type(value) is not dict or len(value) != 1:
            raise CaseError("not an object of one member")
        ((name, content),) = value.items()
        if name not in kinds:
            raise CaseError("of a kind that is not known")
        return _inside(f".{name}", kinds[name][1], content, table)

    return Codec(write, read)


def members_of(value: object, names: Mapping[str, object] | frozenset[str]) -> dict[str, object]:
    """An object's members.

    Raises:
        CaseError: it is none, or has others than these.
    """
    if type(value) is not dict:
        raise CaseError("not an object")
    if value.keys() != names.keys() if isinstance(names, Mapping) else value.keys() != names:
        raise CaseError("an object that lacks a member, or has one too many")
    return value


def _inside(place: str, codec: Codec[T], value: object, table: Table) -> T:
    try:
        return codec.read(value, table)
    except CaseError as error:
        raise error.within(place) from None
