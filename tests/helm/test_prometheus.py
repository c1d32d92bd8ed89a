"""A real Prometheus asks a real service, with the rules of `helm/files/`."""

import contextlib
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
import yaml

from tests.e2e.running import PATIENCE_S, until
from tests.helm.monitoring import FILES, questions, rules
from tests.helm.observed import Observed, observed_service
from tests.ports import free_port

pytestmark = pytest.mark.slow

EVERY_S: Final = 0.5


@dataclass(frozen=True, slots=True)
class Prometheus:
    """One that runs."""

    url: str

    def asked(self, path: str, **query: str) -> Any:  # noqa: ANN401 - what JSON can hold
        """What its API says."""
        answer = httpx.get(f"{self.url}/api/v1/{path}", params=query, timeout=PATIENCE_S)
        return answer.raise_for_status().json()["data"]

    def value(self, expression: str) -> list[Any]:
        """The series that an expression gives now."""
        return list(self.asked("query", query=expression)["result"])

    def alerts(self) -> set[str]:
        """Those that are given now."""
        return {one["metric"]["alertname"] for one in self.value('ALERTS{alertstate="firing"}')}

    def is_up(self) -> bool:
        """Whether it has asked its target in vain or not, and evaluated all rules once."""
        with contextlib.suppress(httpx.HTTPError):
            evaluated = [rule["lastEvaluation"] for group in self.asked("rules")["groups"] for rule in group["rules"]]
            return all(not one.startswith("0001") for one in evaluated) and bool(self.value("up"))
        return False


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen of a service from its first question to its end.

    Attributes:
        rules: As Prometheus has evaluated them while it was well.
        alerts: Those that were given meanwhile.
        answers: How many series each question of the dashboard gave.
        alerts_at_the_end: Those that were given once it had ended.
    """

    rules: list[dict[str, Any]]
    alerts: set[str]
    answers: dict[str, int]
    alerts_at_the_end: set[str]


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    """All of it, of one service that was asked something."""
    with contextlib.ExitStack() as stack:
        observed = stack.enter_context(observed_service(tmp_path_factory.mktemp("observed")))
        observed.ask()  # the first verdict takes longer than any other, and one alone would be all of a quantile
        prometheus = stack.enter_context(_prometheus(observed, tmp_path_factory.mktemp("prometheus")))
        assert "revoked" == observed.ask()
        until(lambda: bool(prometheus.value("up == 1")), "the service is asked")
        until(lambda: bool(prometheus.value("job:x509_crl_remaining_seconds:min > 0")), "what is recorded is there")
        evaluated = [rule for group in prometheus.asked("rules")["groups"] for rule in group["rules"]]
        alerts = prometheus.alerts()
        answers = {where: len(prometheus.value(question)) for where, question in questions().items()}
        observed.service.process.terminate()
        observed.service.process.wait(PATIENCE_S)
        until(lambda: bool(prometheus.alerts()), "an alert is given")
        return Seen(evaluated, alerts, answers, prometheus.alerts())


@contextlib.contextmanager
def _prometheus(observed: Observed, place: Path) -> Iterator[Prometheus]:
    """One that asks it twice a second."""
    port = free_port()
    (place / "rules.yaml").write_text(_quick(), encoding="utf-8")
    target = observed.service.management_url.removeprefix("http://")
    configuration = {
        "global": {"scrape_interval": f"{int(EVERY_S * 1000)}ms", "evaluation_interval": f"{int(EVERY_S * 1000)}ms"},
        "rule_files": [str(place / "rules.yaml")],
        "scrape_configs": [{"job_name": "revet", "static_configs": [{"targets": [target]}]}],
    }
    (place / "prometheus.yml").write_text(yaml.safe_dump(configuration), encoding="utf-8")
    options = [
        f"--config.file={place / 'prometheus.yml'}",
        f"--storage.tsdb.path={place / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with (place / "log").open("wb") as log:
        process = subprocess.Popen(["prometheus", *options], stdout=log, stderr=log, cwd=place)
        try:
            running = Prometheus(f"http://127.0.0.1:{port}")
            until(lambda: running.is_up() or process.poll() is not None, "Prometheus has looked at everything")
            assert process.poll() is None, (place / "log").read_text()
            yield running
        finally:
            process.terminate()
            process.wait(PATIENCE_S)


def _quick() -> str:
    """All rules, evaluated at Prometheus' own pace, and alerts that are given at once."""
    told = [
        group
        for name in ("recording.yaml", "alerts.yaml")
        for group in yaml.safe_load((FILES / name).read_text(encoding="utf-8"))["groups"]
    ]
    for group in told:
        group.pop("interval", None)
        for rule in group["rules"]:
            rule.pop("for", None)
    return yaml.safe_dump({"groups": told})


def test_every_rule_is_evaluated_without_fault(seen: Seen) -> None:
    """On what a service shows, with the labels that it has where nobody has told Prometheus of namespaces."""
    assert len(rules("alerts.yaml") + rules("recording.yaml")) == len(seen.rules)
    assert [] == [rule for rule in seen.rules if rule["health"] != "ok"]


def test_a_healthy_service_gives_no_alert(seen: Seen) -> None:
    """None of them, although each is given at once here."""
    assert set() == seen.alerts


def test_every_question_of_the_dashboard_is_answered(seen: Seen) -> None:
    """None is an error; and those on what is held have an answer."""
    wanted = ("Replicas that answer", "Until the next CRL ends", "Blocks", "Versions", "Replicas heard of")
    assert [] == [title for title in wanted if not seen.answers[f"{title} A"]]


def test_a_service_that_has_ended_gives_one(seen: Seen) -> None:
    """That it is gone."""
    assert {"RevetDown"} == seen.alerts_at_the_end
