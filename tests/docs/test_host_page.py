"""`docs/host.md` typed from its top to its end, by root, on a machine of its own; and the unit as systemd reads it.

The machine is this one, seen through namespaces: what is written below /etc, /opt, /var/lib and /var/log is in memory
and gone with the shell. `systemctl` is a stand-in (`tests.docs.systemctl`), since there is no systemd to ask.
"""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from service.cli.options import EXIT_DENY, EXIT_NOT_ASKED
from service.processes.exit_code import EXIT_CONFIGURATION
from service.settings import Settings
from tests.docs.pages import ROOT, blocks, page
from tests.docs.shell import Shell, shell
from tests.docs.systemctl import LOGS
from tests.pki import Authority
from tests.pki.clock import validity_of_now
from tests.ports import free_port

UNIT: Final = ROOT / "deploy/systemd/revet.service"
SETTINGS: Final = ROOT / "deploy/systemd/revet.toml"
INSTALL, SET_UP, UPGRADE, BACK = blocks(page("host.md"), "sh")

_OWN_TREES: Final = """
mount -t tmpfs -o mode=755 tmpfs /mnt
for tree in etc opt root var/lib var/log; do
    mkdir -p /mnt/$tree/upper /mnt/$tree/work
    mount -t overlay overlay -o lowerdir=/$tree,upperdir=/mnt/$tree/upper,workdir=/mnt/$tree/work /$tree
done
chmod o+x /root
"""
"""The last line is for machines whose Python is root's own."""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with the two files that the page asks for: `cas.pem` and `device.pem`."""
    root = Authority.root("Root", **validity_of_now())
    directory = tmp_path / "revet"
    for name in ("service", "requirements", "sidecar", "deploy/systemd"):
        shutil.copytree(ROOT / name, directory / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE", "authorizer/lambda_function.py"):
        (directory / name).parent.mkdir(exist_ok=True)
        shutil.copy2(ROOT / name, directory / name)
    (directory / "cas.pem").write_text(root.pem)
    (directory / "device.pem").write_text(root.issue("device", **validity_of_now()).pem)
    return directory


@pytest.fixture
def typing(checkout: Path, tmp_path: Path) -> Iterator[Shell]:
    """A shell of root's on that machine, in the checkout."""
    assert os.geteuid() == 0, "the page is for root: users, namespaces and mounts need it"
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "systemctl").write_text(
        f'#!/bin/sh\nPYTHONPATH= exec {sys.executable} {ROOT}/tests/docs/systemctl.py "$@"\n'
    )
    (programs / "systemctl").chmod(0o755)
    own = {name: value for name, value in os.environ.items() if not name.startswith("REVET_")}
    machine = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")
    with shell(checkout, {**own, "PATH": f"{programs}:{own['PATH']}"}, inside=machine) as made:
        made.run(_OWN_TREES)
        assert "0" == made.run("echo $?").strip()
        made.run("umask 077")  # as root's is on some machines
        yield made


