"""What operators see of a fleet is in the tables of `docs/`: metrics, events of the log, and what replicas say."""

import ast
import inspect
from collections.abc import Iterator
from typing import Final

from prometheus_client import CollectorRegistry

from service.adapters import fleet_log
from service.adapters.fleet_log import MOST_LOST
from service.adapters.fleet_metrics import FleetCounters
from service.adapters.responder_metrics import MAX_RESPONDERS
from service.api.stats_schemas import ReplicaHits, ReplicaStats, StatsAnswer
from service.application.fleet.envelope import Refusal
from service.application.fleet.heartbeat import Role
from service.application.fleet.heartbeats import FORGOTTEN, GONE, HEARTBEAT_S, MOST_REPLICAS, Presence
from service.application.fleet.standing import Standing
from service.application.fleet.telling import FleetEvent
from service.application.operating.worker_state import SILENT
from service.application.shadow import MAX_RECENT
from tests.docs.pages import page, table, word, words

API: Final = "api.md"
OPERATIONS: Final = "operations.md"


def _logged() -> Iterator[tuple[str, str]]:
    """Every event, with its level."""
    for node in ast.walk(ast.parse(inspect.getsource(fleet_log))):
        match node:
            case ast.Call(
                func=ast.Attribute(value=ast.Attribute(attr="_log"), attr=method), args=[ast.Constant(event)]
            ):
                yield str(event), method
            case _:
                pass


def test_every_event_is_there() -> None:
    """With its level."""
    assert dict(_logged()) == {word(row["event"]): row["level"] for row in table(OPERATIONS, "fleet-events")}


def test_every_metric_is_there() -> None:
    """With its type and labels."""
    registry = CollectorRegistry()
    FleetCounters(registry)
    shown = {
        f"{one.name}_total" if one.type == "counter" else one.name: (
            one.type,
            {label for sample in one.samples for label in sample.labels},
        )
        for one in registry.collect()
    }
    rows = table(API, "fleet-metrics")
    assert shown == {word(row["metric"]): (row["type"], set(words(row["labels"]))) for row in rows}


def test_every_label_is_there() -> None:
    """Of those with words of their own."""
    rows = {word(row["metric"]): words(row["meaning"]) for row in table(API, "fleet-metrics")}
    assert {*FleetEvent, "crl", "ocsp"} == set(rows["revet_fleet_events_total"])
    assert list(Refusal) == rows["revet_fleet_refused_total"]


def test_every_field_of_a_replica_is_there() -> None:
    """In the order in which it is written, with its values where there are few."""
    rows = {word(row["field"]): row["meaning"] for row in table(API, "replicas")}
    assert list(ReplicaStats.model_fields) == list(rows)
    assert list(Presence) == words(rows["presence"])
    assert list(Role) == words(rows["role"])
    assert set(Standing) == set(words(rows["standing"]))
    assert list(ReplicaHits.model_fields) == words(rows["hits"])


def test_every_field_of_the_statistics_is_there() -> None:
    """In the order in which it is written."""
    assert list(StatsAnswer.model_fields) == [word(row["field"]) for row in table(API, "stats")]


def test_numbers() -> None:
    """What the text says in numbers is what the code has."""
    api = " ".join(page(API).split())
    assert f"a heartbeat into Redis every {HEARTBEAT_S:g} seconds" in api
    assert f"`gone` after {GONE.total_seconds():g} seconds of silence; after an hour it is forgotten" in api
    assert f"has said nothing for {SILENT.total_seconds():g} seconds is left out" in api
    assert f"the last {MAX_RECENT} of it" in api
    assert f"The first {MAX_RESPONDERS} hosts are counted each by itself" in api
    assert (1, True) == (FORGOTTEN.total_seconds() / 3600, f"{MOST_REPLICAS} are looked into" in api)
    assert (5, True) == (MOST_LOST, "is told five times in a minute" in " ".join(page(OPERATIONS).split()))
