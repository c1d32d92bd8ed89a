"""Which sources go by a place, by what the fleet calls it."""

from collections.abc import Callable
from dataclasses import replace

from service.application.prefetch.place_names import PlaceNames
from service.application.prefetch.source_record import SourceRecord
from service.core.prefetch.inventory import Source, SourceKind, SourceState
from tests.pki import NOW

A = SourceRecord(SourceState(Source("a", ("a", "m"), SourceKind.LEARNED), NOW))
B = SourceRecord(SourceState(Source("b", ("b", "m"), SourceKind.LEARNED), NOW))


def made(name_of: Callable[[str], str] | None = str.upper) -> PlaceNames:
    """Names of two sources that nothing has served yet."""
    names = PlaceNames(name_of)
    names.put(None, A)
    names.put(None, B)
    return names


def test_what_it_is_called_after() -> None:
    """By its name, and not by what it is."""
    assert ((("a", "a"),), (("b", "b"),), (), ()) == tuple(map(made().find, ("A", "B", "a", "M")))


def test_what_served_it() -> None:
    """As long as that is so; several sources may go by one place."""
    names = made()
    names.put(A, served := replace(A, served_by="m"))
    names.put(B, replace(B, served_by="m"))
    assert {("a", "m"), ("b", "m")} == set(names.find("M"))
    names.put(served, replace(A, served_by="a"))
    assert ((("b", "m"),), (("a", "a"),)) == (names.find("M"), names.find("A"))


def test_what_is_forgotten() -> None:
    """It goes by nothing."""
    names = made()
    names.put(A, None)
    assert ((), (("b", "b"),)) == (names.find("A"), names.find("B"))


def test_names_are_made_when_something_changes() -> None:
    """And not each time that something is remembered."""
    calls: list[str] = []

    def name_of(place: str) -> str:
        calls.append(place)
        return place

    names = made(name_of)
    for _ in range(10):
        names.put(A, replace(A, detail="another"))
    assert ["a", "b"] == calls


def test_without_a_fleet_nothing_is_kept() -> None:
    """Nobody tells of anything."""
    assert () == made(None).find("a")
