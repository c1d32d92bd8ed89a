"""What differs between releases, and what does not: names, secrets, settings, what replaces pods."""

import hashlib
import json
from typing import Any, Final

import pytest
import yaml

from tests.helm.engine import CHART, Engine, Release, values_of
from tests.helm.everything import EVERYTHING, EXTERNAL_REDIS, PEM, SECRETS
from tests.helm.objects import Document, of_kind, one_of_kind, selects, service_workload, title, workloads
from tests.helm.schemas import KUBE_VERSIONS, problems
from tests.helm.secret_rules import hidden
from tests.helm.test_values import TRUSTED, put

_LONG: Final = "a-release-with-a-name-that-is-as-long-as-helm-allows"

CHANGES: Final = (
    ("settings", {"workers": 3}),
    ("settings", {"revocation_mode": "soft-fail"}),
    ("trustStore", {"url": "https://ca.example/cas.pem"}),
    ("trustStores", {"devices": {"configMap": {"name": "devices"}}}),
    ("image.tag", "9.9.9"),
    ("resources.limits.memory", "2Gi"),
    ("extraEnv", [{"name": "AWS_REGION", "value": "eu-central-1"}]),
    ("redis.mode", "none"),
    ("redis.bundled.password", "AnotherPassword0"),
    ("fleetKey.values", ["a-key-of-the-fleet", "another-key-of-the-fleet"]),
    ("redis.bundled.existingSecret", "redis"),
)
"""After which other pods are needed: of what is mounted, key and address of the fleet are read at start only."""

_EXTERNAL: Final = {"mode": "external", "external": {"url": "rediss://u:short@redis.example", "ca": {"pem": PEM}}}

EXTERNAL_CHANGES: Final = (
    ("redis.external.url", "rediss://u:other@redis.example"),
    ("redis.external.ca.pem", PEM.replace("MAA=", "MQA=")),
    ("redis.external.clientCertificate.existingSecret", "redis-client"),
)
"""Likewise, where Redis is the operator's."""

SAME: Final = (
    ("replicaCount", 5),
    ("service.annotations", {"example/a": "b"}),
    ("networkPolicy.enabled", False),
    ("metrics.serviceMonitor.enabled", True),
    ("commonAnnotations", {"example/a": "b"}),
    ("tokens.admin.values", ["another-token-of-an-administrator"]),
    ("tokens.api.values", ["another-token-of-a-caller"]),
)
"""After which those that run can go on: what is in a Secret is read again."""


def _template(documents: list[Document]) -> Document:
    return dict(service_workload(documents).document["spec"]["template"])


@pytest.fixture(scope="module")
def fixed() -> dict[str, Any]:
    """Values with which nothing is made up, so that two renderings are the same."""
    return {
        **TRUSTED,
        "tokens": {"api": {"values": ["a-token-of-a-caller"]}, "admin": {"values": ["a-token-of-an-administrator"]}},
        "fleetKey": {"values": ["a-key-of-the-fleet"]},
        "redis": {"bundled": {"password": "PasswordOfRedis0"}},
    }


@pytest.mark.parametrize(
    ("path", "value"), CHANGES, ids=[f"{path}-{number}" for number, (path, _) in enumerate(CHANGES)]
)
def test_pods_are_replaced(engine: Engine, fixed: dict[str, Any], path: str, value: object) -> None:
    """What they cannot take in while they run changes their template."""
    instead = {"trustStore": "trustStore", "redis.bundled.existingSecret": "redis"}.get(path)
    values = {name: one for name, one in fixed.items() if name != instead}
    assert _template(engine.render(fixed)) != _template(engine.render(put(values, path, value)))


@pytest.mark.parametrize(("path", "value"), EXTERNAL_CHANGES, ids=[path for path, _ in EXTERNAL_CHANGES])
@pytest.mark.parametrize("component", ["service", "fetcher"])
def test_pods_are_replaced_with_what_leads_to_redis(
    engine: Engine, fixed: dict[str, Any], component: str, path: str, value: object
) -> None:
    """Those of the fetcher as well."""
    values = {**fixed, "redis": _EXTERNAL, "fetcher": {"enabled": True}}
    first, second = (
        one_of_kind(engine.render(one), "Deployment", component)["spec"]["template"]
        for one in (values, put(values, path, value))
    )
    assert first != second


