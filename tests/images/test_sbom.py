"""`make sbom`: a bill of materials that its own schema takes, of exactly what is in the image."""

import json
import platform
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from tests.e2e.running import ROOT
from tests.images.building import Image, default_of

pytestmark = pytest.mark.slow

PROGRAM: Final = ROOT / "scripts/sbom.py"


def written(directory: Path, *machine: str) -> str:
    """What the program writes."""
    file = directory / "sbom.cdx.json"
    subprocess.run((sys.executable, PROGRAM, file, *machine), check=True, capture_output=True)
    return file.read_text()


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The bill of this machine's image."""
    return written(tmp_path_factory.mktemp("sbom"))


@pytest.fixture(scope="module")
def document(text: str) -> dict[str, Any]:
    """The same, read."""
    return dict(json.loads(text))


def test_is_valid(text: str) -> None:
    """By the strict schema of CycloneDX 1.6."""
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None


def test_lists_what_is_in_the_image(document: dict[str, Any], service_image: Image) -> None:
    """Every package with its version, and Revet itself as what they are for."""
    listed = {f"{one['name']}-{one['version']}" for one in document["components"]}
    installed = {
        one.name.removesuffix(".dist-info").lower().replace("_", "-") for one in service_image.root.rglob("*.dist-info")
    }
    itself = document["metadata"]["component"]

    assert f"revet-{default_of(ROOT / 'Dockerfile', 'VERSION')}" == f"{itself['name']}-{itself['version']}"
    assert installed == listed | {f"{itself['name']}-{itself['version']}"}


def test_every_package_has_a_hash_of_the_lock_files_and_a_licence(document: dict[str, Any]) -> None:
    """The hash is of the one file that is installed, which the lock files name among others."""
    locked = "".join((ROOT / f"requirements/{name}.txt").read_text() for name in ("runtime", "aws", "otel"))
    hashes = set(re.findall(r"--hash=sha256:([0-9a-f]{64})", locked))

    assert [] == [one["name"] for one in document["components"] if one["hashes"][0]["content"] not in hashes]
    assert [] == [one["name"] for one in document["components"] if not one.get("licenses")]


def test_tells_who_needs_whom(document: dict[str, Any]) -> None:
    """Everything is needed by something, from Revet on."""
    needs = {one["ref"]: set(one.get("dependsOn", ())) for one in document["dependencies"]}
    reached, left = set[str](), {"revet"}
    while left:
        reached |= left
        left = set().union(*(needs[one] for one in left)) - reached

    assert {"boto3", "cryptography", "opentelemetry-sdk"} <= needs["revet"]
    assert {one["bom-ref"] for one in document["components"]} | {"revet"} == reached


def test_is_the_same_each_time(text: str, tmp_path: Path) -> None:
    """And another one for another machine."""
    other = "aarch64" if platform.machine() == "x86_64" else "x86_64"

    assert text == written(tmp_path)
    assert text != written(tmp_path, other)


def test_names_no_index(text: str) -> None:
    """Where the packages came from is the builder's business."""
    assert [] == re.findall(r"https?://(?!cyclonedx\.org/schema/)[^\"]*|file:[^\"]*", text)
