"""Every value has an effect: with another one in its place, something else is rendered."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeAlias

import pytest
import yaml

from tests.helm.engine import CHART, Engine
from tests.helm.everything import EVERYTHING, EXTERNAL_REDIS, PEM
from tests.helm.test_values import TRUSTED, put

pytestmark = pytest.mark.slow

BY_DEFINITION: Final[Mapping[str, object]] = {
    "resourceName": "another",
    "key": "another.pem",
    "texts": {"example/another": "one"},
    "pem": PEM.replace("MAA=", "MQA="),
    "quantity": "3Gi",
    "duration": "45s",
    "port": 4711,
    "pullPolicy": "Always",
    "tag": "another",
    "digest": "sha256:" + "1" * 64,
    "peers": [{"ipBlock": {"cidr": "10.0.0.0/8"}}],
    "countOrShare": 3,
    "relabelings": [{"action": "labeldrop", "regex": "another"}],
}

BY_NAME: Final[Mapping[str, object]] = {
    "repository": "registry.example/another",
    "url": "https://another.example/",
    "path": "/mnt/another",
    "minAvailable": 1,
    "values": ["another-token-or-key"],
    "dnsNames": ["another.example"],
    "ipAddresses": ["10.0.0.1"],
    "ipFamilies": ["IPv6"],
    "loadBalancerSourceRanges": ["10.0.0.0/8"],
    "clusterIP": "10.0.0.1",
    "hostnames": ["another.example"],
    "parentRefs": [{"name": "another"}],
    "hosts": [{"host": "another.example"}],
    "matches": [{"path": {"type": "Exact", "value": "/another"}}],
    "timeouts": {"request": "5s"},
    "trustStores": {"another": {"pem": PEM}},
    "mode": "none",
    "tls": [{"hosts": ["another.example"]}],
    "minReplicas": 3,
    "disabled": ["RevetSlow"],
    "runbookBaseUrl": "https://another.example",
    "drop": ["NET_RAW"],
    "maxMemory": "64mb",
    "password": "AnotherPassword0",
    "extraVolumeMounts": [{"name": "another", "mountPath": "/mnt/another"}],
    "extraEnv": [{"name": "ANOTHER", "value": "one"}],
    "authorityPorts": [8443],
    "redisPorts": [7000],
    "metric": "another",
    "terminationGracePeriodSeconds": 300,
}
"""What is put in place of a value: by its own name, by its definition in the schema, and otherwise by its type."""

_EXTERNAL: Final = {**EXTERNAL_REDIS, "redis": {"mode": "external", "external": {"existingSecret": "redis"}}}


def _token(kind: str, **given: object) -> dict[str, Any]:
    return put({**EVERYTHING, "tls": {}}, f"tokens.{kind}", given)


CONTEXTS: Final[tuple[tuple[str, dict[str, Any]], ...]] = (
    ("trustStore.configMap.key", {**EVERYTHING, "trustStore": {"configMap": {"name": "a"}}}),
    ("trustStore.secret.key", {**EVERYTHING, "trustStore": {"secret": {"name": "a"}}}),
    ("trustStore.pem", EVERYTHING),
    ("trustStore.", {**EVERYTHING, "trustStore": {}}),
    ("trustStoreDirectory", {**EVERYTHING, "trustStores": {}}),
    ("intermediates.pem", EVERYTHING),
    ("intermediates.configMap.key", {**TRUSTED, "intermediates": {"configMap": {"name": "a"}}}),
    ("intermediates.secret.key", {**TRUSTED, "intermediates": {"secret": {"name": "a"}}}),
    ("intermediates.", TRUSTED),
    *((f"tokens.{kind}.generate", {**TRUSTED, "settings": {}}) for kind in ("api", "admin")),
    *((f"tokens.{kind}.key", _token(kind, existingSecret="a")) for kind in ("api", "admin", "shadow")),
    *((f"tokens.{kind}.existingSecret", _token(kind)) for kind in ("api", "admin", "shadow")),
    ("redis.mode", put({**EVERYTHING, "fetcher": {}}, "redis.external", {})),
    ("redis.bundled.existingSecret", {**EVERYTHING, "redis": {}}),
    ("redis.external.url", EXTERNAL_REDIS),
    ("redis.external.key", _EXTERNAL),
    ("redis.external.existingSecret", _EXTERNAL),
    ("redis.external.ca.configMap.key", put(_EXTERNAL, "redis.external.ca", {"configMap": {"name": "a"}})),
    ("redis.external.ca.secret.key", put(_EXTERNAL, "redis.external.ca", {"secret": {"name": "a"}})),
    ("redis.external", _EXTERNAL),
    ("fleetKey.existingSecret", {**EVERYTHING, "fleetKey": {}}),
    ("fleetKey.key", {**EVERYTHING, "fleetKey": {"existingSecret": "a"}}),
    ("tls.existingSecret", TRUSTED),
    ("tls.certManager.enabled", put(TRUSTED, "tls.certManager.issuerRef.name", "a")),
    ("tls.clientCa.secret.key", {**TRUSTED, "tls": {"existingSecret": "a", "clientCa": {"secret": {"name": "a"}}}}),
    ("tls.clientCa.configMap", EVERYTHING),
    ("tls.clientCa", {**TRUSTED, "tls": {"existingSecret": "a"}}),
    ("service.", put(EVERYTHING, "service.type", "LoadBalancer")),
    ("networkPolicy.egress.redis", EXTERNAL_REDIS),
    ("replicaCount", TRUSTED),
    ("autoscaling.decisions.metric", put(EVERYTHING, "autoscaling.decisions.targetPerSecond", 100)),
    ("podDisruptionBudget.minAvailable", EVERYTHING),
    ("metrics.podMonitor", put(TRUSTED, "metrics.podMonitor.enabled", True)),
    ("test.token.key", put(EVERYTHING, "test.token.existingSecret", "a")),
    ("terminationGracePeriodSeconds", EVERYTHING),
)
"""What else has to be so that a value counts, by what its path begins with: the first that fits, or else everything."""


_SECRET: Final = re.compile(r"^( +[\w.-]+): [A-Za-z0-9+/]{40,}=*$", re.MULTILINE)

Leaf: TypeAlias = tuple[str, dict[str, Any], object]
"""The path of a value, its schema and its default."""


def _schema() -> dict[str, Any]:
    return dict(json.loads((CHART / "values.schema.json").read_text(encoding="utf-8")))


def _leaves() -> Iterator[Leaf]:
    def below(schema: Mapping[str, Any], values: Mapping[str, Any], path: str) -> Iterator[Leaf]:
        for name, value in values.items():
            member = (schema.get("properties") or {}).get(name) or {}
            if isinstance(value, dict) and value and "properties" in member:
                yield from below(member, value, f"{path}{name}.")
            else:
                yield f"{path}{name}", member, value

    yield from below(_schema(), yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8")), "")


def _another(name: str, schema: Mapping[str, Any], current: object) -> object:
    definition = schema.get("$ref", "").removeprefix("#/definitions/")
    if name == "url" and isinstance(current, str) and current.startswith("redis"):
        return "rediss://another.example"
    if name in BY_NAME:
        return BY_NAME[name]
    if definition in BY_DEFINITION:
        return BY_DEFINITION[definition]
    if "enum" in schema:
        return next(one for one in reversed(schema["enum"]) if one not in {current, ""})
    match current:
        case bool():
            return not current
        case int() | None:
            return (current or 0) + 30001
        case str():
            return "another"
        case list():
            return [{"name": "another"}]
        case _:
            return {"limits": {"memory": "3Gi"}} if definition == "resources" else {"another": "one"}


def _given(values: Mapping[str, Any], path: str) -> object:
    found: Any = values
    for name in path.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    return found


@pytest.mark.parametrize(("path", "schema", "default"), [*_leaves()], ids=[path for path, *_ in _leaves()])
def test_value_has_an_effect(engine: Engine, path: str, schema: dict[str, Any], default: object) -> None:
    """Something of what is rendered is different."""
    base = next((values for beginning, values in CONTEXTS if path.startswith(beginning)), EVERYTHING)
    given = _given(base, path)
    another = _another(path.rpartition(".")[2], schema, default if given is None else given)
    first, second = _twice(engine, base)
    changed = engine.texts(put(base, path, another))
    if first != second:  # something in it is made up each time: what it is does not count
        first, changed = _without_chance(first), _without_chance(changed)
    assert first != changed, f"{path}: {another!r}"


_rendered: Final[dict[int, tuple[dict[str, str], dict[str, str]]]] = {}


def _twice(engine: Engine, base: dict[str, Any]) -> tuple[dict[str, str], dict[str, str]]:
    """Two renderings of values that many tests begin with; each costs a tenth of a second for every password in it."""
    if id(base) not in _rendered:
        _rendered[id(base)] = engine.texts(base), engine.texts(base)
    return _rendered[id(base)]


def _without_chance(texts: Mapping[str, str]) -> dict[str, str]:
    return {path: _SECRET.sub(r"\1: …", text) for path, text in texts.items()}
