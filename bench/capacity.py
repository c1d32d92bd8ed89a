"""What one thing costs a fleet, and what fleets of three sizes need: `python -m bench.capacity`. A minute.

The figures of `docs/capacity.md`: its table of costs is this table, measured on some machine, and its other tables are
`bench.sizing` of it. What is in Redis is measured in a redis-server of this machine, by the names and in the envelopes
that replicas use; Redis itself is asked for how much memory it takes.
"""

import asyncio
import os
import re
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Final

from redis import Redis

from bench import verdicts
from bench.crls import RULES
from bench.measuring import Time, race
from bench.partitioned import Partitioned
from bench.pki import chain
from bench.sizing import Costs, Fleet, Plan, plan
from service.adapters.clock import SystemClock
from service.adapters.lmdb.role import Role
from service.adapters.lmdb.store import Store
from service.adapters.redis.clients import RedisPlace, open_cache
from service.adapters.spool import FileSpool
from service.application.block_text import write_block
from service.application.fleet.crl_versions import PIECE_OCTETS
from service.application.fleet.envelope import EnvelopeKind, FleetKeys
from service.application.fleet.names import FleetNames
from service.application.fleet.parts import FleetParts, FleetRules
from service.application.fleet.telling import NullFleetObserver
from service.application.ingest import Ingester
from service.application.settled import SETTLED_S
from service.core.der.crl import read_crl_head
from service.core.model.block import Block, FingerprintMatch
from tests.application.chain import SUB, order
from tests.application.fakes import Recorder, ScriptedOrigin
from tests.pki import Authority
from tests.redis_servers import RedisServer, redis_server

PARTITION: Final = 1_000_000
"""Octets of the CRL that is taken in: as large as a partition of AWS Private CA gets."""

TIMES: Final = 30
"""Each time that is short is the median of so many."""

HELD_TIMES: Final = 7
"""So is that of having a CRL held."""

MANY: Final = 2_000
"""Answers, and blocks, that are written to Redis, so that what it takes for one can be told."""

TWO_DIGITS: Final = 10
"""From here on a figure needs none after the point."""

SMALLEST: Final = 0.01
"""Nobody plans for less."""

TTL_S: Final = 600.0
URL: Final = "http://crls.example/crl/1.crl"

FLEETS: Final = (
    Fleet(certificates=10_000, requests_per_s=100),
    Fleet(certificates=10_000_000, requests_per_s=5_000),
    Fleet(certificates=1_000_000_000, requests_per_s=50_000, seen=0.05),
)
"""A company's devices; a maker's products; everything that ten of the largest authorities can have issued."""


def main() -> None:
    """Measure, multiply, print."""
    with TemporaryDirectory() as directory, redis_server(Path(directory, "redis")) as server:
        costs = asyncio.run(_measured(Path(directory), server, _verdict_s()))
    print("\n".join(cost_lines(costs)))
    print()
    print("\n".join(plan_lines(read_costs(cost_lines(costs)))))


def cost_lines(costs: Costs) -> Iterator[str]:
    """The table of costs."""
    yield "| cost | measured |"
    yield "| --- | --- |"
    for name, field, scale in _COSTS:
        value = getattr(costs, field) * scale
        yield f"| {name} (`{field}`) | {value:,.{_digits(value)}f} |"


def read_costs(lines: Iterable[str]) -> Costs:
    """The costs that such a table tells, as `docs/capacity.md` has one."""
    rows = {found[1]: float(found[2].replace(",", "")) for line in lines if (found := _COST.fullmatch(line.strip()))}
    return Costs(**{field: rows[field] / scale for _, field, scale in _COSTS})


_COST: Final = re.compile(r"\| .+ \(`(\w+)`\) \| ([0-9,.]+) \|")
_COSTS: Final = (
    ("a verdict at first sight, µs of a worker", "verdict_s", 1e6),
    ("a look at a CRL that has not changed, ms of the prefetcher", "check_s", 1e3),
    ("a CRL of 1 MB out of Redis: read, verified, held, ms of the prefetcher", "take_in_s", 1e3),
    ("octets of that CRL", "crl_octets", 1.0),
    ("octets in Redis for each octet of a CRL", "crl_in_redis", 1.0),
    ("octets in Redis for a CRL without entries", "frame_in_redis", 1.0),
    ("octets of an entry of a CRL", "entry_octets", 1.0),
    ("octets of a CRL without entries", "frame_octets", 1.0),
    ("octets on a host's disk for each octet of a CRL", "disk", 1.0),
    ("octets on a host's disk for a CRL without entries", "frame_on_disk", 1.0),
    ("octets of an OCSP answer (P-256, no delegate's certificate)", "answer_octets", 1.0),
    ("octets in Redis for such an answer", "answer_in_redis", 1.0),
    ("octets in Redis for a block", "block_in_redis", 1.0),
)