def typed(shell: Shell, block: str, port: int) -> None:
    """Type a block as it is printed, and insist that it succeeds: that all of its commands have to, it says itself."""
    printed = shell.run(block.replace("8080", str(port)))
    assert "0" == shell.run("echo $?").strip(), f"{block}\n{printed}\n{shell.run(f'cat {LOGS}/revet.log')}"


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_from_nothing_to_a_new_version_and_back(typing: Shell, checkout: Path) -> None:
    """A block outlives both; the new version answers and then the old one; what is done is in the audit log."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    file = checkout / "deploy/systemd/revet.toml"
    file.write_text(f"port = {port}\nworkers = 1\n{file.read_text()}")
    administering = f"REVET_TOKEN=$(cat admin-token) /opt/revet/bin/revet block %s --url {url}"
    checking = f"REVET_TOKEN=$(cat api-token) /opt/revet/bin/revet check device.pem --url {url}"

    typed(typing, INSTALL, port)
    typed(typing, f"( set -eu\n{SET_UP})", port)
    typed(typing, administering % "add device.pem --reason stolen", port)
    assert "(blocked)" in typing.run(checking)
    assert f"{EXIT_DENY}" == typing.run("echo $?").strip()
    assert "revet 700\nroot 755" == typing.run("stat -c '%U %a' /var/lib/revet /opt/revet/").strip()

    described = checkout / "pyproject.toml"
    described.write_text(described.read_text().replace('version = "0.1.0"', 'version = "0.2.0"', 1))
    right = typing.run("cat /etc/revet/revet.toml")
    typed(typing, "echo 'no_such_setting = 1' >> /etc/revet/revet.toml", port)
    assert "no_such_setting" in typing.run(UPGRADE.replace("8080", str(port)))
    assert f"{EXIT_NOT_ASKED}" == typing.run("echo $?").strip()
    assert '"version":"0.1.0"' in answered_by(typing, url), "nothing was stopped"
    assert "/opt/revet-0.1.0" == typing.run("readlink /opt/revet").strip()
    assert "no" == typing.run("test -e /var/lib/revet-before-0.2.0 || echo no").strip()

    typed(typing, f"cat > /etc/revet/revet.toml <<'END'\n{right}\nEND", port)
    typed(typing, UPGRADE, port)
    assert "0.2.0" in typing.run("/opt/revet/bin/revet --version")
    assert '"version":"0.2.0"' in answered_by(typing, url)
    assert "(blocked)" in typing.run(checking)

    typed(typing, administering % "list", port)
    typed(typing, BACK, port)
    assert '"version":"0.1.0"' in answered_by(typing, url)
    assert "(blocked)" in typing.run(checking)
    audited = typing.run("cat /var/log/revet/audit.jsonl")
    assert ["begun", "done"] == re.findall(r'"action": "block_add", "outcome": "(\w+)"', audited)
    assert "600 revet" == typing.run("stat -c '%a %U' /var/log/revet/audit.jsonl").strip()
    typed(typing, "systemctl stop revet", port)


def answered_by(shell: Shell, url: str) -> str:
    """What the service says of itself, without blanks."""
    return shell.run(f'curl -s -H "Authorization: Bearer $(cat admin-token)" {url}/v1/stats').replace(" ", "")


def test_the_unit_as_systemd_reads_it(tmp_path: Path) -> None:
    """Every directive is known and its value can be meant; the program stands in for ours, which is not installed."""
    command = shutil.which("systemd-analyze")
    assert command is not None, "systemd-analyze is not installed: scripts/system-packages"
    program = tmp_path / "revet"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text().replace("/opt/revet/bin/revet", str(program)))
    done = subprocess.run((command, "verify", "--man=no", unit), capture_output=True, text=True, check=False)
    assert (0, "") == (done.returncode, done.stderr)


def test_the_unit_and_the_settings_fit_together() -> None:
    """What is to be written may be written, there is time to end, and 78 is no reason to try again."""
    unit = dict(line.split("=", 1) for line in UNIT.read_text().splitlines() if re.match(r"\w+=", line))
    settings = tomllib.loads(SETTINGS.read_text())
    assert settings.keys() <= Settings.model_fields.keys()
    assert settings["data_dir"] == f"/var/lib/{unit['StateDirectory']}"
    assert Path(settings["audit_log"]).parent == Path("/var/log", unit["LogsDirectory"])
    assert f"{EXIT_CONFIGURATION}" == unit["RestartPreventExitStatus"]
    assert "0" == unit["StartLimitIntervalSec"], "whatever else it ended with, it is tried again without an end"
    ours = Settings.model_validate({"data_dir": "/nowhere"})
    assert ours.drain_s + ours.shutdown_grace_s < float(unit["TimeoutStopSec"])
    assert settings["data_dir"] in page("host.md")
    assert settings["audit_log"] in page("host.md")


def test_what_may_be_uncommented_is_a_setting() -> None:
    """Each commented line of the settings is one that the service takes."""
    commented = tomllib.loads("\n".join(re.findall(r"^# (\w+ = .+)$", SETTINGS.read_text(), re.MULTILINE)))
    assert commented
    assert commented.keys() <= Settings.model_fields.keys()
