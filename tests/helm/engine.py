"""Helm's engine as tests use it: renders, lints, packs a chart and changes releases, by `engine_process`."""

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeAlias

import yaml

ROOT: Final = Path(__file__).parents[2]
CHART: Final = ROOT / "helm"
CI_VALUES: Final = tuple(sorted((CHART / "ci").glob("*-values.yaml")))

Document: TypeAlias = dict[str, Any]
"""One object of Kubernetes."""

Json: TypeAlias = Any
"""What JSON can hold."""


class RefusedError(Exception):
    """The engine refused: values against the schema, a template that fails, no such release."""


@dataclass(frozen=True, slots=True)
class Release:
    """What a chart is rendered for.

    Attributes:
        name: Of the release.
        namespace: Where it goes.
        kube_version: Of the cluster; the engine's own idea of one where absent.
        api_versions: What the cluster knows besides Kubernetes' own, as `monitoring.coreos.com/v1`.
        is_upgrade: Whether it exists already.
    """

    name: str = "revet"
    namespace: str = "revet-ns"
    kube_version: str | None = None
    api_versions: Sequence[str] = ()
    is_upgrade: bool = False


@dataclass(slots=True)
class Engine:
    """A running engine.

    Attributes:
        version: Of Helm.
    """

    _process: subprocess.Popen[str]
    version: str = field(init=False)

    def __post_init__(self) -> None:
        """Hear of which version it is."""
        self.version = str(self._read())

    def render(
        self, values: Mapping[str, Any] | None = None, release: Release | None = None, chart: Path = CHART
    ) -> list[Document]:
        """The objects that an installation would make, hooks included, without the notes.

        Raises:
            RefusedError: The values are refused, or a template fails.
        """
        return [
            document
            for path, text in self.texts(values, release, chart).items()
            if not path.endswith("NOTES.txt")
            for document in yaml.safe_load_all(text)
            if document
        ]

    def texts(
        self, values: Mapping[str, Any] | None = None, release: Release | None = None, chart: Path = CHART
    ) -> dict[str, str]:
        """What each template becomes.

        Raises:
            RefusedError: As above.
        """
        wanted = release or Release()
        options = {
            "name": wanted.name,
            "namespace": wanted.namespace,
            "is_install": not wanted.is_upgrade,
            "is_upgrade": wanted.is_upgrade,
            **({"kube_version": wanted.kube_version} if wanted.kube_version else {}),
            **({"api_versions": list(wanted.api_versions)} if wanted.api_versions else {}),
        }
        return dict(self._ask("render", chart, values, options))

    def lint(self, values: Mapping[str, Any], chart: Path = CHART, kube_version: str = "v1.36.0") -> list[str]:
        """What `helm lint --strict` finds, warnings included."""
        report = self._ask("lint", chart, values, {"strict": True, "namespace": "linted", "kube_version": kube_version})
        serious = 2  # 1 is for information, as that an icon is recommended
        return [f"{one['path']}: {one['error']}" for one in report["messages"] if one["severity"] >= serious]

    def merged(self, values: Mapping[str, Any], chart: Path = CHART) -> dict[str, Any]:
        """The chart's values with these put over them, as templates see them."""
        return dict(self._ask("merged", chart, values, {}))

    def metadata(self, chart: Path = CHART) -> dict[str, Any]:
        """What is in Chart.yaml."""
        return dict(self._ask("metadata", chart, {}, {}))

    def save(self, destination: Path, chart: Path = CHART) -> Path:
        """Pack the chart, as `helm package` does, and tell where it is."""
        return Path(self._ask("save", chart, {}, {"destination": str(destination)}))

    def change(
        self, action: str, apiserver: str, values: Mapping[str, Any], release: Release, chart: Path = CHART
    ) -> dict[str, Any]:
        """`install`, `upgrade` or `uninstall` a release in a cluster, which is not asked for its schemas.

        Raises:
            RefusedError: It did not come to that.
        """
        how = {} if action == "uninstall" else {"disable_openapi_validation": True}
        options = {"apiserver": apiserver, "name": release.name, "namespace": release.namespace, "how": how}
        return dict(self._ask(action, chart, values, options))

    def _ask(self, what: str, chart: Path, values: Mapping[str, Any] | None, options: Mapping[str, Any]) -> Json:
        assert self._process.stdin is not None
        question = {"what": what, "chart": str(chart), "values": dict(values or {}), "options": dict(options)}
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        return self._read()

    def _read(self) -> Json:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the engine has ended"
        told = json.loads(line)
        if "refused" in told:
            raise RefusedError(told["refused"])
        return told["answer"]


@contextlib.contextmanager
def running_engine() -> Iterator[Engine]:
    """An engine, until the block is left."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.helm.engine_process"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield Engine(process)
    finally:
        for stream in (process.stdin, process.stdout):
            assert stream is not None
            stream.close()
        process.wait(timeout=30)


class _Loader(yaml.SafeLoader):
    """Reads YAML as Helm does, which knows no dates: they are text."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, expression) for tag, expression in found if tag != "tag:yaml.org,2002:timestamp"]
    for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def values_of(path: Path) -> dict[str, Any]:
    """The values in a file."""
    return dict(yaml.load(path.read_text(encoding="utf-8"), _Loader) or {})  # noqa: S506 - a safe loader, see above
