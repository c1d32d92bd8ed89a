"""Where caches count: in one process and in several."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from service.adapters.cache_cells import CacheCells, OwnCacheCounts, SharedCacheCounts
from service.adapters.metrics import MetricsPage, PrometheusObserver, SharedCounters
from service.application.cache_counting import (
    COUNTED,
    EVICTING,
    EVICTIONS,
    HELD_CRLS,
    HITS,
    MISSES,
    READ_OCSP,
    SHARED_CRLS,
    VERDICTS,
)
from tests.adapters.metrics_reader import samples, value
from tests.pki.moments import NOW

PROGRAM = """
import os, sys
from pathlib import Path
from service.adapters.cache_cells import CacheCells
from service.application.cache_counting import HITS, VERDICTS
cells = CacheCells(Path(sys.argv[1])).of(VERDICTS)
for _ in range(int(sys.argv[2])):
    cells[HITS] += 1
os.kill(os.getpid(), 9)
"""


def shown(*collectors: OwnCacheCounts | SharedCacheCounts | SharedCounters) -> dict[tuple[str, str, str], float]:
    """What collectors show, by metric, tier and kind."""
    return {
        (sample.name, sample.labels["tier"], sample.labels["kind"]): sample.value
        for one in collectors
        for family in one.collect()
        for sample in family.samples
    }


def test_one_process() -> None:
    """It shows what it has counted of those caches that somebody counts for, and zero where nothing has happened."""
    cells = CacheCells(None)
    of = cells.of(VERDICTS)
    of[HITS] += 3
    of[EVICTIONS] += 1
    cells.of(HELD_CRLS)[MISSES] += 2
    assert {
        ("revet_cache_hits_total", "memory", "verdict"): 3,
        ("revet_cache_misses_total", "memory", "verdict"): 0,
        ("revet_cache_evictions_total", "memory", "verdict"): 1,
        ("revet_cache_hits_total", "host", "crl"): 0,
        ("revet_cache_misses_total", "host", "crl"): 2,
    } == shown(OwnCacheCounts(cells))


def test_every_cache_has_cells_of_its_own() -> None:
    """What one counts, none of the others does."""
    cells = CacheCells(None)
    for number, name in enumerate(COUNTED, 1):
        of = cells.of(name)
        of[HITS], of[MISSES], of[EVICTIONS] = number, 10 * number, 100 * number
    found = shown(OwnCacheCounts(cells))
    expected = {}
    for number, name in enumerate(COUNTED, 1):
        labels = (name.tier.value, name.kind.value)
        expected[("revet_cache_hits_total", *labels)] = number
        expected[("revet_cache_misses_total", *labels)] = 10 * number
        if name in EVICTING:
            expected[("revet_cache_evictions_total", *labels)] = 100 * number
    assert expected == found


def test_several_processes(tmp_path: Path) -> None:
    """They are added up at the moment of asking, those included that were killed."""
    for count in ("3", "4"):
        subprocess.run([sys.executable, "-c", PROGRAM, str(tmp_path), count], check=False)
    own = CacheCells(tmp_path)
    of = own.of(VERDICTS)
    for number in range(1, 4):
        of[HITS] += 1
        assert 7 + number == shown(SharedCacheCounts(tmp_path))["revet_cache_hits_total", "memory", "verdict"]


def test_the_same_process_again(tmp_path: Path) -> None:
    """Whoever has the number of one that is no more goes on where it ended."""
    CacheCells(tmp_path).of(READ_OCSP)[HITS] += 2
    CacheCells(tmp_path).of(READ_OCSP)[HITS] += 1
    assert 3 == shown(SharedCacheCounts(tmp_path))["revet_cache_hits_total", "memory", "ocsp"]


def test_nobody_counts(tmp_path: Path) -> None:
    """Nothing is shown; a file that was not written whole is nobody's."""
    (tmp_path / "caches_1.cells").write_bytes(b"\0" * 8)
    assert {} == shown(SharedCacheCounts(tmp_path))


def test_no_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process counts for itself, and does not die of it."""

    def full(*_: object) -> None:
        raise OSError

    monkeypatch.setattr(os, "posix_fallocate", full)
    cells = CacheCells(tmp_path)
    cells.of(VERDICTS)[HITS] += 1
    assert 1 == shown(OwnCacheCounts(cells))["revet_cache_hits_total", "memory", "verdict"]


def test_on_the_page() -> None:
    """Beside everything else; Redis is not there where nobody looks in it."""
    observer = PrometheusObserver(NOW)
    page = MetricsPage(observer, (), None)
    assert not [labels for name, labels in samples(page.render()) if ("tier", "redis") in labels]
    observer.cells.of(SHARED_CRLS)[HITS] += 1
    assert 1 == value(page.render(), "revet_cache_hits_total", tier="redis", kind="crl")


def test_on_the_page_of_all(tmp_path: Path) -> None:
    """What all processes have counted is among what they have counted together."""
    observer = PrometheusObserver(NOW, tmp_path)
    observer.cells.of(VERDICTS)[HITS] += 5
    found = [one for one in SharedCounters(tmp_path).collect() if one.name.startswith("revet_cache")]
    hits = {(one.labels["tier"], one.labels["kind"]): one.value for one in found[0].samples}
    assert {("memory", "verdict"): 5, ("origin", "ocsp"): 0, ("origin", "crl"): 0} == hits
