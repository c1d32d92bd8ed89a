"""docs/sidecar.md, the image and the entry point say the same, and the shell scripts are clean."""

import re
import subprocess
from typing import Final

import pytest

from tests.e2e.running import ROOT
from tests.sidecar.test_entrypoint import KNOWN

PAGE: Final = (ROOT / "docs/sidecar.md").read_text()
ENVIRONMENT: Final = (ROOT / "sidecar/lib/environment.sh").read_text()
DOCKERFILE: Final = (ROOT / "sidecar/Dockerfile").read_text()


def test_every_setting_is_in_the_table() -> None:
    """And nothing else is."""
    table = PAGE.partition("<!-- settings: begin -->")[2].partition("<!-- settings: end -->")[0]
    named = [name for row in table.splitlines()[3:] for name in re.findall(r"`(REVET_[A-Z0-9_]+)`", row.split("|")[1])]
    assert KNOWN == sorted(named)
    assert len(set(named)) == len(named)


@pytest.mark.parametrize(
    ("name", "default"),
    [
        ("REVET_TIMEOUT_MS", "800"),
        ("REVET_SIDECAR_UPSTREAM_TIMEOUT_S", "60"),
        ("REVET_SIDECAR_PROXY_PROTOCOL", "off"),
        ("REVET_SIDECAR_CACHE_S", "0"),
        ("REVET_SIDECAR_WORKERS", "auto"),
        ("REVET_SIDECAR_RUN_DIR", "/run/revet-sidecar"),
        ("REVET_SIDECAR_HEALTH_LISTEN", "0.0.0.0:8081"),
        ("REVET_SIDECAR_HEALTH_PROXY_PROTOCOL", "off"),
        ("REVET_SIDECAR_ERROR_LOG", "crit"),
    ],
)
def test_defaults(name: str, default: str) -> None:
    """They are what the table says."""
    assert f"${{{name}:-{default}}}" in ENVIRONMENT
    assert re.search(rf"^\| `{name}` \| `?{re.escape(default)}`? \|", PAGE, re.MULTILINE)


def test_every_setting_has_a_variable() -> None:
    """The list of names that are known has nothing in it that is not read."""
    listed = re.search(r'KNOWN="([^"]*)"', ENVIRONMENT)
    assert listed is not None
    read = set(re.findall(r"\$\{REVET_SIDECAR_([A-Z0-9_]+):-", ENVIRONMENT))
    assert set(listed[1].split()) == read


@pytest.mark.parametrize(
    "line",
    [
        "ARG BASE_IMAGE=debian:trixie-slim",
        "FROM ${BASE_IMAGE}",
        "USER 10101:10101",
        "STOPSIGNAL SIGQUIT",
        'ENTRYPOINT ["/opt/revet-sidecar/entrypoint"]',
    ],
)
def test_the_image(line: str) -> None:
    """What the page promises of it."""
    assert line in DOCKERFILE.splitlines()


def test_everything_is_in_the_image() -> None:
    """All that the entry point reads."""
    copied = re.findall(r"^COPY (.+) /opt/revet-sidecar/", DOCKERFILE, re.MULTILINE)
    names = {name for group in copied for name in group.split()}
    assert {"Dockerfile", "README.md"} == {one.name for one in (ROOT / "sidecar").iterdir()} - names


@pytest.mark.parametrize("script", ["entrypoint", "healthcheck"])
def test_shellcheck(script: str) -> None:
    """It has nothing to say."""
    run = subprocess.run(
        ["shellcheck", "-x", "-P", str(ROOT), str(ROOT / "sidecar" / script)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (0, "") == (run.returncode, run.stdout)
