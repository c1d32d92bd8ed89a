"""The production path as a judge: CRLs ingested from a place of the operator's, asked about offline.

The CRLs of a case are files in a directory that is a configured source. The real prefetcher takes them up: those that
somebody signed whom the trust store has are verified and indexed, the others wait for him. Then the application is
asked with `online: false`, on the real store, at a clock that stands at the case's moment. What comes with a request
besides CRLs stays in the request.

Rules: each case has a data directory of its own, with nothing in it that another one has left; the files have another
order than the CRLs of the case.
"""

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Final

from service.adapters.files.places import FilePlaces
from service.adapters.lmdb.role import Role
from service.adapters.lmdb.store import Store
from service.adapters.pending_files import PendingFiles
from service.adapters.places import EveryPlace
from service.adapters.spool import FileSpool
from service.application.ingest import IngestRules
from service.application.observer import NullObserver
from service.application.places import FilePlace
from service.application.prefetch.assembling import PrefetchConfiguration, PrefetchPorts, assemble
from service.application.prefetch.telling import NullPrefetchObserver
from service.application.prefetch.watching import uploads_place
from service.application.trust_stores import TrustStores
from service.application.url_places import UrlPlaces
from service.core.prefetch.schedule import Schedule
from tests.api.fakes import Responders, StandingClock
from tests.conformance.answer import Answer, NoAnswer
from tests.conformance.case import Case
from tests.conformance.interface import Interface, request_of
from tests.conformance.world import Host, Written

MAX_OCTETS: Final = 1 << 24
"""Of a CRL, and of all that wait: far more than any case has."""

AT_ONCE: Final = Schedule(first_delay=timedelta(0), jitter=0.0)
"""Everything is due as soon as it is known."""

_MEMORY: Final = Path("/dev/shm")  # noqa: S108 - a directory of our own is made in it
"""Where there is one, data directories are made there: nothing here is to survive a power failure."""


class Prefetched:
    """Asks the application on hosts whose prefetcher has brought in the CRLs of a case."""

    def __init__(self, cases: Iterable[Case]) -> None:
        """Put down the trust stores and the responders."""
        self._interface = Interface(cases)

    async def ask(self, case: Case, order: str = "") -> Answer | NoAnswer:
        """Ask about a case that has CRLs, on a host of its own; an exception is no answer.

        Args:
            case: The case.
            order: Another text makes another order of the files.
        """
        try:
            async with host(case, order) as found:
                return await self._interface.ask(case, _offline(case), found)
        except Exception as error:  # noqa: BLE001 - whatever it is, it counts against the service
            return NoAnswer(f"{type(error).__name__}: {error}")


@asynccontextmanager
async def host(case: Case, order: str = "") -> AsyncIterator[Host]:
    """A host on which everything was tried once; nothing of it is left afterwards."""
    async with AsyncExitStack() as stack:
        yield await _prefetched(case, order, stack)


async def _prefetched(case: Case, order: str, stack: AsyncExitStack) -> Host:
    """A host on which everything was tried once."""
    directory = Path(tempfile.mkdtemp(dir=_MEMORY if _MEMORY.is_dir() else None))
    stack.callback(shutil.rmtree, directory)
    clock, nowhere = StandingClock(case.at), Responders({})
    for name in ("pending", "uploads", "spool", "crls"):
        (directory / name).mkdir()
    for name, crl in zip(_names(case, order), case.evidence.crls, strict=True):
        (directory / "crls" / name).write_bytes(crl)
    store = stack.enter_context(Store.open(directory / "store", Role.INGESTER))
    stores = TrustStores(Written({"default": case.trusted}), clock)
    stores.load()
    ports = PrefetchPorts(
        origin=nowhere,
        places=EveryPlace(FilePlaces(), UrlPlaces(nowhere, 1.0), None),
        store=store,
        spool=FileSpool(directory / "spool"),
        pending=PendingFiles(directory / "pending", MAX_OCTETS, _unexpected),
        stores=stores,
        clock=clock,
        observer=NullObserver(),
        told=NullPrefetchObserver(),
    )
    configuration = PrefetchConfiguration(
        ingest=IngestRules(MAX_OCTETS, 30.0, case.policy),
        uploads=uploads_place(directory),
        sources=(FilePlace(directory / "crls"),),
        schedule=AT_ONCE,
    )
    made = assemble(ports, configuration, stack)
    await made.loops.begin()
    await made.loops.tick()
    await made.prefetcher.settle()
    return Host(store, store, clock, made.desk)


def _names(case: Case, order: str) -> list[str]:
    names = [f"{number:03}.crl" for number in range(len(case.evidence.crls))]
    Random(case.name + order).shuffle(names)  # noqa: S311 - an order, and no secret
    return names


def _offline(case: Case) -> dict[str, object]:
    """The request without CRLs and of this moment; where responders are asked it is online, and no CRL is fetched."""
    request = request_of(case)
    options = {name: value for name, value in request["options"].items() if name != "at"}
    options["evidence"] = {**options["evidence"], "crls": []}
    return {**request, "options": options}


def _unexpected(digest: str) -> None:
    raise AssertionError(f"no room for {digest}")
