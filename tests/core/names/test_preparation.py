"""String preparation (RFC 4518 §2): what makes no difference to a value, and what does."""

import sys
import unicodedata
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.names.preparation import MAX_MARKS, MAX_PREPARED_CHARACTERS, prepare


@pytest.mark.parametrize(
    ("one", "other"),
    [
        # §2.2: mapped to nothing
        ("Exam\N{SOFT HYPHEN}ple", "example"),
        ("Exam\N{ZERO WIDTH SPACE}ple", "example"),
        ("Exam\N{ZERO WIDTH JOINER}ple", "example"),
        ("Exam\N{RIGHT-TO-LEFT OVERRIDE}ple", "example"),
        ("Exam\N{ZERO WIDTH NO-BREAK SPACE}ple", "example"),
        ("Exam\N{COMBINING GRAPHEME JOINER}ple", "example"),
        ("Exam\N{VARIATION SELECTOR-16}ple", "example"),
        ("Exam\N{OBJECT REPLACEMENT CHARACTER}ple", "example"),
        ("Exam\N{TAG LATIN SMALL LETTER A}ple", "example"),
        ("Exam\0ple\x1b", "example"),
        ("\x7fExample\x9f", "example"),
        ("Zo\N{SOFT HYPHEN}e\N{COMBINING DIAERESIS}", "zoë"),
        # §2.2: mapped to a space, §2.6.1: compressed
        ("a\tb", "a b"),
        ("a\r\n b", "a b"),
        ("a\N{IDEOGRAPHIC SPACE}b", "a b"),
        ("a\N{EM SPACE}\N{THIN SPACE}b", "a b"),
        ("a\N{LINE SEPARATOR}b\x85", "a b"),
        (" \N{ZERO WIDTH SPACE} ", ""),
        # §2.2, §2.3: case and composition
        ("ǅ", "ǆ"),
        ("ΑΣ", "ας"),
        ("K", "\N{KELVIN SIGN}"),
        ("①", "1"),
    ],
)
def test_what_makes_no_difference(one: str, other: str) -> None:
    """Characters that mean nothing, white space, case and the way a letter is composed."""
    assert prepare(one) == prepare(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("example", "exampl"),
        ("a b", "ab"),
        ("a-b", "ab"),
        ("a\N{COMBINING DIAERESIS}", "a"),
        # §2.6.1: a space with a mark on it is no space
        ("a\N{COMBINING DIAERESIS}b", "a \N{COMBINING DIAERESIS}b"),
        ("a \N{COMBINING DIAERESIS}b", "a  \N{COMBINING DIAERESIS}b"),
        ("a\N{DIAERESIS}b", "a \N{DIAERESIS}b"),
        # §2.4: prohibited, and no reason to take one for the other
        ("\ue000", "\ue001"),
        ("\ue000", ""),
        ("\N{REPLACEMENT CHARACTER}", ""),
        ("\U000e0080", ""),
    ],
)
def test_what_makes_a_difference(one: str, other: str) -> None:
    """Everything else."""
    assert prepare(one) != prepare(other)


def test_a_space_that_carries_a_mark() -> None:
    """Spaces around it are compressed like any other, and it stays."""
    assert prepare("a   \N{COMBINING DIAERESIS}b") == prepare("a  \N{COMBINING DIAERESIS}b")
    assert prepare("  \N{COMBINING DIAERESIS}") == prepare(" \N{COMBINING DIAERESIS}")
    assert prepare("\N{COMBINING DIAERESIS}") != prepare(" \N{COMBINING DIAERESIS}")


CODE_POINTS: Final = tuple(map(chr, range(sys.maxunicode + 1)))
SPACE_LIKE: Final = frozenset("\t\n\v\f\r\x85")
ZERO_WIDTH_SPACE: Final = "\N{ZERO WIDTH SPACE}"
NAMED: Final = frozenset("\u00ad\u1806\u034f\u180b\u180c\u180d\ufffc\u200b").union(map(chr, range(0xFE00, 0xFE10)))
"""What the first and the last paragraph of §2.2 map to nothing one by one."""


