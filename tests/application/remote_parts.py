"""A trust store behind a URL, with everything real but the clock."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from service.adapters.http.origin import HttpOrigin
from service.adapters.kept_copies import KeptCopies
from service.adapters.trust_store_files import TrustStoreFiles
from service.application.places import PinnedPlace, UrlPlace
from service.application.remote_trust_store import RemoteTrustStore, WithRemoteDefault
from service.application.trust_stores import TrustStores
from service.application.url_places import UrlPlaces
from tests.adapters.http.servers import Received, head, ok, serve
from tests.adapters.http.world import world
from tests.application.manual_clock import ManualClock
from tests.application.trust_store_parts import Changes

TIMEOUT_S = 20.0


@dataclass(slots=True)
class Published:
    """What is at a URL: octets with an ETag, or a status.

    Attributes:
        sent: How often the octets were sent.
        asked: How often anybody asked.
        port: Where they are.
        gate: While it is closed, nobody gets an answer.
    """

    content: bytes | int
    sent: int = 0
    asked: int = 0
    port: int = 0
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self) -> str:
        """Where it is; the query is what lets one in."""
        return f"http://inside.example:{self.port}/cas.pem?token=secret"

    async def answer(self, received: Received, writer: asyncio.StreamWriter) -> None:
        """Answer a request, conditional or not."""
        self.asked += 1
        await self.gate.wait()
        if isinstance(self.content, int):
            writer.write(head(self.content, "Content-Length: 0"))
            return
        etag = f'"{sha256(self.content).hexdigest()}"'
        if received.headers.get("if-none-match") == etag:
            writer.write(head(304, f"ETag: {etag}"))
            return
        self.sent += 1
        writer.write(ok(self.content, f"ETag: {etag}"))


@dataclass(frozen=True, slots=True)
class Host:
    """A host that trusts what is published.

    Attributes:
        published: What is there.
        data: Its disk.
    """

    published: Published
    data: Path
    origin: HttpOrigin
    clock: ManualClock = field(default_factory=ManualClock)
    changes: Changes = field(default_factory=Changes)

    @property
    def shown(self) -> str:
        """What messages call it."""
        return f"http://inside.example:{self.published.port}/cas.pem"

    def start(
        self, pin: bytes | None = None, directory: Path | None = None, wanted: Callable[[], int] | None = None
    ) -> tuple[RemoteTrustStore, TrustStores]:
        """What a process has that has just been started; it has not looked yet."""
        place = PinnedPlace(UrlPlace(self.published.url), pin)
        copies = KeptCopies(self.data / "trust-stores")
        remote = RemoteTrustStore(place, UrlPlaces(self.origin, TIMEOUT_S), copies, self.clock, wanted=wanted)
        stores = TrustStores(WithRemoteDefault(TrustStoreFiles(None, directory), remote), self.clock, self.changes)
        stores.load()
        return remote, stores


@asynccontextmanager
async def host(content: bytes | int, data: Path) -> AsyncIterator[Host]:
    """A host beside which something is published."""
    published = Published(content)
    published.gate.set()
    async with world() as there, serve(published.answer) as server:
        published.port = server.port
        yield Host(published, data, there.origin)
