"""Whether everything that an operator configured was held once: what readiness asks, of the store alone."""

from collections.abc import Iterable

from service.application.places import Place
from service.application.prefetch.source_record import PlaceRecord, SourceReader, SourceRecord
from service.application.prefetch.watching import is_at
from service.core.prefetch.inventory import SourceKind

MAX_NAMED = 5
"""Sources that are named; the count says how many there are."""


def missing(reader: SourceReader, configured: tuple[Place, ...]) -> tuple[str, ...]:
    """What was configured and not held yet, in words; empty where everything was held once, or waits for its issuer.

    A place that was never listed, and one without a single CRL, are not held either.

    Raises:
        StoreError: the store cannot be read.
    """
    places = {record.place: record for record in reader.places()}
    problems = [problem for place in configured if (problem := _of_place(place, places.get(str(place))))]
    if not configured:
        return ()
    keys = tuple(map(str, configured))
    problems += [_of_source(record) for record in reader.sources() if _is_missing(record, keys)]
    return tuple(problems)


def waiting(reader: SourceReader) -> tuple[str, ...]:
    """The configured sources whose CRL is here and waits for its issuer, in words.

    Such a CRL makes an answer needed, and the first request that brings its issuer has it held: nobody has to wait for
    that before there are requests.

    Raises:
        StoreError: the store cannot be read.
    """
    return tuple(_of_source(record) for record in reader.sources() if _waits(record))


def _waits(record: SourceRecord) -> bool:
    return record.source.kind is SourceKind.CONFIGURED and bool(record.pending)


def in_words(problems: Iterable[str]) -> str:
    """For a person: the first few, and how many more."""
    every = tuple(problems)
    rest = len(every) - MAX_NAMED
    return "; ".join(every[:MAX_NAMED]) + (f"; and {rest} more" if rest > 0 else "")


def _of_place(place: Place, record: PlaceRecord | None) -> str:
    if record is None:
        return f"{place} was not looked at yet"
    if record.listed_at is None:
        return f"{place}: {record.problem}"
    return "" if record.objects else f"{place} has no CRL in it"


def _is_missing(record: SourceRecord, places: tuple[str, ...]) -> bool:
    """Whether a source of these places was never held, or not all of it. Uploads are nobody's condition for serving."""
    is_here = bool(record.given or record.pending) and not record.is_partial
    if record.source.kind is not SourceKind.CONFIGURED or is_here:
        return False
    return any(is_at(record.source.key, place) for place in places)


def _of_source(record: SourceRecord) -> str:
    if record.problem is None:
        return f"{record.source.key} was not fetched yet"
    detail = f" ({record.detail})" if record.detail else ""
    return f"{record.source.key}: {record.problem.value}{detail}"