def plan_lines(costs: Costs) -> Iterator[str]:
    """The table of fleets."""
    plans = [plan(fleet, costs) for fleet in FLEETS]
    yield "| | " + " | ".join(f"{fleet.certificates:,}" for fleet in FLEETS) + " |"
    yield "| --- |" + " --- |" * len(FLEETS)
    yield "| requests a second | " + " | ".join(f"{fleet.requests_per_s:,.0f}" for fleet in FLEETS) + " |"
    yield "| share of the certificates seen in an hour | " + " | ".join(f"{fleet.seen:.0%}" for fleet in FLEETS) + " |"
    for name, unit, scale in _ROWS:
        yield f"| {name} | " + " | ".join(_figure(_of(one, unit) / scale) for one in plans) + " |"


_MB: Final = 1e6
_ROWS: Final = (
    ("replicas of two workers", "replicas", 1.0),
    ("CRLs", "crls", 1.0),
    ("their size, MB", "crl_octets", _MB),
    ("disk of each replica, MB", "disk_octets", _MB),
    ("Redis, with CRLs alone, MB", "redis_octets", _MB),
    ("requests to the CA a second, the whole fleet", "ca_requests_per_s", 1.0),
    ("octets from the CA, MB/s, the whole fleet", "ca_octets_per_s", _MB),
    ("octets out of Redis, MB/s, to all replicas", "redis_octets_per_s", _MB),
    ("share of a core for the prefetcher of each replica", "prefetcher", 1.0),
    ("instead with OCSP alone: requests to responders a second, the whole fleet", "ocsp_requests_per_s", 1.0),
    ("… Redis, MB", "ocsp_redis_octets", _MB),
)


def _of(one: Plan, name: str) -> float:
    return float(getattr(one, name))


def _figure(value: float) -> str:
    return f"below {SMALLEST:g}" if value < SMALLEST else f"{value:,.{_digits(value)}f}"


def _digits(value: float) -> int:
    """After the point: as many as the model is worth."""
    return 0 if value == round(value) or value >= TWO_DIGITS else 2


def _verdict_s() -> float:
    with verdicts.contestants(chain("P-256", 1_000)) as everybody:
        ours = [one for one in everybody if one.name == verdicts.FIRST_SIGHT]
        return race(ours, Time.PROCESSOR)[0].median


async def _measured(directory: Path, server: RedisServer, verdict_s: float) -> Costs:
    full = _partition(directory / "full", PARTITION)
    empty = _partition(directory / "empty", 0)
    async with open_cache(RedisPlace(server.url)) as cache:
        rules = FleetRules("bench", FleetKeys((os.urandom(32),)), timedelta(hours=1), timedelta(minutes=1))
        parts = FleetParts(cache, FleetNames(), rules, SystemClock(), NullFleetObserver())
        full_in_redis, read_s = await _crl_in_redis(parts, server, full.octets)
        empty_in_redis, _ = await _crl_in_redis(parts, server, empty.octets)
        host, frame = await _holding(directory / "full", full), await _holding(directory / "empty", empty)
        answer = SUB.ocsp(1)
        return Costs(
            verdict_s=verdict_s,
            check_s=host.check_s + await _median(lambda: cache.get(parts.names.crl(URL))),
            take_in_s=host.take_in_s + read_s,
            crl_octets=len(full.octets),
            frame_in_redis=empty_in_redis,
            crl_in_redis=(full_in_redis - empty_in_redis) / len(full.octets),
            entry_octets=(len(full.octets) - len(empty.octets)) / full.entries,
            frame_octets=len(empty.octets),
            frame_on_disk=frame.octets,
            disk=(host.octets - frame.octets) / len(full.octets),
            answer_octets=len(answer),
            answer_in_redis=await _answers_in_redis(parts, server, answer),
            block_in_redis=await _blocks_in_redis(parts, server),
        )


