"""What a build takes, and what comes of it: no more than needed, the same each time, small, without what built it."""

from pathlib import Path
from typing import Final

import pytest

from tests.e2e.running import ROOT
from tests.images.building import Image, Store, default_of

pytestmark = pytest.mark.slow

MOST_OVER_ITS_BASE: Final = 150_000_000
"""Octets that the service's image may have beside its base."""


def over(image: Image, store: Store, base: str) -> int:
    """Octets of files that an image has beside its base."""
    below = store.image(base)
    return _octets(image.root) - _octets(below.root)


def _octets(root: Path) -> int:
    return sum(place.lstat().st_size for place in root.rglob("*") if place.is_file() and not place.is_symlink())


@pytest.fixture(scope="module")
def sent(store: Store, context: Path, tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Every file that a builder is sent."""
    file = tmp_path_factory.mktemp("everything") / "Dockerfile"
    file.write_text("FROM scratch\nCOPY . /\n")
    image = store.build("localhost/everything", context, "--file", str(file))
    return {str(place.relative_to(image.root)) for place in image.root.rglob("*") if place.is_file()}


def test_builder_is_sent_what_it_needs(sent: set[str]) -> None:
    """The package, its requirements and what the wheel carries; nothing that lies about in a checkout."""
    other = {
        *("LICENSE", "README.md", "pyproject.toml", "authorizer/lambda_function.py"),
        *(f"requirements/{name}.txt" for name in ("aws", "build", "otel", "runtime")),
    }
    packages = {name for name in sent if name.startswith(("service/", "sidecar/"))}

    assert other == sent - packages
    assert {"service/__main__.py", "sidecar/entrypoint", "sidecar/lib/values.sh"} <= packages
    assert [] == [name for name in packages if "__pycache__" in name or name.endswith((".pyc", ".key"))]


def test_same_context_makes_the_same_layers(store: Store, context: Path, service_image: Image) -> None:
    """Built twice, to the octet: files, times and owners."""
    again = store.build("localhost/revet-again", context, "--no-cache")

    assert service_image.layers == again.layers


def test_another_file_makes_other_layers(store: Store, tmp_path: Path) -> None:
    """Layers differ where anything does, and not by when it was written."""
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY file /\n")

    def layers(content: str) -> tuple[str, ...]:
        (tmp_path / "file").write_text(content)
        return store.build("localhost/one-file", tmp_path, "--no-cache").layers

    first, again, other = layers("a"), layers("a"), layers("b")
    assert (True, False) == (first == again, first == other)


def test_is_small(store: Store, service_image: Image) -> None:
    """Less than 150 MB over its base."""
    base = f"docker.io/library/{default_of(ROOT / 'Dockerfile', 'PYTHON_IMAGE')}"

    assert 50_000_000 < over(service_image, store, base) < MOST_OVER_ITS_BASE


def test_holds_nothing_that_built_it(service_image: Image) -> None:
    """No pip, no build backend, no compiler, no source of the build, no trace of an index or its certificate."""
    installed = {one.name.partition("-")[0].lower() for one in service_image.root.rglob("*.dist-info")}

    assert "revet" in installed
    assert not {"pip", "setuptools", "hatchling", "wheel", "editables"} & installed
    # Containers of other tests may have left places to mount over: empty files.
    secrets = [one for one in service_image.root.glob("run/secrets/*") if one.is_file() and one.stat().st_size]
    assert [] == [*service_image.root.glob("build"), *secrets]
    assert not (service_image.root / "etc/pip.conf").exists()
    assert [] == [
        one.name for name in ("gcc", "cc", "make", "git") for one in service_image.root.glob(f"usr/bin/{name}")
    ]


def test_all_of_it_is_pinned(service_image: Image) -> None:
    """What is installed stands in the lock files, and what is not built for another platform in there is installed."""
    installed = {
        one.name.removesuffix(".dist-info").lower().replace("_", "-") for one in service_image.root.rglob("*.dist-info")
    }
    pinned = set()
    for name in ("runtime", "aws", "otel"):
        lines = (ROOT / f"requirements/{name}.txt").read_text().splitlines()
        pinned |= {
            line.split()[0].replace("==", "-").partition("[")[0] for line in lines if "==" in line and line[0] != " "
        }

    assert {"revet-" + default_of(ROOT / "Dockerfile", "VERSION")} == installed - pinned
    assert {"async-timeout", "colorama"} == {one.rpartition("-")[0] for one in pinned - installed}


def test_works_with_debian_s_interpreter(store: Store, context: Path) -> None:
    """An interpreter below /usr will do as well, and the command line starts from its bytecode."""
    image = store.build("localhost/revet-debian", context, "--build-arg", "PYTHON_IMAGE=localhost/debian-python")

    assert Path("/usr/bin/python3") == (image.root / "opt/revet/bin/python3").readlink()
    container = store.buildah("from", "--pull-never", image.name)
    run = ("run", "--isolation", "chroot", "--user", "10001:10001", container, "--")
    assert store.buildah(*run, "/opt/revet/bin/revet", "--version").startswith("revet ")


def test_labels_say_what_it_is(service_image: Image, sidecar_image: Image) -> None:
    """The annotations that the OCI's image specification defines."""
    names = ("title", "description", "version", "revision", "created", "licenses")
    labels = [image.config["Labels"] for image in (service_image, sidecar_image)]

    assert [True] * 2 == [all(one.get(f"org.opencontainers.image.{name}") for name in names) for one in labels]
    assert ["revet", "revet-sidecar"] == [one["org.opencontainers.image.title"] for one in labels]
