"""Wrong values end the rendering with a message that names them; schema and README say what values there are."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from scripts import chart_reference
from tests.helm.engine import CHART, ROOT, Engine, RefusedError

TRUSTED: Final[dict[str, Any]] = {"trustStore": {"configMap": {"name": "cas"}}}
"""The least that renders."""

PEM: Final = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n"

WRONG: Final[tuple[tuple[str, object], ...]] = (
    # A name that nobody knows, at every depth.
    ("replicas", 3),
    ("image.name", "revet"),
    ("tokens.callers", {}),
    ("tokens.shadow.generate", True),
    ("trustStores.devices.url", "https://ca.example/cas.pem"),
    ("redis.bundled.persistence", {"enabled": True}),
    ("metrics.serviceMonitor.endpoints", []),
    ("networkPolicy.egress.everything", True),
    ("resources.limit", {"memory": "1Gi"}),
    ("livenessProbe.httpGet", {}),
    ("test.image", "curl"),
    # Another type.
    ("replicaCount", "3"),
    ("replicaCount", 1.5),
    ("replicaCount", True),
    ("tls.certManager.enabled", "yes"),
    ("ingress.hosts", {"host": "revet.example"}),
    ("podAnnotations", {"example/number": 1}),
    ("podLabels", {"example/on": True}),
    ("extraEnv", {"AWS_REGION": "eu-central-1"}),
    ("settings", ["workers=2"]),
    ("tokens.api.values", "a-token-of-a-caller"),
    ("resources.requests.cpu", True),
    # A value that is none of those that there are.
    ("redis.mode", "sentinel"),
    ("service.type", "ExternalName"),
    ("image.pullPolicy", "Sometimes"),
    ("test.expect", "maybe"),
    ("host", "127.0.0.1"),
    ("service.ipFamilies", ["IPv5"]),
    ("service.externalTrafficPolicy", "local"),
    ("strategy.type", "BlueGreen"),
    ("tls.certManager.privateKey.algorithm", "DSA"),
    ("dnsPolicy", "cluster"),
    # Out of bounds.
    ("replicaCount", -1),
    ("service.port", 0),
    ("service.port", 65536),
    ("service.nodePort", 70000),
    ("networkPolicy.egress.redisPorts", [0]),
    ("networkPolicy.egress.authorityPorts", ["https"]),
    ("autoscaling.minReplicas", 0),
    ("preStopSleepSeconds", -1),
    ("terminationGracePeriodSeconds", 0),
    ("startupProbe.periodSeconds", 0),
    ("livenessProbe.successThreshold", 2),
    ("fleetKey.values", ["a-key-of-the-fleet-1", "a-key-of-the-fleet-2", "a-key-of-the-fleet-3"]),
    # Text of another form.
    ("image.digest", "sha256:abc"),
    ("image.tag", "v1 "),
    ("image.repository", "https://registry.example/revet"),
    ("fullnameOverride", "Revet"),
    ("nameOverride", "a" * 64),
    ("trustStore.pem", "cas.pem"),
    ("trustStore.pem", PEM + "-----BEGIN PRIVATE KEY-----\n"),
    ("tls.clientCa.pem", "ca.pem"),
    ("trustStore.url", "http://ca.example/cas.pem"),
    ("trustStore.url", "s3://bucket"),
    ("trustStore.path", "cas.pem"),
    ("trustStore.configMap.name", "corporate_cas"),
    ("trustStore.configMap.key", "a/b"),
    ("trustStores", {"../up": {"pem": PEM}}),
    ("tokens.api.values", ["short"]),
    ("tokens.api.values", ["a token with blanks in it"]),
    ("tokens.admin.values", ["sha256:abc"]),
    ("tokens.admin.values", ["the-same-token-twice", "the-same-token-twice"]),
    ("fleetKey.values", ["short"]),
    ("fleetKey.values", ["a key with blanks, and commas"]),
    ("redis.external.url", "redis.corp.example:6379"),
    ("redis.bundled.password", "p@ssword-of-sixteen"),
    ("redis.bundled.maxMemory", "lots"),
    ("tls.certManager.duration", "90 days"),
    ("metrics.serviceMonitor.interval", "half a minute"),
    ("data.sizeLimit", "4 GB"),
    ("resources.limits.memory", "1GB"),
    ("podDisruptionBudget.maxUnavailable", "one"),
    ("metrics.prometheusRule.runbookBaseUrl", "docs/"),
    ("imagePullSecrets", [{"secret": "registry"}]),
    ("ingress.hosts", [{"host": "revet.example", "paths": [{"path": "revet"}]}]),
    ("httpRoute.parentRefs", [{"namespace": "gateways"}]),
)

RIGHT: Final[tuple[tuple[str, object], ...]] = (
    ("replicaCount", 0),
    ("global", {"imageRegistry": "registry.example"}),
    ("service.port", 8443),
    ("service.port", None),
    ("terminationGracePeriodSeconds", 3600),
    ("resources.requests.cpu", 2),
    ("podDisruptionBudget.maxUnavailable", "25%"),
    ("image.digest", "sha256:" + "0" * 64),
    ("tokens.api.values", ["sha256:" + "0f" * 32]),
    ("fleetKey.values", ["a-key-of-the-fleet-1", "a-key-of-the-fleet-2"]),
    ("trustStores", {"devices.v2": {"pem": PEM}, "partners": {"secret": {"name": "partners", "key": "cas.pem"}}}),
    ("redis.bundled.maxMemory", "1gb"),
    ("networkPolicy.ingress.from", [{"namespaceSelector": {}, "podSelector": {"matchLabels": {"app": "gateway"}}}]),
    ("fleetKey.existingSecret", "fleet"),
    ("extraVolumeMounts", [{"name": "x", "mountPath": "/etc/revetx"}, {"name": "y", "mountPath": "/opt/y"}]),
    ("podSecurityContext", {"runAsUser": None, "runAsGroup": None, "fsGroup": None}),
    ("settings", {"workers": 1, "redis_prefix": "a.b_c-1"}),
    ("settings", {"workers": 1, "issuer": [{"match": {"name": "CN=CA"}, "revocation_mode": "off"}]}),
)

CONTRADICTIONS: Final[tuple[tuple[str, dict[str, Any]], ...]] = (
    ("trustStore: whom to trust?", {"trustStore.configMap.name": ""}),
    ("trustStore: give one of its places", {"trustStore.pem": PEM}),
    ("intermediates: give one of its places", {"intermediates.pem": PEM, "intermediates.path": "/certificates"}),
    (
        "redis.external.ca: give one of its places",
        {"redis.external.ca.pem": PEM, "redis.external.ca.secret.name": "ca"},
    ),
    ("trustStoreDirectory: give one of", {"trustStoreDirectory.configMap": "a", "trustStoreDirectory.secret": "b"}),
    ("trustStores and trustStoreDirectory", {"trustStores": {"d": {"pem": PEM}}, "trustStoreDirectory.secret": "b"}),
    ("trustStores.default:", {"trustStores": {"default": {"pem": PEM}}}),
    ("trustStores.devices: give pem,", {"trustStores": {"devices": {}}}),
    ("trustStores.devices: give one of", {"trustStores": {"devices": {"pem": PEM, "secret": {"name": "s"}}}}),
    ("settings.port: the chart sets this itself: pods listen on 8080", {"settings": {"port": 9000}}),
    ("settings.trust_store: the chart sets this itself", {"settings": {"trust_store": "/cas.pem"}}),
    ("settings.data_dir: the chart sets this itself", {"settings": {"data_dir": "/data"}}),
    ("settings.api_tokens: the chart sets this itself", {"settings": {"api_tokens": ["a-token-of-a-caller"]}}),
    ("settings.tls_key: the chart sets this itself", {"settings": {"tls_key": "/tls.key"}}),
    ("settings.redis_url: the chart sets this itself", {"settings": {"redis_url": "redis://redis"}}),
    ("settings.fleet_key_file: the chart sets this itself", {"settings": {"fleet_key_file": "/key"}}),
    ("settings.management_host: the chart sets this itself", {"settings": {"management_host": "::"}}),
    ("settings.REVET_WORKERS: names are those of TOML: workers", {"settings": {"REVET_WORKERS": 2}}),
    ("settings.api_token: secrets are not for a ConfigMap", {"settings": {"api_token": "a-token-of-a-caller"}}),
    ("settings.intermediates and intermediates", {"settings": {"intermediates": ["/a"]}, "intermediates.pem": PEM}),
    ("extraEnv REVET_PORT: the chart sets this itself", {"extraEnv": [{"name": "REVET_PORT", "value": "1"}]}),
    ("extraEnv REVET_CONFIG: the chart sets this itself", {"extraEnv": [{"name": "REVET_CONFIG", "value": "/x"}]}),
    ("commonAnnotations: helm.sh/resource-policy", {"commonAnnotations": {"helm.sh/resource-policy": "keep"}}),
    ("readinessProbe: without one", {"readinessProbe": None}),
    ("tokens: anybody could ask", {"tokens.api.generate": False, "tokens.admin.generate": False}),
    (
        "tokens.api: give values or existingSecret",
        {"tokens.api.values": ["a-token-of-a-caller"], "tokens.api.existingSecret": "tokens"},
    ),
    ("tls: give existingSecret or certManager", {"tls.existingSecret": "tls", "tls.certManager.enabled": True}),
    ("tls.certManager.issuerRef.name: whose", {"tls.certManager.enabled": True}),
    ("tls.clientCa: callers present certificates in TLS only", {"tls.clientCa.pem": PEM}),
    ("ingress.hosts: for which hosts?", {"ingress.enabled": True}),
    ("httpRoute.parentRefs: of which gateways?", {"httpRoute.enabled": True}),
    ("service.nodePort: a Service of type ClusterIP has none", {"service.nodePort": 30443}),
    ("redis.external: where is it?", {"redis.mode": "external"}),
    (
        "redis.external: give url or existingSecret",
        {"redis.mode": "external", "redis.external.url": "redis://r", "redis.external.existingSecret": "r"},
    ),
    ("redis.external is given, and redis.mode is bundled", {"redis.external.url": "redis://redis"}),
    (
        "fleetKey: give values or existingSecret",
        {"fleetKey.values": ["a-key-of-the-fleet-1"], "fleetKey.existingSecret": "key"},
    ),
    ("fetcher.enabled: what it fetches", {"fetcher.enabled": True, "redis.mode": "none"}),
    ("terminationGracePeriodSeconds is 10: pods need", {"terminationGracePeriodSeconds": 10}),
    ("autoscaling: by which metric?", {"autoscaling.enabled": True, "autoscaling.targetCPUUtilizationPercentage": 0}),
    ("autoscaling.minReplicas is 20", {"autoscaling.enabled": True, "autoscaling.minReplicas": 20}),
    ("percent of what?", {"autoscaling.enabled": True, "resources.requests.cpu": None}),
    ("extraVolumeMounts /etc/revet/x", {"extraVolumeMounts": [{"name": "x", "mountPath": "/etc/revet/x"}]}),
    *(
        (f"{value}: {label} is the chart's own label", {value: {label: "other"}})
        for value, label in (
            ("commonLabels", "app.kubernetes.io/component"),
            ("commonLabels", "helm.sh/chart"),
            ("podLabels", "app.kubernetes.io/name"),
            ("podLabels", "app.kubernetes.io/instance"),
            ("podLabels", "pod-template-hash"),
            ("service.labels", "app.kubernetes.io/component"),
            ("metrics.serviceMonitor.labels", "app.kubernetes.io/version"),
            ("metrics.podMonitor.labels", "app.kubernetes.io/part-of"),
            ("metrics.prometheusRule.labels", "app.kubernetes.io/managed-by"),
            ("metrics.dashboard.labels", "app.kubernetes.io/name"),
        )
    ),
    ("podAnnotations: checksum/fleet may be the chart's own", {"podAnnotations": {"checksum/fleet": "same"}}),
    ("fetcher.podAnnotations: checksum/", {"fetcher.podAnnotations": {"checksum/settings": "same"}}),
    ("fullnameOverride: no Service can be called 1st-revet", {"fullnameOverride": "1st-revet"}),
    (
        "redis.bundled: give password or existingSecret",
        {"redis.bundled.password": "PasswordOfRedis0", "redis.bundled.existingSecret": "redis"},
    ),
    (
        "redis.bundled.existingSecret is given, and redis.mode is none",
        {"redis.mode": "none", "redis.bundled.existingSecret": "redis"},
    ),
    ("settings.redis_prefix: a letter or digit", {"settings": {"redis_prefix": "revet:* ~* +@all ~x"}}),
    ("settings.redis_prefix: a letter or digit", {"settings": {"redis_prefix": "*"}}),
    *(
        (f"{value}.existingSecret: the chart's own is called {name}", {f"{value}.existingSecret": name})
        for value, name in (
            ("tokens.api", "revet-callers"),
            ("tokens.admin", "revet-admins"),
            ("tokens.shadow", "revet-shadow"),
            ("fleetKey", "revet-fleet"),
            ("redis.bundled", "revet-redis"),
            ("redis.external", "revet-redis"),
        )
    ),
    *(
        (f"extraVolumeMounts {place}: ", {"extraVolumeMounts": [{"name": "x", "mountPath": place}]})
        for place in (
            "/",
            "/etc",
            "/run/secrets/",
            "/var/lib/other/../revet",
            "/tmp",  # noqa: S108 - of a container
            "/opt",
            "/etc/revet-trust-stores",
        )
    ),
    ("extraVolumes secrets: the chart has", {"extraVolumes": [{"name": "secrets", "emptyDir": {}}]}),
    ("extraContainers, initContainers: revet is", {"extraContainers": [{"name": "revet"}]}),
    (
        "metrics: a ServiceMonitor and a PodMonitor",
        {"metrics.serviceMonitor.enabled": True, "metrics.podMonitor.enabled": True},
    ),
)


def put(values: Mapping[str, Any], path: str, value: object) -> dict[str, Any]:
    """The values with one more, which may stand deep in them."""
    name, _, rest = path.partition(".")
    return {**values, name: put(values.get(name) or {}, rest, value) if rest else value}


@pytest.mark.parametrize(("path", "value"), WRONG, ids=[f"{path}={str(value)[:30]!r}" for path, value in WRONG])
def test_wrong_value_is_refused(engine: Engine, path: str, value: object) -> None:
    """By the schema, with the place of the value in the message."""
    values = put({} if path.startswith("trustStore.") else TRUSTED, path, value)
    with pytest.raises(RefusedError, match="at '") as refused:
        engine.render(values)
    told = str(refused.value)
    above, _, name = "/".join(["", *path.split(".")]).rpartition("/")
    assert f"at '{above}/{name}" in told or (f"at '{above}'" in told and f"'{name}' not allowed" in told), told


@pytest.mark.parametrize(("path", "value"), RIGHT, ids=[f"{path}={str(value)[:30]!r}" for path, value in RIGHT])
def test_right_value_is_taken(engine: Engine, path: str, value: object) -> None:
    """What is near to a wrong one and is none."""
    assert engine.render(put(TRUSTED, path, value))


@pytest.mark.parametrize(
    ("message", "given"),
    CONTRADICTIONS,
    ids=[f"{message}-{number}" for number, (message, _) in enumerate(CONTRADICTIONS)],
)
def test_contradiction_is_refused(engine: Engine, message: str, given: dict[str, Any]) -> None:
    """By the chart, with the names of both."""
    values = TRUSTED
    for path, value in given.items():
        values = put(values, path, value)
    with pytest.raises(RefusedError, match="The values contradict each other") as refused:
        engine.render(values)
    assert message in str(refused.value)


def test_all_contradictions_are_told_at_once(engine: Engine) -> None:
    """Nobody has to repair one after the other."""
    with pytest.raises(RefusedError) as refused:
        engine.render({"redis": {"mode": "external"}, "ingress": {"enabled": True}, "settings": {"port": 1}})
    assert 4 == str(refused.value).count("\n- "), refused.value


def _schema() -> dict[str, Any]:
    return dict(json.loads((CHART / "values.schema.json").read_text(encoding="utf-8")))


def _maps(schema: object, place: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every part of the schema that describes a map with members of its own."""
    match schema:
        case dict():
            if "properties" in schema and "required" not in schema.get("items", {}):
                yield place, schema
            for name, member in schema.items():
                yield from _maps(member, f"{place}/{name}")
        case list():
            for number, member in enumerate(schema):
                yield from _maps(member, f"{place}/{number}")
        case _:
            pass


