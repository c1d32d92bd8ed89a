"""Files that are replaced while the service runs: its certificate and key, its client CA, its tokens.

Rules it keeps: every file is looked at every second, by what is in it and not by its date, since a mounted volume swaps
links and a copy may keep the date; what is new is in force before the look ends; what cannot be read or used changes
nothing, is told once, and is looked at again a second later. One look at a time, in a thread.

What it does not do: know what is in the files (`RotatingPart`).
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

from service.application.clock import Clock

LOOK_EVERY_S: Final = 1.0
"""Seconds between two looks: what is new is in force in every worker within two."""

STALE_AFTER_S: Final = 10.0
"""A look that takes longer hangs in a file system that does not answer; from then on nothing new is seen."""

LOOKING: Final = "rotation"
"""The name of the problem that nobody looks any more."""


@dataclass(frozen=True, slots=True)
class Look:
    """What was found.

    Attributes:
        taken: Settings whose files have another content, which is in force now.
        problems: Settings whose files cannot be used, and why, in words that repeat nothing of their content.
    """

    taken: tuple[str, ...] = ()
    problems: Mapping[str, str] = field(default_factory=dict)


NOTHING_NEW: Final = Look()
"""All files are as they were, and good."""


class RotatingPart(Protocol):
    """Something that is made of files."""

    def settings(self) -> tuple[str, ...]:
        """The settings that name its files."""

    def look(self) -> Look:
        """Read the files, and put what is new into force. Waits for the file system."""


class RotationObserver(Protocol):
    """Is told what became of the files; must not raise and must not wait."""

    def taken(self, setting: str) -> None:
        """Another content of a file is in force."""

    def refused(self, setting: str, problem: str) -> None:
        """A file cannot be used; what it was stays in force."""

    def restored(self, setting: str) -> None:
        """A file that could not be used is what it was before."""


class Rotation:
    """Looks at all parts of one process."""

    def __init__(
        self,
        parts: Iterable[RotatingPart],
        clock: Clock,
        observer: RotationObserver,
        faults: Callable[[str, Exception], None],
        first: Look = NOTHING_NEW,
    ) -> None:
        """Take the parts, each of which was looked at once.

        Args:
            parts: What is made of files.
            clock: Time.
            observer: Is told of every change.
            faults: Is told of our own faults.
            first: What the first looks have found: what was in force before, in another process, is not taken anew.
        """
        self._parts = tuple(parts)
        self._clock = clock
        self._observer = observer
        self._faults = faults
        self._problems: Mapping[str, str] = {}
        self._begun_at: float | None = None
        self._tell(first)

    def settings(self) -> tuple[str, ...]:
        """The settings whose files are looked at."""
        return tuple(setting for part in self._parts for setting in part.settings())

    async def run(self) -> None:
        """Look every second, until cancelled."""
        while self._parts:
            await self._clock.sleep(LOOK_EVERY_S)
            await self.look()

    async def look(self) -> None:
        """Look at everything once, and tell what is new."""
        self._begun_at = self._clock.monotonic()
        try:
            look = await asyncio.to_thread(self._look)
        finally:
            self._begun_at = None
        self._tell(look)

    def problems(self) -> Mapping[str, str]:
        """Settings whose files cannot be used, and why."""
        begun_at = self._begun_at
        if begun_at is None or self._clock.monotonic() - begun_at < STALE_AFTER_S:
            return self._problems
        return {**self._problems, LOOKING: "reading the files takes too long; what is new in them is not in force"}

    def _look(self) -> Look:
        taken: list[str] = []
        problems: dict[str, str] = {}
        for part in self._parts:
            try:
                look = part.look()
            except Exception as error:  # noqa: BLE001 - one part that fails must not end the looking at all of them
                self._faults("look at files that are replaced", error)
                look = Look(problems=dict.fromkeys(part.settings(), "the look itself failed; the log says more"))
            taken += look.taken
            problems |= look.problems
        return Look(tuple(taken), problems)

    def _tell(self, look: Look) -> None:
        before, self._problems = self._problems, look.problems
        for setting in look.taken:
            self._observer.taken(setting)
        for setting, problem in look.problems.items():
            if before.get(setting) != problem:
                self._observer.refused(setting, problem)
        for setting in before:
            if setting not in look.problems and setting not in look.taken:
                self._observer.restored(setting)
