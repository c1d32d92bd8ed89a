"""String preparation for comparing attribute values (RFC 5280 §7.1, RFC 4518 §2).

Code points that mean nothing are dropped, all white space is one kind of space, case is folded, letters are normalized
and insignificant spaces removed. What RFC 4518 §2.4 prohibits (private use, unassigned) stays as it is: it equals
itself and nothing else.
"""

import unicodedata
from collections.abc import Mapping

_NOTHING = (  # RFC 4518 §2.2, first, third and fourth paragraph
    *range(0x0009),
    *range(0x000E, 0x0020),
    *range(0x007F, 0x0085),
    *range(0x0086, 0x00A0),
    0x00AD,  # soft hyphen
    0x034F,  # combining grapheme joiner
    0x06DD,
    0x070F,
    0x1806,
    *range(0x180B, 0x180F),
    *range(0x200B, 0x2010),  # zero width space and joiners, direction marks
    *range(0x202A, 0x202F),
    *range(0x2060, 0x2064),
    *range(0x206A, 0x2070),
    *range(0xFE00, 0xFE10),  # variation selectors
    0xFEFF,
    *range(0xFFF9, 0xFFFD),
    *range(0x1D173, 0x1D17B),
    0xE0001,
    *range(0xE0020, 0xE0080),
)

_SPACES = (  # RFC 4518 §2.2, second and fourth paragraph
    *range(0x0009, 0x000E),
    0x0085,
    0x00A0,
    0x1680,
    *range(0x2000, 0x200B),
    0x2028,
    0x2029,
    0x202F,
    0x205F,
    0x3000,
)

_MAPPED: Mapping[int, str | None] = {**dict.fromkeys(_NOTHING), **dict.fromkeys(_SPACES, " ")}

_BOUND = "\0"
"""Stands for a space that carries a combining mark: after the mapping there is no control character left."""


def prepare(text: str) -> str:
    """A form of a value that is equal for values that match without regard to case.

    The time it takes grows with the square of a run of combining marks: callers bound the length.
    """
    mapped = text.translate(_MAPPED)
    if mapped.isascii():
        return " ".join(mapped.lower().split())
    # Normalized before folding and after, since either can undo the other.
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", mapped).casefold())
    return " ".join(_bind(folded).split()).replace(_BOUND, " ")


def _bind(text: str) -> str:
    """The text with each space that carries a mark out of the way: it is significant (RFC 4518 §2.6.1)."""
    first, *rest = text.split(" ")
    carries_mark = (unicodedata.category(word[:1] or " ").startswith("M") for word in rest)
    return first + "".join(f"{_BOUND if bound else ' '}{word}" for bound, word in zip(carries_mark, rest, strict=True))
