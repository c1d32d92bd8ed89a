#!/usr/bin/env python3
"""Writes what the image consists of besides its base: a software bill of materials, CycloneDX as JSON.

    scripts/sbom.py FILE [MACHINE]

Every Python package with its version, its licence, what it depends on, and the SHA-256 of the one file that is
installed. Rules: pip itself says which files these are, for the Python that the Dockerfile asks for and by the hashes
of the lock files, so that nothing can stand here that the image's build would not take; the same lock files give the
same octets, at the time of `SOURCE_DATE_EPOCH`; no address of an index is repeated.

What it does not do: list the base image's packages. Scanners read those in the image.
"""

import json
import os
import platform
import re
import subprocess
import sys
import tomllib
import uuid
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import License
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT: Final = Path(__file__).parents[1]
LOCKS: Final = ("runtime", "aws", "otel")
"""What the Dockerfile installs."""

EXTRAS: Final = ("aws", "otel")
LONG_AGO: Final = 315_532_800
"""The Dockerfile's own default of `SOURCE_DATE_EPOCH`."""

PLATFORMS: Final = ("manylinux_2_36", "manylinux_2_34", "manylinux_2_28", "manylinux_2_17", "manylinux2014")
"""What runs on Debian 12, best first."""

LONGEST_NAME: Final = 60
"""Letters: a longer text is a whole licence and not its name."""


def installed(machine: str) -> list[dict[str, Any]]:
    """What pip would install into the image.

    Args:
        machine: `x86_64`, `aarch64`.

    Raises:
        subprocess.CalledProcessError: it would not, and has said why.
    """
    found = re.search(r"^ARG PYTHON_IMAGE=python:(\d+\.\d+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    if found is None:
        raise ValueError("the Dockerfile's PYTHON_IMAGE names no version")
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "-qq", "install", "--dry-run")
    alone = ("--ignore-installed", "--require-hashes", "--only-binary=:all:", "--report=-", "--root-user-action=ignore")
    target = (
        "--implementation=cp",
        f"--python-version={found[1]}",
        *(f"--platform={one}_{machine}" for one in PLATFORMS),
    )
    locks = (f"--requirement={ROOT / 'requirements' / name}.txt" for name in LOCKS)
    done = subprocess.run((*pip, *alone, *target, *locks), check=True, stdout=subprocess.PIPE)  # noqa: S603 - pip
    return list(json.loads(done.stdout)["install"])


def bill(packages: Iterable[Mapping[str, Any]], moment: datetime) -> Bom:
    """Put packages into a bill of materials.

    Args:
        packages: As pip reports them.
        moment: Of making.
    """
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    root = Component(
        name=project["name"],
        version=project["version"],
        type=ComponentType.APPLICATION,
        bom_ref=project["name"],
        description=project["description"],
        licenses=_licences({"license_expression": project["license"]}),
    )
    metadata = {str(canonicalize_name(one["metadata"]["name"])): one["metadata"] for one in packages}
    components = {str(canonicalize_name(one["metadata"]["name"])): _component(one) for one in packages}
    everything = "".join(sorted(str(one.purl) + str(*one.hashes) for one in components.values()))
    made = Bom(
        components=components.values(),
        serial_number=uuid.uuid5(uuid.NAMESPACE_OID, f"{root.name} {root.version} {everything}"),
        metadata=BomMetaData(component=root, timestamp=moment),
    )
    extras = (line for name in EXTRAS for line in project["optional-dependencies"][name])
    made.register_dependency(root, _named((*project["dependencies"], *extras), components))
    for name, component in components.items():
        made.register_dependency(component, _named(metadata[name].get("requires_dist", ()), components))
    return made


def _component(package: Mapping[str, Any]) -> Component:
    metadata = package["metadata"]
    name = canonicalize_name(metadata["name"])
    digest = package["download_info"]["archive_info"]["hashes"]["sha256"]
    return Component(
        name=name,
        version=metadata["version"],
        type=ComponentType.LIBRARY,
        bom_ref=name,
        description=metadata.get("summary"),
        licenses=_licences(metadata),
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=digest)],
        purl=PackageURL("pypi", name=name, version=metadata["version"]),
    )


def _licences(metadata: Mapping[str, Any]) -> list[License]:
    """What a package says of its licence: an expression of SPDX, else its name, else its classifiers."""
    make = LicenseFactory().make_from_string
    said = metadata.get("license_expression") or metadata.get("license") or ""
    if said and "\n" not in said and len(said) <= LONGEST_NAME:
        return [make(said)]
    return [
        make(one.rpartition(" :: ")[2])
        for one in metadata.get("classifier", ())
        if one.startswith("License :: OSI Approved :: ")
    ]


def _named(requirements: Iterable[str], components: Mapping[str, Component]) -> list[Component]:
    """Those of the components that requirements name, without what only an extra would need."""
    named = (Requirement(line) for line in requirements)
    wanted = (one.name for one in named if one.marker is None or one.marker.evaluate({"extra": ""}))
    return [components[name] for one in wanted if (name := canonicalize_name(one)) in components]


def main() -> int:
    """Read the command line, and write the file that it names."""
    if len(sys.argv) not in {2, 3}:
        print(__doc__, file=sys.stderr)
        return 2
    file, machine = Path(sys.argv[1]), (*sys.argv[2:], platform.machine())[0]
    moment = datetime.fromtimestamp(int(os.environ.get("SOURCE_DATE_EPOCH", LONG_AGO)), UTC)
    made = bill(installed(machine), moment)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(JsonV1Dot6(made).output_as_string(indent=2) + "\n")
    print(f"written: {file}, {len(made.components)} packages")
    return 0


if __name__ == "__main__":
    sys.exit(main())
