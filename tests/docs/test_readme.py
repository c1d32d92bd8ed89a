"""The commands of README.md and README.ja.md, typed by somebody who has nothing but a clone, in their order."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.docs.console import commands, is_same
from tests.docs.pages import ROOT, blocks
from tests.docs.shell import Shell, shell
from tests.e2e.running import until
from tests.ports import free_port

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

PAGES: Final = ("README.md", "README.ja.md")
NEVER_ENDING: Final = ("make run", "revet serve")
ELSEWHERE: Final = ("revet demo", "helm ", "docker ")
"""Commands of blocks that other tests run: tests/demo/story, tests/helm, tests/images."""

INSTALLING_S: Final = 240.0
"""How long to wait for `make run`, which installs everything first."""


def own_blocks(page: str) -> list[str]:
    """The blocks of a page that are run here."""
    shown = blocks((ROOT / page).read_text(encoding="utf-8"), "console")
    return [block for block in shown if not any(one in block for one in ELSEWHERE)]


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """What a clone will have: the files that git does not ignore, as they are now."""
    directory = tmp_path / "revet"
    listing = ("git", "ls-files", "--cached", "--others", "--exclude-standard")
    for name in subprocess.run(listing, cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines():
        if (ROOT / name).is_file():
            (directory / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, directory / name)
    return directory


@pytest.fixture
def replaced(clone: Path) -> dict[str, str]:
    """What stands in the README, and what it is on this machine."""
    service = f"127.0.0.1:{free_port()}"
    return {
        "127.0.0.1:8080": service,
        "revet check .demo/certificates/revoked": f"revet check --url http://{service} .demo/certificates/revoked",
        "revet explain": f"revet explain --url http://{service}",
        "8081": str(free_port()),
        "8082": str(free_port()),
        "6390": str(free_port()),
        "/tmp/a": str(clone / "a"),  # noqa: S108 - what the page says
        "/tmp/b": str(clone / "b"),  # noqa: S108 - what the page says
        "/opt/revet": str(clone / "opt"),
        "/etc/revet/cas.pem": str(clone / ".demo" / "trust-store" / "default.pem"),
        "/var/lib/revet": str(clone / "var"),
    }


@pytest.fixture
def typing(clone: Path) -> Iterator[Shell]:
    """A shell in the clone."""
    foreign = {name: value for name, value in os.environ.items() if not name.startswith(("REVET_", "MAKE"))}
    with shell(clone, foreign) as made:
        yield made


@pytest.mark.parametrize("page", PAGES)
def test_a_stranger_reaches_every_verdict(typing: Shell, replaced: dict[str, str], page: str) -> None:
    """Each command prints what the page shows."""
    shown = [command for block in own_blocks(page) for command in commands(block)]
    assert shown
    port = replaced["127.0.0.1:8080"].partition(":")[2]
    for command in shown:
        line, expected = here(command.line, replaced), here(command.expected, replaced)
        if line.endswith(NEVER_ENDING):
            start(typing, line, port)
            continue
        printed = typing.run(line)
        assert not expected or is_same(shortened(expected), printed), f"$ {line}\n{printed}\n{typing.background()}"


def here(text: str, replaced: dict[str, str]) -> str:
    """The text as it is on this machine."""
    return re.sub("|".join(map(re.escape, replaced)), lambda found: replaced[found[0]], text)


def shortened(expected: str) -> str:
    """An answer of one line that the README breaks off."""
    return expected.replace("…\n", "…") if expected.count("\n") == 1 else expected


def start(typing: Shell, line: str, port: str) -> None:
    """Have a service run beside what follows; the second one takes any port, since the first still runs."""
    if line == "make run":
        typing.run(f"make run PORT={port} &")
    else:
        port = str(free_port())
        typing.run(f"REVET_PORT={port} {line} &")
    asked = f"curl -s -o /dev/null -w '%{{http_code}}\\n' http://127.0.0.1:{port}/readyz"
    until(lambda: "200" in typing.run(asked), line, patience_s=INSTALLING_S)
