"""Trust stores out of certificates that a test has at hand."""

from collections.abc import Iterable, Mapping
from typing import Final, TypeAlias

from service.application.trust_store_source import FileStamp, Scan, SourceFile, TrustStoreSourceError
from service.application.trust_stores import TrustStores
from tests.api.fakes import StandingClock
from tests.pki import Authority, Issued, bundle

Contents: TypeAlias = Mapping[str, Iterable[Authority | Issued]]
"""Certificates by the name of their trust store."""

_UNCHANGED: Final = FileStamp("store.pem", 0, 0, 0, 0, 0)


class _InMemory:
    """A place where trust stores are written down, and never changed."""

    def __init__(self, contents: Contents) -> None:
        self._files = {name: bundle(certificates).encode() for name, certificates in contents.items()}

    def scan(self) -> Scan:
        """All of them."""
        return Scan(dict.fromkeys(self._files, (_UNCHANGED,)))

    def read(self, name: str) -> tuple[SourceFile, ...]:
        """The one file of a store."""
        if name not in self._files:
            raise TrustStoreSourceError("there is none")
        return (SourceFile(f"{name}.pem", self._files[name]),)

    def read_intermediates(self) -> tuple[SourceFile, ...]:
        """There are none."""
        return ()


def trust_stores(contents: Contents) -> TrustStores:
    """The stores, loaded."""
    stores = TrustStores(_InMemory(contents), StandingClock())
    stores.load()
    return stores
