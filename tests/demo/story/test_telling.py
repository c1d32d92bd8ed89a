"""How the story looks."""

import pytest

from service.demo.story.telling import WIDTH, Teller, visible


def test_tables_are_aligned() -> None:
    """Each column begins where it begins in every row, and no line ends in blanks."""
    lines: list[str] = []

    Teller(lines.append).table((("", "one", "two"), ("a.pem", "204", "no TLS"), ("b", "403", "")))

    assert ["         one  two", "  a.pem  204  no TLS", "  b      403"] == lines


def test_paragraphs_are_broken() -> None:
    """No line is longer than the width; nothing is lost."""
    lines: list[str] = []
    text = " ".join(f"word{number}" for number in range(60))

    Teller(lines.append).paragraph(text)

    assert max(map(len, lines)) <= WIDTH
    assert text == " ".join(line.strip() for line in lines)


def test_chapters_stand_apart() -> None:
    """An empty line goes before each."""
    lines: list[str] = []

    Teller(lines.append).chapter("1. Title")

    assert ["", "1. Title"] == lines


@pytest.mark.parametrize(
    ("text", "shown"),
    [("a\r\n b\t c", "a b c"), ("red \x1b[31m", "red  [31m"), ('{"a": "ä"}\n', '{"a": "ä"}')],
)
def test_what_a_server_said(text: str, shown: str) -> None:
    """It stays on its line and commands no terminal."""
    assert shown == visible(text)
