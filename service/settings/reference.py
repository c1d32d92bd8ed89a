"""The reference of the settings: a table for each section, out of their names, types, bounds, defaults and docstrings.

`scripts/settings_reference.py` writes the tables into `docs/settings.md`.
"""

import re
from collections.abc import Iterator, Mapping
from enum import Enum
from functools import cache
from typing import Annotated, Any, Final, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from service.settings.fields import SECTIONS
from service.settings.model import Settings, setting
from service.settings.shown import Shown

_HEAD: Final = ("| name | default | values | meaning |", "| --- | --- | --- | --- |")
_BAR: Final = re.compile(r"(?<!\\)\|")


def settings_tables() -> Iterator[str]:
    """The tables in Markdown, one for each section, in their order.

    Raises:
        ValueError: a field has no docstring, or nothing says what may be given.
    """
    for section in SECTIONS:
        rows = (_row(field, Settings.model_fields[field]) for field in _own_fields(section))
        yield "\n".join((*_HEAD, *rows))


def _own_fields(section: type[BaseModel]) -> Iterator[str]:
    """The names of the settings in a section."""
    yield from section.model_fields


def _row(field: str, info: FieldInfo) -> str:
    meaning = " ".join((info.description or "").split())
    if not meaning:
        raise ValueError(f"{setting(field)} has no docstring")
    cells = (f"`{setting(field)}`", _default(info), _values(field, info), meaning)
    return "| " + " | ".join(_BAR.sub(r"\|", cell) for cell in cells) + " |"


def _shown(info: FieldInfo) -> Shown:
    """What types and field say of themselves, together."""
    found = [one for one in (*_of_annotation(info.annotation), *info.metadata) if isinstance(one, Shown)]
    return Shown(
        next((one.values for one in reversed(found) if one.values), ""),
        next((one.default for one in reversed(found) if one.default), ""),
    )


def _of_annotation(annotation: object) -> Iterator[object]:
    """What is annotated to a type, or to one of those of a union."""
    if get_origin(annotation) is Annotated:
        yield from annotation.__metadata__  # type: ignore[attr-defined] # what get_origin has just looked at
        return
    for part in get_args(annotation):
        if get_origin(part) is Annotated:
            yield from part.__metadata__


def _default(info: FieldInfo) -> str:
    shown = _shown(info).default
    if shown:
        return shown
    match info.default:
        case None | ():
            return "none"
        case tuple() as several:
            return f"`{','.join(str(one) for one in several)}`"
        case bool() as truth:
            return f"`{str(truth).lower()}`"
        case Enum() as one:
            return f"`{one.value}`"
        case float() as number:
            return f"`{number:g}`"
        case other:
            return f"`{other}`"


def _values(field: str, info: FieldInfo) -> str:
    """What may be given: in words where the field has some, or its bounds, or each that there is.

    Raises:
        ValueError: nothing says so.
    """
    shown = _shown(info).values
    if shown:
        return shown
    match _described(field):
        case {"ge": lowest, "le": highest}:
            return f"{lowest} to {highest}"
        case {"gt": lowest, "le": highest}:
            return f"above {lowest}, to {highest}"
        case {"enum": [*names]}:
            return ", ".join(f"`{name}`" for name in names)
        case {"type": "boolean"}:
            return "`true`, `false`"
        case _:
            raise ValueError(f"nothing says what {setting(field)} may be")


@cache
def _schema() -> Mapping[str, Any]:
    return Settings.model_json_schema()


def _described(field: str) -> Mapping[str, Any]:
    """The machine-readable bounds of a field: of numbers, and of what has a few values."""
    found: dict[str, Any] = _schema()["properties"][field]
    (found,) = (one for one in found.get("anyOf", [found]) if one.get("type") != "null")
    reference = found.get("$ref", "").rpartition("/")[2]
    return {**found, **_schema().get("$defs", {}).get(reference, {})}
