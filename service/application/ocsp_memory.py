"""OCSP responses that were read once: the host's store holds octets, and reading them is what takes time.

Rules it keeps: nothing comes from here but what the store holds at this moment. Whoever asks has just read the row, so
that what another process has put in its place, a revocation above all, counts with the next look. Bounded in number and
in octets; what was not asked for longest goes first.

What it does not do: verify or judge. Signatures are looked at by the core, each time.
"""

from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import Final

from service.application.cache_counting import EVICTIONS, Cells, own_cells
from service.application.evidence_store import HeldOcsp
from service.core.der.ocsp import read_ocsp_response
from service.core.model.evidence_tier import Tier
from service.core.model.ocsp import OcspFinding

MOST_RESPONSES: Final = 4096
"""Responses of one worker: as many as the signatures that the core remembers (`core.der.signature`), one each."""

MOST_OCTETS: Final = 16 << 20
"""Octets of the responses as they were signed; what is read of them takes three times as much. Usual ones have 1 to
4 KiB, so that the number is the limit, and for responses of 64 KiB this is."""


@dataclass(frozen=True, slots=True)
class _Read:
    """A response, and what it says."""

    response: bytes
    finding: OcspFinding


class OcspMemory:
    """What the rows that this worker has looked at say. For one event loop."""

    def __init__(
        self, most_responses: int = MOST_RESPONSES, most_octets: int = MOST_OCTETS, cells: Cells | None = None
    ) -> None:
        """Nothing was read; what goes for want of room is counted in cells, its own where it is given none."""
        self._cells = own_cells() if cells is None else cells
        self._most_responses = most_responses
        self._most_octets = most_octets
        self._read: OrderedDict[bytes, _Read] = OrderedDict()
        self._octets = 0

    def __len__(self) -> int:
        return len(self._read)

    @property
    def octets(self) -> int:
        """Of the responses, as they were signed."""
        return self._octets

    def recall(self, key: bytes, held: HeldOcsp) -> OcspFinding:
        """What a row says; from memory where it is, octet for octet, the one that was read before.

        Args:
            key: Under which the store holds it.
            held: The row as it is now.

        Raises:
            MalformedError: it cannot be read.
            ResponderError: it is an error that a responder reported.
        """
        known = self._read.get(key)
        if known is not None and known.response == held.response and known.finding.source == held.source:
            self._read.move_to_end(key)
            return known.finding
        finding = OcspFinding(read_ocsp_response(held.response), held.source, Tier.HOST)
        self._remember(key, _Read(held.response, replace(finding, tier=Tier.MEMORY)))
        return finding

    def forget(self) -> None:
        """Read everything anew."""
        self._read.clear()
        self._octets = 0

    def _remember(self, key: bytes, read: _Read) -> None:
        replaced = self._read.pop(key, None)
        self._octets += len(read.response) - (0 if replaced is None else len(replaced.response))
        self._read[key] = read
        while len(self._read) > self._most_responses or self._octets > self._most_octets:
            _, oldest = self._read.popitem(last=False)
            self._octets -= len(oldest.response)
            self._cells[EVICTIONS] += 1
