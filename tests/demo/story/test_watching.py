"""How long doors take to refuse, by answers that a test makes up."""

import threading
from collections.abc import Iterator

import pytest

from service.demo.story import watching
from service.demo.story.curl import Answer, Closed, Outcome
from service.demo.story.doors import Door
from service.demo.story.errors import InterruptedStoryError, StoryError
from service.demo.story.watching import watch

OPEN = Answer(204, (), "")
SHUT = Answer(403, (), "no")


def door(name: str) -> Door:
    """A door that nobody asks but through `Answers`."""
    return Door(name, "", f"https://{name}/", {})


def never() -> bool:
    """Nobody wants to stop."""
    return False


def nothing() -> None:
    """Nothing happens."""


class Answers:
    """What each door says, one after the other; the last for ever."""

    def __init__(self, **said: tuple[Outcome, ...]) -> None:
        """Take what they say."""
        self._said: dict[str, Iterator[Outcome]] = {name: iter(outcomes) for name, outcomes in said.items()}
        self._last: dict[str, Outcome] = {}

    def __call__(self, at: Door) -> Outcome:
        """The next one."""
        self._last[at.name] = outcome = next(self._said[at.name], self._last.get(at.name, OPEN))
        return outcome


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody pauses."""
    monkeypatch.setattr(watching, "PAUSE_S", 0)


def test_each_door_for_itself() -> None:
    """How often each let in after the event, and what it said first when it did no longer."""
    answers = Answers(a=(OPEN, SHUT), b=(OPEN, OPEN, OPEN, SHUT))

    turns = watch((door("a"), door("b")), answers, nothing, never)

    assert [("a", 0, SHUT), ("b", 2, SHUT)] == [(turn.door.name, turn.let_in, turn.answer) for turn in turns]
    assert all(turn.seconds > 0 for turn in turns)


def test_the_event_comes_between() -> None:
    """All doors are seen open before it, and none is asked while it happens."""
    asked: list[str] = []
    happened = threading.Event()

    def ask(at: Door) -> Outcome:
        asked.append(at.name)
        return SHUT if happened.is_set() else OPEN

    def event() -> None:
        assert ["a", "b"] == sorted(asked)
        happened.set()

    turns = watch((door("a"), door("b")), ask, event, never)

    assert [0, 0] == [turn.let_in for turn in turns]


@pytest.mark.parametrize("before", [SHUT, Closed("curl: (56)")])
def test_a_door_that_was_never_open(before: Outcome) -> None:
    """Nothing is shown by a door that refused before."""
    happened: list[bool] = []

    with pytest.raises(StoryError, match=r"a answered .* before"):
        watch((door("a"),), Answers(a=(before,)), lambda: happened.append(True), never)

    assert [] == happened


@pytest.mark.parametrize("other", [Answer(503, (), ""), Answer(200, (), ""), Closed("curl: (56)")])
def test_a_door_that_says_something_else(other: Outcome) -> None:
    """Neither 204 nor 403: the story fails with it, and not with the doors that were waited for in vain."""
    with pytest.raises(StoryError, match=r"b answered .* instead of"):
        watch((door("a"), door("b")), Answers(a=(OPEN,), b=(OPEN, OPEN, other)), nothing, never)


def test_a_door_that_stays_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not waited for without end."""
    monkeypatch.setattr(watching, "PATIENCE_S", 0.05)

    with pytest.raises(StoryError, match="b still lets it in"):
        watch((door("a"), door("b")), Answers(a=(OPEN, SHUT), b=(OPEN,)), nothing, never)


def test_who_wants_to_stop_does_not_wait() -> None:
    """The doors need not shut first."""
    with pytest.raises(InterruptedStoryError):
        watch((door("a"),), Answers(a=(OPEN,)), nothing, lambda: True)


def test_an_event_that_fails() -> None:
    """Its failure is the story's, and nobody knocks any more."""

    def event() -> None:
        raise StoryError("it did not happen")

    with pytest.raises(StoryError, match="did not happen"):
        watch((door("a"),), Answers(a=(OPEN,)), event, never)
