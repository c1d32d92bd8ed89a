"""Commands that `docs/kubernetes.md` has for a cluster, typed at services that run; `kubectl` and `helm` are scripts.

What the script in place of `kubectl` is asked to execute in a pod it executes beside the service. Services are asked at
ports of their own, and not at 8080.
"""

import contextlib
import json
import os
import shlex
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from tests.docs.pages import ROOT, blocks, page
from tests.e2e.running import running_service
from tests.helm.cluster import running_cluster
from tests.helm.engine import Engine, Release
from tests.helm.test_values import TRUSTED
from tests.helm.typed import run
from tests.pki import Authority
from tests.pki.clock import validity_of_now

ADMINISTRATOR: Final = "a-token-of-an-administrator"
COMMANDS: Final = next(block for block in blocks(page("kubernetes.md"), "sh") if "in_pod()" in block)
IN_POD: Final = COMMANDS.partition("in_pod revet")[0]
ANOTHER_REDIS: Final = next(block for block in blocks(page("kubernetes.md"), "sh") if "blocks.json" in block)
CLOSED: Final = next(block for block in blocks(page("kubernetes.md"), "yaml") if "callers: none" in block)

_SCRIPTS: Final = {
    "kubectl": """#!/bin/sh
printf '%s\\n' "$*" >> kubectl.log
case "$*" in
*" get secret "*) printf %s "$SECRET" | base64 ;;
*" exec "*) while [ "$1" != -- ]; do shift; done; shift; unset SECRET; exec "$@" ;;
esac
""",
    "helm": """#!/bin/sh
printf '%s\\n' "$*" >> helm.log
case "$*" in *other.yaml*) cp other.url url ;; esac
""",
    "revet": f"""#!/bin/sh
exec {ROOT}/.venv/bin/revet "$@" --url "$(cat url)"
""",
}


@dataclass(frozen=True, slots=True)
class Beside:
    """A directory beside a service, with what the commands of the page name.

    Attributes:
        directory: Where they are typed.
    """

    directory: Path

    def type(self, commands: str) -> str:
        """What they print; a command that fails ends it."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("REVET_")}
        path = f"{self.directory}:{environment['PATH']}"
        done = subprocess.run(
            ("bash", "-euo", "pipefail", "-c", commands),
            cwd=self.directory,
            env={**environment, "PATH": path, "SECRET": ADMINISTRATOR},
            capture_output=True,
            text=True,
            check=False,
        )
        assert 0 == done.returncode, done.stderr
        return done.stdout

    def blocked(self) -> list[dict[str, Any]]:
        """What is blocked now, but for what each new block has of its own."""
        listed = json.loads(self.type(f"REVET_TOKEN={ADMINISTRATOR} revet block list --json"))["blocks"]
        own = {"id", "created_at", "created_by"}
        return [{name: value for name, value in one.items() if name not in own} for one in listed]


@contextlib.contextmanager
def _service(directory: Path, authority: Authority) -> Iterator[str]:
    directory.mkdir()
    (directory / "trust.pem").write_text(authority.pem)
    settings = {"REVET_ADMIN_TOKENS": ADMINISTRATOR, "REVET_WORKERS": "1"}
    with running_service(directory, directory / "trust.pem", settings) as service:
        yield service.url


@pytest.fixture(scope="module")
def authority() -> Authority:
    """Who is trusted."""
    return Authority.root("Corporate CA", **validity_of_now())


@pytest.fixture
def beside(authority: Authority, tmp_path: Path) -> Iterator[Beside]:
    """A directory beside a service that knows no block."""
    for name, text in _SCRIPTS.items():
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    (tmp_path / "stolen.pem").write_text(authority.issue("device", **validity_of_now()).pem)
    with _service(tmp_path / "service", authority) as url:
        (tmp_path / "url").write_text(url)
        yield Beside(tmp_path)


def test_commands_in_the_cluster(beside: Beside) -> None:
    """They show statistics, and add a block, with a token that is in no argument of `kubectl`."""
    assert "0 held" in beside.type(COMMANDS)
    assert ["Laptop stolen, ticket 4711"] == [one["reason"] for one in beside.blocked()]
    asked = (beside.directory / "kubectl.log").read_text()
    assert (3, 0) == (len(asked.splitlines()), asked.count(ADMINISTRATOR))


_ADDED: Final = (
    ("stolen.pem", "--reason", 'Bob\'s "laptop"; $HOME `id`\nis gone', "--until", "2100-01-01T00:00:00Z"),
    ("stolen.pem", "--by", "spki", "--reason", "-- key"),
    ("--issuer", "CN=It\\, and more,O=Ex'ample", "--serial", "-5E:ED", "--reason", "From the log"),
)
"""One of each form, with what a shell could take for something else."""


def test_blocks_go_to_another_redis(beside: Beside, authority: Authority) -> None:
    """The service that knows none has all of them afterwards, word for word."""
    for words in _ADDED:
        beside.type(f"REVET_TOKEN={ADMINISTRATOR} revet block add {shlex.join(words)}")
    before = beside.blocked()
    with _service(beside.directory / "other", authority) as url:
        (beside.directory / "other.url").write_text(url)
        beside.type(IN_POD + ANOTHER_REDIS)
        after = beside.blocked()
    assert len(_ADDED) == len(before)
    assert before == after


def test_callers_are_kept_out_until_blocks_are_there(engine: Engine, tmp_path: Path) -> None:
    """No pod is replaced before the policy lets in nobody, and it does so until the last command."""
    given = {"values": TRUSTED, "other": {**TRUSTED, "settings": {"redis_prefix": "other"}}}
    for name, values in given.items():
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(values))
    (tmp_path / "closed.yaml").write_text(CLOSED)
    closed = yaml.safe_load(CLOSED)["networkPolicy"]["ingress"]["from"]
    release = Release(name="revet", namespace="revet")
    with running_cluster() as cluster:
        engine.change("install", cluster.url, TRUSTED, release)
        seen = []
        for line in ANOTHER_REDIS.splitlines():
            if not line.startswith("helm "):
                continue
            run(engine, cluster, shlex.split(line), tmp_path)
            policy = cluster.objects["revet", "networkpolicies", "revet"]["spec"]["ingress"][0]
            pods = cluster.objects["revet", "deployments", "revet"]["spec"]["template"]
            callers = [one for one in policy.get("from", [{}]) if "test" not in json.dumps(one)]
            seen.append((callers, pods["metadata"]["annotations"]["checksum/settings"]))
    (first, old), (second, new), (third, same) = seen
    assert [closed, closed, [{}]] == [first, second, third]
    assert old != new
    assert new == same
