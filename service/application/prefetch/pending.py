"""CRLs of the operator's that nobody known here has signed yet: kept as they came, and seen by workers.

Rules it keeps: in whose name a CRL waits is written down before it is kept, and is not forgotten where it finds no room
to be kept: the operator has a CRL of that issuer, so that an answer is needed about its certificates. The name was not
verified; it is the operator's own file. It stays when the CRL is held, since that is found with the keys of its signer
alone, and whose these are may be known from a stranger's request. It goes when no source has the CRL any more.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Protocol

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


class PendingShelf(Protocol):
    """All that is kept. Called from threads, one at a time; whatever goes wrong is an `OSError`."""

    def keep(self, digest: bytes, data: tlv.Buffer) -> bool:
        """Keep one, as in `PendingCrls`.

        Raises:
            OSError: it could not be kept.
        """

    def remove(self, digest: bytes) -> None:
        """Keep it no longer; nothing where it is not kept."""

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
    """In whose names there are CRLs, for workers to read (`CrlReader.waiting`). Every change ends the kept verdicts."""

    def digests(self) -> frozenset[bytes]:
        """Everything that waits.

        Raises:
            StoreError: it cannot be read.
        """

    def named(self) -> frozenset[bytes]:
        """The same, and everything that is held.

        Raises:
            StoreError: it cannot be read.
        """

    def add(self, crl: WaitingCrl) -> None:
        """Let one wait; nothing changes where it does already.

        Raises:
            StoreError: it could not be written.
        """

    def hold(self, crl: WaitingCrl) -> None:
        """One is held: it waits no longer, and its name stays; nothing changes where that is so already.

        Raises:
            StoreError: it could not be written.
        """

    def remove(self, digests: frozenset[bytes]) -> None:
        """Forget these, and their names; nothing is written where none of them is there.

        Raises:
            StoreError: nothing was removed.
        """


class IndexedShelf:
    """A shelf whose CRLs workers see."""

    def __init__(self, shelf: PendingShelf, index: WaitingIndex) -> None:
        """Take where they are kept, and where they are written down."""
        self._shelf = shelf
        self._index = index
        self._changing = threading.Lock()
        self._brought: list[Brought] = []

    def begin(self) -> None:
        """Write down what is kept.

        Raises:
            OSError: the shelf cannot be read.
            StoreError: the index cannot.
        """
        for digest in self._shelf.digests() - self._index.named():
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
        with self._changing:
            self._index.add(_waiting(digest, data))
            return self._shelf.keep(digest, data)

    def hold(self, digest: bytes, data: tlv.Buffer) -> None:
        """Keep one no longer, kept or not: it is held. Its name stays.

        Raises:
            MalformedError: it bears no name.
            PemError: nor has it an armour that can be read.
            StoreError: that could not be written down.
        """
        with self._changing:
            self._hold(digest, data)

    def take_up(self, digest: bytes, data: tlv.Buffer, named: Callable[[], frozenset[bytes]]) -> None:
        """Let one wait no longer: it is held. Its name stays where a source has it, and goes with the source.

        What cannot be written down goes on needing an answer, and is written when its source is tried again.

        Args:
            digest: What waited.
            data: All of it, as it came.
            named: What sources have.
        """
        with self._changing:
            if digest not in self._under_way() | named():
                self._remove(frozenset((digest,)))
                return
            with suppress(StoreError):
                self._hold(digest, data)

    def settle(self, digests: frozenset[bytes]) -> None:
        """Let these wait no longer, since they are held; what cannot be read, or written down, waits on."""
        for digest in digests:
            with suppress(OSError, StoreError, MalformedError, PemError):
                data = self._shelf.read(digest)
                if data is not None:
                    self.hold(digest, data)

    @contextmanager
    def attempt(self) -> Iterator["Brought"]:
        """The shelf for one attempt at a source: what that leaves there stays until the end, whoever lets go of it.

        By then the record of the source must name it.
        """
        brought = Brought(self)
        self._brought.append(brought)
        try:
            yield brought
        finally:
            self._brought.remove(brought)

    def let_go(self, digests: frozenset[bytes], named: Callable[[], frozenset[bytes]]) -> None:
        """Let these wait no longer, but for those that a source has; what cannot be removed goes after a restart.

        Args:
            digests: What some source has no more.
            named: What sources have.
        """
        with self._changing:
            # Attempts first: one that ends meanwhile has had its source remembered before.
            self._remove(digests - self._under_way() - named())

    def sweep(self, named: Callable[[], frozenset[bytes]]) -> None:
        """Let go of everything that no source has.

        Raises:
            OSError: the shelf cannot be read.
            StoreError: the index cannot.
        """
        self.let_go(self._shelf.digests() | self._index.named(), named)

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

    def _hold(self, digest: bytes, data: tlv.Buffer) -> None:
        self._index.hold(_waiting(digest, data))
        with suppress(OSError):
            self._shelf.remove(digest)

    def _remove(self, digests: frozenset[bytes]) -> None:
        """Forget these. What cannot be taken out of the index is taken out at the next start."""
        if digests:
            with suppress(StoreError):
                self._index.remove(digests)
        for digest in digests:
            with suppress(OSError):
                self._shelf.remove(digest)

    def _under_way(self) -> frozenset[bytes]:
        """What attempts have left that have not ended."""
        return frozenset[bytes]().union(*(one.left for one in tuple(self._brought)))


class Brought:
    """The shelf for one attempt, which notes whatever has a name, held, kept or not. Implements `PendingCrls`."""

    def __init__(self, shelf: IndexedShelf) -> None:
        """Nothing is."""
        self._shelf = shelf
        self.named: frozenset[bytes] = frozenset()
        self._left: frozenset[bytes] = frozenset()

    @property
    def left(self) -> frozenset[bytes]:
        """All that this attempt may have left there, whether its source has it or not."""
        return self.named | self._left

    def go_back(self, named: frozenset[bytes]) -> None:
        """Say again what was named before; see `PendingCrls`."""
        self._left, self.named = self.left, named

    def keep(self, digest: bytes, data: tlv.Buffer) -> bool:
        """Keep one.

        Raises:
            MalformedError: it bears no name.
            PemError: nor has it an armour that can be read.
            OSError: it could not be kept.
            StoreError: it could not be written down.
        """
        before, self.named = self.named, self.named | {digest}
        try:
            return self._shelf.keep(digest, data)
        except (MalformedError, PemError):
            self.named = before
            raise

    def hold(self, digest: bytes, data: tlv.Buffer) -> None:
        """Keep it no longer: it is held, and the source has it.

        Raises:
            MalformedError: it bears no name.
            PemError: nor has it an armour that can be read.
            StoreError: that could not be written down.
        """
        self.named |= {digest}
        self._shelf.hold(digest, data)


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
