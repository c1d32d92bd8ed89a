"""A prefetcher with everything around it: the real store, ingester, trust stores, files and validator.

What is made up is what lies outside: the origin, the time, and who is told.
"""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Final, Unpack

from service.adapters.files.places import FilePlaces
from service.adapters.lmdb.role import Role
from service.adapters.lmdb.store import Store
from service.adapters.nonces import RandomNonces
from service.adapters.pending_files import PendingFiles
from service.adapters.places import EveryPlace
from service.adapters.spool import FileSpool
from service.adapters.trust_store_files import TrustStoreFiles
from service.application.crl_fetcher import CrlSigner
from service.application.crl_sharing import CrlSharing, Unshared
from service.application.gather import Gatherer
from service.application.ingest import Ingester, IngestRules
from service.application.ocsp_client import OcspClient, OcspRules
from service.application.origin import Origin, OriginError, OriginRequest, OriginStream
from service.application.origin_headers import OriginHeaders, Validators
from service.application.places import Place, PlaceObject, parse_place
from service.application.prefetch.assembling import PrefetchConfiguration, PrefetchPorts, assemble
from service.application.prefetch.desk import PrefetchDesk
from service.application.prefetch.executor import Prefetcher
from service.application.prefetch.inventory import Inventory
from service.application.prefetch.loops import PrefetchLoops
from service.application.prefetch.source_record import SourceRecord
from service.application.prefetch.telling import (
    NullPrefetchObserver,
    PlaceDetails,
    RefreshDetails,
    RolledBackDetails,
    StalledDetails,
)
from service.application.prefetch.used import UsedSources
from service.application.prefetch.watching import uploads_place
from service.application.trust_stores import TrustStores
from service.application.url_places import UrlPlaces
from service.application.validate import Validator
from service.core.decision.block_list import NO_BLOCKS, StandingBlocks
from service.core.model.attempt import Problem
from service.core.model.certificate import Certificate
from service.core.model.policy import Policy
from service.core.prefetch.schedule import Schedule
from tests.api.fakes import NumberedIds
from tests.application.chain import ROOT, SUB, leaf, read
from tests.application.fakes import Recorder, ScriptedOrigin, pieces
from tests.application.manual_clock import ManualClock
from tests.application.world import LEAF_ALONE, request, summary
from tests.pki import NOW, Authority, CrlOverrides, bundle

MINUTE: Final = 60.0
HOUR: Final = 3600.0
DAY: Final = 24 * HOUR

MIRROR: Final = "http://mirror.example/sub.crl"
"""Another place of Sub's CRL."""

LEAF: Final = leaf()
"""It names no distribution point: what is held for its issuer counts, and without anything it is allowed."""

UNANSWERED: Final = ("allow", "unknown", "ok")

PROMPT: Final = Schedule(first_delay=timedelta(0), jitter=0.0)
"""Nothing is left to chance, and nothing waits at first."""


class NothingBlocked:
    """Implements `BlocksInForce`."""

    async def current(self) -> StandingBlocks:
        """None."""
        return NO_BLOCKS


class Unplugged(EveryPlace):
    """Places of which some cannot be listed."""

    def __init__(self, origin: Origin) -> None:
        """All of them can."""
        super().__init__(FilePlaces(), UrlPlaces(origin, 1.0), None)
        self.failing: set[str] = set()

    async def list(self, place: Place) -> tuple[PlaceObject, ...]:
        """What is there.

        Raises:
            OriginError: it is one of those.
        """
        if str(place) in self.failing:
            raise OriginError(Problem.UNREACHABLE, "somebody unplugged it")
        return await super().list(place)


