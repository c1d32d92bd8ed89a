"""`docs/prefetching.md` names every event and every metric of the prefetcher."""

import ast
import inspect
from collections.abc import Iterable, Iterator
from typing import Final

from prometheus_client import CollectorRegistry
from prometheus_client.samples import Sample

from service.adapters import prefetch_log
from service.adapters.prefetch_metrics import PrefetchCounters
from service.application.prefetch.conclusions import STALLED_PERIODS
from service.application.prefetch.pending import MAX_PENDING
from service.application.prefetch.telling import InventoryDetails
from service.application.prefetch.watching import BUCKETS_EVERY_S, FILES_EVERY_S, UPLOADS_DIRECTORY
from service.bootstrap.directories import PENDING_DIRECTORY
from tests.docs.pages import page, table, word, words

PAGE: Final = "prefetching.md"


def _logged() -> Iterator[tuple[str, str]]:
    """Every event that the prefetcher writes, with its level."""
    for node in ast.walk(ast.parse(inspect.getsource(prefetch_log))):
        match node:
            case ast.Call(
                func=ast.Attribute(value=ast.Attribute(attr="_log"), attr=method), args=[ast.Constant(event)]
            ):
                yield str(event), method
            case _:
                pass


def labels(samples: Iterable[Sample]) -> Iterator[str]:
    """Those of any sample."""
    return (label for sample in samples for label in sample.labels)


def test_every_event_is_there() -> None:
    """With its level, in the order of the code."""
    assert dict(_logged()) == {word(row["event"]): row["level"] for row in table(PAGE, "prefetch-events")}


def test_every_metric_is_there() -> None:
    """With its type and labels."""
    registry = CollectorRegistry()
    PrefetchCounters(registry).inventory(InventoryDetails(1, 2, 3, 4, 5))
    shown = {
        f"{one.name}_total" if one.type == "counter" else one.name: (one.type, {*labels(one.samples)})
        for one in registry.collect()
    }
    documented = {
        word(row["metric"]): (row["type"], set(words(row["labels"]))) for row in table(PAGE, "prefetch-metrics")
    }
    assert shown == documented


def test_numbers() -> None:
    """What the text says in numbers is what the code has."""
    text = page(PAGE)
    assert (1.0, True) == (FILES_EVERY_S, "A directory is looked at every second" in text)
    assert f"a prefix in S3 every {BUCKETS_EVERY_S:g} seconds" in text
    assert (3, True) == (STALLED_PERIODS, "has not moved for three times its validity" in text)
    assert f"{MAX_PENDING:,} of them" in text
    assert f"`{PENDING_DIRECTORY}/`" in text
    assert f"`{UPLOADS_DIRECTORY}/`" in text
