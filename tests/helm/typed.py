"""`helm install`, `upgrade` and `uninstall` as pages show them, carried out by the engine in a cluster."""

import argparse
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from tests.helm.cluster import Cluster
from tests.helm.engine import CHART, Engine, Release, values_of


def commands(text: str) -> Iterator[list[str]]:
    """The words of each command of a block; comments are left out."""
    for line in text.replace("\\\n", " ").splitlines():
        if words := shlex.split(line, comments=True):
            yield words


def run(engine: Engine, cluster: Cluster, words: list[str], directory: Path) -> Release:
    """Carry a command out.

    Args:
        engine: Helm's.
        cluster: Where.
        words: Of the command.
        directory: Where the files are that it names.

    Raises:
        RefusedError: Helm refuses.
        SystemExit: Helm has no such option, as far as is known here.
    """
    parser = argparse.ArgumentParser(prog="helm", allow_abbrev=False)
    actions = parser.add_subparsers(dest="action", required=True)
    for name in ("install", "upgrade", "uninstall"):
        action = actions.add_parser(name, allow_abbrev=False)
        action.add_argument("release")
        action.add_argument("--namespace", required=True)
        if name != "uninstall":
            action.add_argument("chart")
            action.add_argument("--values", "-f", action="append", default=[])
            action.add_argument("--set", action="append", default=[])
            action.add_argument("--set-file", action="append", default=[])
            action.add_argument("--install" if name == "upgrade" else "--create-namespace", action="store_true")
    program, *arguments = words
    assert "helm" == program
    asked = parser.parse_args(arguments)
    assert "./helm" == getattr(asked, "chart", "./helm")
    release = Release(name=asked.release, namespace=asked.namespace)
    values = {} if asked.action == "uninstall" else _values(asked, directory)
    engine.change(asked.action, cluster.url, values, release, CHART)
    return release


def _values(asked: argparse.Namespace, directory: Path) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for file in asked.values:
        values |= values_of(directory / file)
    for path, _, text in (one.partition("=") for one in asked.set):
        _put(values, path.split("."), yaml.safe_load(text) if "." not in text else text)
    for path, _, file in (one.partition("=") for one in asked.set_file):
        _put(values, path.split("."), (directory / file).read_text(encoding="utf-8"))
    return values


def _put(values: dict[str, Any], path: list[str], value: object) -> None:
    for name in path[:-1]:
        values = values.setdefault(name, {})
    values[path[-1]] = value
