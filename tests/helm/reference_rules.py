"""Rules about what objects say of each other: selectors, ports, names of what is mounted, what is published where."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from tests.helm.objects import Document, Workload, labels, of_kind, ports, selects, texts, title, workloads

OURS: Final = ("revet", "fetcher", "redis")
"""Containers of the chart's own; what an operator puts beside them is his."""

FETCHING: Final = ("revet", "fetcher")
"""Those that ask authorities."""


def services(documents: Sequence[Document]) -> Iterator[str]:
    """Every Service selects the pods of one workload, not those of tests, and leads to ports that they have."""
    for service in of_kind(documents, "Service"):
        chosen = _chosen(documents, service["spec"].get("selector"))
        if 1 != len(chosen):
            yield f"{title(service)} selects {[one.title for one in chosen]}"
            continue
        open_ports = {name: port for one in chosen[0].spec["containers"] for name, port in ports(one).items()}
        for port in service["spec"]["ports"]:
            target = port.get("targetPort", port["port"])
            if target not in open_ports and target not in open_ports.values():
                yield f"{title(service)}: {chosen[0].title} has no port {target}"


def selectors(documents: Sequence[Document]) -> Iterator[str]:
    """What selects pods besides Services means one workload, and a workload selects its own and nobody else's."""
    for one in of_kind(documents, "PodDisruptionBudget"):
        chosen = _chosen(documents, (one["spec"].get("selector") or {}).get("matchLabels"))
        if 1 != len(chosen):
            yield f"{title(one)} selects {[each.title for each in chosen]}"
    for one in of_kind(documents, "NetworkPolicy"):
        chosen = _chosen(documents, (one["spec"].get("podSelector") or {}).get("matchLabels"))
        if 1 != len(chosen):
            yield f"{title(one)} selects {[each.title for each in chosen]}"
    for one in of_kind(documents, "Deployment", "StatefulSet", "DaemonSet"):
        chosen = _chosen(documents, one["spec"]["selector"].get("matchLabels"))
        if [title(one)] != [each.title for each in chosen]:
            yield f"{title(one)} selects {[each.title for each in chosen]}"


def scaled(documents: Sequence[Document]) -> Iterator[str]:
    """What scales a workload names one that is there, and then nothing else says how many replicas there are."""
    for scaler in of_kind(documents, "HorizontalPodAutoscaler"):
        wanted = scaler["spec"]["scaleTargetRef"]
        found = [
            one
            for one in of_kind(documents, wanted["kind"])
            if one["metadata"]["name"] == wanted["name"] and one["apiVersion"] == wanted["apiVersion"]
        ]
        if 1 != len(found):
            yield f"{title(scaler)} scales {wanted}, which is not there"
        for one in found:
            if "replicas" in one["spec"]:
                yield f"{title(one)} has replicas beside {title(scaler)}: every upgrade would undo what it has scaled"


def watched(documents: Sequence[Document]) -> Iterator[str]:
    """What Prometheus is told to ask is one Service, at a port that it has."""
    for monitor in of_kind(documents, "ServiceMonitor"):
        wanted = monitor["spec"]["selector"].get("matchLabels") or {}
        found = [one for one in of_kind(documents, "Service") if wanted and selects(wanted, labels(one))]
        if 1 != len(found):
            yield f"{title(monitor)} selects {[title(one) for one in found]}"
            continue
        names = {one.get("name") for one in found[0]["spec"]["ports"]}
        for endpoint in monitor["spec"]["endpoints"]:
            if endpoint["port"] not in names:
                yield f"{title(monitor)}: {title(found[0])} has no port {endpoint['port']}"
    for monitor in of_kind(documents, "PodMonitor"):
        chosen = _chosen(documents, monitor["spec"]["selector"].get("matchLabels"))
        if 1 != len(chosen):
            yield f"{title(monitor)} selects {[one.title for one in chosen]}"


def published(documents: Sequence[Document]) -> Iterator[str]:
    """An Ingress or a route leads to a Service of ours, at a port that it has, and never to the management port."""
    for one in documents:
        for name, port in _backends(one):
            found = [each for each in of_kind(documents, "Service") if each["metadata"]["name"] == name]
            if 1 != len(found):
                yield f"{title(one)} leads to {name}, which is not there"
                continue
            matching = [each for each in found[0]["spec"]["ports"] if port in {each["port"], each.get("name")}]
            if not matching or any(each.get("name") == "management" for each in matching):
                yield f"{title(one)} leads to port {port} of {name}"


