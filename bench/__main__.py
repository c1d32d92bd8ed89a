"""Runs the benchmarks, prints one table, and writes `bench/results.json`.

    python -m bench            everything: about six minutes
    python -m bench verdicts   verdicts alone

Ratios are of figures of this one run. None of them fails anything: they are for reading.
"""

import argparse
import json
import os
import platform
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Final

from cryptography.hazmat.backends.openssl import backend

from bench import authorizer, crls, dashboards, serving, sidecar, verdicts
from bench.measuring import Time, Timing, race
from bench.pki import chain

RESULTS: Final = Path(__file__).parent / "results.json"
ENTRIES: Final = 1_000
KINDS: Final = ("RSA", "P-256")
LIBRARIES: Final = ("cryptography", "lmdb", "pyhanko-certvalidator")
MANY: Final = 100_000
"""Entries from which on a CRL is not taken in more often than it must be."""

_COLUMNS: Final = "{:<32} {:>10} {:>10} {:>10} {:>7}"
_UNITS: Final = ((1.0, "s"), (1e-3, "ms"), (1e-6, "us"))


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two contestants that do the same.

    Attributes:
        wanted: How many times as fast ours should be; None where there is no target.
    """

    ours: str
    theirs: str
    wanted: float | None = None


@dataclass(frozen=True, slots=True)
class Limit:
    """What one may take.

    Attributes:
        above: Whose time it may take besides; None: nobody's.
        most_s: Seconds.
    """

    ours: str
    most_s: float
    above: str | None = None


@dataclass(frozen=True, slots=True)
class Race:
    """Contestants measured side by side."""

    title: str
    time: Time
    timings: Sequence[Timing]
    comparisons: Sequence[Comparison]
    limits: Sequence[Limit] = ()

    def taken(self, limit: Limit) -> float:
        """Seconds, by the medians."""
        medians = {one.name: one.median for one in self.timings}
        return medians[limit.ours] - (0.0 if limit.above is None else medians[limit.above])

    def ratio(self, comparison: Comparison) -> float:
        """How many times as fast ours is, by the medians."""
        medians = {one.name: one.median for one in self.timings}
        return medians[comparison.theirs] / medians[comparison.ours]


VERDICTS: Final = (
    Comparison(verdicts.DECISION, verdicts.SHARED, wanted=10.0),
    Comparison(verdicts.FIRST_SIGHT, verdicts.SHARED, wanted=10.0),
    Comparison(verdicts.IN_REQUEST, verdicts.NEW),
    Comparison(verdicts.REPEATED, verdicts.NEW),
    Comparison(verdicts.FIRST_SIGHT, verdicts.FLOOR),
)
CRLS: Final = (
    Comparison(crls.ARRIVING, crls.ITERATING, wanted=0.25),
    *(Comparison(ours, theirs, wanted=0.25) for ours, theirs in crls.OTHER_FORMS.values()),
    Comparison(crls.TAKING_IN, crls.ITERATING),
    Comparison(crls.LOOKING_UP, crls.SEARCHING),
)
LARGE: Final = 1_000_000
"""Entries from which on a list's size, and not the disk's latency, decides how long it takes to hold it."""


AUTHORIZED: Final = (Limit(authorizer.AUTHORIZER, 1e-3, above=authorizer.BARE),)
IMPORTED: Final = (Limit(authorizer.IMPORT, 60e-3),)
SERVING: Final = (
    Comparison(serving.WARM, serving.BARE, wanted=0.6),
    Comparison(serving.AUTHORIZED, serving.WARM),
    Comparison(serving.FIRST, serving.BARE),
)
DASHBOARDS: Final = (Comparison(dashboards.WATCHED, dashboards.ALONE, wanted=0.95),)
SIDECAR: Final = tuple(
    Comparison(ours, theirs, wanted)
    for ours in (sidecar.OURS, sidecar.KEPT)
    for theirs, wanted in ((sidecar.PLAIN, 0.7), (sidecar.THEIRS, 20.0))
)


def verdict_races() -> Iterator[Race]:
    """Verdicts, one race for each kind of key."""
    for kind in KINDS:
        with verdicts.contestants(chain(kind, ENTRIES)) as everybody:
            title = f"Verdict on three certificates, {kind}, CRLs of {ENTRIES:,} entries"
            yield Race(title, Time.PROCESSOR, race(everybody, Time.PROCESSOR), VERDICTS)


def size_races() -> Iterator[Race]:
    """Whether a verdict feels the length of a CRL."""
    few, many = crls.SIZES[0], crls.SIZES[-1]
    ours, theirs = verdicts.at_length(many), verdicts.at_length(few)
    with verdicts.sizes(KINDS[-1], few, many) as everybody:
        timings = race(everybody, Time.PROCESSOR)
        comparisons = (Comparison(ours, theirs, wanted=1 / 1.2),)
        yield Race(f"Verdict against CRLs of {few:,} and {many:,} entries", Time.PROCESSOR, timings, comparisons)


def crl_races() -> Iterator[Race]:
    """CRLs, one race for each size."""
    for entries in crls.SIZES:
        with crls.contestants(entries) as everybody:
            timings = race(everybody, Time.PASSING, turns=2 if entries >= MANY else 4)
            pairs = CRLS if entries >= LARGE else [replace(pair, wanted=None) for pair in CRLS]
            yield Race(f"CRL of {entries:,} entries", Time.PASSING, timings, pairs)


def serving_races() -> Iterator[Race]:
    """The service over HTTP."""
    yield Race("One worker over HTTP, 32 connections", Time.PASSING, serving.timings(), SERVING)


def dashboard_races() -> Iterator[Race]:
    """The service over HTTP, while operators look on."""
    yield Race("The worker's time for one answer over HTTP", Time.PROCESSOR, dashboards.timings(), DASHBOARDS)


def authorizer_races() -> Iterator[Race]:
    """The Lambda authorizer, in front of the service and before its first event."""
    calls, imports = authorizer.call_timings(), authorizer.import_timings()
    yield Race("Lambda authorizer, warm", Time.PASSING, calls, (), AUTHORIZED)
    yield Race("Lambda authorizer, cold", Time.PASSING, imports, (), IMPORTED)


def sidecar_races() -> Iterator[Race]:
    """Handshakes through the sidecar."""
    title = f"Mutual TLS through nginx, one request a connection, {sidecar.ENTRIES:,} entries in the CRL"
    yield Race(title, Time.PASSING, sidecar.timings(), SIDECAR)


def lines(found: Race) -> Iterator[str]:
    """The part of the table that is one race."""
    yield f"\n{found.title}: {found.time.value}"
    yield _COLUMNS.format("", "median", "10 %", "90 %", "calls")
    for one in found.timings:
        low, high = one.spread
        yield _COLUMNS.format(one.name, _in_words(one.median), _in_words(low), _in_words(high), len(one.seconds))
    for comparison in found.comparisons:
        ratio, wanted = found.ratio(comparison), comparison.wanted
        aim = "" if wanted is None else f"; {wanted:.3g} wanted: {'pass' if ratio >= wanted else 'FAIL'}"
        figure = f"{ratio:,.0f}" if ratio >= 100 else f"{ratio:.3g}"
        yield f"  {comparison.ours} : {comparison.theirs} = {figure} times as fast{aim}"

    for limit in found.limits:
        taken = found.taken(limit)
        passed = "pass" if taken <= limit.most_s else "FAIL"
        name = limit.ours if limit.above is None else f"{limit.ours} - {limit.above}"
        yield f"  {name} = {_in_words(taken)}; at most {_in_words(limit.most_s)} wanted: {passed}"


def _in_words(seconds: float) -> str:
    scale, unit = next(((scale, unit) for scale, unit in _UNITS if seconds >= scale), _UNITS[-1])
    return f"{seconds / scale:.3g} {unit}"


def document(races: Sequence[Race]) -> dict[str, object]:
    """Everything, for machines."""
    return {
        "machine": {
            "python": platform.python_version(),
            "platform": platform.platform(),
            "cores": os.cpu_count(),
            "openssl": backend.openssl_version_text(),
            **{name: version(name) for name in LIBRARIES},
        },
        "races": [
            {
                "title": one.title,
                "time": one.time.value,
                "seconds": {
                    timing.name: {
                        "median": timing.median,
                        "p10": timing.spread[0],
                        "p90": timing.spread[1],
                        "calls": len(timing.seconds),
                    }
                    for timing in one.timings
                },
                "times_as_fast": [
                    {"ours": pair.ours, "theirs": pair.theirs, "ratio": one.ratio(pair), "wanted": pair.wanted}
                    for pair in one.comparisons
                ],
                "seconds_taken": [
                    {"ours": limit.ours, "above": limit.above, "seconds": one.taken(limit), "most": limit.most_s}
                    for limit in one.limits
                ],
            }
            for one in races
        ],
    }


RACES: Final = {
    "verdicts": verdict_races,
    "sizes": size_races,
    "crls": crl_races,
    "serving": serving_races,
    "dashboards": dashboard_races,
    "authorizer": authorizer_races,
    "sidecar": sidecar_races,
}


def main() -> int:
    """Read the command line and run what it names."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Benchmarks beside peers.")
    parser.add_argument("races", nargs="*", metavar="RACE", help=f"of {', '.join(RACES)}; all unless given")
    given = parser.parse_args()
    names = given.races or list(RACES)
    if unknown := set(names) - set(RACES):
        parser.error(f"no race is called {', '.join(sorted(unknown))}")
    print(f"The load of this machine, before anything is measured: {os.getloadavg()[0]:.1f} of {os.cpu_count()} cores.")
    finished = []
    for name in names:
        for found in RACES[name]():
            finished.append(found)
            print(*lines(found), sep="\n", flush=True)
    RESULTS.write_text(json.dumps(document(finished), indent=1) + "\n")
    print(f"\nwritten: {RESULTS}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
