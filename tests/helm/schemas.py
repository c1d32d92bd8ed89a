"""Whether objects are what their kinds allow: Kubernetes' own schemas, and hand-made ones for kinds that others define.

Those of Kubernetes are in `kubernetes-validate`, one set for each version. Of kinds that others define (Prometheus
Operator, cert-manager, Gateway API) only the fields are known here that the chart writes; any other is refused, so that
a field that is spelt wrong is seen.
"""

import importlib.resources
import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final, TypeAlias

import jsonschema
from referencing import Registry, Resource

from tests.helm.objects import Document, title

Schema: TypeAlias = dict[str, Any]
_Known: TypeAlias = bool | Mapping[str, Any]

KUBE_VERSIONS: Final = ("1.30", "1.31", "1.33", "1.35", "1.37")
"""Versions of Kubernetes that the chart is rendered for and held against; the first is the oldest that it supports."""

_TEXT: Final[Schema] = {"type": "string", "minLength": 1}
_TEXTS: Final[Schema] = {"type": "array", "items": _TEXT}
_BY_NAME: Final[Schema] = {"type": "object", "additionalProperties": {"type": "string"}}
_DURATION: Final[Schema] = {"type": "string", "pattern": "^([0-9]+(ms|s|m|h|d))+$"}
_METADATA: Final[Schema] = {
    "type": "object",
    "properties": {"name": _TEXT, "namespace": _TEXT, "labels": _BY_NAME, "annotations": _BY_NAME},
    "required": ["name"],
    "additionalProperties": False,
}


def _object(required: Sequence[str] = (), **properties: Schema) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


def _list(of: Schema) -> Schema:
    return {"type": "array", "items": of, "minItems": 1}


def _kind(spec: Schema) -> Schema:
    return _object(
        ("apiVersion", "kind", "metadata", "spec"), apiVersion=_TEXT, kind=_TEXT, metadata=_METADATA, spec=spec
    )


_RELABELLING: Final = _object(
    sourceLabels=_TEXTS,
    separator={"type": "string"},
    targetLabel=_TEXT,
    regex={"type": "string"},
    replacement={"type": "string"},
    action={
        "enum": ["replace", "keep", "drop", "labelmap", "labeldrop", "labelkeep", "hashmod", "lowercase", "uppercase"]
    },
)

_ENDPOINT: Final = _object(
    ("port",),
    port=_TEXT,
    path={"type": "string", "pattern": "^/"},
    scheme={"enum": ["http", "https"]},
    interval=_DURATION,
    scrapeTimeout=_DURATION,
    honorLabels={"type": "boolean"},
    relabelings={"type": "array", "items": _RELABELLING},
    metricRelabelings={"type": "array", "items": _RELABELLING},
)

_SELECTOR: Final = _object(matchLabels=_BY_NAME)

_SERVICE_MONITOR: Final = _kind(
    _object(
        ("selector", "endpoints"),
        jobLabel=_TEXT,
        selector=_SELECTOR,
        namespaceSelector=_object(matchNames=_TEXTS, any={"type": "boolean"}),
        endpoints=_list(_ENDPOINT),
        targetLabels=_TEXTS,
        podTargetLabels=_TEXTS,
        sampleLimit={"type": "integer"},
    )
)

_POD_MONITOR: Final = _kind(
    _object(
        ("selector", "podMetricsEndpoints"),
        jobLabel=_TEXT,
        selector=_SELECTOR,
        namespaceSelector=_object(matchNames=_TEXTS, any={"type": "boolean"}),
        podMetricsEndpoints=_list(_ENDPOINT),
        podTargetLabels=_TEXTS,
    )
)

_RULE: Final[Schema] = {
    "type": "object",
    "properties": {
        "alert": _TEXT,
        "record": _TEXT,
        "expr": _TEXT,
        "for": _DURATION,
        "keep_firing_for": _DURATION,
        "labels": _BY_NAME,
        "annotations": _BY_NAME,
    },
    "required": ["expr"],
    "oneOf": [{"required": ["alert"]}, {"required": ["record"]}],
    "additionalProperties": False,
}

_PROMETHEUS_RULE: Final = _kind(
    _object(("groups",), groups=_list(_object(("name", "rules"), name=_TEXT, interval=_DURATION, rules=_list(_RULE))))
)

_CERTIFICATE: Final = _kind(
    _object(
        ("secretName", "issuerRef"),
        secretName=_TEXT,
        commonName={"type": "string", "maxLength": 64},
        dnsNames=_list(_TEXT),
        ipAddresses=_TEXTS,
        duration=_DURATION,
        renewBefore=_DURATION,
        revisionHistoryLimit={"type": "integer", "minimum": 1},
        usages=_list({"enum": ["digital signature", "key encipherment", "server auth", "client auth"]}),
        privateKey=_object(
            algorithm={"enum": ["RSA", "ECDSA", "Ed25519"]},
            size={"type": "integer"},
            encoding={"enum": ["PKCS1", "PKCS8"]},
            rotationPolicy={"enum": ["Never", "Always"]},
        ),
        issuerRef=_object(("name",), name=_TEXT, kind=_TEXT, group=_TEXT),
        secretTemplate=_object(labels=_BY_NAME, annotations=_BY_NAME),
    )
)

