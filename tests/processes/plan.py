"""What a service in miniature is made of: written by a test, read by `programs/supervise.py`."""

import json
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Self


class Behaviour(StrEnum):
    """What a child of `programs/child.py` does."""

    ANSWER = "answer"
    """Answers at the inherited socket; drains, retires and ends gracefully."""
    BACK = "back"
    """Waits at its gate, then beats; says when it begins and when it ends."""
    BACK_BREAKS = "back-breaks"
    """Waits at its gate, then ends with code 78."""
    BACK_STUBBORN = "back-stubborn"
    """Waits at its gate, and ignores `END_SIGNAL`."""
    BACK_SLOW = "back-slow"
    """The same, and takes a while to end."""
    STUBBORN = "stubborn"
    """Ignores `END_SIGNAL`."""
    SILENT = "silent"
    """Never beats."""
    CRASH = "crash"
    """Ends with code 1 as soon as it is tied."""
    MISCONFIGURED = "misconfigured"
    """Ends with code 78."""
    GREEDY = "greedy"
    """Beats once, then never lets go of the interpreter lock."""
    UNTIED = "untied"
    """Does without the kernel's parent-death signal."""
    LITTERING = "littering"
    """Leaves an orphan behind that ends soon, and prints its process id."""


class Trouble(StrEnum):
    """What is unusual about the supervisor's surroundings."""

    NONE = "none"
    LOG_CLOSED = "log_closed"
    """The log cannot be written."""
    LOG_BROKEN = "log_broken"
    """The log fails with what is not an `OSError`, once a child is ready."""
    ORPHANS = "orphans"
    """Orphans become the supervisor's."""


@dataclass(frozen=True, slots=True)
class Plan:
    """One service.

    Attributes:
        children: Name, behaviour and count of each kind.
        hang_after_s: As for `Times`.
        first_beat_within_s: As for `Times`.
        shutdown_grace_s: As for `Times`.
        drain_s: As for `Times`.
        backs: Names of the kinds that others rely on.
        others: What SIGHUP has in force, one after the other; then it is refused.
        trouble: What is unusual.
        program: Runs the children; empty for the interpreter of the supervisor.
    """

    children: tuple[tuple[str, Behaviour, int], ...]
    hang_after_s: float = 30.0
    first_beat_within_s: float = 60.0
    shutdown_grace_s: float = 30.0
    drain_s: float = 0.0
    backs: tuple[str, ...] = ()
    others: tuple[tuple[tuple[str, Behaviour, int], ...], ...] = ()
    trouble: Trouble = Trouble.NONE
    program: str = ""

    def to_json(self) -> str:
        """Write it down."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read it again."""
        read = json.loads(text)
        children = _children(read.pop("children"))
        others = tuple(_children(other) for other in read.pop("others"))
        trouble, backs = Trouble(read.pop("trouble")), tuple(read.pop("backs"))
        return cls(children=children, others=others, trouble=trouble, backs=backs, **read)


def _children(read: list[tuple[str, str, int]]) -> tuple[tuple[str, Behaviour, int], ...]:
    return tuple((name, Behaviour(behaviour), count) for name, behaviour, count in read)
