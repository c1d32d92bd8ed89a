"""Answers of this worker that are still what would be decided now.

Rules it keeps: an answer is never given again past its `valid_until`, before the moment of its decision (a clock that
was turned back), under another generation of the decisions (a CRL, a block, a purge), nor with another version of its
trust store; of a generation that cannot be read nothing is given. Where the operator wants nonces, every request is one
that its responder is to answer, and nothing is kept. It is bounded in number and octets, and what was used least
recently goes first.

What it does not do: know what an answer looks like, or make a key. Whoever makes one puts into it everything that the
caller said; the operator's policy does not change while a process runs.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from service.application.cache_counting import EVICTIONS, HITS, MISSES, Cells, own_cells
from service.application.clock import Clock
from service.application.evidence_store import StoreError
from service.application.generation import Generations
from service.core.model.policy import OcspNonce, Policy
from service.core.model.trust_store import TrustStore

Value = TypeVar("Value")

MAX_ANSWER_OCTETS = 1 << 14
"""Longer answers are decided each time: a usual one has 2 KiB, and what makes one long costs a caller nothing."""

MAX_OCTETS = 1 << 26
"""Of all answers of one worker: 64 MiB, room for 20,000 usual ones and more."""

StoreInForce = Callable[[str], TrustStore | None]
"""The version of a trust store that is in force, by its name; None where there is none."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """What was in force before a decision began: what changes meanwhile makes its answer one of the past.

    Attributes:
        epoch: How often everything had been forgotten.
        store: The trust store that the caller named.
    """

    epoch: int
    store: TrustStore


@dataclass(frozen=True, slots=True)
class Kept(Generic[Value]):
    """One answer.

    Attributes:
        decided_at: When it was decided.
        valid_until: Until when it may be given again.
        ticket: What it depends on.
        octets: Its length.
    """

    value: Value
    decided_at: datetime
    valid_until: datetime
    ticket: Ticket
    octets: int


@dataclass(frozen=True, slots=True)
class CacheReport:
    """How a cache does, for operators.

    Attributes:
        entries: Answers at hand, those included that have ended and were not asked for since.
        epochs: How often everything was forgotten, since something changed or could not be read.
        evictions: How many went for want of room.
        octets: Of all answers at hand.
    """

    entries: int
    limit: int
    hits: int
    misses: int
    epochs: int
    evictions: int = 0
    octets: int = 0


class VerdictCache(Generic[Value]):
    """The answers of one process."""

    def __init__(
        self,
        limit: int,
        policy: Policy,
        generations: Generations,
        stores: StoreInForce,
        clock: Clock,
        cells: Cells | None = None,
    ) -> None:
        """Start empty.

        Args:
            limit: Answers kept; 0 for none.
            policy: The operator's; where it wants nonces for anybody, no answer is kept.
            generations: Say when everything is to be forgotten.
            stores: Say which trust stores are in force.
            clock: Time.
            cells: Where it counts; its own where absent.
        """
        self._limit = 0 if _wants_nonces(policy) else limit
        self._generations = generations
        self._stores = stores
        self._clock = clock
        self._entries: OrderedDict[bytes, Kept[Value]] = OrderedDict()
        self._generation: int | None = None
        self._epoch = self._octets = 0
        self._cells = own_cells() if cells is None else cells

    def begin(self, store: str) -> Ticket | None:
        """What is in force before a decision; None where its answer cannot be kept.

        Args:
            store: Name of the trust store.
        """
        if not self._limit or not self._follow():
            return None
        found = self._stores(store)
        return None if found is None else Ticket(self._epoch, found)

    def find(self, key: bytes) -> Kept[Value] | None:
        """The answer to give again, or None."""
        if not self._limit or not self._follow():
            return None
        kept = self._entries.get(key)
        if kept is None or not self._is_current(kept):
            self._cells[MISSES] += 1
            return None
        self._entries.move_to_end(key)
        self._cells[HITS] += 1
        return kept

    def keep(self, key: bytes, kept: Kept[Value]) -> None:
        """Keep an answer, unless everything was forgotten since its ticket was given out."""
        if kept.ticket.epoch != self._epoch or kept.octets > MAX_ANSWER_OCTETS:
            return
        before = self._entries.pop(key, None)
        self._octets += kept.octets - (0 if before is None else before.octets)
        self._entries[key] = kept
        while len(self._entries) > self._limit or self._octets > MAX_OCTETS:
            _, oldest = self._entries.popitem(last=False)
            self._octets -= oldest.octets
            self._cells[EVICTIONS] += 1

    def report(self) -> CacheReport:
        """How it does."""
        return CacheReport(
            entries=len(self._entries),
            limit=self._limit,
            hits=self._cells[HITS],
            misses=self._cells[MISSES],
            epochs=self._epoch,
            evictions=self._cells[EVICTIONS],
            octets=self._octets,
        )

    def _follow(self) -> bool:
        """Forget what belongs to another generation; False where nobody can say which one is now."""
        try:
            generation = self._generations.generation()
        except StoreError:
            generation = None
        if generation != self._generation or generation is None:
            self._generation = generation
            self._entries.clear()
            self._octets = 0
            self._epoch += 1
        return generation is not None

    def _is_current(self, kept: Kept[Value]) -> bool:
        if not kept.decided_at <= self._clock.now() < kept.valid_until:
            return False
        return self._stores(kept.ticket.store.name) is kept.ticket.store


def _wants_nonces(policy: Policy) -> bool:
    """Whether the operator wants new answers of anybody's responders: whose, a path shows when it is looked at."""
    rules = (policy.ocsp_nonce, *(rule.ocsp_nonce for rule in policy.issuer_rules))
    return any(nonce not in (None, OcspNonce.OFF) for nonce in rules)
