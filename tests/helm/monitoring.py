"""The files of `helm/files/` as tests read them: rules, the dashboard, and everything that they ask of Prometheus."""

import json
from collections.abc import Mapping
from typing import Any, Final

import yaml

from tests.helm.engine import CHART

FILES: Final = CHART / "files"


def rules(name: str) -> list[dict[str, Any]]:
    """Those of a file."""
    groups = yaml.safe_load((FILES / name).read_text(encoding="utf-8"))["groups"]
    return [one for group in groups for one in group["rules"]]


def dashboard() -> dict[str, Any]:
    """Grafana's."""
    return dict(json.loads((FILES / "grafana-dashboard.json").read_text(encoding="utf-8")))


def questions() -> Mapping[str, str]:
    """What the panels of the dashboard ask, by their title, with something in place of Grafana's variables."""
    return {
        f"{panel['title']} {target['refId']}": filled(target["expr"])
        for panel in dashboard()["panels"]
        for target in panel.get("targets", [])
    }


def expressions() -> Mapping[str, str]:
    """Everything that is asked of Prometheus, by where."""
    variables = [one for one in dashboard()["templating"]["list"] if one["type"] == "query"]
    return {
        **{one.get("alert") or one["record"]: one["expr"] for one in rules("alerts.yaml") + rules("recording.yaml")},
        **questions(),
        **{f"variable {one['name']}": one["query"]["query"] for one in variables},
    }


def filled(expression: str) -> str:
    """An expression of the dashboard as Grafana sends it."""
    return expression.replace("$__rate_interval", "5m").replace("$namespace", ".*").replace("$job", ".*")
