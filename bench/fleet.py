"""Five replicas, a Redis to which everything happens, an authority that logs, and an oracle that knows the truth.

    python -m bench.fleet                  everything: about fifteen minutes
    python -m bench.fleet rhythm blocks    parts of it

Each part starts real processes on this machine, prints what it measured beside what is wanted, and ends what it
started. In the end everything is printed once more as one table; the exit code is 1 where something is not as wanted.
"""

import argparse
import asyncio
import os
import shutil
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from statistics import mean, quantiles
from tempfile import TemporaryDirectory
from typing import Final

from bench.fleet_load import half_load
from bench.serving import UnusableError
from service.adapters.clock import SystemClock
from tests.e2e.fleet import poisonings
from tests.e2e.fleet.ca import Rhythm
from tests.e2e.fleet.chaos import Told, filled, flushed, frozen, killed, slow, story
from tests.e2e.fleet.cluster import redis_cluster
from tests.e2e.fleet.poisonings import poison_answers, poison_blocks, poison_crls
from tests.e2e.fleet.population import Declares, Size
from tests.e2e.fleet.scene import Cast, Scene, per_period, played, scene_with_redis
from tests.e2e.fleet.spreading import spread
from tests.e2e.fleet.traffic import Pace
from tests.redis_servers import RedisServer

RUN_S: Final = 120.0
"""Of the run in which everything works."""

FAULT_S: Final = 15.0

BLOCKS: Final = 100

MOST_TIMES: Final = 3.0
"""How much longer the 99th of a hundred warm answers may take while Redis is in trouble."""

WITHIN_S: Final = 1.0
"""In which a block is in force everywhere."""

REVOKED_EVERY_S: Final = 3.0
BLOCKED_EVERY_S: Final = 5.0

RHYTHM: Final = Rhythm(5.0, 12, 60)

SOON_S: Final = 2.5
"""Beyond an interval, in which a revocation is known everywhere while everything works."""

EARLIEST: Final = 0.4
"""Of an OCSP answer's life: half of it, less at most a fifth of that (`application.ocsp_refresh`)."""

WARM: Final = 20
"""Certificates of the warm requests: the last ones, to which nothing happens."""

FAULTED: Final = Cast(size=Size(160), rhythm=Rhythm(5.0, 20, 60))

RARELY_S: Final = 0.1
"""Between two looks whether a replica denies, where the time that others wait is measured."""

QUIET: Final = Pace(single=4.0, batches=1.0)

_ROW: Final = "{:<52} {:>26} {:>16} {:>5}"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table.

    Attributes:
        is_met: None where nothing is wanted.
    """

    what: str
    figure: str
    wanted: str = ""
    is_met: bool | None = None

    def __str__(self) -> str:
        judged = {None: "", True: "pass", False: "FAIL"}[self.is_met]
        return _ROW.format(self.what, self.figure, self.wanted, judged)


def most(what: str, value: float, wanted: float, unit: str = "") -> Row:
    """A figure that must not be above another."""
    return Row(what, f"{value:,.3g}{unit}", f"at most {wanted:g}{unit}", value <= wanted)


def none_wrong(what: str, scene: Scene) -> Iterator[Row]:
    """The wrong verdicts of a scene, and what is known of the first ones."""
    wrong = scene.judge() + len(list(scene.failures()))
    told = f"{wrong} of {scene.oracle.asked:,}"
    for one in (*scene.oracle.wrong[:3], *list(scene.failures())[:3]):
        print(f"  wrong: {one[:1500]}", flush=True)
    given_up = sum(one.log.count("fleet_unreachable") for one in scene.replicas)
    yield Row(f"{what}: times that Redis was given up", str(given_up))
    yield Row(f"{what}: wrong verdicts", told, "0", wrong == 0)


def _now() -> float:
    """Seconds since the epoch, as the authority's log has them."""
    return SystemClock().now().timestamp()


@contextmanager
def _place() -> Iterator[Path]:
    with TemporaryDirectory(prefix="fleet-") as name:
        yield Path(name)


