"""The query of a path: a few parameters that are known, each once."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, TypeVar
from urllib.parse import parse_qsl

from starlette.types import Scope

from service.api.problems import FieldFault, ProblemError, invalid_request, printable

MAX_PARAMETERS: Final = 16
"""More than any path has."""

MOST_SKIPPED: Final = 1_000_000
"""Lines before a page: more than any store has room for."""

_WORDS: Final = {"true": True, "false": False}

_Word = TypeVar("_Word", bound=StrEnum)


def read_query(scope: Scope, known: tuple[str, ...]) -> Mapping[str, str]:
    """The parameters of a request.

    Args:
        scope: ASGI's description of the request.
        known: Names that the path has.

    Raises:
        ProblemError: another name, or one twice (400).
    """
    try:
        text = scope["query_string"].decode("ascii")
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_PARAMETERS, errors="strict")
    except ValueError:
        raise wrong("request", "its query cannot be read") from None
    found: dict[str, str] = {}
    for name, value in pairs:
        if name not in known:
            raise wrong(printable(name), "unknown parameter")
        if name in found:
            raise wrong(name, "given twice")
        found[name] = value
    return found


def read_flag(query: Mapping[str, str], name: str) -> bool:
    """A parameter that is true or false, and false where it is absent.

    Raises:
        ProblemError: it is neither (400).
    """
    value = _WORDS.get(query.get(name, "false"))
    if value is None:
        raise wrong(name, "true or false is needed")
    return value


def read_word(query: Mapping[str, str], name: str, known: type[_Word]) -> _Word | None:
    """A parameter that is one of some words; None where it is absent.

    Raises:
        ProblemError: it is none of them (400).
    """
    text = query.get(name)
    try:
        return None if text is None else known(text)
    except ValueError:
        raise wrong(name, f"one of {', '.join(known)} is needed") from None


def read_count(query: Mapping[str, str], name: str, default: int, most: int, least: int = 1) -> int:
    """A parameter that is a number.

    Raises:
        ProblemError: it is none, or too small or large (400).
    """
    text = query.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit()) or len(text) > len(str(most)) or not least <= int(text) <= most:
        raise wrong(name, f"a number from {least} to {most} is needed")
    return int(text)


def read_skip(query: Mapping[str, str]) -> int:
    """How many lines of a listing to leave out before the first.

    Raises:
        ProblemError: it is no number, or too large (400).
    """
    return read_count(query, "skip", 0, MOST_SKIPPED, least=0)


def wrong(field: str, detail: str) -> ProblemError:
    """The problem of a parameter or field that is wrong."""
    return ProblemError(invalid_request((FieldFault(field, detail),)))
