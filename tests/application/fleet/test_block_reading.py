"""When what was taken from the fleet's hash is the whole list, and when it is not."""

from dataclasses import replace
from typing import Final

import pytest

from service.application.fleet.block_envelopes import ListState
from service.application.fleet.block_reading import (
    COMING,
    EMPTIED,
    LOCKED,
    LONGEST_LOOKS,
    NO_ROOM,
    QUIET_LOOKS,
    Met,
    is_over,
    why_unread,
)

NOTHING: Final = Met(0, 0, 0, 0, 0, "one", None)
NOTED: Final = replace(NOTHING, said=ListState.WHOLE)
AT_IT: Final = replace(NOTHING, said=ListState.COMING)
TOOK: Final = replace(NOTHING, taken=1)
LOCKED_UP: Final = replace(NOTHING, refused=1, locked=1)
SPOILT: Final = replace(NOTHING, refused=1)
FULL: Final = replace(NOTHING, no_room=1)
OTHER: Final = replace(NOTHING, epoch="other")

READ: Final = {
    "noted": [NOTED] * (QUIET_LOOKS + 1),
    "noted late": [NOTHING, TOOK, replace(NOTED, taken=3), *[NOTED] * QUIET_LOOKS],
    "noted in the end": [*[NOTHING] * QUIET_LOOKS, NOTED],
    "nobody there": [NOTHING] * (QUIET_LOOKS + 1),
    "nobody there any more": [NOTHING, TOOK, TOOK, *[NOTHING] * QUIET_LOOKS],
    "what is no envelope": [SPOILT] * (QUIET_LOOKS + 1),
    "noted, and something of another key": [replace(LOCKED_UP, said=ListState.WHOLE)] * (QUIET_LOOKS + 1),
    "who was at it has gone": [AT_IT] * (LONGEST_LOOKS + 1),
}

UNREAD: Final = {
    "no room": ([replace(FULL, said=ListState.WHOLE)] * 2, NO_ROOM),
    "emptied": ([NOTED, replace(OTHER, said=ListState.WHOLE)], EMPTIED),
    "emptied while it waited": ([NOTHING] * QUIET_LOOKS + [OTHER], EMPTIED),
    "of another key": ([LOCKED_UP] * (QUIET_LOOKS + 1), LOCKED),
    "some of another key": ([replace(LOCKED_UP, taken=1), *[LOCKED_UP] * QUIET_LOOKS], LOCKED),
    "still coming": ([TOOK] * (LONGEST_LOOKS + 1), COMING),
    "still coming from who is at it": ([AT_IT] * LONGEST_LOOKS + [replace(AT_IT, taken=1)], COMING),
}

GOES_ON: Final = {
    "the first look": [NOTHING],
    "a note that was read among the others": [NOTED],
    "a note, which says nothing of others": [NOTED] * QUIET_LOOKS,
    "something came": [*[NOTHING] * QUIET_LOOKS, TOOK],
    "something came a moment ago": [*[NOTHING] * QUIET_LOOKS, TOOK, *[NOTHING] * (QUIET_LOOKS - 1)],
    "somebody is at it": [AT_IT] * LONGEST_LOOKS,
    "the others may write anew what does not open": [replace(LOCKED_UP, said=ListState.WHOLE)] * QUIET_LOOKS,
}


@pytest.mark.parametrize("looks", READ.values(), ids=READ.keys())
def test_what_counts_as_read(looks: list[Met]) -> None:
    """And there is no reason to look once more."""
    assert (True, None) == (is_over(looks), why_unread(looks))


@pytest.mark.parametrize(("looks", "why"), UNREAD.values(), ids=UNREAD.keys())
def test_what_does_not(looks: list[Met], why: str) -> None:
    """It is begun anew, and said why."""
    assert (True, why) == (is_over(looks), why_unread(looks))


@pytest.mark.parametrize("looks", GOES_ON.values(), ids=GOES_ON.keys())
def test_when_another_look_is_needed(looks: list[Met]) -> None:
    """Nobody can say yet."""
    assert not is_over(looks)
    assert why_unread(looks) in {COMING, LOCKED, None}
