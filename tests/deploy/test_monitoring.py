"""What Prometheus and Grafana take of `deploy/`: what the chart brings, and a configuration that Prometheus reads."""

import json
import subprocess
from pathlib import Path

import pytest
import yaml

from scripts import monitoring_files
from scripts.monitoring_files import COPIES, DEPLOY, FILES

PROMETHEUS = DEPLOY / "prometheus"


@pytest.mark.parametrize(("name", "copy"), COPIES.items())
def test_they_are_those_of_the_chart(name: str, copy: str) -> None:
    """Octet for octet."""
    assert (FILES / name).read_bytes() == (DEPLOY / copy).read_bytes()


def test_they_are_written_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`make chart` would write the same."""
    monkeypatch.setattr("sys.argv", ["monitoring_files", str(tmp_path)])
    monitoring_files.main()
    written = {str(path.relative_to(tmp_path)): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert {copy: (DEPLOY / copy).read_bytes() for copy in COPIES.values()} == written


def test_prometheus_reads_its_configuration() -> None:
    """With the rules that it names: `promtool` follows it to them."""
    done = subprocess.run(
        ["promtool", "check", "config", "prometheus.yml"], cwd=PROMETHEUS, capture_output=True, text=True, check=False
    )
    assert 0 == done.returncode, done.stdout + done.stderr
    configuration = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text(encoding="utf-8"))
    rules = {path.name for path in PROMETHEUS.glob("*.yaml")}
    assert (rules, {"alerts.yaml", "recording.yaml"}) == (set(configuration["rule_files"]), rules)


def test_every_group_has_a_name_of_its_own() -> None:
    """Both files can be taken together."""
    groups = [
        group["name"]
        for name in ("alerts.yaml", "recording.yaml")
        for group in yaml.safe_load((PROMETHEUS / name).read_text(encoding="utf-8"))["groups"]
    ]
    assert sorted(set(groups)) == sorted(groups)


def test_grafana_can_import_it() -> None:
    """It asks for its data source, and brings no number of its own."""
    shown = json.loads((DEPLOY / "grafana" / "revet.json").read_text(encoding="utf-8"))
    assert ("revet", False) == (shown["uid"], "id" in shown)
    assert "datasource" == shown["templating"]["list"][0]["type"]
