"""Tries mutants of the core, as many as the time allows, chosen at random with a seed that is printed.

    python -m mutants --minutes 60 --seed 5280 [service/core/crl/scope.py service/core/ocsp]

The exit code is 1 where fewer than nine in ten are noticed. Everything is written to `mutants/report.json` as well.
"""

import argparse
import json
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Final

from mutants.population import ROOMS, Mutant, Population, population
from mutants.trial import Outcome, Result, Workshop

ROOT: Final = Path(__file__).parents[1]
REPORT: Final = Path(__file__).parent / "report.json"
WANTED: Final = 0.9
"""Share of mutants that tests must notice."""


@dataclass(frozen=True, slots=True)
class Session:
    """What was tried.

    Attributes:
        minutes: How long it was allowed to take.
    """

    seed: int
    minutes: float
    population: Population
    outcomes: tuple[Outcome, ...]

    def count(self, result: Result, room: str | None = None) -> int:
        """How many came to a result, in a room or in all."""
        return sum(one.result is result and room in (None, one.mutant.room) for one in self.outcomes)

    def rate(self, room: str | None = None) -> float:
        """The share that was noticed; 1 where nothing was tried."""
        survived = self.count(Result.SURVIVED, room)
        tried = sum(room in (None, one.mutant.room) for one in self.outcomes)
        return (tried - survived) / tried if tried else 1.0

    @property
    def rooms(self) -> tuple[str, ...]:
        """Those that are always asked, and further ones that mutants were chosen from."""
        return rooms(self.population)

    @property
    def survivors(self) -> list[Outcome]:
        """In the order of files and lines."""
        found = (one for one in self.outcomes if one.result is Result.SURVIVED)
        return sorted(found, key=lambda one: (one.mutant.path, one.mutant.line))


def rooms(found: Population) -> tuple[str, ...]:
    """Whose tests are asked."""
    return tuple(dict.fromkeys((*ROOMS, *(one.room for one in found.mutants))))


def run(seed: int, minutes: float, jobs: int, limit: int | None, chosen: Sequence[Path] = ()) -> Session:
    """Try mutants until the time is over.

    Args:
        seed: Of the order in which they are tried.
        minutes: For everything, finding the mutants included; one that was begun is brought to its end.
        jobs: Side by side, each in a copy of its own.
        limit: Most mutants to try; None for all that the time allows.
        chosen: Modules and packages whose mutants are tried; empty for the rooms.
    """
    deadline = time.monotonic() + 60 * minutes
    with tempfile.TemporaryDirectory(prefix="revet-mutants-") as temporary:
        Workshop(ROOT, scratch := Path(temporary, "scratch"))
        found = population(ROOT, scratch, chosen)
        workshops = [Workshop(ROOT, Path(temporary, str(number))) for number in range(jobs)]
        seconds = workshops[0].measure(rooms(found))
        queue = _shuffled(found.mutants, seed, limit)
        print(f"{len(found.mutants)} mutants, {found.refused} more that mypy refuses; seed {seed}", flush=True)

        def work(workshop: Workshop) -> list[Outcome]:
            workshop.expect(seconds)
            return list(_tried(workshop, queue, deadline))

        with ThreadPoolExecutor(jobs) as pool:
            outcomes = [one for each in pool.map(work, workshops) for one in each]
    return Session(seed, minutes, found, tuple(outcomes))


def _shuffled(mutants: Sequence[Mutant], seed: int, limit: int | None) -> SimpleQueue[Mutant]:
    queue: SimpleQueue[Mutant] = SimpleQueue()
    for mutant in random.Random(seed).sample(mutants, len(mutants))[:limit]:
        queue.put(mutant)
    return queue


def _tried(workshop: Workshop, queue: SimpleQueue[Mutant], deadline: float) -> Iterator[Outcome]:
    while time.monotonic() < deadline:
        try:
            mutant = queue.get_nowait()
        except Empty:
            return
        outcome = workshop.attempt(mutant)
        if outcome.result is not Result.KILLED:
            print(f"{outcome.result.value:<9}{outcome.mutant.place} {outcome.mutant.function}", flush=True)
        yield outcome


def summary(session: Session) -> Iterator[str]:
    """The table, and every survivor with what was changed."""
    columns = "{:<9} {:>8} {:>6} {:>7} {:>8} {:>9} {:>7}"
    yield columns.format("room", "mutants", "tried", "killed", "timeouts", "survived", "rate")
    sizes = Counter(one.room for one in session.population.mutants)
    for room in (*session.rooms, None):
        killed, timeouts, survived = (session.count(result, room) for result in Result)
        size = len(session.population.mutants) if room is None else sizes[room]
        tried = killed + timeouts + survived
        yield columns.format(room or "all", size, tried, killed, timeouts, survived, f"{session.rate(room):.1%}")
    for one in session.survivors:
        yield ""
        yield f"{one.mutant.place} {one.mutant.function}"
        yield from one.mutant.diff()


def document(session: Session) -> dict[str, object]:
    """Everything, for machines."""
    return {
        "seed": session.seed,
        "minutes": session.minutes,
        "mutants": len(session.population.mutants),
        "refused_by_mypy": session.population.refused,
        "tried": len(session.outcomes),
        **{result.value: session.count(result) for result in Result},
        "rate": session.rate(),
        "outcomes": list(_records(session.outcomes)),
    }


def _records(outcomes: Iterable[Outcome]) -> Iterator[dict[str, object]]:
    for one in outcomes:
        yield {
            "place": one.mutant.place,
            "function": one.mutant.function,
            "result": one.result.value,
            "noticed_by": one.killer,
            "diff": one.mutant.diff(),
        }


def main() -> int:
    """Read the command line, try mutants, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m mutants", description="Mutation testing of the core.")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seed", type=int, default=5280, help="of the choice")
    parser.add_argument("--jobs", type=int, default=1, help="mutants side by side")
    parser.add_argument("--limit", type=int, help="most mutants to try")
    parser.add_argument("files", type=Path, nargs="*", help="modules or packages of the core; all rooms by default")
    given = parser.parse_args()
    session = run(given.seed, given.minutes, given.jobs, given.limit, given.files)
    print(*summary(session), sep="\n")
    REPORT.write_text(json.dumps(document(session), indent=1) + "\n")
    return 0 if session.rate() >= WANTED else 1


if __name__ == "__main__":
    sys.exit(main())
