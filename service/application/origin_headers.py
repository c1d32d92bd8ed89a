"""What an origin says about its answer: which version it is, and for how long it is to be kept (RFC 9110, RFC 9111).

What it does: reads ETag, Last-Modified, Cache-Control and Age, and says what of it goes back with the next request.

What it does not do: decide when to ask again. What an origin says of itself is a hint, and nobody has signed it.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

MAX_VALIDATOR_LENGTH: Final = 1024
"""Characters of an ETag or a date that are kept: they are stored and sent back, and origins use a hundred at most."""

MAX_AGE_S: Final = 2**31
"""What a longer age counts as (RFC 9111 §1.2.2)."""

# RFC 9110 §8.8.3, without obs-text. Anything else is not sent back: `*` and lists mean something of their own in
# If-None-Match.
_ETAG: Final = re.compile(r'(?:W/)?"[\x21\x23-\x7e]*"')
_DATE: Final = re.compile(r"[A-Za-z]{3,9}, [0-9A-Za-z :-]+ GMT")
_ONE_SECOND: Final = timedelta(seconds=1)
_SECONDS: Final = re.compile(r'"?([0-9]{1,19})"?')


@dataclass(frozen=True, slots=True)
class Validators:
    """What tells one version of what is at a URL from the next (RFC 9110 §8.8).

    Attributes:
        etag: As the origin sent it, with its quotes.
        last_modified: As the origin sent it.
    """

    etag: str | None = None
    last_modified: str | None = None

    @property
    def conditions(self) -> tuple[tuple[str, str], ...]:
        """The headers of a request for anything but this version (RFC 9110 §13.1.2, §13.1.3)."""
        found = (("If-None-Match", self.etag), ("If-Modified-Since", self.last_modified))
        return tuple((name, value) for name, value in found if value is not None)


@dataclass(frozen=True, slots=True)
class OriginHeaders:
    """What an origin says about its answer.

    Attributes:
        validators: Of this version; empty where the origin gives none that can be sent back.
        max_age_s: Seconds from now for which the origin says that this version stays the current one; 0 where it says
            that it may not be kept, None where it says nothing.
    """

    validators: Validators = Validators()
    max_age_s: int | None = None


def read_headers(headers: Iterable[tuple[str, str]]) -> OriginHeaders:
    """Read what concerns versions and ages.

    Args:
        headers: Of an answer, with lower-case names.
    """
    found: dict[str, str] = {}
    for name, value in headers:
        found[name] = value if name not in found or name != "cache-control" else f"{found[name]},{value}"
    validators = Validators(_shaped(_ETAG, found.get("etag")), _last_modified(found))
    return OriginHeaders(validators, _max_age(found.get("cache-control", ""), found.get("age", "")))


def _last_modified(found: dict[str, str]) -> str | None:
    """Last-Modified, unless the answer was given within the second that it names (RFC 9110 §8.8.2.2).

    Another version may have followed in that second, which the date does not tell from this one: what was revoked in it
    would not be heard of before the version after.
    """
    modified = _shaped(_DATE, found.get("last-modified"))
    given = _moment(_shaped(_DATE, found.get("date")))
    if modified is None or given is None:
        return modified
    since = _moment(modified)
    return None if since is None or given - since < _ONE_SECOND else modified


def _moment(text: str | None) -> datetime | None:
    """A date with its zone; None where there is none, or no date that there can be."""
    try:
        found = None if text is None else parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return None if found is None or found.tzinfo is None else found


def _shaped(shape: re.Pattern[str], value: str | None) -> str | None:
    if value is None or len(value) > MAX_VALIDATOR_LENGTH or shape.fullmatch(value) is None:
        return None
    return value


def _max_age(cache_control: str, age: str) -> int | None:
    """Seconds that are left (RFC 9111 §4.2): `max-age` less the time it has spent in other caches.

    `s-maxage` is for caches that several share, and this one serves one owner.
    """
    directives = [directive.strip().lower() for directive in cache_control.split(",")]
    if "no-store" in directives or "no-cache" in directives:
        return 0
    for directive in directives:
        name, _, value = directive.partition("=")
        if name.strip() == "max-age":
            seconds = _SECONDS.fullmatch(value.strip())
            spent = _SECONDS.fullmatch(age.strip())
            # What cannot be read is the shortest there is (RFC 9111 §4.2.1).
            return 0 if seconds is None else max(0, _bounded(seconds) - (0 if spent is None else _bounded(spent)))
    return None


def _bounded(seconds: re.Match[str]) -> int:
    return min(int(seconds[1]), MAX_AGE_S)