def test_schema_lets_nothing_unknown_pass() -> None:
    """Wherever it names members, others are refused; but for what is Kubernetes' own, of which it names none or one."""
    open_ones = [place for place, part in _maps(_schema()) if part.get("additionalProperties") is not False]
    assert ["/properties/extraEnv/items"] == open_ones


def _leaves(values: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, value in values.items():
        if isinstance(value, dict) and value:
            yield from _leaves(value, (*path, name))
        else:
            yield (*path, name)


def test_every_value_is_described() -> None:
    """It, or the map that it stands in; and nothing is described that is no value."""
    text = (CHART / "values.yaml").read_text(encoding="utf-8")
    described = {value.path for value in chart_reference.described(text)}
    leaves = [*_leaves(yaml.safe_load(text))]
    assert [] == [leaf for leaf in leaves if not any(leaf[: n + 1] in described for n in range(len(leaf)))]
    assert [] == [path for path in described if not any(leaf[: len(path)] == path for leaf in leaves)]


def test_schema_and_defaults_have_the_same_values() -> None:
    """What the schema names has a default; what has a default the schema names (the script refuses it otherwise)."""
    leaves = {*_leaves(yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8")))}

    def missing(schema: dict[str, Any], path: tuple[str, ...]) -> Iterator[str]:
        for name, member in schema.get("properties", {}).items():
            here = (*path, name)
            if here in leaves:
                continue
            if not any(leaf[: len(here)] == here for leaf in leaves):
                yield ".".join(here)
            else:
                yield from missing(member, here)

    optional = {
        "global",
        "tls.certManager.privateKey.encoding",
        *(
            f"{kind}Probe.{name}"
            for kind in ("startup", "readiness", "liveness")
            for name in ("successThreshold", "initialDelaySeconds")
        ),
    }
    assert optional == set(missing(_schema(), ()))


@pytest.mark.parametrize("name", ["helm/README.md", "helm/values.schema.json", "docs/kubernetes.md"])
def test_what_is_written_out_of_the_chart_is_up_to_date(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`make chart` would change nothing."""
    copied = ("helm/values.yaml", "helm/README.md", "helm/values.schema.json", "helm/files/alerts.yaml")
    for file in (*copied, "docs/kubernetes.md", "docs/runbooks.md"):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_bytes((ROOT / file).read_bytes())
    monkeypatch.setattr(chart_reference, "CHART", tmp_path / "helm")
    monkeypatch.setattr(chart_reference, "PAGE", tmp_path / "docs" / "kubernetes.md")
    chart_reference.main()
    assert (ROOT / name).read_text(encoding="utf-8") == (tmp_path / name).read_text(encoding="utf-8")


def test_a_description_of_nothing_is_found() -> None:
    """The check can fail."""
    with pytest.raises(SystemExit, match="no value follows: Lost"):
        [*chart_reference.described("# -- Lost\n\nname: a\n")]
    with pytest.raises(SystemExit, match="has no lost"):
        chart_reference.with_descriptions({}, chart_reference.described("# -- Found\nlost: 1\n"))
