"""Several observers at once, and none."""

import pytest

from service.application.observer import (
    AuthorizedDetails,
    BlockChange,
    BlockDetails,
    DecisionDetails,
    FetchDetails,
    IgnoredDetails,
    IngestDetails,
    Ingested,
    NullObserver,
    Observer,
    Observers,
    OcspEvent,
    ShadowDetails,
    TrustStoreChange,
    TrustStoreDetails,
)
from service.core.model.failure import Code
from service.core.model.verdict import Decision

EVENTS = (
    DecisionDetails("id-1", Decision.ALLOW, Code.OK, "default", "api", 0.1),
    IgnoredDetails("id-1", ("reason",)),
    FetchDetails("crl", "http://ca.example/crl", None, "", 0.1),
    IngestDetails("http://ca.example/crl", Ingested.STORED, 3, 500, 0.1),
    TrustStoreDetails("default", TrustStoreChange.LOADED, 1),
    OcspEvent.MEMORY,
    ShadowDetails("id-1", Code.REVOKED, "default"),
    BlockDetails(BlockChange.REMOVED, "block-1"),
    AuthorizedDetails("nginx", "no_certificate", "id-1"),
)


class Notes:
    """Writes down all that it is told."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.told: list[object] = []

    def decided(self, details: DecisionDetails) -> None:
        """Write it down."""
        self.told.append(details)

    def ignored(self, details: IgnoredDetails) -> None:
        """Write it down."""
        self.told.append(details)

    def fetched(self, details: FetchDetails) -> None:
        """Write it down."""
        self.told.append(details)

    def ingested(self, details: IngestDetails) -> None:
        """Write it down."""
        self.told.append(details)

    def trust_store_changed(self, details: TrustStoreDetails) -> None:
        """Write it down."""
        self.told.append(details)

    def ocsp(self, event: OcspEvent) -> None:
        """Write it down."""
        self.told.append(event)

    def would_deny(self, details: ShadowDetails) -> None:
        """Write it down."""
        self.told.append(details)

    def blocks_changed(self, details: BlockDetails) -> None:
        """Write it down."""
        self.told.append(details)

    def authorized(self, details: AuthorizedDetails) -> None:
        """Write it down."""
        self.told.append(details)


def tell_everything(observer: Observer) -> None:
    """One event of each kind."""
    decided, ignored, fetched, ingested, changed, event, denial, blocks, authorized = EVENTS
    observer.decided(decided)
    observer.ignored(ignored)
    observer.fetched(fetched)
    observer.ingested(ingested)
    observer.trust_store_changed(changed)
    observer.ocsp(event)
    observer.would_deny(denial)
    observer.blocks_changed(blocks)
    observer.authorized(authorized)


@pytest.mark.parametrize("count", [0, 1, 3])
def test_each_is_told_everything(count: int) -> None:
    """In the order of events."""
    notes = [Notes() for _ in range(count)]
    tell_everything(Observers(*notes))
    assert [list(EVENTS)] * count == [one.told for one in notes]


def test_nobody_listens() -> None:
    """It is no fault."""
    tell_everything(NullObserver())
