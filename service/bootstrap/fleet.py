"""The fleet: from the settings to the cache that replicas share, and to who follows it. None of it without Redis."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from importlib import import_module
from typing import assert_never

from service.adapters.clock import SystemClock
from service.adapters.counted import CountedMetrics
from service.adapters.fleet_log import FleetLog
from service.adapters.fleet_metrics import FleetCounters
from service.adapters.ipc.client import PrefetcherClient
from service.adapters.lmdb.store import Store
from service.adapters.metrics import PrometheusObserver
from service.api.operations import CheckResult, Condition, ReadinessCheck
from service.application.fleet.block_list import FleetBlockList
from service.application.fleet.cache import SharedCache
from service.application.fleet.envelope import FleetKeys, Refusal
from service.application.fleet.figures import HostFigures
from service.application.fleet.following import Follower
from service.application.fleet.hearing import Listeners
from service.application.fleet.heartbeat import Role
from service.application.fleet.heartbeats import HeartbeatPorts, Heartbeats, Identity
from service.application.fleet.lease import held_now
from service.application.fleet.names import FleetNames
from service.application.fleet.parts import FleetParts, FleetRules
from service.application.fleet.standing import Standing
from service.application.fleet.telling import FleetObservers, RefusedDetails, ReplicaObserver
from service.application.fleet.trust_store_news import TrustStoreNews
from service.application.observer import BlockDetails
from service.application.prefetch.desk import PrefetcherUnavailableError
from service.application.redis_address import parse_redis_address
from service.application.trust_store_source import DEFAULT_STORE
from service.application.trust_stores import TrustStores
from service.bootstrap.directories import VERSION
from service.bootstrap.logs import log_fault
from service.bootstrap.outside import trust_store_places
from service.settings import Settings, SettingsError
from service.settings.model import setting


@dataclass(frozen=True, slots=True)
class OpenFleet:
    """What one process shares with the fleet.

    Attributes:
        parts: The cache, and how it is used.
        told: Is told what happens.
        unreachable: Why Redis is not asked now; None where it is.
    """

    parts: FleetParts
    told: ReplicaObserver
    unreachable: Callable[[], str | None]


@dataclass(frozen=True, slots=True)
class Replica:
    """What the prefetcher of a replica does for the whole of it.

    Attributes:
        follower: Hears of what others change; for what it says of this replica.
        run: What goes on until it is cancelled.
    """

    follower: Follower
    run: Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class ReplicaPorts:
    """What of a replica the fleet works with.

    Attributes:
        store: Its host's.
        stores: Its trust stores.
        told: Is told of blocks that others have added and removed.
        crl: Is told that there is something newer of a URL.
        counted: What its processes have counted.
    """

    store: Store
    stores: TrustStores
    told: Callable[[BlockDetails], None]
    crl: Callable[[str], object]
    counted: CountedMetrics


def compose_replica(settings: Settings, fleet: OpenFleet, role: Role, ports: ReplicaPorts) -> Replica:
    """Put together what follows the fleet, and tells it of this replica.

    Args:
        settings: The settings.
        fleet: What is shared.
        role: What this replica is there for.
        ports: What of it the fleet works with.
    """
    parts, store = fleet.parts, ports.store
    news = TrustStoreNews(parts, store.fleet, _remote_versions(settings, ports.stores))
    blocks = FleetBlockList(parts, store.blocks, ports.told)
    follower = Follower(parts, store.fleet, Listeners(blocks, ports.crl, news.heard), log_fault)
    workers = settings.workers if role is Role.SERVICE else None
    figures = HostFigures(store, store.blocks.block_count, ports.counted.tallies, parts.clock)
    heartbeats = Heartbeats(
        parts,
        Identity(VERSION, role, ports.counted.started_at(), workers),
        HeartbeatPorts(figures, follower, held_now, log_fault),
        fleet.told,
    )

    async def run() -> None:
        async with asyncio.TaskGroup() as group:
            for goes_on in (follower.run, news.run, heartbeats.run):
                group.create_task(goes_on())

    return Replica(follower, run)


def _remote_versions(settings: Settings, stores: TrustStores) -> Callable[[], Mapping[str, bytes | None]]:
    """The versions of the trust stores that are elsewhere: of those, other replicas find the same."""
    if trust_store_places(settings).remote is None:
        return dict

    def versions() -> Mapping[str, bytes | None]:
        store = stores.in_force(DEFAULT_STORE)
        return {DEFAULT_STORE: None if store is None else store.version}

    return versions


async def open_fleet(settings: Settings, counts: PrometheusObserver, stack: AsyncExitStack) -> OpenFleet | None:
    """What this process shares with the fleet; nothing is asked yet, and a Redis that is not there delays nobody.

    Args:
        settings: The settings.
        counts: The counters of this process.
        stack: Closes the connections.

    Returns:
        None without `REVET_REDIS_URL`.

    Raises:
        SettingsError: a file that the settings name cannot be used any more.
    """
    if settings.redis_url is None:
        return None
    clock = SystemClock()
    counters = FleetCounters(counts.registry)
    told = FleetObservers(FleetLog(clock), counters)
    # By name and not at the top: a service without Redis does without 8 MB of client in each of its processes.
    clients = import_module("service.adapters.redis.clients")
    place = clients.RedisPlace(
        settings.redis_url.get_secret_value(),
        settings.redis_ca_bundle,
        settings.redis_client_cert,
        settings.redis_client_key,
    )
    names = FleetNames(settings.redis_prefix, _cache_at(place.url))

    def discarded(name: str) -> None:
        told.refused(RefusedDetails(names.kind_of(name), Refusal.MALFORMED, name))

    try:
        opened = clients.open_cache(place, told.reachable, discarded=discarded, answered=counters.answered)
        cache: SharedCache = await stack.enter_async_context(opened)
    except (OSError, ValueError) as error:  # a file that was good when the settings were read
        raise SettingsError((f"{setting('redis_url')} and the files of its TLS cannot be used: {error}",)) from error
    parts = FleetParts(cache, names, fleet_rules(settings), clock, told)
    return OpenFleet(parts, told, lambda: opened.unreachable)


def _cache_at(url: str) -> str:
    """Tells a Redis from others by where it is, and not by how it is spoken with; has no password in it."""
    address = parse_redis_address(url)
    return sha256(repr((sorted(address.hosts), address.path, address.database)).encode()).hexdigest()


def fleet_rules(settings: Settings) -> FleetRules:
    """What the operator has decided about the fleet."""
    keys = FleetKeys(tuple(key.get_secret_value().encode() for key in settings.fleet_key))
    longest, skew = timedelta(seconds=settings.max_shared_age_s), timedelta(seconds=settings.clock_skew_s)
    return FleetRules(settings.replica_name, keys, longest, skew)


def fleet_check(client: PrefetcherClient) -> ReadinessCheck:
    """Whether this replica knows what its fleet knows; that Redis is away keeps nobody out of service.

    A host that has never read the fleet's blocks is kept out by the check of the blocks.
    """

    async def check() -> CheckResult:
        try:
            standing = await client.fleet_standing()
        except PrefetcherUnavailableError as error:
            return CheckResult(Condition.FAILED, str(error))
        if standing is None:
            return CheckResult(Condition.FAILED, "the prefetcher follows no fleet: it has other settings")
        match standing.standing:
            case Standing.CURRENT:
                return CheckResult(Condition.GOOD)
            case Standing.BEHIND:
                return CheckResult(Condition.IMPAIRED, f"{standing.reason} (since {standing.since:%Y-%m-%dT%H:%M:%SZ})")
            case Standing.CATCHING_UP:
                return CheckResult(Condition.FAILED, "it reads what the fleet has")
            case _:
                assert_never(standing.standing)

    return check
