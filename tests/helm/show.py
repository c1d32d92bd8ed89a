"""`python -m tests.helm.show FILE`: what the chart becomes with the values in a file, and what is wrong with it."""

import argparse
from collections.abc import Sequence
from pathlib import Path

import yaml

from tests.helm.engine import Release, running_engine, values_of
from tests.helm.rules import broken
from tests.helm.schemas import KUBE_VERSIONS, problems


def main(arguments: Sequence[str] | None = None) -> None:
    """Render, print, check.

    Args:
        arguments: Of the command line; None for the process's own.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("values", type=Path, nargs="?")
    parser.add_argument("--kube", default=KUBE_VERSIONS[-1], choices=KUBE_VERSIONS, help="version of Kubernetes")
    parser.add_argument("--api", action="append", default=[])
    parser.add_argument("--name", default="revet")
    parser.add_argument("--quiet", action="store_true", help="print what is wrong and nothing else")
    asked = parser.parse_args(arguments)
    values = values_of(asked.values) if asked.values else {}
    release = Release(name=asked.name, kube_version=f"v{asked.kube}.0", api_versions=asked.api)
    with running_engine() as engine:
        documents = engine.render(values, release)
        if not asked.quiet:
            print(yaml.safe_dump_all(documents, sort_keys=False))  # noqa: T201 - what it is for
        wrong = broken(documents, engine.merged(values), values, release.namespace)
        wrong += [one for document in documents for one in problems(document, asked.kube)]
        wrong += engine.lint(values)
    print("\n".join(["# problems:", *wrong]))  # noqa: T201 - what it is for


if __name__ == "__main__":
    main()
