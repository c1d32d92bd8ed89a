"""String preparation for comparing attribute values (RFC 5280 §7.1, RFC 4518 §2).

Code points that mean nothing are dropped, all white space is one kind of space, case is folded, letters are normalized
and insignificant spaces removed. What RFC 4518 §2.4 prohibits (private use, unassigned) stays as it is: it equals
itself and nothing else.
"""

import unicodedata
from collections.abc import Mapping

MAX_PREPARED_CHARACTERS = 256
"""Longer values, and those that normalizing makes longer, are not prepared: RFC 5280 allows an e-mail address 255
characters and nothing in use more, and one character becomes up to eighteen (U+FDFA)."""

MAX_MARKS = 30
"""Combining marks in a row, as in UAX #15 §13 (Stream-Safe Text Format): putting them in order takes time in proportion
to the square of their number."""

_SLICE = 16
"""Characters that are normalized before the result is measured: a few hundred at most."""

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


def prepare(text: str) -> str | None:
    """A form of a value that is equal for values that match without regard to case.

    Returns:
        None for a value that takes longer to prepare than any in use: above `MAX_PREPARED_CHARACTERS` or `MAX_MARKS`.
    """
    if len(text) > MAX_PREPARED_CHARACTERS:
        return None
    mapped = text.translate(_MAPPED)
    if mapped.isascii():
        return " ".join(mapped.lower().split())
    normalized = _normalize(mapped)
    if normalized is None:
        return None
    # Normalized before folding and after, since either can undo the other.
    folded = unicodedata.normalize("NFKC", normalized.casefold())
    return " ".join(_bind(folded).split()).replace(_BOUND, " ")


def _normalize(text: str) -> str | None:
    """The text in NFKC; None where it grows too long or has too many marks in a row."""
    grown = ""
    for start in range(0, len(text), _SLICE):
        grown += unicodedata.normalize("NFKC", text[start : start + _SLICE])
        if len(grown) > MAX_PREPARED_CHARACTERS:
            return None
    return None if _has_many_marks(grown) else unicodedata.normalize("NFKC", grown)


def _has_many_marks(text: str) -> bool:
    run = 0
    for character in text:
        run = run + 1 if unicodedata.combining(character) else 0
        if run > MAX_MARKS:
            return True
    return False


def _bind(text: str) -> str:
    """The text with each space that carries a mark out of the way: it is significant (RFC 4518 §2.6.1)."""
    first, *rest = text.split(" ")
    carries_mark = (unicodedata.category(word[:1] or " ").startswith("M") for word in rest)
    return first + "".join(f"{_BOUND if bound else ' '}{word}" for bound, word in zip(carries_mark, rest, strict=True))