def test_bundled_redis_begins_anew_with_another_password(engine: Engine, fixed: dict[str, Any]) -> None:
    """It reads that at its start only; with another prefix its user may do other things."""
    first, second, third = (
        one_of_kind(engine.render(one), "Deployment", "redis")["spec"]["template"]
        for one in (
            fixed,
            put(fixed, "redis.bundled.password", "AnotherPassword0"),
            put(fixed, "settings.redis_prefix", "other"),
        )
    )
    assert first != second
    assert first != third


def _checksum(engine: Engine, values: dict[str, Any]) -> str:
    return str(service_workload(engine.render(values)).annotations["checksum/fleet"])


def _digest(**given: object) -> str:
    """What somebody computes who guesses."""
    return hashlib.sha256(json.dumps(given, separators=(",", ":"), sort_keys=True).encode()).hexdigest()


def test_a_guess_at_a_password_costs_time(engine: Engine, fixed: dict[str, Any]) -> None:
    """Whoever lists pods could try short ones against a quick digest; those of what is long are quick."""
    url, ca, key = "rediss://u:short@redis.example", PEM, fixed["fleetKey"]["values"]
    assert _digest(key=key) == _checksum(engine, put(fixed, "redis.bundled", {"existingSecret": "redis"}))
    quick = [_digest(ca=ca, key=key, url=one) for one in (url, hashlib.sha256(url.encode()).hexdigest())]
    assert _checksum(engine, {**fixed, "redis": _EXTERNAL}) not in quick
    password = fixed["redis"]["bundled"]["password"]
    quick = [_digest(key=key, password=one) for one in (password, hashlib.sha256(password.encode()).hexdigest())]
    assert _checksum(engine, fixed) not in quick


def test_no_annotation_has_the_digest_that_redis_compares_with(engine: Engine, fixed: dict[str, Any]) -> None:
    """Whoever lists pods could try passwords against it; it is in the Secret alone."""
    documents = engine.render({**fixed, "fetcher": {"enabled": True}})
    digest = hashlib.sha256(fixed["redis"]["bundled"]["password"].encode()).hexdigest()
    assert [] == [*hidden(documents, [digest])]
    of_redis = one_of_kind(documents, "Deployment", "redis")["spec"]["template"]["metadata"]["annotations"]
    assert "checksum/password" in of_redis


@pytest.mark.parametrize("name", ["gitops", "tokens-existing"])
def test_nothing_is_made_up_where_everything_is_given(engine: Engine, name: str) -> None:
    """Whatever renders it, as often as it likes: the same text."""
    values = values_of(CHART / "ci" / f"{name}-values.yaml")
    first, second = (engine.texts(values) for _ in range(2))
    assert first == second


def test_no_secret_is_rendered_where_all_are_the_operators(engine: Engine) -> None:
    """What is in a repository of manifests has nothing to hide."""
    assert [] == of_kind(engine.render(values_of(CHART / "ci" / "gitops-values.yaml")), "Secret")


def test_no_label_is_there_twice(engine: Engine) -> None:
    """Of two with one name, that of the pods, or of the object, counts."""
    values = {
        **TRUSTED,
        "commonLabels": {"example/a": "common"},
        "podLabels": {"example/a": "pods"},
        "service": {"labels": {"example/a": "service"}},
    }
    text = engine.texts(values)
    assert [1] == [one.count("example/a: service") for path, one in text.items() if path.endswith("/service.yaml")]
    assert [0] == [one.count("example/a: common") for path, one in text.items() if path.endswith("/service.yaml")]
    assert "pods" == service_workload(engine.render(values)).labels["example/a"]


def test_recreating_pods_is_no_rolling(engine: Engine) -> None:
    """What the chart says of rolling goes with the type: Kubernetes refuses both together."""
    deployment = one_of_kind(engine.render(put(TRUSTED, "strategy.type", "Recreate")), "Deployment", "service")
    assert {"type": "Recreate"} == deployment["spec"]["strategy"]


