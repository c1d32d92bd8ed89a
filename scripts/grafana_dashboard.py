"""Writes helm/files/grafana-dashboard.json: `python -m scripts.grafana_dashboard [FILE]`.

A dashboard is two thousand lines of JSON that say little; this says the little. Every question chooses by the variables
of the dashboard (data source, namespace, job), so that it shows one service or all of them.
"""

import json
import re
import sys
from pathlib import Path
from typing import Any, Final

from scripts.grafana_panels import ROWS, Panel

FILE: Final = Path(__file__).parents[1] / "helm" / "files" / "grafana-dashboard.json"

SCHEMA_VERSION: Final = 39
"""Of Grafana's model of dashboards: Grafana 10.4 and later read it, and bring older ones forward."""

WIDTH: Final = 24
"""Columns of Grafana's grid."""

_SOURCE: Final = {"type": "prometheus", "uid": "${datasource}"}
_CHOSEN: Final = 'namespace=~"$namespace",job=~"$job"'
_SELECTOR: Final = re.compile(r"\{([^{}]*)\}")

Json = dict[str, Any]


def chosen(expression: str) -> str:
    """The question for what is chosen: every selector gets the variables of the dashboard."""
    return _SELECTOR.sub(lambda found: "{" + ",".join(filter(None, (found[1], _CHOSEN))) + "}", expression)


def _thresholds(panel: Panel) -> Json:
    steps: list[Json] = [{"color": "green" if panel.alarming_below is None else "red", "value": None}]
    if panel.alarming is not None:
        steps.append({"color": "red", "value": panel.alarming})
    if panel.alarming_below is not None:
        steps.append({"color": "green", "value": panel.alarming_below})
    return {"mode": "absolute", "steps": steps}


def _options(panel: Panel) -> Json:
    match panel.kind:
        case "timeseries":
            return {
                "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
                "tooltip": {"mode": "multi", "sort": "desc"},
            }
        case "stat":
            return {"colorMode": "value", "graphMode": "area", "reduceOptions": {"calcs": ["lastNotNull"]}}
        case "table":
            return {"showHeader": True, "sortBy": [{"displayName": "left", "desc": False}]}
        case "heatmap":
            return {"calculate": False, "yAxis": {"unit": panel.unit}, "color": {"mode": "scheme", "scheme": "Blues"}}


def _targets(panel: Panel) -> list[Json]:
    shapes: dict[str, Json] = {"table": {"format": "table", "instant": True}, "heatmap": {"format": "heatmap"}}
    return [
        {
            "refId": chr(ord("A") + number),
            "datasource": _SOURCE,
            "expr": chosen(question.expression),
            "legendFormat": question.legend,
            **shapes.get(panel.kind, {}),
        }
        for number, question in enumerate(panel.questions)
    ]


def _custom(panel: Panel) -> Json:
    if panel.kind != "timeseries":
        return {}
    return {"stacking": {"mode": panel.stacking}, "fillOpacity": 20 if panel.stacking == "normal" else 0}


def _panel(panel: Panel, number: int, left: int, top: int) -> Json:
    drawn: Json = {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.says,
        "datasource": _SOURCE,
        "gridPos": {"x": left, "y": top, "w": panel.width, "h": panel.height},
        "fieldConfig": {
            "defaults": {"unit": panel.unit, "thresholds": _thresholds(panel), "custom": _custom(panel)},
            "overrides": [],
        },
        "options": _options(panel),
        "targets": _targets(panel),
    }
    if panel.kind == "table":
        names = {f"Value #{chr(ord('A') + n)}": one.legend for n, one in enumerate(panel.questions)}
        drawn["transformations"] = [
            {"id": "merge", "options": {}},
            {"id": "organize", "options": {"excludeByName": {"Time": True}, "renameByName": names}},
        ]
        drawn["fieldConfig"]["overrides"] = [
            {"matcher": {"id": "byName", "options": name}, "properties": [{"id": "unit", "value": "none"}]}
            for name in ("entries", "number")
        ]
    return drawn


def _placed() -> list[Json]:
    """All panels from left to right, each row of them below its heading."""
    panels: list[Json] = []
    top = 0
    for title, row in ROWS.items():
        heading = {"id": len(panels) + 1, "type": "row", "title": title, "collapsed": False, "panels": []}
        panels.append({**heading, "gridPos": {"x": 0, "y": top, "w": WIDTH, "h": 1}})
        top, left, tallest = top + 1, 0, 0
        for panel in row:
            if left + panel.width > WIDTH:
                top, left, tallest = top + tallest, 0, 0
            panels.append(_panel(panel, len(panels) + 1, left, top))
            left, tallest = left + panel.width, max(tallest, panel.height)
        top += tallest
    return panels


def _variable(name: str, label: str, question: str) -> Json:
    return {
        "name": name,
        "label": label,
        "type": "query",
        "datasource": _SOURCE,
        "query": {"query": question, "refId": name},
        "refresh": 2,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "current": {"text": ["All"], "value": ["$__all"]},
    }


def dashboard() -> Json:
    """All of it, as Grafana reads it."""
    return {
        "uid": "revet",
        "title": "Revet",
        "description": "Verdicts on client certificates, and the evidence that they rest on.",
        "tags": ["revet"],
        "schemaVersion": SCHEMA_VERSION,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "timezone": "browser",
        "templating": {
            "list": [
                {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus"},
                _variable("namespace", "Namespace", "label_values(revet_build_info, namespace)"),
                _variable("job", "Job", 'label_values(revet_build_info{namespace=~"$namespace"}, job)'),
            ]
        },
        "annotations": {"list": []},
        "links": [],
        "panels": _placed(),
    }


def main() -> None:
    """Write it."""
    file = Path(sys.argv[1]) if sys.argv[1:] else FILE
    file.write_text(json.dumps(dashboard(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"wrote {file}")


if __name__ == "__main__":
    main()
