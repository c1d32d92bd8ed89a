"""Alerts, recording rules and the dashboard ask for metrics that a running service has."""

import json
import re
import subprocess
from pathlib import Path
from typing import Final

import pytest
import yaml
from prometheus_client.samples import Sample

from scripts import grafana_dashboard
from tests.e2e.running import until
from tests.helm.monitoring import dashboard, expressions, questions, rules
from tests.helm.observed import observed_service

_NAME: Final = re.compile(r"\b(?:revet|x509_crl)_\w+")
_RECORDED: Final = re.compile(r"\bjob:[\w:]+")
_HAPPENING: Final = re.compile(r"(?:rate|increase)\((\w+)(?:{([^}]*)})?\[")
_MATCHER: Final = re.compile(r'(\w+)="([^"]*)"')

_SELECTOR: Final = re.compile(r"\b((?:revet|x509_crl)_\w+){([^}]*)}")
_LABEL: Final = re.compile(r"(\w+)\s*(?:=~|!~|!=|=)")
_BY: Final = re.compile(r"\bby \(([^)]*)\)")
_OF_PROMETHEUS: Final = frozenset({"namespace", "job", "instance"})
"""Labels that Prometheus adds to whatever it scrapes."""

_RISING: Final = frozenset({"RevetCannotDecide"})
"""Alerts on the share of what goes on for minutes: the first event of a series may be missed."""


@pytest.fixture(scope="module")
def scraped(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Sample], list[Sample]]:
    """What a service shows before it was asked anything, and after a denial in shadow."""
    with observed_service(tmp_path_factory.mktemp("scraped")) as observed:
        before = observed.scrape()
        assert "revoked" == observed.ask()
        until(lambda: any(one.name == "x509_crl_number" for one in observed.scrape()), "the CRL is shown")
        return before, observed.scrape()


def test_every_metric_that_is_asked_for_is_there(scraped: tuple[list[Sample], list[Sample]]) -> None:
    """By its full name, as a running service shows it."""
    shown = {sample.name for sample in scraped[1]}
    asked = {name: where for where, expression in expressions().items() for name in _NAME.findall(expression)}
    assert {} == {name: where for name, where in asked.items() if name not in shown}


def test_every_label_that_is_asked_for_is_there(scraped: tuple[list[Sample], list[Sample]]) -> None:
    """Of a selector those of its metric; of `by` those of some metric of the expression, or Prometheus' own."""
    labels: dict[str, set[str]] = {}
    for sample in scraped[1]:
        labels.setdefault(sample.name, set()).update(sample.labels)
    unknown = [
        f"{where}: {name}{{{label}}}"
        for where, expression in expressions().items()
        for name, text in _SELECTOR.findall(expression)
        for label in _LABEL.findall(text)
        if label not in labels.get(name, set()) | _OF_PROMETHEUS
    ]
    for where, expression in expressions().items():
        asked = {label for text in _BY.findall(expression) for label in text.replace(",", " ").split()}
        there = {label for name in _NAME.findall(expression) for label in labels.get(name, set())}
        unknown.extend(f"{where}: by {label}" for label in asked - there - _OF_PROMETHEUS)
    assert [] == unknown


def test_every_recorded_name_is_recorded() -> None:
    """What begins with `job:` stands in the recording rules."""
    recorded = {rule["record"] for rule in rules("recording.yaml")}
    asked = {name for expression in expressions().values() for name in _RECORDED.findall(expression)}
    assert set() == asked - recorded


def test_what_alerts_wait_for_begins_at_zero(scraped: tuple[list[Sample], list[Sample]]) -> None:
    """A counter that appears with its first event hides that event from `increase` and `rate`."""
    missing = [
        f"{rule['alert']}: {name} {matchers}"
        for rule in rules("alerts.yaml")
        if rule["alert"] not in _RISING
        for name, text in _HAPPENING.findall(rule["expr"])
        for matchers in [dict(_MATCHER.findall(text))]
        if not any(one.name == name and matchers.items() <= one.labels.items() for one in scraped[0])
    ]
    assert [] == missing


def test_every_question_is_one(tmp_path: Path) -> None:
    """Prometheus reads each expression of the dashboard."""
    asked = tmp_path / "asked.yaml"
    groups = [{"name": name, "rules": [{"record": "asked", "expr": one}]} for name, one in questions().items()]
    asked.write_text(yaml.safe_dump({"groups": groups}), encoding="utf-8")
    done = subprocess.run(["promtool", "check", "rules", str(asked)], capture_output=True, text=True, check=False)
    assert 0 == done.returncode, done.stdout + done.stderr


def test_every_question_is_about_what_was_chosen() -> None:
    """The data source, the namespaces and the jobs that are chosen above the dashboard."""
    shown = dashboard()
    assert ["datasource", "namespace", "job"] == [one["name"] for one in shown["templating"]["list"]]
    for target in (target for panel in shown["panels"] for target in panel.get("targets", [])):
        assert "${datasource}" == target["datasource"]["uid"]
        selectors = re.findall(r"{[^}]*}", target["expr"])
        assert selectors, target["expr"]
        assert all('namespace=~"$namespace",job=~"$job"' in one for one in selectors), target["expr"]


def test_panels_are_where_one_sees_them() -> None:
    """None lies on another, none leaves the grid, and each has a number of its own."""
    panels = dashboard()["panels"]
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        x, y, w, h = (panel["gridPos"][one] for one in "xywh")
        cells = {(column, row) for column in range(x, x + w) for row in range(y, y + h)}
        assert set() == cells & taken, panel["title"]
        assert x + w <= grafana_dashboard.WIDTH
        taken |= cells
    assert len(panels) == len({panel["id"] for panel in panels})


def test_the_dashboard_is_written_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`make chart` would change nothing."""
    file = tmp_path / "dashboard.json"
    monkeypatch.setattr("sys.argv", ["grafana_dashboard.py", str(file)])
    grafana_dashboard.main()
    assert dashboard() == json.loads(file.read_text(encoding="utf-8"))