@pytest.mark.parametrize(("path", "value"), SAME, ids=[path for path, _ in SAME])
def test_pods_go_on(engine: Engine, fixed: dict[str, Any], path: str, value: object) -> None:
    """The template is the same, to the last octet."""
    assert _template(engine.render(fixed)) == _template(engine.render(put(fixed, path, value)))


def test_pods_go_on_when_nothing_has_changed(engine: Engine) -> None:
    """Although secrets are made up anew where nobody can look up what they were."""
    first, second = (engine.render(TRUSTED, Release(is_upgrade=one)) for one in (False, True))
    assert _template(first) == _template(second)
    assert of_kind(first, "Secret") != of_kind(second, "Secret")


@pytest.mark.parametrize(("first", "second"), [("blue", "green"), ("revet", "revet-2"), (_LONG + "1", _LONG + "2")])
def test_two_releases_in_one_namespace_do_not_meet(engine: Engine, first: str, second: str) -> None:
    """No object of one has the name of one of the other, and nothing of one selects pods of the other."""
    one, other = (engine.render(EVERYTHING, Release(name=name)) for name in (first, second))
    assert set() == {title(each) for each in one} & {title(each) for each in other}
    for mine, others in ((one, other), (other, one)):
        selectors = [each["spec"]["selector"] for each in of_kind(mine, "Service")]
        selectors += [
            each["spec"]["selector"]["matchLabels"] for each in of_kind(mine, "Deployment", "PodDisruptionBudget")
        ]
        selectors += [each["spec"]["podSelector"]["matchLabels"] for each in of_kind(mine, "NetworkPolicy")]
        assert [] == [
            each.title for each in workloads(others) for selector in selectors if selects(selector, each.labels)
        ]


@pytest.mark.parametrize("values", [EVERYTHING, EXTERNAL_REDIS], ids=["bundled Redis", "external Redis"])
def test_no_secret_is_told(engine: Engine, values: dict[str, Any]) -> None:
    """All that were given stand in Secrets, and nowhere else; nor in the notes."""
    documents = engine.render(values)
    assert [] == [*hidden(documents, SECRETS)]
    notes = [text for path, text in engine.texts(values).items() if path.endswith("NOTES.txt")]
    assert [] == [secret for secret in SECRETS for text in notes if secret in text]


