"""What the store still has of what a source gave: its version, and who is known to have signed it.

Rules it keeps: a version is asked about only where all of it is still held or waits; whoever signed what is held is
tried before those whom somebody has named. Everything here reads the store, and is called in threads.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from threading import Lock

from service.application.clock import Clock
from service.application.crl_delivery import DeliveredCrl, KnownVersion
from service.application.crl_fetcher import CrlSigner, name_digest
from service.application.evidence_store import HeldCrl, StoreError
from service.application.observer import Ingested
from service.application.prefetch.parts import HeldCrls
from service.application.prefetch.pending import IndexedShelf
from service.application.prefetch.source_record import MAX_GIVEN, SourceRecord, each_once

LOOK_EVERY_S = 300.0
"""Seconds for which it is remembered what is held from where: reading of 4,000 CRLs takes some tenths of a second."""


def known_version(record: SourceRecord, crls: HeldCrls, pending: IndexedShelf) -> KnownVersion | None:
    """What a source gave before, where all of it is still held or waits."""
    if not record.validators.conditions or len(record.given) == MAX_GIVEN:
        return None
    try:
        held = [(given, crls.held_in(given.slot)) for given in record.given]
        if record.pending and not pending.digests() >= set(record.pending):
            return None
    except (StoreError, OSError):
        return None
    found = [_delivered(one) for given, one in held if one is not None and one.meta.digest == given.digest]
    return KnownVersion(tuple(found), record.validators, record.pending) if len(found) == len(held) else None


class HeldSigners:
    """Who is known to have signed what sources gave. For any thread."""

    def __init__(self, crls: HeldCrls, clock: Clock) -> None:
        """Nobody has looked yet."""
        self._crls = crls
        self._clock = clock
        self._looking = Lock()
        self._looked_at: float | None = None
        self._by_place: Mapping[str, tuple[CrlSigner, ...]] = {}

    def of(self, record: SourceRecord) -> tuple[CrlSigner, ...]:
        """Under whose keys what a learned source has is tried: those of what is held from it first, then all others.

        Whoever names a URL may have his keys remembered for it until those after him find no room, and he may do so
        after the source was forgotten: what its CRL has verified under is not lost that way.
        """
        try:
            proven = each_once(self._proven(record))[:MAX_GIVEN]
        except StoreError:
            proven = ()
        remembered = {one: one for one in record.signers}  # with the certificates that orders have brought
        return each_once((*(remembered.get(one, one) for one in proven), *record.signers))

    def _proven(self, record: SourceRecord) -> Iterator[CrlSigner]:
        for given in record.given:
            held = self._crls.held_in(given.slot)
            if held is not None:
                yield signer_of_held(held)
        with self._looking:
            by_place = self._look()
        for place in record.source.places:
            yield from by_place.get(place, ())

    def _look(self) -> Mapping[str, tuple[CrlSigner, ...]]:
        now = self._clock.monotonic()
        if self._looked_at is None or now - self._looked_at >= LOOK_EVERY_S:
            found: dict[str, dict[CrlSigner, None]] = {}
            for one in self._crls.held():
                signer = replace(signer_of_held(one), path=())  # which is beside the CRL
                found.setdefault(one.source, {}).setdefault(signer)
            self._by_place = {place: tuple(signers) for place, signers in found.items()}
            self._looked_at = now
        return self._by_place


def signer_of_held(held: HeldCrl) -> CrlSigner:
    """Under whose key a CRL is held; by which others it is found is known already."""
    path = held.signer_paths[0] if held.signer_paths else ()
    return CrlSigner(name_digest(held.meta.issuer), held.signer_spki, path)


def _delivered(held: HeldCrl) -> DeliveredCrl:
    return DeliveredCrl(Ingested.UNCHANGED, held.meta, held.slot, signer_of_held(held))
