"""What is on a page of metrics, as Prometheus' own parser reads it."""

from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families


def samples(page: bytes) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Every sample of a page, as Prometheus' own parser reads it; none is there twice."""
    families: list[Metric] = list(text_string_to_metric_families(page.decode()))
    found = [
        (sample.name, frozenset(sample.labels.items()), sample.value) for one in families for sample in one.samples
    ]
    assert len({(name, labels) for name, labels, _ in found}) == len(found)
    return {(name, labels): value for name, labels, value in found}


def value(page: bytes, name: str, /, **labels: str) -> float | None:
    """One sample; None where it is not there."""
    return samples(page).get((name, frozenset(labels.items())))
