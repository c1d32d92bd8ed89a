"""Places in a stream: numbers that are ordered, or nothing at all."""

import pytest

from service.application.fleet.position import BEGINNING, END, EventId, GarbledStreamError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0-0", BEGINNING),
        ("1700000000000-12", EventId(1_700_000_000_000, 12)),
        ("18446744073709551615-18446744073709551615", END),
    ],
)
def test_what_is_a_place(text: str, expected: EventId) -> None:
    """It is read, and written as it was."""
    assert expected == EventId.parse(text)
    assert text == str(expected)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        "1-",
        "-1",
        "1-2-3",
        "1-2\n",
        " 1-2",
        "-1-2",
        "+",
        "$",
        "1-x",
        "18446744073709551616-0",
        "0-18446744073709551616",
        "100000000000000000000000-0",
        "\u0661-\u0662",
    ],
)
def test_what_is_none(text: str) -> None:
    """It is an error."""
    with pytest.raises(GarbledStreamError):
        EventId.parse(text)


def test_they_are_ordered_as_numbers() -> None:
    """By milliseconds, then by the number within, and not as text."""
    assert EventId(9, 9) < EventId(10, 0) < EventId(10, 9) < EventId(10, 10) < END
