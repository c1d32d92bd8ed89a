"""The entries of a CRL in runs: the usual ones many at a time, any other by itself.

Rules it keeps: whatever way an entry is read, the same comes of it; never more than `MAX_WINDOW_OCTETS` of a CRL are
looked at in one call of the pattern, so that another thread gets its turn.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from service.core.der import tlv
from service.core.der.crl_entry import EntryExtensions, read_entry
from service.core.der.usual_entries import MAX_USUAL_OCTETS, count, take
from service.core.model.crl import CrlRow

MAX_WINDOW_OCTETS: Final = 1 << 16
"""Some 1,300 entries, which take half a millisecond."""

MIN_WINDOW_OCTETS: Final = 1 << 10
"""The window after an entry of another form: what the pattern looks at in vain is little."""

MAX_SINGLE_ENTRIES: Final = 64
"""Entries read one by one before the pattern is tried again, where it was tried in vain before."""

Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class EntryRun(Generic[Found]):
    """Entries that stand one after the other.

    Attributes:
        found: What was asked for of them.
        extensions: What the extensions of the one entry say that is not of the usual form; None in a run of usual
            entries, which say nothing but reasons.
        after: The offset after the last.
    """

    found: Found
    extensions: EntryExtensions | None
    after: int


def read_runs(data: tlv.Buffer, start: int, stop: int) -> Iterator[EntryRun[list[CrlRow]]]:
    """The rows of revokedCertificates, in the order of the CRL.

    Args:
        data: The CRL.
        start: First offset of the content of revokedCertificates.
        stop: One past its last.

    Raises:
        MalformedError: an entry does not decode; what came before it must not be used either.
    """
    return _runs(data, start, stop, take, lambda row: [row])


def count_runs(data: tlv.Buffer, start: int, stop: int) -> Iterator[EntryRun[int]]:
    """How many entries revokedCertificates has; otherwise as `read_runs`, in half the time.

    Raises:
        MalformedError: an entry does not decode.
    """
    return _runs(data, start, stop, count, lambda _: 1)


def _runs(
    data: tlv.Buffer,
    start: int,
    stop: int,
    usual: Callable[[tlv.Buffer, int, int], tuple[Found, int]],
    single: Callable[[CrlRow], Found],
) -> Iterator[EntryRun[Found]]:
    position, window, singles = start, MIN_WINDOW_OCTETS, 1
    while position < stop:
        end = min(stop, position + window)
        found, after = usual(data, position, end)
        if after > position:
            yield EntryRun(found, None, after)
            is_cut_by_window = end < stop and end - after < MAX_USUAL_OCTETS
            window = min(2 * window, MAX_WINDOW_OCTETS) if is_cut_by_window else MIN_WINDOW_OCTETS
            position, singles = after, 1
            continue
        for _ in range(singles):
            row, extensions, position = read_entry(data, position, stop)
            yield EntryRun(single(row), extensions, position)
            if position == stop:
                return
        window, singles = MIN_WINDOW_OCTETS, min(2 * singles, MAX_SINGLE_ENTRIES)