def test_generated_secrets_are_long_and_different(engine: Engine) -> None:
    """256 bits of chance each, and no two alike."""
    data = [
        value
        for one in of_kind(engine.render(TRUSTED), "Secret")
        for name, value in one["data"].items()
        if name in {"api-tokens", "admin-tokens", "fleet-key", "password"}
    ]
    assert 4 == len(set(data))
    assert all(len(one) >= 4 * 43 // 3 for one in data)


def test_a_scaler_has_replicas_to_itself(engine: Engine) -> None:
    """The Deployment says how many only where nothing else does."""
    without = one_of_kind(engine.render(put(TRUSTED, "replicaCount", 7)), "Deployment", "service")
    scaled = one_of_kind(engine.render(put(TRUSTED, "autoscaling.enabled", True)), "Deployment", "service")
    assert 7 == without["spec"]["replicas"]
    assert "replicas" not in scaled["spec"]


@pytest.mark.parametrize(
    ("path", "component"),
    [("startupProbe", "service"), ("livenessProbe", "service"), ("fetcher.livenessProbe", "fetcher")],
)
def test_a_probe_can_be_left_out(engine: Engine, path: str, component: str) -> None:
    """By `null`, and by `null` for all that is in it; the rest is what Kubernetes allows."""
    values = put(TRUSTED, "fetcher.enabled", True)
    members = ("periodSeconds", "timeoutSeconds", "failureThreshold")
    for without in (None, dict.fromkeys(members)):
        documents = engine.render(put(values, path, without))
        pod = one_of_kind(documents, "Deployment", component)["spec"]["template"]["spec"]
        assert path.rpartition(".")[2] not in pod["containers"][0]
        assert [] == [one for document in documents for one in problems(document, KUBE_VERSIONS[-1])]


@pytest.mark.parametrize("without", ["periodSeconds", "failureThreshold"])
def test_part_of_a_probe_can_be_left_out(engine: Engine, without: str) -> None:
    """Kubernetes' own takes its place, and a roll-out waits for at least as long."""
    documents = engine.render(put(TRUSTED, f"startupProbe.{without}", None))
    deployment = one_of_kind(documents, "Deployment", "service")
    probe = deployment["spec"]["template"]["spec"]["containers"][0]["startupProbe"]
    assert without not in probe
    waits = probe.get("periodSeconds", 10) * probe.get("failureThreshold", 3)
    assert waits < deployment["spec"]["progressDeadlineSeconds"]


@pytest.mark.parametrize(
    ("given", "token"),
    [
        ({}, "revet-callers"),
        ({"tokens": {"api": {"generate": False}}}, None),
        ({"tokens": {"api": {"generate": False}, "shadow": {"values": ["a-token-in-shadow"]}}}, None),
        ({"tokens": {"api": {"generate": False}}, "test": {"token": {"existingSecret": "mine"}}}, "mine"),
        ({"tls": {"existingSecret": "tls", "clientCa": {"pem": PEM}}}, None),
    ],
)
def test_the_test_asks_as_a_caller_or_not_at_all(engine: Engine, given: dict[str, Any], token: str | None) -> None:
    """No pod of `helm test` has an administrator's token, and there is none that would be refused."""
    documents = engine.render({**TRUSTED, **given})
    pods = of_kind(documents, "Pod")
    named = [
        source["secret"]["name"]
        for pod in pods
        for source in pod["spec"]["volumes"][0]["projected"]["sources"]
        if "secret" in source
    ]
    assert [token] * len(pods) == named
    assert (token is None) == (pods == [])


@pytest.mark.parametrize(
    ("drain_s", "grace_s", "pre_stop_s"), [(3, 10, 5), (30, 10, 5), (3, 120, 5), (3, 10, 60), (0, 0, 0), (0.5, 2.5, 1)]
)
def test_time_to_end_follows_the_settings(engine: Engine, drain_s: float, grace_s: float, pre_stop_s: int) -> None:
    """Kubernetes always waits for longer than the service may take."""
    values = put(
        put(TRUSTED, "settings", {"drain_s": drain_s, "shutdown_grace_s": grace_s}), "preStopSleepSeconds", pre_stop_s
    )
    pod = service_workload(engine.render(values)).spec
    assert pod["terminationGracePeriodSeconds"] > drain_s + grace_s + pre_stop_s


def _alerts(documents: list[Document]) -> dict[str, Any]:
    groups = one_of_kind(documents, "PrometheusRule")["spec"]["groups"]
    return {rule["alert"]: rule for group in groups for rule in group["rules"] if "alert" in rule}


def test_alerts_are_those_of_the_file(engine: Engine) -> None:
    """Word for word, what Prometheus fills in included."""
    written = yaml.safe_load((CHART / "files" / "alerts.yaml").read_text(encoding="utf-8"))["groups"]
    assert {rule["alert"]: rule for group in written for rule in group["rules"]} == _alerts(
        engine.render(put(TRUSTED, "metrics.prometheusRule.enabled", True))
    )


def test_alerts_are_as_the_operator_wants_them(engine: Engine) -> None:
    """Without those that he names, with his labels, and with an address of his own before the runbook."""
    wanted = {
        "enabled": True,
        "disabled": ["RevetSlow"],
        "alertLabels": {"team": "pki"},
        "runbookBaseUrl": "https://docs.example/",
    }
    plain, shown = (
        _alerts(engine.render(put(TRUSTED, "metrics.prometheusRule", one))) for one in ({"enabled": True}, wanted)
    )
    assert {"RevetSlow"} == set(plain) - set(shown)
    assert {"pki"} == {rule["labels"]["team"] for rule in shown.values()}
    assert {f"https://docs.example/{rule['annotations']['runbook']}" for rule in shown.values()} == {
        rule["annotations"]["runbook_url"] for rule in shown.values()
    }


def test_the_dashboard_is_that_of_the_file(engine: Engine) -> None:
    """Octet for octet."""
    documents = engine.render(put(TRUSTED, "metrics.dashboard.enabled", True))
    (shown,) = (
        text for one in of_kind(documents, "ConfigMap") for name, text in one["data"].items() if name.endswith(".json")
    )
    assert json.loads((CHART / "files" / "grafana-dashboard.json").read_text(encoding="utf-8")) == json.loads(shown)
