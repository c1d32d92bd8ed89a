"""Rendered objects as rules look at them: what runs pods, their containers, what selects them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

Document: TypeAlias = dict[str, Any]

_TEMPLATED: Final = ("Deployment", "StatefulSet", "DaemonSet", "Job")


@dataclass(frozen=True, slots=True)
class Workload:
    """What runs pods.

    Attributes:
        document: The object itself.
        labels: Of its pods.
        annotations: Of its pods.
        spec: Of its pods.
    """

    document: Document
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    spec: Document

    @property
    def title(self) -> str:
        """Kind and name."""
        return title(self.document)

    @property
    def is_test(self) -> bool:
        """Whether only `helm test` runs it."""
        return "helm.sh/hook" in annotations(self.document)

    def containers(self) -> list[Document]:
        """All of them, those that initialise first."""
        return [*self.spec.get("initContainers", []), *self.spec["containers"]]

    def container(self, name: str) -> Document:
        """The one of this name."""
        (found,) = (one for one in self.containers() if one["name"] == name)
        return dict(found)


def title(document: Document) -> str:
    """Kind and name."""
    return f"{document['kind']}/{document['metadata']['name']}"


def annotations(document: Document) -> Mapping[str, str]:
    """Those of an object."""
    return document["metadata"].get("annotations") or {}


def labels(document: Document) -> Mapping[str, str]:
    """Those of an object."""
    return document["metadata"].get("labels") or {}


def of_kind(documents: Sequence[Document], *kinds: str) -> list[Document]:
    """The objects of some kinds."""
    return [one for one in documents if one["kind"] in kinds]


def one_of_kind(documents: Sequence[Document], kind: str, component: str | None = None) -> Document:
    """The only object of a kind, or of a kind and a component (`app.kubernetes.io/component`)."""
    found = [
        one
        for one in of_kind(documents, kind)
        if component is None or labels(one).get("app.kubernetes.io/component") == component
    ]
    assert 1 == len(found), f"{kind}: {[title(one) for one in found]}"
    return found[0]


def workloads(documents: Sequence[Document]) -> list[Workload]:
    """Everything that runs pods."""
    return [
        Workload(
            document,
            template["metadata"].get("labels") or {},
            template["metadata"].get("annotations") or {},
            template["spec"],
        )
        for document in documents
        for template in _templates(document)
    ]


def _templates(document: Document) -> Iterator[Document]:
    match document["kind"]:
        case "Pod":
            yield document
        case "CronJob":
            yield document["spec"]["jobTemplate"]["spec"]["template"]
        case kind if kind in _TEMPLATED:
            yield document["spec"]["template"]
        case _:
            pass


def service_workload(documents: Sequence[Document]) -> Workload:
    """The one that runs `revet serve`."""
    found = [one for one in workloads(documents) if any(one["name"] == "revet" for one in one.spec["containers"])]
    serving = [one for one in found if not one.is_test]
    assert 1 == len(serving), [one.title for one in found]
    return serving[0]


def selects(selector: Mapping[str, str], chosen: Mapping[str, str]) -> bool:
    """Whether labels satisfy a selector that asks for equality."""
    return all(chosen.get(name) == value for name, value in selector.items())


def ports(container: Document) -> dict[str, int]:
    """The ports of a container, by their names."""
    return {one["name"]: one["containerPort"] for one in container.get("ports", [])}


def texts(value: object) -> Iterator[str]:
    """Every piece of text in a value, names of members included."""
    match value:
        case str():
            yield value
        case Mapping():
            for name, member in value.items():
                yield from texts(name)
                yield from texts(member)
        case Sequence():
            for member in value:
                yield from texts(member)
        case _:
            pass
