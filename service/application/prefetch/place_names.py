"""Which sources go by a place, by what the fleet calls it: whoever says that there is news says no more than that.

Rules it keeps: a name is made when a source changes what it goes by, and not when there is news: there may be fifty
thousand sources. Without a fleet nothing is kept.
"""

from collections.abc import Callable

from service.application.prefetch.source_record import SourceRecord


class PlaceNames:
    """The names of what sources go by: the place that they are called after, and the one that served them."""

    def __init__(self, name_of: Callable[[str], str] | None) -> None:
        """Nothing is known.

        Args:
            name_of: What a place is called; None where nobody speaks of any.
        """
        self._name_of = name_of
        self._places: dict[str, tuple[tuple[str, str], ...]] = {}

    def put(self, before: SourceRecord | None, after: SourceRecord | None) -> None:
        """Take in what a source goes by.

        Args:
            before: What was remembered of it; None where it is new.
            after: What is remembered now; None where it is forgotten.
        """
        if self._name_of is None:
            return
        gone, come = _places_of(before), _places_of(after)
        for one in gone - come:
            name = self._name_of(one[1])
            left = tuple(other for other in self._places[name] if other != one)
            if left:
                self._places[name] = left
            else:
                del self._places[name]
        for one in come - gone:
            name = self._name_of(one[1])
            self._places[name] = (*self._places.get(name, ()), one)

    def find(self, name: str) -> tuple[tuple[str, str], ...]:
        """The sources that go by what has this name: each one's key, and the place."""
        return self._places.get(name, ())


def _places_of(record: SourceRecord | None) -> frozenset[tuple[str, str]]:
    if record is None:
        return frozenset()
    key = record.source.key
    return frozenset((key, place) for place in (key, record.served_by) if place)