_REFERENCE: Final = _object(
    ("name",),
    group={"type": "string"},
    kind=_TEXT,
    name=_TEXT,
    namespace=_TEXT,
    sectionName=_TEXT,
    port={"type": "integer", "minimum": 1, "maximum": 65535},
    weight={"type": "integer", "minimum": 0},
)

_ROUTE_RULE: Final = _object(
    ("backendRefs",),
    name=_TEXT,
    matches=_list({"type": "object"}),
    filters=_list({"type": "object"}),
    timeouts=_object(request=_DURATION, backendRequest=_DURATION),
    backendRefs=_list(_REFERENCE),
)

_HTTP_ROUTE: Final = _kind(
    _object(("parentRefs", "rules"), parentRefs=_list(_REFERENCE), hostnames=_TEXTS, rules=_list(_ROUTE_RULE))
)

_TLS_ROUTE: Final = _kind(
    _object(
        ("parentRefs", "rules"),
        parentRefs=_list(_REFERENCE),
        hostnames=_TEXTS,
        rules=_list(_object(("backendRefs",), name=_TEXT, backendRefs=_list(_REFERENCE))),
    )
)

_BACKEND_TLS: Final = _kind(
    _object(
        ("targetRefs", "validation"),
        targetRefs=_list(_REFERENCE),
        validation=_object(
            ("hostname",),
            hostname=_TEXT,
            caCertificateRefs=_list(_REFERENCE),
            wellKnownCACertificates={"enum": ["System"]},
        ),
    )
)

OTHERS: Final[dict[tuple[str, str], Schema]] = {
    ("monitoring.coreos.com/v1", "ServiceMonitor"): _SERVICE_MONITOR,
    ("monitoring.coreos.com/v1", "PodMonitor"): _POD_MONITOR,
    ("monitoring.coreos.com/v1", "PrometheusRule"): _PROMETHEUS_RULE,
    ("cert-manager.io/v1", "Certificate"): _CERTIFICATE,
    ("gateway.networking.k8s.io/v1", "HTTPRoute"): _HTTP_ROUTE,
    ("gateway.networking.k8s.io/v1alpha2", "TLSRoute"): _TLS_ROUTE,
    ("gateway.networking.k8s.io/v1", "TLSRoute"): _TLS_ROUTE,
    ("gateway.networking.k8s.io/v1", "BackendTLSPolicy"): _BACKEND_TLS,
}
"""Kinds that others define, by version and kind."""


def problems(document: Document, kube_version: str) -> list[str]:
    """What is wrong with an object, by the schema of its kind in a version of Kubernetes.

    Args:
        document: The object.
        kube_version: As in `1.31`.
    """
    version, kind = document["apiVersion"], document["kind"]
    validator = _validator(version, kind, None if (version, kind) in OTHERS else kube_version)
    if validator is None:
        return [f"{title(document)}: Kubernetes {kube_version} has no {kind} in {version}"]
    return [
        f"{title(document)} ({kube_version}): {'.'.join(map(str, error.absolute_path))}: {error.message}"
        for error in validator.iter_errors(document)
    ]


@cache
def _validator(version: str, kind: str, kube_version: str | None) -> jsonschema.Draft202012Validator | None:
    """What looks at objects of a kind, made once: the schemas of one version of Kubernetes are some megabytes."""
    if kube_version is None:
        return jsonschema.Draft202012Validator(OTHERS[version, kind])
    group, _, number = version.rpartition("/")
    # The files are named by the first word of the group: `deployment-apps-v1.json`, `service-v1.json`.
    name = "-".join(filter(None, (kind.lower(), group.split(".")[0], number)))
    schema = _shipped(kube_version, name)
    if schema is None:
        return None
    return jsonschema.Draft202012Validator(schema, registry=_definitions(kube_version))


@cache
def _definitions(kube_version: str) -> Registry[_Known]:
    """What the schemas of a version refer to, by the name that it gives itself; looked through only once."""
    definitions: Resource[_Known] = Resource.from_contents(_shipped(kube_version, "_definitions") or {})
    registry: Registry[_Known] = definitions @ Registry()
    return registry.crawl()


def _shipped(kube_version: str, name: str) -> Schema | None:
    """A schema of the package `kubernetes-validate`, of those that refuse fields that nobody knows."""
    package = importlib.resources.files("kubernetes_validate")
    file = package / "kubernetes-json-schema" / f"v{kube_version}.0-local-strict" / f"{name}.json"
    return dict(json.loads(file.read_text(encoding="utf-8"))) if file.is_file() else None