def rhythm(seconds: float) -> Iterator[Row]:
    """Everything works: who asks the authority, how often, and how soon everybody knows what it says."""
    size = Size(1000, declares=(Declares.BOTH,))
    with _place() as place, scene_with_redis(place, Cast(size=size, rhythm=RHYTHM, extra_s=SOON_S)) as (scene, _):
        begun = _now()
        with scene.traffic(Pace(single=10.0, batches=4.0, batch=50)):
            _live(scene, begun + seconds)
        ended = _now()
        log, publications = scene.ca.log(), scene.ca.publications()
        counts = per_period(log, publications, begun, ended)
        yield Row("replicas, certificates, CRLs", f"5, 1,000, {len(scene.population.crl_names)}")
        yield Row("CRL periods", f"{len({number for _, number in counts})} of {RHYTHM.period_s:g} s")
        yield most("fetches of one CRL in one period, most", max(counts.values()), 1)
        yield Row(
            "fetches of one CRL in one period, mean",
            f"{mean(counts.values()):.3f}",
            "above 0.9",
            mean(counts.values()) > 0.9,
        )
        yield from _ocsp_rows([one.at for one in log if one.kind == "ocsp"], _ocsp_gaps(scene, begun), scene)
        yield Row(
            "refused of what came out of Redis",
            str(sum(scene.refused().values())),
            "0",
            not sum(scene.refused().values()),
        )
        yield from none_wrong("everything works", scene)


def _live(scene: Scene, until: float) -> None:
    """Revoke and block now and then."""
    revoked = blocked = _now()
    number = 0
    while _now() < until:
        if _now() - revoked >= REVOKED_EVERY_S:
            revoked = _now()
            scene.ca.revoke(scene.spare().number)
        if _now() - blocked >= BLOCKED_EVERY_S:
            blocked, number = _now(), number + 1
            scene.block(number % len(scene.replicas), scene.spare())
        time.sleep(0.1)


def _ocsp_gaps(scene: Scene, begun: float) -> list[float]:
    """Seconds between requests about the same certificate."""
    asked = defaultdict(list)
    for one in scene.ca.log():
        if one.kind == "ocsp":
            asked[one.what].append(one.at)
    return [second - first for moments in asked.values() for first, second in pairwise(moments) if second >= begun]


def _ocsp_rows(asked: Sequence[float], gaps: Sequence[float], scene: Scene) -> Iterator[Row]:
    earliest = EARLIEST * RHYTHM.ocsp_s
    too_early = sum(gap < earliest for gap in gaps)
    yield Row("OCSP requests, in all", f"{len(asked):,} for {len(scene.population.clients):,}")
    yield Row(
        "OCSP requests for one certificate, least apart",
        f"{min(gaps, default=0):.1f} s",
        f"a period ({earliest:g} s)",
        bool(gaps) and not too_early,
    )
    yield Row("OCSP requests before their period was over", str(too_early), "0", not too_early)


def ocsp() -> Iterator[Row]:
    """A hundred requests at once for certificates that nobody has seen."""
    cast = Cast(size=Size(40, declares=(Declares.OCSP,)), rhythm=RHYTHM, unseen=20)
    with _place() as place, scene_with_redis(place, cast) as (scene, _):
        for client in scene.unseen:
            asyncio.run(scene.ask_at_once(client, 100))
        requests = Counter(one.what for one in scene.ca.log() if one.kind == "ocsp")
        made = [requests[str(one.issued.serial)] for one in scene.unseen]
        yield most("OCSP requests for 100 at once over 5 replicas", max(made), 1)
        yield from none_wrong("a hundred at once", scene)


def blocks() -> Iterator[Row]:
    """A block on one replica denies on the other four, a hundred times in a row."""
    with _place() as place, scene_with_redis(place, replace(FAULTED, size=Size(BLOCKS + 40))) as (scene, _):
        with scene.traffic(QUIET):
            seconds = spread(scene, BLOCKS)
        yield most(f"{BLOCKS} blocks, the slowest of {len(seconds)} denies elsewhere", max(seconds), WITHIN_S, " s")
        yield Row(f"{BLOCKS} blocks, the 99th of a hundred", f"{quantiles(seconds, n=100)[-1]:.3f} s")
        yield from none_wrong("blocks", scene)


Fault = Callable[[Scene, RedisServer], AbstractContextManager[None]]

FAULTS: Final[dict[str, Fault]] = {
    "killed": lambda _, redis: killed(redis),
    "frozen": lambda _, redis: frozen(redis),
    "filled": lambda _, redis: filled(redis),
    "flushed twice a second": lambda _, redis: flushed(redis),
    "late by 100 ms": lambda scene, _: slow(scene.ways, 0.1),
    "late by 1 s": lambda scene, _: slow(scene.ways, 1.0),
}


