"""CRLs of the operator's that nobody known here has signed yet: kept as they came, and seen by workers.

Rules it keeps: in whose name a CRL waits is written down before it is kept, and is not forgotten where it finds no room
to be kept: the operator has a CRL of that issuer, so that an answer is needed about its certificates. The name was not
verified; it is the operator's own file.
"""

from contextlib import suppress
from typing import Protocol

from service.application.crl_delivery import PendingCrls
from service.application.crl_parts import without_armour
from service.application.evidence_store import StoreError, WaitingCrl
from service.application.pem import PemError
from service.core.der import tlv
from service.core.der.crl import read_crl_head
from service.core.der.crl_issuer import read_crl_issuer
from service.core.model.crl import IssuingDistributionPoint
from service.core.model.malformed import MalformedError
from service.core.names.comparison import canonical, general_name_key

MAX_PENDING = 1000
"""CRLs that are kept: more are a bucket of somebody else's."""


class PendingShelf(PendingCrls, Protocol):
    """All that is kept. Called from threads, one at a time; whatever goes wrong is an `OSError`."""

    def digests(self) -> frozenset[bytes]:
        """What is kept.

        Raises:
            OSError: it cannot be listed.
        """

    def read(self, digest: bytes) -> memoryview | None:
        """One of them; None where it has gone meanwhile.

        Raises:
            OSError: it cannot be read.
        """


class WaitingIndex(Protocol):
    """In whose names CRLs wait, for workers to read (`CrlReader.waiting`). Every change ends the kept verdicts."""

    def digests(self) -> frozenset[bytes]:
        """Everything that waits.

        Raises:
            StoreError: it cannot be read.
        """

    def add(self, crl: WaitingCrl) -> None:
        """Let one wait; nothing changes where it does already.

        Raises:
            StoreError: it could not be written.
        """

    def remove(self, digests: frozenset[bytes]) -> None:
        """Let these wait no longer; nothing is written where none of them does.

        Raises:
            StoreError: nothing was removed.
        """


class IndexedShelf:
    """A shelf whose CRLs workers see. Implements `PendingShelf`."""

    def __init__(self, shelf: PendingShelf, index: WaitingIndex) -> None:
        """Take where they are kept, and where they are written down."""
        self._shelf = shelf
        self._index = index

    def begin(self, remembered: frozenset[bytes]) -> None:
        """Write down what is kept, and forget what is neither kept nor remembered: an operator may have removed it.

        Args:
            remembered: What sources are known to have that waits.

        Raises:
            OSError: the shelf cannot be read.
            StoreError: the index cannot.
        """
        kept, indexed = self._shelf.digests(), self._index.digests()
        self._index.remove(indexed - kept - remembered)
        for digest in kept - indexed:
            data = self._shelf.read(digest)
            if data is not None:
                with suppress(MalformedError, PemError):  # a name was read when it was kept, by another version
                    self._index.add(_waiting(digest, data))

    def keep(self, digest: bytes, data: tlv.Buffer) -> bool:
        """Keep one.

        Raises:
            MalformedError: it bears no name.
            PemError: nor has it an armour that can be read.
            OSError: it could not be kept.
            StoreError: it could not be written down.
        """
        self._index.add(_waiting(digest, data))
        return self._shelf.keep(digest, data)

    def digests(self) -> frozenset[bytes]:
        """What is kept.

        Raises:
            OSError: it cannot be listed.
        """
        return self._shelf.digests()

    def read(self, digest: bytes) -> memoryview | None:
        """One of them.

        Raises:
            OSError: it cannot be read.
        """
        return self._shelf.read(digest)

    def remove(self, digest: bytes) -> None:
        """Keep it no longer. A name that cannot be taken out of the index is taken out at the next start."""
        self._shelf.remove(digest)
        with suppress(StoreError):
            self._index.remove(frozenset((digest,)))


def _waiting(digest: bytes, data: tlv.Buffer) -> WaitingCrl:
    """A CRL as workers see it; one that cannot be read beyond its issuer's name may be about anything.

    Raises:
        MalformedError: it bears no name.
        PemError: nor has it an armour that can be read.
    """
    der = without_armour(memoryview(data))
    issuer = canonical(read_crl_issuer(der).der)
    try:
        scope = read_crl_head(der, digest).meta.issuing_distribution_point or IssuingDistributionPoint()
    except MalformedError:
        return WaitingCrl(digest, issuer)
    return WaitingCrl(digest, issuer, frozenset(map(general_name_key, scope.names)))
