"""What `docs/kubernetes.md` and `helm/README.md` show is what works: their commands and their values."""

import re
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from tests.docs.pages import blocks, page, table, word
from tests.helm.cluster import running_cluster
from tests.helm.engine import CHART, ROOT, Engine, RefusedError, Release
from tests.helm.everything import PEM
from tests.helm.objects import Document
from tests.helm.pod_rules import images, mounted, unprivileged, written
from tests.helm.rules import broken
from tests.helm.schemas import KUBE_VERSIONS, problems
from tests.helm.test_values import TRUSTED
from tests.helm.typed import commands, run

PAGE: Final = "kubernetes.md"

LEFT: Final = tuple(("revet", "secrets", f"revet-{one}") for one in ("callers", "admins", "fleet"))
"""What `helm uninstall` leaves behind, as the page says."""

_TYPED: Final = re.compile(r"^<!-- run by tests/helm/test_page\.py -->\n```sh\n(.*?)```", re.MULTILINE | re.DOTALL)


def _values() -> list[dict[str, Any]]:
    return [one for one in map(yaml.safe_load, blocks(page(PAGE), "yaml")) if "kind" not in one]


def _objects() -> list[Document]:
    return [one for one in map(yaml.safe_load, blocks(page(PAGE), "yaml")) if "kind" in one]


@pytest.mark.parametrize(("name", "at_least"), [("docs/kubernetes.md", 4), ("helm/README.md", 1)])
def test_commands_of_helm(engine: Engine, name: str, at_least: int, tmp_path: Path) -> None:
    """One after the other, in one cluster; what is left in the end is what the page says."""
    (tmp_path / "cas.pem").write_text(PEM, encoding="utf-8")
    (tmp_path / "values.yaml").write_text(yaml.safe_dump(_values()[0]), encoding="utf-8")
    typed = [words for block in _TYPED.findall((ROOT / name).read_text(encoding="utf-8")) for words in commands(block)]
    assert len(typed) >= at_least
    with running_cluster() as cluster:
        for words in typed:
            assert "revet" == run(engine, cluster, words, tmp_path).namespace
            assert set(LEFT) <= set(cluster.objects)
        assert ("uninstall" in typed[-1]) == (set(LEFT) == set(cluster.objects))


@pytest.mark.parametrize("number", range(len(_values())))
def test_values_of_the_page(engine: Engine, number: int) -> None:
    """They are taken, keep the rules, and are what Kubernetes allows."""
    values = {**TRUSTED, **_values()[number]}
    documents = engine.render(values)
    assert [] == broken(documents, engine.merged(values), values, Release().namespace)
    assert [] == [one for document in documents for one in problems(document, KUBE_VERSIONS[-1])]


def test_objects_of_the_page() -> None:
    """The pod with the sidecar is what Kubernetes allows, and as careful as the chart's own."""
    objects = _objects()
    assert 1 == len(objects)
    assert [] == [one for document in objects for version in KUBE_VERSIONS for one in problems(document, version)]
    assert [] == [one for rule in (images, mounted, unprivileged, written) for one in rule(objects)]


def test_names_of_the_sidecar() -> None:
    """Every variable of its environment is one of the sidecar's settings."""
    known = {name for row in table("sidecar.md", "settings") for name in re.findall(r"`(\w+)`", row["name"])}
    containers = _objects()[0]["spec"]["template"]["spec"]["containers"]
    assert {one["name"] for container in containers for one in container.get("env", [])} <= known


def test_contradictions_of_the_page(engine: Engine) -> None:
    """The message that it shows is the one that comes."""
    (shown,) = (block for block in blocks(page(PAGE), "text") if block.startswith("The values contradict"))
    with pytest.raises(RefusedError) as refused:
        engine.render({**TRUSTED, "settings": {"port": 9000}, "tls": {"clientCa": {"pem": PEM}}})
    assert shown.strip() in str(refused.value)


def test_every_alert_is_on_the_page() -> None:
    """In the order of the file."""
    groups = yaml.safe_load((CHART / "files" / "alerts.yaml").read_text(encoding="utf-8"))["groups"]
    assert [rule["alert"] for group in groups for rule in group["rules"]] == [
        word(row["alert"]) for row in table(PAGE, "alerts")
    ]


@pytest.mark.parametrize(
    "line",
    [
        "helm install revet ./helm --namespace r --sett a=b",
        "helm rollback revet",
        "helm install revet ./chart --namespace r",
    ],
)
def test_a_command_that_is_none_is_found(engine: Engine, line: str, tmp_path: Path) -> None:
    """An option, an action or a chart that is not there."""
    with running_cluster() as cluster, pytest.raises((SystemExit, AssertionError)):
        run(engine, cluster, line.split(), tmp_path)


def test_default_values_that_the_page_names() -> None:
    """In the table on room: value and default."""
    defaults = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
    for path, shown in re.findall(
        r"`([a-z]\w*(?:\.\w+)*): ([^`{]+)`", page(PAGE).partition("## Room, and how many")[2].partition("##")[0]
    ):
        value = defaults
        for name in path.split("."):
            value = value[name]
        assert str(value) == shown, path
