"""Helm's own engine, in a process of its own: a question a line on standard input, an answer a line on standard output.

The engine is a Go library. It is kept out of the process of the tests, since Go brings threads and handlers of signals
that tests of other rooms, which start and end processes, should not meet.

Some of what the library can do its Python interface does not pass on (`kube_version` and `api_versions` of rendering),
so that the library's functions are called by name: an interface that it promises nobody. The version is pinned.
"""

import json
import sys
from typing import Any, Final, TypeAlias

import helm_python
from helm_python import _native

Json: TypeAlias = Any
"""What JSON can hold."""

_charts: Final[dict[str, helm_python.Chart]] = {}
_configs: Final[dict[tuple[str, str], helm_python.Config]] = {}
_NO_HANDLE: Final = 0


def _chart(path: str) -> helm_python.Chart:
    """A chart, read once."""
    if path not in _charts:
        _charts[path] = helm_python.Chart.load(path)
    return _charts[path]


def _render(chart: str, values: dict[str, Any], options: dict[str, Any]) -> Json:
    opened = _chart(chart)
    opened.validate_schema(values)  # as `helm install` does, and rendering alone does not
    return json.loads(_native.call_string("helm_render", opened._raw(), json.dumps(values), json.dumps(options)))  # noqa: SLF001 - see above


def _lint(chart: str, values: dict[str, Any], options: dict[str, Any]) -> Json:
    return helm_python.lint(chart, values, **options)


def _config(options: dict[str, Any]) -> helm_python.Config:
    """What speaks to a cluster. It remembers its releases itself: Helm would write them there in protobuf."""
    key = (options["apiserver"], options["namespace"])
    if key not in _configs:
        _configs[key] = helm_python.Config(
            kube_apiserver=key[0], namespace=key[1], storage_driver="memory", qps=1000, burst_limit=1000
        )
    return _configs[key]


def _change(action: str, chart: str, values: dict[str, Any], options: dict[str, Any]) -> Json:
    """`helm install` or `helm upgrade` of a release in a cluster."""
    asked = (options["name"], json.dumps(values), json.dumps({"namespace": options["namespace"], **options["how"]}))
    handles = (_config(options)._raw(), _native.HANDLE(_NO_HANDLE), _chart(chart)._raw())  # noqa: SLF001 - see above
    return json.loads(_native.call_string(f"helm_{action}", *handles, None, *asked))


def _answer(question: dict[str, Any]) -> Json:
    asked = (question["chart"], question["values"], question["options"])
    match question["what"]:
        case "render":
            return _render(*asked)
        case "lint":
            return _lint(*asked)
        case "merged":
            return _chart(question["chart"]).merge_values(question["values"])
        case "metadata":
            return _chart(question["chart"]).metadata
        case "save":
            return _chart(question["chart"]).save(question["options"]["destination"])
        case "install" | "upgrade" as action:
            return _change(action, *asked)
        case "uninstall":
            return _config(question["options"]).uninstall(question["options"]["name"])
        case other:
            raise ValueError(other)


def main() -> None:
    """Answer until standard input ends."""
    print(json.dumps({"answer": helm_python.helm_sdk_version()}), flush=True)  # noqa: T201 - what it has to say
    for line in sys.stdin:
        try:
            answer = {"answer": _answer(json.loads(line))}
        except helm_python.HelmError as error:
            answer = {"refused": str(error)}
        print(json.dumps(answer), flush=True)  # noqa: T201 - what it has to say


if __name__ == "__main__":
    main()
