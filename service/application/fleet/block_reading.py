"""Whether a host that is new to its fleet has read the fleet's list of blocks: here, and nowhere else.

Rules it keeps: what a host has taken from the hash is the whole list where the others were asked for theirs, and nobody
says or writes anything for a while. That somebody has noted that all of his is there says nothing of the others. It is
not where blocks do not fit, where the cache was emptied between two looks, where more is coming, or where somebody has
written what does not open here and nobody has noted anything that does.

What it does not do: look (`block_meeting`), or ask (`block_list`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from service.application.fleet.block_envelopes import ListState

LOOK_S: Final = 0.5
"""Seconds between two looks."""

QUIET_LOOKS: Final = 6
"""Looks in a row that find nothing before nobody is there: three seconds. Whoever hears that he is asked says within
milliseconds that he is at it; who lost the cache with everybody else is there again within one second; and who cannot
open what he is asked looks each second whether the cache was emptied."""

LONGEST_LOOKS: Final = 40
"""Looks after which it is begun anew: 20 seconds, where 100,000 blocks are written in three; and who has said that he
is at it, and written nothing for so long, is not any more."""

NO_ROOM: Final = "the fleet has more blocks than there is room for here"
EMPTIED: Final = "the cache was emptied while the list of blocks was read"
LOCKED: Final = "the fleet's list of blocks does not open with the keys of this replica (REVET_FLEET_KEY)"
COMING: Final = "the fleet's list of blocks is still being written"


@dataclass(frozen=True, slots=True)
class Met:
    """What has come of one look at the hash.

    Attributes:
        taken: Blocks and tombstones that came here.
        given: Those that were written there.
        refused: What is there and is not used.
        locked: That part of it which may be blocks, made with another key.
        no_room: Blocks that are there and could not be held here.
        epoch: Tells this content of the cache from others.
        said: What somebody of this fleet has noted about this content, sealed with the first key; None for nothing.
    """

    taken: int
    given: int
    refused: int
    locked: int
    no_room: int
    epoch: str
    said: ListState | None

    @property
    def is_noted(self) -> bool:
        """Whether somebody has noted that all of his is there."""
        return self.said is ListState.WHOLE


def is_over(looks: Sequence[Met]) -> bool:
    """Whether there is no reason to look once more."""
    last = looks[-1]
    if last.epoch != looks[0].epoch or len(looks) > LONGEST_LOOKS or last.no_room:
        return True
    return last.said is not ListState.COMING and _is_quiet(looks)


def why_unread(looks: Sequence[Met]) -> str | None:
    """Why a list does not count as read after these looks; None where it does."""
    last = looks[-1]
    if last.no_room:
        return NO_ROOM
    if last.epoch != looks[0].epoch:
        return EMPTIED
    if last.locked and not any(met.is_noted for met in looks[:-1]):
        return LOCKED
    return None if _is_quiet(looks) else COMING


def _is_quiet(looks: Sequence[Met]) -> bool:
    return len(looks) > QUIET_LOOKS and not any(met.taken for met in looks[-QUIET_LOOKS:])
