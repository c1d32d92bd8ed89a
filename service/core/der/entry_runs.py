"""The entries of a CRL in runs: the usual ones many at a time, any other by itself.

Rules it keeps: whatever way an entry is read, the same comes of it; never more than `MAX_WINDOW_OCTETS` of a CRL are
looked at in one call of a pattern, so that another thread gets its turn.
"""

from collections.abc import Callable, Iterator
from typing import Final

from service.core.der import tlv
from service.core.der.crl_entry import read_entry
from service.core.der.usual_entries import (
    MAX_USUAL_OCTETS,
    EntryRun,
    Found,
    plain_count,
    plain_rows,
    usual_count,
    usual_rows,
)
from service.core.model.crl import CrlRow

MAX_WINDOW_OCTETS: Final = 1 << 16
"""Some 1,300 entries, which take half a millisecond."""

MIN_WINDOW_OCTETS: Final = 1 << 10
"""The window after an entry of another form: what the patterns look at in vain is little."""

MAX_SINGLE_ENTRIES: Final = 64
"""Entries read one by one before the patterns are tried again, where they were tried in vain before."""

Finder = Callable[[tlv.Buffer, int, int], EntryRun[Found] | None]
"""What finds entries of a form at a position, up to a stop; None where there is none."""


def read_runs(data: tlv.Buffer, start: int, stop: int) -> Iterator[EntryRun[list[CrlRow]]]:
    """The rows of revokedCertificates, in the order of the CRL.

    Args:
        data: The CRL.
        start: First offset of the content of revokedCertificates.
        stop: One past its last.

    Raises:
        MalformedError: an entry does not decode; what came before it must not be used either.
    """
    return _runs(data, start, stop, (plain_rows, usual_rows), lambda row: [row])


def count_runs(data: tlv.Buffer, start: int, stop: int) -> Iterator[EntryRun[int]]:
    """How many entries revokedCertificates has; otherwise as `read_runs`, in less time.

    Raises:
        MalformedError: an entry does not decode.
    """
    return _runs(data, start, stop, (plain_count, usual_count), lambda _: 1)


def _runs(
    data: tlv.Buffer,
    start: int,
    stop: int,
    finders: tuple[Finder[Found], ...],
    single: Callable[[CrlRow], Found],
) -> Iterator[EntryRun[Found]]:
    position, window, singles = start, MIN_WINDOW_OCTETS, 1
    while position < stop:
        before, end = position, min(stop, position + window)
        for find in finders:
            run = find(data, position, end)
            if run is not None:
                yield run
                position = run.after
        if position > before:
            is_cut_by_window = end < stop and end - position < MAX_USUAL_OCTETS
            window = min(2 * window, MAX_WINDOW_OCTETS) if is_cut_by_window else MIN_WINDOW_OCTETS
            singles = 1
            continue
        for _ in range(singles):
            row, extensions, position = read_entry(data, position, stop)
            yield EntryRun(single(row), () if extensions.is_reason else ((0, extensions),), position)
            if position == stop:
                return
        window, singles = MIN_WINDOW_OCTETS, min(2 * singles, MAX_SINGLE_ENTRIES)
