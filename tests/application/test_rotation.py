"""Looking at files that are replaced: what is told, and what goes on whatever happens."""

import asyncio
import threading
from dataclasses import dataclass, field

import pytest

from service.application.rotation import LOOK_EVERY_S, LOOKING, NOTHING_NEW, STALE_AFTER_S, Look, Rotation
from tests.application.manual_clock import ManualClock

pytestmark = pytest.mark.anyio


@dataclass
class Told:
    """Remembers what it is told."""

    events: list[tuple[str, ...]] = field(default_factory=list)

    def taken(self, setting: str) -> None:
        """Another content."""
        self.events.append(("taken", setting))

    def refused(self, setting: str, problem: str) -> None:
        """A problem."""
        self.events.append(("refused", setting, problem))

    def restored(self, setting: str) -> None:
        """No problem any more."""
        self.events.append(("restored", setting))


class Part:
    """Finds what it is given to find."""

    def __init__(self, name: str, *looks: Look | Exception) -> None:
        self.name = name
        self.looks = list(looks)
        self.has_shown_all = threading.Event()

    def settings(self) -> tuple[str, ...]:
        """One."""
        return (self.name,)

    def look(self) -> Look:
        """The next of them; nothing new afterwards."""
        found = self.looks.pop(0) if self.looks else Look()
        if not self.looks:
            self.has_shown_all.set()
        if isinstance(found, Exception):
            raise found
        return found


def rotation(
    *parts: Part, told: Told | None = None, faults: list[str] | None = None, first: Look = NOTHING_NEW
) -> Rotation:
    """One with a clock that stands still."""
    noted = [] if faults is None else faults
    return Rotation(parts, ManualClock(), told or Told(), lambda where, _error: noted.append(where), first)


async def test_what_is_told() -> None:
    """Each change once: a problem, another one, its end; and what is new."""
    told = Told()
    bad, worse = Look(problems={"A": "bad"}), Look(problems={"A": "worse"})
    looking = rotation(Part("A", bad, bad, worse, Look(), Look(("A",)), bad, Look(("A",))), told=told)
    for _ in range(7):
        await looking.look()
    assert [
        ("refused", "A", "bad"),
        ("refused", "A", "worse"),
        ("restored", "A"),
        ("taken", "A"),
        ("refused", "A", "bad"),
        ("taken", "A"),
    ] == told.events


async def test_the_first_look_is_told() -> None:
    """A worker that begins with what is kept says so, and so does one that has taken what nobody had before it."""
    told = Told()
    looking = rotation(Part("A"), Part("B"), told=told, first=Look(("B",), {"A": "bad"}))
    assert ([("taken", "B"), ("refused", "A", "bad")], {"A": "bad"}) == (told.events, looking.problems())


async def test_problems_of_all_parts() -> None:
    """They are there until the next look finds none."""
    looking = rotation(Part("A", Look(problems={"A": "bad"})), Part("B", Look(problems={"B": "gone"})))
    await looking.look()
    first = looking.problems()
    await looking.look()
    assert ({"A": "bad", "B": "gone"}, {}, ("A", "B")) == (first, looking.problems(), looking.settings())


async def test_one_that_fails_keeps_nobody_from_looking() -> None:
    """It is a fault, and a problem of its files."""
    faults: list[str] = []
    looking = rotation(Part("A", RuntimeError("broken")), Part("B", Look(problems={"B": "gone"})), faults=faults)
    await looking.look()
    assert (["look at files that are replaced"], {"A", "B"}) == (faults, set(looking.problems()))


async def test_it_looks_again_and_again() -> None:
    """Every second: what is new is in force within two."""
    clock, told = ManualClock(), Told()
    part = Part("A", Look(("A",)), Look(("A",)), Look(("A",)))
    running = asyncio.ensure_future(Rotation([part], clock, told, lambda *_: None).run())
    await asyncio.to_thread(part.has_shown_all.wait, 20)
    running.cancel()
    assert [LOOK_EVERY_S] * 3 == clock.slept[:3]
    assert LOOK_EVERY_S <= 1


async def test_nobody_looks_where_there_is_nothing() -> None:
    """A service without such files has no thread for them."""
    await rotation().run()


class Hanging(Part):
    """Waits for a file system that does not answer."""

    def __init__(self) -> None:
        super().__init__("A")
        self.has_begun = threading.Event()
        self.may_end = threading.Event()

    def look(self) -> Look:
        """Wait."""
        self.has_begun.set()
        self.may_end.wait(20)
        return Look()


async def test_a_look_that_hangs() -> None:
    """Nothing new comes into force any more, which somebody should know."""
    clock, part = ManualClock(), Hanging()
    looking = Rotation([part], clock, Told(), lambda *_: None)
    under_way = asyncio.ensure_future(looking.look())
    await asyncio.to_thread(part.has_begun.wait, 20)
    at_once = looking.problems()
    clock.advance(STALE_AFTER_S)
    later = looking.problems()
    part.may_end.set()
    await under_way
    assert ({}, {LOOKING}, {}) == (at_once, set(later), looking.problems())
