"""String preparation (RFC 4518 §2): what makes no difference to a value, and what does."""

import sys
import unicodedata
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.names.preparation import prepare


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


@given(st.text(st.characters(exclude_categories=["Cs", "M"]), max_size=20))
def test_preparing_twice_changes_nothing(text: str) -> None:
    """What is prepared is equal to what it was made of."""
    assert prepare(prepare(text)) == prepare(text)


@given(st.text(st.characters(max_codepoint=127), max_size=30))
def test_ascii_is_prepared_like_everything_else(text: str) -> None:
    """The short way for ASCII comes to what the long way comes to."""
    assert prepare(f"{text}ë") == f"{prepare(f'{text}e')[:-1]}ë"
