"""What trust stores are made of in tests, and how they are looked at."""

from typing import Final

from service.application.observer import NullObserver, TrustStoreDetails
from service.core.model.certificate import Certificate
from service.core.model.trust_store import TrustStore
from tests.pki.authority import Authority

ROOT: Final = Authority.root("Root")
SUB: Final = ROOT.subordinate("Sub")
OTHER: Final = Authority.root("Other")
STRAY: Final = OTHER.subordinate("Stray")
BROKEN: Final = ROOT.pem.replace("M", "*", 1)


class Changes(NullObserver):
    """Keeps what is told of trust stores."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.changes: list[TrustStoreDetails] = []

    def trust_store_changed(self, details: TrustStoreDetails) -> None:
        """Keep it."""
        self.changes.append(details)

    def take(self) -> list[TrustStoreDetails]:
        """What was told since the last time."""
        taken, self.changes = self.changes, []
        return taken


def subjects(certificates: frozenset[Certificate]) -> set[str]:
    """Who they are."""
    return {certificate.subject.text for certificate in certificates}


def whole(store: TrustStore) -> tuple[set[str], set[str]]:
    """Anchors and intermediates of a store."""
    return subjects(store.anchors), subjects(store.intermediates)
