"""What becomes of one CRL that came: who signed it, whether anything newer was seen, and then it is held.

What is stored is a fact: this CRL, which bears that name as its issuer's, verifies under that key. One that verifies
under none of the keys that the order has for its issuer's name is not stored; whether a key may speak for a certificate
is decided by the core, each time. The signer's certificate is kept beside it, with those above, so that the core can
decide that when a request leaves it out.

Everything here reads and writes the store: it is called in threads, one at a time.
"""

from collections.abc import Iterable
from dataclasses import replace

from service.application.clock import Clock
from service.application.crl_arrival import Arrived
from service.application.crl_delivery import DeliveredCrl
from service.application.crl_fetcher import CrlSigner
from service.application.crl_signer_search import Refused, signer_of
from service.application.evidence_store import CrlWriter, HeldCrl
from service.application.observer import Ingested
from service.application.pem import PemError
from service.application.signer_paths import joined
from service.core.crl.slot import advance, repeats_number, slot_of, ties, twin
from service.core.model.attempt import Problem
from service.core.model.malformed import MalformedError
from service.core.model.policy import Policy

MAX_KEPT = 1024
"""Signers whose paths are known to be kept beside everything of theirs, until something else is held."""


class CrlHolding:
    """Holds CRLs in the host's store."""

    def __init__(self, writer: CrlWriter, clock: Clock, policy: Policy) -> None:
        """Take the store, time, and the operator's policy, for the clock skew."""
        self._writer = writer
        self._clock = clock
        self._policy = policy
        self._kept: set[tuple[CrlSigner, tuple[bytes, ...], frozenset[bytes]]] = set()

    def unkept(self, signers: Iterable[CrlSigner]) -> tuple[CrlSigner, ...]:
        """Those whose paths are not known to be kept."""
        return tuple({key: one for one in signers if (key := _kept_as(one)) not in self._kept}.values())

    def keep_path(self, signer: CrlSigner) -> None:
        """Keep the path of a signer beside those of his CRLs that are held.

        Raises:
            StoreError: the store could not be read or written.
        """
        self._writer.keep_path(signer, self._clock.now())
        if len(self._kept) >= MAX_KEPT:
            self._kept.clear()
        self._kept.add(_kept_as(signer))

    def vouch_if_kept(self, known: DeliveredCrl, signers: tuple[CrlSigner, ...]) -> bool:
        """Have a CRL that is held found by whoever certified its signer; whether nothing else would change.

        If it were stored again, that is: what is kept beside it is all that there is to keep.

        Raises:
            StoreError: the store could not be read or written.
        """
        if known.signer not in signers or not self._writer.holds(known.slot, known.meta.digest):
            return False
        kept = self._writer.signer_paths(known.slot)
        signer = signers[signers.index(known.signer)]
        self._writer.vouch(signer)
        return joined(kept, signer.path, self._clock.now()) == kept

    def hold_unless_held(
        self, crl: Arrived, signers: tuple[CrlSigner, ...], known: DeliveredCrl | None
    ) -> DeliveredCrl | Refused:
        """What becomes of a download; nothing, where it is `known` and the store still holds it.

        Raises:
            StoreError: the store could not be read or written.
        """
        if known is not None and self.vouch_if_kept(known, signers):
            return replace(known, result=Ingested.UNCHANGED)
        return self._hold(crl, signers)

    def _hold(self, crl: Arrived, signers: tuple[CrlSigner, ...]) -> DeliveredCrl | Refused:
        """Verify, read and store one CRL; nobody walks over the entries of one that nobody known has signed.

        Raises:
            StoreError: the store could not be read or written.
        """
        try:
            head = crl.head()
        except (MalformedError, PemError) as error:
            return Refused(Problem.MALFORMED, error.reason)
        signer = signer_of(head, signers)
        if isinstance(signer, Refused):
            return signer
        now, slot = self._clock.now(), slot_of(head.meta, signer.spki)
        before = self._writer.watermark(slot)
        if before is not None and ties(head.meta, before):
            # Whichever was first: what the other revokes is not passed over.
            slot = twin(slot)
            before = self._writer.watermark(slot)
        watermark = advance(head.meta, before, self._policy, now)
        if isinstance(watermark, Problem):
            return Refused(watermark, signer=signer)
        try:
            document = head.walk()
        except MalformedError as error:
            return Refused(Problem.MALFORMED, error.reason)
        meta, url = document.meta, crl.download.url
        paths = joined(self._writer.signer_paths(slot), signer.path, now)
        self._writer.vouch(signer)  # found by whoever certified him
        self._kept.clear()
        self._writer.publish(HeldCrl(slot, meta, signer.spki, url, now, paths), crl.rows(document), watermark)
        return DeliveredCrl(
            Ingested.SAME_NUMBER if repeats_number(meta, before) else Ingested.STORED, meta, slot, signer
        )


def _kept_as(signer: CrlSigner) -> tuple[CrlSigner, tuple[bytes, ...], frozenset[bytes]]:
    """Two signers are the same whatever paths they have; here these make a difference."""
    return signer, signer.path, signer.authorities
