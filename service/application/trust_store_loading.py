"""From what is written down to trust stores: one step, from one state to the next.

Rules it keeps: a store that cannot be used as a whole is not used in part; what it was before stays in force, and the
problem is kept beside it; what has not changed is not read again; nothing here waits or is changed in place, so that a
step may be taken in a thread while requests are answered from the state before it.

What it does not do: decide when to take a step, or tell anybody (`trust_stores`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from service.application.pem import PemError, read_certificates
from service.application.trust_store_source import (
    Listing,
    Scan,
    Snapshot,
    SourceFile,
    TrustStoreSource,
    TrustStoreSourceError,
)
from service.application.unchained import unchained
from service.core.der.certificate import read_certificate
from service.core.model.certificate import Certificate
from service.core.model.malformed import MalformedError
from service.core.model.trust_store import TrustStore
from service.core.path.trust_store import build_trust_store

MAX_CERTIFICATES: Final = 10_000
"""Of one trust store, all files together: ten times API Gateway's quota. Each is some kilobytes in every worker, and
some 50 microseconds when the store is read."""

MAX_LOOKS: Final = 3
"""Times that a place which changes while it is read is looked at; whatever is read last is then put right a second
later."""


@dataclass(frozen=True, slots=True)
class HeldStore:
    """One trust store, and what is known of it.

    Attributes:
        snapshot: What was read last, usable or not; None where it is to be read again whatever has changed.
        own: The certificates of the version in force.
        store: The version in force; None where none was ever usable.
        unchained: Subjects of its intermediates that chain to none of its anchors.
        unread: Why what was read is not in force; None where it is.
        outdated: Why what was read may not be what is written down; None where it is.
    """

    snapshot: Snapshot | None = None
    own: tuple[Certificate, ...] = field(default=(), repr=False)
    store: TrustStore | None = field(default=None, repr=False)
    unchained: tuple[str, ...] = ()
    unread: str | None = None
    outdated: str | None = None

    @property
    def problem(self) -> str | None:
        """Why what is written down is not in force; None where it is."""
        return self.outdated if self.unread is None else self.unread


@dataclass(frozen=True, slots=True)
class HeldIntermediates:
    """The intermediates for all stores.

    Attributes:
        snapshot: As in `HeldStore`.
        certificates: Those in force.
        problem: As in `HeldStore`.
    """

    snapshot: Snapshot | None = None
    certificates: tuple[Certificate, ...] = field(default=(), repr=False)
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class State:
    """Every trust store at one moment.

    Attributes:
        stores: By name.
        intermediates: For all of them.
        places: What is wrong with the places that stores are in, by place.
    """

    stores: Mapping[str, HeldStore] = field(default_factory=dict)
    intermediates: HeldIntermediates = field(default_factory=HeldIntermediates)
    places: Mapping[str, str] = field(default_factory=dict)


def next_state(source: TrustStoreSource, state: State) -> State:
    """Look what is there, read what has changed, and build the stores anew that it concerns."""
    scan = source.scan()
    for _ in range(MAX_LOOKS):
        before, state = state, _step(source, state, scan)
        if state == before:
            break
        # Files that were exchanged while they were read, one before and one after, would make a store of both versions.
        again = source.scan()
        if again == scan:
            break
        scan = again
    return state


def _step(source: TrustStoreSource, state: State, scan: Scan) -> State:
    intermediates = _intermediates(source, state.intermediates, scan.intermediates)
    added = intermediates.certificates
    same = added == state.intermediates.certificates
    stores: dict[str, HeldStore] = {}
    for name in _names(state, scan):
        held = state.stores.get(name, HeldStore())
        snapshot = scan.stores.get(name, held.snapshot)
        if snapshot is not None and held.snapshot != snapshot:
            held = _read_again(source, name, snapshot, held, added)
        elif not same and held.store is not None:
            held = _built(name, held, held.own, added)
        stores[name] = replace(held, outdated=scan.outdated.get(name))
    return State(stores, intermediates, scan.problems)


def _names(state: State, scan: Scan) -> Iterable[str]:
    """Every store that there is, or that stays although it was not seen."""
    match scan.listing:
        case Listing.COMPLETE:
            return scan.stores
        case Listing.PARTIAL:
            return {**state.stores, **scan.stores}


def _intermediates(source: TrustStoreSource, held: HeldIntermediates, snapshot: Snapshot) -> HeldIntermediates:
    if held.snapshot == snapshot:
        return held
    try:
        return HeldIntermediates(snapshot, certificates_in(source.read_intermediates()))
    except TrustStoreSourceError as error:
        return replace(held, snapshot=None, problem=error.reason)
    except UnusableError as error:
        return replace(held, snapshot=snapshot, problem=error.reason)


def _read_again(
    source: TrustStoreSource, name: str, snapshot: Snapshot, held: HeldStore, added: tuple[Certificate, ...]
) -> HeldStore:
    try:
        own = certificates_in(source.read(name))
    except TrustStoreSourceError as error:
        # Not the content is to blame: without having changed, it may be readable the next time.
        return replace(held, snapshot=None, unread=error.reason)
    except UnusableError as error:
        return replace(held, snapshot=snapshot, unread=error.reason)
    return replace(_built(name, held, own, added), snapshot=snapshot, unread=None)


def _built(name: str, held: HeldStore, own: tuple[Certificate, ...], added: tuple[Certificate, ...]) -> HeldStore:
    store = build_trust_store(name, own, added)
    if store == held.store:
        return held
    return replace(held, own=own, store=store, unchained=tuple(one.subject.text for one in unchained(store)))


class UnusableError(Exception):
    """What was read is no trust store, and will not be one before it changes.

    Attributes:
        reason: Which file, and what is wrong.
    """

    def __init__(self, reason: str) -> None:
        """Keep the reason."""
        super().__init__(reason)
        self.reason = reason


def certificates_in(files: tuple[SourceFile, ...]) -> tuple[Certificate, ...]:
    """Every certificate of some files, each once.

    Raises:
        UnusableError: one does not parse, or there are too many.
    """
    found: dict[Certificate, None] = {}
    for file in files:
        try:
            ders = read_certificates(file.content)
        except PemError as error:
            raise UnusableError(f"{file.name}: {error.reason}") from None
        for number, der in enumerate(ders, 1):
            if len(found) >= MAX_CERTIFICATES:
                raise UnusableError(f"{file.name}: more than {MAX_CERTIFICATES} certificates")
            try:
                found[read_certificate(der)] = None
            except MalformedError as error:
                raise UnusableError(f"{file.name}: certificate {number}: {error.reason}") from None
    return tuple(found)