def of_category(*categories: str) -> frozenset[str]:
    """The code points of these categories in the Unicode that RFC 4518 is written for."""
    return frozenset(one for one in CODE_POINTS if unicodedata.ucd_3_2_0.category(one) in categories)


def test_everything_that_is_mapped_to_nothing() -> None:
    """Control characters, what has the function of one, and what the RFC names; nothing else."""
    nothing = (of_category("Cc", "Cf") - SPACE_LIKE) | NAMED
    assert {prepare(f"a{one}b") for one in nothing} == {"ab"}
    neighbours = {chr(ord(one) + step) for one in nothing for step in (-1, 1) if ord(one)} - nothing
    assert "ab" not in {prepare(f"a{one}b") for one in neighbours}


def test_everything_that_is_mapped_to_a_space() -> None:
    """Separators and the control characters that write them; nothing else."""
    spaces = (of_category("Zs", "Zl", "Zp") | SPACE_LIKE) - {ZERO_WIDTH_SPACE}
    assert {prepare(f"a{one}b") for one in spaces} == {"a b"}
    neighbours = {chr(ord(one) + step) for one in spaces for step in (-1, 1)} - spaces
    assert "a b" not in {prepare(f"a{one}b") for one in neighbours}


@given(st.text(st.characters(exclude_categories=["Cs", "M"]), max_size=14))
def test_preparing_twice_changes_nothing(text: str) -> None:
    """What is prepared is equal to what it was made of."""
    prepared = prepare(text)
    assert prepared is not None
    assert prepare(prepared) == prepared


def test_the_longest_value() -> None:
    """One more character is not prepared, ASCII or not."""
    for one in "aä":
        assert one * MAX_PREPARED_CHARACTERS == prepare(one.upper() * MAX_PREPARED_CHARACTERS)
        assert prepare(one * (MAX_PREPARED_CHARACTERS + 1)) is None


@pytest.mark.parametrize(
    ("one", "becomes"), [("\ufdfa", 18), ("\N{GREEK DIALYTIKA TONOS}", 3), ("\N{LATIN SMALL LIGATURE FFI}", 3)]
)
def test_what_normalizing_makes_longer(one: str, becomes: int) -> None:
    """The length that counts is the one after it, and the characters before it."""
    most = MAX_PREPARED_CHARACTERS // becomes
    assert prepare(one * most) is not None
    assert prepare(one * (most + 1)) is None
    assert prepare("a" * (MAX_PREPARED_CHARACTERS - becomes) + one) is not None
    assert prepare("a" * (MAX_PREPARED_CHARACTERS - becomes + 1) + one) is None


def test_marks_in_a_row() -> None:
    """As many as UAX #15 §13 knows, counted as they are after normalizing; a letter between them begins anew."""
    mark = "\N{COMBINING TILDE OVERLAY}"
    most = "a" + mark * MAX_MARKS
    assert prepare(most * 8) == most * 8
    assert prepare(f"{most}{mark}b") is None
    double = "\N{COMBINING GREEK DIALYTIKA TONOS}"
    assert prepare("a" + double * (MAX_MARKS // 2)) is not None
    assert prepare("a" + double * (MAX_MARKS // 2 + 1)) is None


@given(st.text(st.sampled_from("aAä\u0327\u0308\u0345\u1100\u1161\u11a8\ufb03\u0344\uff76\uff9e"), max_size=15))
def test_normalizing_in_slices_changes_nothing(text: str) -> None:
    """What lies on both sides of a cut comes together as if there were none."""
    filled = "-" * 15 + text
    whole = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", filled).casefold())
    assert prepare(filled) == whole


@given(st.text(st.characters(max_codepoint=127), max_size=30))
def test_ascii_is_prepared_like_everything_else(text: str) -> None:
    """The short way for ASCII comes to what the long way comes to."""
    ascii_way = prepare(f"{text}e")
    assert ascii_way is not None
    assert prepare(f"{text}ë") == f"{ascii_way[:-1]}ë"
