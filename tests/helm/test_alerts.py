"""Alerts and recording rules of `helm/files/`: each alert is given when it should be, and not otherwise."""

import re
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from tests.docs.pages import anchors, page
from tests.helm.alert_cases import CASES, Case
from tests.helm.engine import CHART

ALERTS: Final = CHART / "files" / "alerts.yaml"
RECORDING: Final = CHART / "files" / "recording.yaml"

_LABEL: Final = re.compile(r"{{ \$labels\.(\w+) }}")
_VALUE: Final = re.compile(r"{{ \$value[^}]*}}")


def _promtool(*arguments: str | Path) -> tuple[int, str]:
    done = subprocess.run(["promtool", *map(str, arguments)], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def _rules(path: Path) -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"] for rule in group["rules"]]


def _alerts() -> dict[str, dict[str, Any]]:
    return {rule["alert"]: rule for rule in _rules(ALERTS)}


def _filled(text: str, case: Case, labels: dict[str, str]) -> str:
    return _VALUE.sub(case.value, _LABEL.sub(lambda match: labels[match[1]], text))


def _played(case: Case) -> dict[str, Any]:
    rule = _alerts()[case.alert]
    expected = [
        {
            "exp_labels": {**rule["labels"], **labels},
            "exp_annotations": {name: _filled(text, case, dict(labels)) for name, text in rule["annotations"].items()},
        }
        for labels in case.fires
    ]
    return {
        "rule_files": [str(ALERTS)],
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": [{"series": name, "values": values} for name, values in case.series.items()],
                "alert_rule_test": [{"eval_time": case.at, "alertname": case.alert, "exp_alerts": expected}],
            }
        ],
    }


@pytest.mark.parametrize("path", [ALERTS, RECORDING], ids=lambda path: str(path.name))
def test_prometheus_reads_them(path: Path) -> None:
    """Every expression is one, and every template."""
    code, told = _promtool("check", "rules", path)
    assert 0 == code, told


def test_prometheus_would_refuse_another(tmp_path: Path) -> None:
    """The test above can fail."""
    broken = tmp_path / "broken.yaml"
    broken.write_text(ALERTS.read_text(encoding="utf-8").replace("rate(", "rat(", 1), encoding="utf-8")
    assert 0 != _promtool("check", "rules", broken)[0]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.alert}: {case.name}")
def test_alert_is_given_when_it_should_be(case: Case, tmp_path: Path) -> None:
    """With these labels and these words, or not at all."""
    played = tmp_path / "case.yaml"
    played.write_text(yaml.safe_dump(_played(case)), encoding="utf-8")
    code, told = _promtool("test", "rules", played)
    assert 0 == code, told


def test_every_alert_is_played() -> None:
    """In a case in which it fires, and in one in which it does not."""
    played = Counter((case.alert, bool(case.fires)) for case in CASES)
    assert {(name, fires) for name in _alerts() for fires in (True, False)} == set(played)


def test_recording_rules_are_what_their_names_say(tmp_path: Path) -> None:
    """Sums over replicas, ratios and quantiles of a few numbers."""
    replicas = [f'namespace="n",job="revet",instance="{one}"' for one in "ab"]
    series = {
        **{f'revet_validate_requests_total{{{one},decision="allow",code="ok"}}': "0+60x20" for one in replicas},
        f'revet_validate_requests_total{{{replicas[0]},decision="deny",code="revocation_unavailable"}}': "0+120x20",
        f'revet_fetch_total{{{replicas[0]},kind="crl",result="ok"}}': "0+3x20",
        f'revet_fetch_total{{{replicas[0]},kind="crl",result="timed_out"}}': "0+1x20",
        **{
            f'x509_crl_next_update_timestamp_seconds{{{one},issuer="i",slot="s"}}': f"{at}x20"
            for one, at in zip(replicas, (900, 960), strict=True)
        },
    }
    of_job = {"namespace": "n", "job": "revet"}
    expected = {
        "job:revet_validate_requests:rate5m": [
            ({**of_job, "decision": "allow", "code": "ok"}, 2.0),
            ({**of_job, "decision": "deny", "code": "revocation_unavailable"}, 2.0),
        ],
        "job:revet_revocation_unavailable:ratio_rate5m": [(of_job, 0.5)],
        "job:revet_fetch_failed:ratio_rate10m": [({**of_job, "kind": "crl"}, 0.25)],
        "job:x509_crl_remaining_seconds:min": [({**of_job, "issuer": "i", "slot": "s"}, 300.0)],
    }
    told = {
        "rule_files": [str(RECORDING)],
        "evaluation_interval": "30s",
        "tests": [
            {
                "interval": "1m",
                "input_series": [{"series": name, "values": values} for name, values in series.items()],
                "promql_expr_test": [
                    {
                        "expr": name,
                        "eval_time": "10m",
                        "exp_samples": [
                            {
                                "labels": name + "{" + ",".join(f'{k}="{v}"' for k, v in labels.items()) + "}",
                                "value": value,
                            }
                            for labels, value in samples
                        ],
                    }
                    for name, samples in expected.items()
                ],
            }
        ],
    }
    played = tmp_path / "recording.yaml"
    played.write_text(yaml.safe_dump(told), encoding="utf-8")
    code, output = _promtool("test", "rules", played)
    assert 0 == code, output


@pytest.mark.parametrize("name", sorted(_alerts()))
def test_alert_says_what_to_do(name: str) -> None:
    """It has a severity, a summary, a description, and a section of the runbooks that is there."""
    rule = _alerts()[name]
    assert rule["labels"]["severity"] in {"critical", "warning"}
    assert {"summary", "description", "runbook"} == set(rule["annotations"])
    where, _, anchor = rule["annotations"]["runbook"].partition("#")
    assert "docs/runbooks.md" == where
    assert anchor in anchors(page("runbooks.md"))
