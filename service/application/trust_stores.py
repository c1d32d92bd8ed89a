"""Trust stores by name, kept up to date while requests are answered.

Rules it keeps: whoever is given a store has one whole version of it; a change is in force within two seconds; a name
that is unknown is looked for once more before anybody is told so, and however many ask for unknown names, they make us
look five times a second at most; reading happens in a thread, one at a time, and goes on when those who wait for it
give up.

What it does not do: fetch anything, or choose a store for a request.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from service.application.clock import Clock
from service.application.flights import Flights
from service.application.observer import NullObserver, Observer, TrustStoreChange, TrustStoreDetails
from service.application.trust_store_loading import HeldStore, State, next_state
from service.application.trust_store_source import STORE_NAME, FileStamp, Snapshot, TrustStoreSource
from service.core.model.trust_store import TrustStore
from service.core.path.trust_store import with_every_anchor

RELOAD_EVERY_S: Final = 1.0
"""Seconds between two looks: a change is in force in every worker within two."""

RESCAN_EVERY_S: Final = 0.2
"""Seconds between two looks on behalf of unknown names: clients choose these, and must not keep us looking."""

INTERMEDIATES: Final = "REVET_INTERMEDIATES"
"""The name that problems with the intermediates of all stores have."""

_NOBODY: Final = NullObserver()
_NOTHING: Final = HeldStore()


class UnknownTrustStoreError(LookupError):
    """There is no such trust store.

    Attributes:
        name: The name asked for.
        problem: Why it is not there although somebody wrote it down; None where nobody did.
    """

    def __init__(self, name: str, problem: str | None = None) -> None:
        """Keep both."""
        super().__init__(f"no trust store {name!r}" if problem is None else f"trust store {name!r}: {problem}")
        self.name = name
        self.problem = problem


@dataclass(frozen=True, slots=True)
class TrustStoreReport:
    """What operations want to know of one trust store.

    Attributes:
        name: What requests call it; or the place, where a place is the problem.
        store: The version in force; None without any.
        problem: Why what is written down is not in force; None where it is.
        sources: What it was read from; empty where it is to be read again.
        since: Since when this process has that version; None without any.
    """

    name: str
    store: TrustStore | None
    problem: str | None
    sources: tuple[str, ...] = ()
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Partial:
    """A store with every certificate of it an anchor, and the store it was made of."""

    of: TrustStore
    store: TrustStore


class TrustStores:
    """The trust stores of one process."""

    def __init__(self, source: TrustStoreSource, clock: Clock, observer: Observer = _NOBODY) -> None:
        """Take the collaborators. There is no store before `load`.

        Args:
            source: Where they are written down.
            clock: Time.
            observer: Is told of every change.
        """
        self._source = source
        self._clock = clock
        self._observer = observer
        self._state = State()
        self._partial: dict[str, _Partial] = {}
        self._since: dict[str, datetime] = {}
        self._flights: Flights[int, None] = Flights()  # by how many looks had begun when they were asked for
        self._looking = asyncio.Lock()
        self._looks = 0
        self._looked_at = 0.0

    def load(self) -> None:
        """Read everything, before there are requests. What cannot be used is a problem, and no error."""
        self._looks += 1
        self._looked_at = self._clock.monotonic()
        self._enter(next_state(self._source, self._state))

    async def run(self) -> None:
        """Reload every second, until cancelled."""
        while True:
            await self._clock.sleep(RELOAD_EVERY_S)
            await self.reload()

    async def reload(self) -> None:
        """Look once, and read what has changed."""
        async with self._looking:
            await self._look()

    async def get(self, name: str) -> TrustStore:
        """The store of that name, in its version of now.

        Raises:
            UnknownTrustStoreError: there is none, although it was looked for once more.
        """
        store = self.in_force(name)
        if store is None and STORE_NAME.fullmatch(name) is not None:
            await self._look_again()
            store = self.in_force(name)
        if store is None:
            held = self._state.stores.get(name)
            raise UnknownTrustStoreError(name, None if held is None else held.problem)
        return store

    async def partial(self, name: str) -> TrustStore:
        """The same with every certificate of it an anchor; made once for each version.

        Raises:
            UnknownTrustStoreError: as for `get`.
        """
        store = await self.get(name)
        partial = self._partial.get(name)
        if partial is None:
            partial = _Partial(store, await asyncio.to_thread(with_every_anchor, store))
            if self.in_force(name) is store:
                self._partial[name] = partial
        return partial.store

    def names(self) -> tuple[str, ...]:
        """Every store that requests may name, sorted."""
        return tuple(sorted(name for name, held in self._state.stores.items() if held.store is not None))

    def problems(self) -> Mapping[str, str]:
        """What is written down and not in force, and why; by store, or by place."""
        return {report.name: report.problem for report in self.report() if report.problem is not None}

    def warnings(self) -> Mapping[str, tuple[str, ...]]:
        """Subjects of intermediates that chain to no anchor, by store."""
        return {name: held.unchained for name, held in sorted(self._state.stores.items()) if held.unchained}

    def report(self) -> tuple[TrustStoreReport, ...]:
        """Every store, and every place with a problem."""
        state = self._state
        reports = [
            TrustStoreReport(name, held.store, held.problem, _sources(held.snapshot), self._since.get(name))
            for name, held in sorted(state.stores.items())
        ]
        reports += [TrustStoreReport(place, None, problem) for place, problem in sorted(state.places.items())]
        if state.intermediates.problem is not None:
            reports.append(TrustStoreReport(INTERMEDIATES, None, state.intermediates.problem))
        return tuple(reports)

    def in_force(self, name: str) -> TrustStore | None:
        """The store of that name in its version of now; None where there is none, without another look."""
        held = self._state.stores.get(name)
        return None if held is None else held.store

    async def _look_again(self) -> None:
        """Wait for a look that begins after this call: one that is under way may have passed the file already."""
        await self._flights.join(self._looks, self._look_seldom)

    async def _look_seldom(self) -> None:
        async with self._looking:
            wait = self._looked_at + RESCAN_EVERY_S - self._clock.monotonic()
            if wait > 0:
                await self._clock.sleep(wait)
            await self._look()

    async def _look(self) -> None:
        self._looks += 1
        self._looked_at = self._clock.monotonic()
        self._enter(await asyncio.to_thread(next_state, self._source, self._state))

    def _enter(self, state: State) -> None:
        """Put a state into force at once, and tell what is new."""
        before, self._state = self._state, state
        # What was made of another version goes with it.
        self._partial = {name: one for name, one in self._partial.items() if self.in_force(name) is one.of}
        now = self._clock.now()
        self._since = {
            name: self._since.get(name, now) if held.store is before.stores.get(name, _NOTHING).store else now
            for name, held in state.stores.items()
            if held.store is not None
        }
        for details in _changes(before, state):
            self._observer.trust_store_changed(details)


def _sources(snapshot: Snapshot | None) -> tuple[str, ...]:
    return tuple(one.path if isinstance(one, FileStamp) else one.place for one in snapshot or ())


def _changes(before: State, after: State) -> tuple[TrustStoreDetails, ...]:
    """What an observer is told between two states."""
    changes: list[TrustStoreDetails] = []
    for name, held in after.stores.items():
        change = _change(name, before.stores.get(name, HeldStore()), held)
        if change is not None:
            changes.append(change)
    gone = before.stores.keys() - after.stores.keys()
    changes += [TrustStoreDetails(name, TrustStoreChange.REMOVED) for name in sorted(gone)]
    places = {**after.places}
    if after.intermediates.problem is not None and after.intermediates.problem != before.intermediates.problem:
        places[INTERMEDIATES] = after.intermediates.problem
    changes += [
        TrustStoreDetails(place, TrustStoreChange.REFUSED, problem=problem)
        for place, problem in places.items()
        if before.places.get(place) != problem
    ]
    return tuple(changes)


def _change(name: str, before: HeldStore, after: HeldStore) -> TrustStoreDetails | None:
    certificates = 0 if after.store is None else len(after.store.certificates)
    if after.problem is not None:
        if after.problem == before.problem:
            return None
        return TrustStoreDetails(name, TrustStoreChange.REFUSED, certificates, after.problem)
    if after.store is before.store and before.problem is None:
        return None
    return TrustStoreDetails(name, TrustStoreChange.LOADED, certificates, unchained=after.unchained)
