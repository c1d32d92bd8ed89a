"""Every example in `helm/ci/` renders, is what Kubernetes allows, keeps the rules, and is found good by `helm lint`."""

from functools import cache
from pathlib import Path

import pytest

from tests.helm.engine import CI_VALUES, Engine, Json, Release, values_of
from tests.helm.everything import EXTERNAL_REDIS
from tests.helm.objects import Document
from tests.helm.rules import broken
from tests.helm.schemas import KUBE_VERSIONS, problems

EXAMPLE = pytest.mark.parametrize("values_file", CI_VALUES, ids=lambda path: str(path.stem).removesuffix("-values"))

LONG: str = "r" + "-long-name" * 5 + "-x"
"""A release's name of 53 characters, which is as long as Helm allows."""


@EXAMPLE
@pytest.mark.parametrize("kube_version", KUBE_VERSIONS)
def test_is_what_kubernetes_allows(engine: Engine, values_file: Path, kube_version: str) -> None:
    """Every field is one, in this version of Kubernetes, and has a value of its type."""
    documents = engine.render(values_of(values_file), Release(kube_version=f"v{kube_version}.0"))
    assert [] == [one for document in documents for one in problems(document, kube_version)]


@EXAMPLE
@pytest.mark.parametrize("name", ["revet", "prod", LONG], ids=["short", "other", "long"])
def test_keeps_the_rules(engine: Engine, values_file: Path, name: str) -> None:
    """For a release named as the chart, one named otherwise, and one with the longest name."""
    values, release = values_of(values_file), Release(name=name)
    assert [] == broken(engine.render(values, release), engine.merged(values), values, release.namespace)


@pytest.mark.parametrize("name", ["123", "1e5", "0x1f", "true", "null", "no"])
def test_a_name_that_looks_like_something_else_is_a_name(engine: Engine, name: str) -> None:
    """Kubernetes allows it, and YAML would take it for a number, for true, or for nothing."""
    given = {"name": name, "key": name}
    secret = {"existingSecret": name, "key": name}
    values = {
        **EXTERNAL_REDIS,
        "fullnameOverride": "revet",
        "nameOverride": name,
        "trustStore": {"configMap": given},
        "intermediates": {"secret": given},
        "tokens": {"api": secret, "admin": secret, "shadow": secret},
        "fleetKey": secret,
        "redis": {
            "mode": "external",
            "external": {**secret, "clientCertificate": {"existingSecret": name}, "ca": {"secret": given}},
        },
        "tls": {"existingSecret": name, "clientCa": {"configMap": given}},
        "serviceAccount": {"name": name},
        "priorityClassName": name,
        "runtimeClassName": name,
        "schedulerName": name,
        "ingress": {"enabled": True, "className": name, "hosts": [{"host": "revet.example"}]},
        "test": {"token": secret, "clientCertificate": {"existingSecret": name}, "ca": {"key": name}},
    }
    documents = engine.render(values, Release(name=name, namespace=name))
    assert [] == [one for document in documents for one in problems(document, KUBE_VERSIONS[-1])]
    assert {name} == {document["metadata"]["namespace"] for document in documents}


@EXAMPLE
def test_lint_finds_nothing(engine: Engine, values_file: Path) -> None:
    """Neither error nor warning."""
    assert [] == engine.lint(values_of(values_file))


@EXAMPLE
def test_notes_are_written(engine: Engine, values_file: Path) -> None:
    """They name the release, and nothing in them is left out."""
    texts = engine.texts(values_of(values_file), Release(name="prod"))
    (notes,) = (text for path, text in texts.items() if path.endswith("NOTES.txt"))
    assert "prod" in notes
    assert "<no value>" not in notes


@EXAMPLE
def test_rendering_again_changes_nothing_but_what_is_made_up(engine: Engine, values_file: Path) -> None:
    """What differs between two renderings is the content of generated Secrets, and the checksum of it."""
    first, second = (engine.render(values_of(values_file), Release()) for _ in range(2))
    assert [_fixed(one) for one in first] == [_fixed(one) for one in second]


def _fixed(document: Document) -> Json:
    if document["kind"] == "Secret":
        return {**document, "data": sorted(document.get("data") or {}), "stringData": None}
    if "template" in (document.get("spec") or {}):
        return without_checksums(document)
    return document


def without_checksums(value: Json) -> Json:
    """A value without the annotations that only say that something else has changed."""
    match value:
        case dict():
            return {name: without_checksums(member) for name, member in value.items() if "checksum" not in name}
        case list():
            return [without_checksums(one) for one in value]
        case _:
            return value


@cache
def _first_line(path: Path) -> str:
    return path.read_text(encoding="utf-8").splitlines()[0]


@EXAMPLE
def test_example_says_what_it_is_for(values_file: Path) -> None:
    """In its first line."""
    assert _first_line(values_file).startswith("# "), values_file
