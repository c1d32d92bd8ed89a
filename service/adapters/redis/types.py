"""What is under the fleet's names in Redis has a type, and whoever owns Redis may have put something else there.

Rules it keeps: of a name nothing but its type is known here; what has the right one, or is not there, is never removed.
"""

from collections.abc import Mapping
from typing import Final

from service.adapters.redis.links import Word
from service.adapters.redis.scripts import ENDS, MARK, PUT_AND_TELL

_HASH: Final = "hash"
_STREAM: Final = "stream"
_STRING: Final = "string"

_TYPES: Final[Mapping[Word, tuple[str, ...]]] = {
    "GET": (_STRING,),
    "HSCAN": (_HASH,),
    "HSET": (_HASH,),
    "HDEL": (_HASH,),
    "XADD": (_STREAM,),
    "XREAD": (_STREAM,),
    ENDS: (_STREAM,),
    MARK: (_STRING,),
    PUT_AND_TELL: (_HASH, _STREAM),
}
"""Of the names of a command, or of a script; a lease, of which nothing is read, may be anything."""

WRONG_TYPE: Final = "WRONGTYPE"
"""What Redis says then; up to its sixth version inside of what it says of a script."""


def types_of(name: str, words: tuple[Word, ...]) -> tuple[tuple[Word, str], ...]:
    """The names of a command, each with the type that what is there must have."""
    match words:
        case ("EVAL", script, int(count), *rest):
            return tuple(zip(rest[:count], _TYPES.get(script, ()), strict=False))
        case _:
            return tuple((name, kind) for kind in _TYPES.get(words[0], ()))