class VersionedOrigin(ScriptedOrigin):
    """A scripted origin that says which version an answer is, and may answer that nothing was modified."""

    def __init__(self, answers: Mapping[str, bytes | OriginError] | None = None) -> None:
        """Take what it answers; it says nothing of ages."""
        super().__init__(answers)
        self.not_modified = 0
        self.max_age_s: int | None = None

    @asynccontextmanager
    async def stream(self, request: OriginRequest) -> AsyncIterator[OriginStream]:
        """The answer, or that it is the version that the request has."""
        body = await self._answer(request)
        validators = Validators(f'"{hash(body):x}"')
        said = OriginHeaders(validators, self.max_age_s)
        if request.validators == validators:
            self.not_modified += 1
            yield OriginStream(request.url, pieces(b""), said, not_modified=True)
        else:
            yield OriginStream(request.url, pieces(body), said)


class Told(NullPrefetchObserver):
    """Keeps what it is told."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.refreshes: list[RefreshDetails] = []
        self.rollbacks: list[RolledBackDetails] = []
        self.stalls: list[StalledDetails] = []
        self.places: list[PlaceDetails] = []
        self.dropped: list[str] = []
        self.forgotten_count = 0
        self.reasons: list[str] = []

    def refreshed(self, details: RefreshDetails) -> None:
        """Keep it."""
        self.refreshes.append(details)

    def rolled_back(self, details: RolledBackDetails) -> None:
        """Keep it."""
        self.rollbacks.append(details)

    def number_stalled(self, details: StalledDetails) -> None:
        """Keep it."""
        self.stalls.append(details)

    def place_listed(self, details: PlaceDetails) -> None:
        """Keep it."""
        self.places.append(details)

    def pending_dropped(self, digest: str) -> None:
        """Keep it."""
        self.dropped.append(digest)

    def forgotten(self, count: int) -> None:
        """Count them."""
        self.forgotten_count += count

    def not_remembered(self, reason: str) -> None:
        """Keep it."""
        self.reasons.append(reason)


@dataclass(frozen=True, slots=True)
class Setup:
    """What is configured.

    Attributes:
        sources: As in the setting.
        url_map: Likewise.
        pending_octets: Of CRLs that wait.
        sharing: With whom it shares what it fetched.
        name_of: What those call a place.
    """

    sources: tuple[str, ...] = ()
    url_map: tuple[tuple[str, str], ...] = ()
    schedule: Schedule = PROMPT
    policy: Policy = LEAF_ALONE
    pending_octets: int = 1 << 20
    sharing: CrlSharing = field(default_factory=Unshared)
    name_of: Callable[[str], str] | None = None


@dataclass(slots=True)
class World:
    """A service whose prefetcher a test drives by hand."""

    store: Store
    directory: Path
    clock: ManualClock
    origin: VersionedOrigin
    told: Told
    recorder: Recorder
    inventory: Inventory
    loops: PrefetchLoops
    prefetcher: Prefetcher
    desk: PrefetchDesk
    ingester: Ingester
    validator: Validator
    pending: PendingFiles
    used: UsedSources
    failing_places: set[str]

    async def ask(self, leaf: Certificate, issuer: Authority = SUB, *others: Authority) -> tuple[str, str, str]:
        """What is decided about a leaf that comes with its issuer, and with others."""
        asked = replace(request(leaf), intermediates=tuple(map(read, (issuer, *others))))
        return summary(await self.validator.validate(asked))

    async def go(self, seconds: float = 0.0) -> None:
        """Let time pass, look at everything, and do what is due."""
        self.clock.advance(seconds)
        await self.loops.tick()
        await self.prefetcher.settle()

    async def live(self, seconds: float, step: float = MINUTE) -> None:
        """Let time pass in steps, as a process does that looks whenever something is due."""
        for _ in range(int(seconds / step)):
            await self.go(step)

    def record(self, key: str) -> SourceRecord:
        """What others read of a source."""
        (found,) = (one for one in self.store.sources() if one.source.key == key)
        return found

    @property
    def numbers(self) -> set[int | None]:
        """CRL numbers of what is held."""
        return {one.meta.crl_number for one in self.store.held()}

    @property
    def uploads(self) -> Path:
        """Where uploads are."""
        return self.directory / "uploads"


@contextmanager
def world(
    directory: Path, setup: Setup | None = None, origin: VersionedOrigin | None = None, clock: ManualClock | None = None
) -> Iterator[World]:
    """A service on this host, which begins when the test calls `loops.begin`.

    Args:
        directory: Of the service: another world in the same directory is the same service after a restart.
        setup: What is configured.
        origin: What lies outside.
        clock: Time, which goes on through a restart.
    """
    setup, origin, clock = setup or Setup(), origin or VersionedOrigin(), clock or ManualClock()
    _furnish(directory)
    recorder, told = Recorder(), Told()
    with Store.open(directory / "store", Role.INGESTER) as store:
        places = Unplugged(origin)
        pending = PendingFiles(directory / "pending", setup.pending_octets, told.pending_dropped)
        stores = TrustStores(TrustStoreFiles(None, directory / "stores"), clock)
        stores.load()
        ports = PrefetchPorts(
            origin,
            places,
            store,
            FileSpool(directory / "spool"),
            pending,
            stores,
            clock,
            recorder,
            told,
            setup.sharing,
            setup.name_of,
        )
        made = assemble(ports, _configuration(setup, directory), AsyncExitStack())
        used = UsedSources(setup.policy)
        client = OcspClient(origin, store, clock, recorder, OcspRules(setup.policy, 1.0), RandomNonces())
        gatherer = Gatherer(store, store, made.prefetcher, client, clock, used, made.desk)
        validator = Validator(stores, gatherer, clock, NumberedIds(), recorder, 30.0, NothingBlocked())
        yield World(
            store=store,
            directory=directory,
            clock=clock,
            origin=origin,
            told=told,
            recorder=recorder,
            inventory=made.inventory,
            loops=made.loops,
            prefetcher=made.prefetcher,
            desk=made.desk,
            ingester=made.ingester,
            validator=validator,
            pending=pending,
            used=used,
            failing_places=places.failing,
        )


def _furnish(directory: Path) -> None:
    """Make the directories of a service, and a trust store where there is none yet."""
    for name in ("stores", "pending", "uploads", "spool"):
        (directory / name).mkdir(exist_ok=True)
    default = directory / "stores" / "default.pem"
    if not default.exists():
        default.write_text(ROOT.pem)


def _configuration(setup: Setup, directory: Path) -> PrefetchConfiguration:
    return PrefetchConfiguration(
        ingest=IngestRules(1 << 20, 10.0, setup.policy),
        uploads=uploads_place(directory),
        sources=tuple(map(parse_place, setup.sources)),
        url_map=setup.url_map,
        schedule=setup.schedule,
    )


def crl(crl_number: int, age: float = 0.0, life: float = DAY, **overrides: Unpack[CrlOverrides]) -> bytes:
    """A CRL of Sub.

    Args:
        crl_number: Its number.
        age: When it was published, in seconds after the beginning of a test.
        life: Seconds until its nextUpdate.
        overrides: Whatever else is to be special about it.
    """
    moment = NOW + timedelta(seconds=age)
    wanted: CrlOverrides = {
        "this_update": moment,
        "next_update": moment + timedelta(seconds=life),
        "number": crl_number,
    }
    wanted.update(overrides)
    return SUB.crl(**wanted)


def place(directory: Path, name: str, content: bytes) -> Path:
    """Put a file there whole, as publishers do."""
    part = directory / f".{name}"
    part.write_bytes(content)
    part.rename(directory / name)
    return directory / name


async def begun(service: World) -> World:
    """The service after its start."""
    await service.loops.begin()
    await service.go()
    return service


def trust(directory: Path, *authorities: Authority) -> None:
    """Let these be known."""
    (directory / "stores").mkdir(exist_ok=True)
    (directory / "stores" / "default.pem").write_text(bundle(authorities))


@contextmanager
def serving(crls: Path, *more: str) -> Iterator[World]:
    """A service whose source that directory is."""
    with world(crls.parent, Setup((str(crls), *more))) as service:
        yield service


def signer(authority: Authority) -> CrlSigner:
    """Whoever signs CRLs with its key."""
    return CrlSigner.of(read(authority))


def verified(service: World) -> int:
    """How often a CRL was looked at."""
    return len(service.recorder.ingestions)