@dataclass(frozen=True, slots=True)
class _Crl:
    """A CRL of one entry of its own and many others."""

    authority: Authority
    octets: bytes
    entries: int


def _partition(directory: Path, octets: int) -> _Crl:
    directory.mkdir()
    made = Partitioned(directory, 1, octets)
    document = (directory / made.partitions[0].name).read_bytes()
    return _Crl(made.authority, document, read_crl_head(memoryview(document), None).walk().meta.entries)


@dataclass(frozen=True, slots=True)
class _Host:
    """What a CRL costs a host.

    Attributes:
        octets: On the disk.
    """

    take_in_s: float
    check_s: float
    octets: float


async def _holding(directory: Path, crl: _Crl) -> _Host:
    """Have it held a number of times, each in a store of its own, and looked at again."""
    taken, checked, held = [], [], 0
    wanted = order(URL, signers=(crl.authority,))
    for number in range(HELD_TIMES):
        path, clock = directory / f"store {number}", SystemClock()
        with Store.open(path, Role.INGESTER) as store:
            before = _octets_of(path)
            ours = Ingester(ScriptedOrigin({URL: crl.octets}), store, FileSpool(directory), clock, Recorder(), RULES)
            taken.append(await _seconds(partial(ours.fetch, wanted)))
            assert len(store.held()) == 1
            held = _octets_of(path) - before
            await clock.sleep(SETTLED_S)
            checked.append(await _seconds(partial(ours.fetch, wanted)))
            await ours.aclose()
    return _Host(median(taken), median(checked), held)


def _octets_of(path: Path) -> int:
    """What the files of a store take on the disk: they have holes."""
    return sum(file.stat().st_blocks * 512 for file in path.rglob("*") if file.is_file())


async def _crl_in_redis(parts: FleetParts, server: RedisServer, octets: bytes) -> tuple[float, float]:
    """Octets of Redis for a CRL, and the seconds in which it is read from there."""
    names = [parts.names.piece(URL, bytes(32), number) for number in range(-(-len(octets) // PIECE_OCTETS))]
    for number, name in enumerate(names):
        await parts.cache.put_piece(name, octets[number * PIECE_OCTETS :][:PIECE_OCTETS], TTL_S)
    await parts.cache.put(parts.names.crl(URL), parts.seal(EnvelopeKind.CRL, parts.names.crl(URL), bytes(500)), TTL_S)
    taken = _memory_of(server, *names, parts.names.crl(URL))

    async def read() -> None:
        for name in names:
            await parts.cache.get_piece(name)

    return taken, await _median(read)


async def _answers_in_redis(parts: FleetParts, server: RedisServer, answer: bytes) -> float:
    """Octets of Redis for each of many answers."""
    before = _memory(server)
    for number in range(MANY):
        key = number.to_bytes(20)
        sealed = parts.seal(EnvelopeKind.OCSP, key.hex(), bytes(len(URL)) + answer)
        await parts.cache.put(parts.names.ocsp(key), sealed, TTL_S)
    return (_memory(server) - before) / MANY


async def _blocks_in_redis(parts: FleetParts, server: RedisServer) -> float:
    """Octets of Redis for each of many blocks, in the list alone."""
    before, now = _memory(server), parts.clock.now()
    for number in range(MANY):
        match = FingerprintMatch(number.to_bytes(32))
        block = Block(f"{number:026}", match, "the laptop was stolen", now, "the operator on duty")
        sealed = parts.seal(EnvelopeKind.BLOCK, block.id, write_block(block))
        await parts.cache.put_members(parts.names.blocks, {block.id: sealed})
    return (_memory(server) - before) / MANY


def _memory_of(server: RedisServer, *names: str) -> int:
    """Octets that Redis takes for some values."""
    with Redis(port=server.port) as client:
        return sum(client.memory_usage(name) for name in names)


def _memory(server: RedisServer) -> int:
    """Octets that Redis takes, the buffers of its clients left out."""
    with Redis(port=server.port) as client:
        return int(client.info("memory")["used_memory_dataset"])


async def _median(call: Callable[[], Awaitable[object]]) -> float:
    return median([await _seconds(call) for _ in range(TIMES)])


async def _seconds(call: Callable[[], Awaitable[object]]) -> float:
    began = perf_counter()
    await call()
    return perf_counter() - began


if __name__ == "__main__":
    main()
