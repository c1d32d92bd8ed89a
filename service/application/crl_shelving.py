"""What becomes of a CRL of the operator's own places beside being held: it waits, or its name is noted."""

from contextlib import suppress

from service.application.crl_arrival import Arrived
from service.application.crl_delivery import DeliveredCrl, PendingCrls
from service.application.crl_signer_search import Refused
from service.application.evidence_store import StoreError
from service.application.pem import PemError
from service.core.model.attempt import Problem
from service.core.model.malformed import MalformedError


def note_name(shelf: PendingCrls, digest: bytes, data: memoryview) -> None:
    """Note in whose name one is that cannot be stored, where that can be written down: an answer is needed in it."""
    with suppress(StoreError, OSError, MalformedError, PemError):
        shelf.hold(digest, data)


def shelve(shelf: PendingCrls, crl: Arrived, outcome: DeliveredCrl | Refused) -> bool:
    """Keep what the operator has and this host does not hold, whatever it lacks: whoever signed it may come yet.

    Raises:
        StoreError: in whose name it is could not be written.
        OSError: it could not be kept.
    """
    if isinstance(outcome, Refused) and outcome.result is not Problem.ROLLED_BACK:
        return shelf.keep(crl.digest, crl.data)
    shelf.hold(crl.digest, crl.data)
    return False
