"""Settings that are places: files and directories, `https://`, `s3://`, and what one place stands for.

Rules it keeps: a text is read as whoever opens the place will read it (`application.places`); a local place can be read
now, for a mistake in it would show only later.

What it does not do: open what is elsewhere. Whether a bucket may be read shows when it is read.
"""

import re
from typing import Annotated, Final

from pydantic import AfterValidator, BeforeValidator

from service.application.places import FilePlace, Place, UrlPlace, parse_place, parse_trust_place
from service.application.trust_store_source import STORE_NAME
from service.settings.shown import Shown
from service.settings.values import items, readable

_MAPPING: Final = re.compile(r"(https?://\S*?)=((?:https?|s3|file)://\S+|/.*)", re.DOTALL | re.IGNORECASE)


def _trust_store(text: str) -> str:
    _readable(parse_trust_place(text).place)
    return text


def _crl_source(text: str) -> str:
    _readable(parse_place(text))
    return text


def _readable(place: Place) -> None:
    match place:
        case FilePlace(path):
            readable(path)
        case _:
            pass


def web_url(text: str) -> str:
    """Take an http or https URL.

    Raises:
        ValueError: it is none, or has credentials or a fragment in it.
    """
    if not isinstance(parse_place(text), UrlPlace):
        raise ValueError(f"{text!r} is no http or https URL")  # noqa: TRY004 - pydantic collects ValueErrors only
    return text


def _mapping(value: object) -> object:
    """Take `from=to`; what was taken apart before passes."""
    if not isinstance(value, str):
        return value
    found = _MAPPING.fullmatch(value)
    if found is None:
        raise ValueError(f"{value!r} is not of the form http://from/=s3://to/")
    return found[1], found[2]


def _mapped(pair: tuple[str, str]) -> tuple[str, str]:
    origin, target = pair
    web_url(origin)
    parse_place(target)
    if origin.endswith("/") != target.endswith("/"):
        raise ValueError(f"{origin!r} and {target!r}: either both end in /, or none does")
    if "/" not in origin.partition("://")[2]:
        raise ValueError(f"{origin!r} and {target!r}: both need a / at the end to stand for all that is below")
    return pair


def _prefixes_once(pairs: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    seen: set[str] = set()
    for origin, _ in pairs:
        if origin in seen:
            raise ValueError(f"{origin!r} is mapped twice")
        seen.add(origin)
    return pairs


def _store_name(value: str) -> str:
    if STORE_NAME.fullmatch(value) is None:
        raise ValueError(f"{value!r} is no name of a trust store")
    return value


TrustStorePlace = Annotated[
    str,
    AfterValidator(_trust_store),
    Shown("file, directory, `s3://bucket/key[?versionId=]`, `https://…[#sha256=]`"),
]
"""A file or directory that can be read now, `s3://bucket/key[?versionId=]`, `https://…[#sha256=]`."""

CrlSources = Annotated[
    tuple[Annotated[str, AfterValidator(_crl_source)], ...],
    BeforeValidator(items),
    Shown("files, directories, `https://…`, `http://…`, `s3://bucket/prefix/`"),
]
"""Files and directories that can be read now, `https://…`, `http://…`, `s3://bucket/prefix/`, separated by commas."""

CrlMap = Annotated[
    tuple[Annotated[tuple[str, str], AfterValidator(_mapped), BeforeValidator(_mapping)], ...],
    AfterValidator(_prefixes_once),
    BeforeValidator(items),
    Shown("`http://from/=s3://to/`"),
]
"""What URLs begin with, and what stands there instead: `http://from/=s3://to/`, separated by commas.

Without a `/` at the end of both, the one URL and its place.
"""

StoreNames = Annotated[tuple[Annotated[str, AfterValidator(_store_name)], ...], BeforeValidator(items), Shown("names")]
"""Names of trust stores, separated by commas."""