def faults() -> Iterator[Row]:
    """Whatever becomes of one Redis."""
    for name, fault in FAULTS.items():
        with _place() as place, scene_with_redis(place, FAULTED) as (scene, redis):
            yield from _suffered(f"Redis {name}", scene, fault(scene, redis))


def cluster() -> Iterator[Row]:
    """The master of the block list is killed in a cluster."""
    with (
        _place() as place,
        redis_cluster(place / "cluster") as nodes,
        played(place, FAULTED, None, [nodes.url] * FAULTED.replicas) as scene,
    ):
        yield from _suffered("Cluster fails over", scene, nodes.failing_over())


def poison() -> Iterator[Row]:
    """Whoever owns Redis writes into it."""
    for tell in (poison_crls, poison_answers, poison_blocks):
        with (
            _place() as place,
            scene_with_redis(place, poisonings.CAST) as (scene, redis),
            poisonings.poisoner(scene, redis) as bad,
        ):
            with scene.traffic(QUIET):
                for one in tell(scene, bad):
                    asked = "" if one.asked is None else f", {one.asked} asked"
                    yield Row(one.name, f"{one.refused} refused{asked}", "above 0", one.is_harmless)
            yield from none_wrong(tell.__name__.replace("_", " "), scene)


def _suffered(name: str, scene: Scene, fault: AbstractContextManager[None]) -> Iterator[Row]:
    scene.looks_every_s = RARELY_S
    with scene.traffic(QUIET):
        load = half_load(scene.place, scene.replicas[0], scene.seen[-WARM:])
    with load.during() as felt:
        try:
            told = story(scene, felt.while_it_lasts(fault), FAULT_S, QUIET, is_cut="flushed" not in name)
        except AssertionError as error:
            print(f"  {error}"[:1500], flush=True)
            yield Row(f"{name}: the story", "not told to its end", "its end", is_met=False)
        else:
            yield from _story_rows(name, told)
    times = Row(f"{name}: p99 of warm answers", f"{felt.before_s * 1e3:.2f} → {felt.during_s * 1e3:.2f} ms")
    yield replace(times, wanted=f"{MOST_TIMES:g} times", is_met=felt.times <= MOST_TIMES)
    yield most(f"{name}: warm requests without a 200", felt.failed, 0)
    yield from none_wrong(name, scene)


def _story_rows(name: str, told: Told) -> Iterator[Row]:
    yield Row(f"{name}: blocks meanwhile were answered", ", ".join(map(str, told.blocks)))
    yield Row(f"{name}: a revocation was denied by all after", f"{told.revoked_s:.1f} s")
    yield Row(f"{name}: afterwards a 201 came after", f"{told.recovered_s:.2f} s")
    yield most(f"{name}: and was in force everywhere after", told.spread_s, WITHIN_S, " s")
    yield Row(f"{name}: blocks meanwhile were everywhere after", f"{told.reconciled_s:.1f} s")
    yield Row(f"{name}: one fetch a period again, seen after", f"{told.settled_s:.1f} s")


PARTS: Final[dict[str, Callable[[], Iterator[Row]]]] = {
    "rhythm": lambda: rhythm(RUN_S),
    "ocsp": ocsp,
    "blocks": blocks,
    "faults": faults,
    "cluster": cluster,
    "poison": poison,
}


def main(arguments: Sequence[str]) -> int:
    """Read the command line, and measure."""
    parser = argparse.ArgumentParser(prog="python -m bench.fleet")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; all unless given")
    given = parser.parse_args(arguments)
    if unknown := set(given.parts) - set(PARTS):
        parser.error(f"no part is called {', '.join(sorted(unknown))}")
    if missing := [name for name in ("wrk", "redis-server", "redis-cli") if shutil.which(name) is None]:
        raise UnusableError(f"missing: {', '.join(missing)}; scripts/system-packages wrk redis-server installs them")
    print(f"load {os.getloadavg()[0]:.1f} of {os.cpu_count()} cores", flush=True)
    rows: list[Row] = []
    for name in given.parts or PARTS:
        for row in PARTS[name]():
            print(row, flush=True)
            rows.append(row)
    print(f"\n{_ROW.format('', 'measured', 'wanted', '')}")
    print(*rows, sep="\n")
    return 1 if any(row.is_met is False for row in rows) else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except UnusableError as error:
        sys.exit(f"unusable: {error}")