def _backends(document: Document) -> Iterator[tuple[str, object]]:
    match document["kind"]:
        case "Ingress":
            for rule in document["spec"].get("rules", []):
                for path in rule["http"]["paths"]:
                    service = path["backend"]["service"]
                    yield service["name"], service["port"].get("number", service["port"].get("name"))
        case "HTTPRoute" | "TLSRoute":
            for rule in document["spec"]["rules"]:
                for backend in rule["backendRefs"]:
                    yield backend["name"], backend.get("port")
        case _:
            pass


def networks(documents: Sequence[Document]) -> Iterator[str]:
    """A network policy lets in what pods listen for, and out what names and authorities are asked by."""
    for policy in of_kind(documents, "NetworkPolicy"):
        chosen = _chosen(documents, (policy["spec"].get("podSelector") or {}).get("matchLabels"))
        kinds = policy["spec"].get("policyTypes") or []
        if "Ingress" in kinds:
            let_in = {one["port"] for rule in policy["spec"].get("ingress") or [] for one in rule.get("ports", [])}
            wanted = {
                (n, p) for w in chosen for c in w.spec["containers"] if c["name"] in OURS for n, p in ports(c).items()
            }
            for name, port in sorted(wanted):
                if not {name, port} & let_in:
                    yield f"{title(policy)}: nobody may reach port {name} ({port})"
        if "Egress" in kinds:
            let_out = {
                (one.get("protocol", "TCP"), one.get("port"))
                for rule in policy["spec"].get("egress") or []
                for one in rule.get("ports", [{}])
            }
            serves = any(each["name"] in FETCHING for one in chosen for each in one.spec["containers"])
            for needed in [("UDP", 53), ("TCP", 53), ("TCP", 80), ("TCP", 443)] if serves else []:
                if needed not in let_out and ("TCP", None) not in let_out:
                    yield f"{title(policy)}: {needed} is not let out"


def mentioned(documents: Sequence[Document], values: Mapping[str, object]) -> Iterator[str]:
    """What pods take from Secrets, ConfigMaps and claims is rendered too, with that key, or named in the values."""
    known = set(texts(values))
    held = {(one["kind"], one["metadata"]["name"]): one for one in documents}
    made = {one["spec"]["secretName"] for one in of_kind(documents, "Certificate")}
    for workload in workloads(documents):
        for kind, name, keys in _mentions(workload):
            found = held.get((kind, name))
            if found is None and name not in known and not (kind == "Secret" and name in made):
                yield f"{workload.title}: there is no {kind} {name}"
            if found is not None:
                there = {*(found.get("data") or {}), *(found.get("stringData") or {}), *(found.get("binaryData") or {})}
                for key in sorted(set(keys) - there):
                    yield f"{workload.title}: {kind} {name} has no {key}"


def _mentions(workload: Workload) -> Iterator[tuple[str, str, list[str]]]:
    """Kind, name and keys of all that a pod needs before it can start."""
    for volume in workload.spec.get("volumes", []):
        for source in [volume, *(volume.get("projected") or {}).get("sources", [])]:
            yield from _volume_mentions(source)
    account = workload.spec.get("serviceAccountName", "default")
    if account != "default":
        yield "ServiceAccount", account, []
    for container in workload.containers():
        for one in container.get("env", []):
            for member, kind in (("secretKeyRef", "Secret"), ("configMapKeyRef", "ConfigMap")):
                if found := (one.get("valueFrom") or {}).get(member):
                    yield kind, found["name"], [found["key"]]


def _volume_mentions(source: Document) -> Iterator[tuple[str, str, list[str]]]:
    secret, config = source.get("secret") or {}, source.get("configMap") or {}
    if secret and not secret.get("optional"):
        yield "Secret", secret.get("secretName") or secret["name"], _keys(secret)
    if config and not config.get("optional"):
        yield "ConfigMap", config["name"], _keys(config)
    if "persistentVolumeClaim" in source:
        yield "PersistentVolumeClaim", source["persistentVolumeClaim"]["claimName"], []


def _keys(source: Mapping[str, list[Mapping[str, str]]]) -> list[str]:
    return [one["key"] for one in source.get("items") or []]


def _chosen(documents: Sequence[Document], selector: Mapping[str, str] | None) -> list[Workload]:
    """Whose pods a selector means, those of tests included: nothing may mean those."""
    return [one for one in workloads(documents) if selector and selects(selector, one.labels)]
