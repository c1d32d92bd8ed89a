"""The commands of a bad day, as `operations.md`, `runbooks.md` and `api.md` show them, typed at a running service."""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.docs.pages import ROOT, blocks, page
from tests.docs.shell import Shell, shell
from tests.e2e.running import running_service
from tests.pki import Authority
from tests.pki.clock import validity_of_now

pytestmark = pytest.mark.slow

FIRST: Final = next(block for block in blocks(page("runbooks.md"), "sh") if "revet stats" in block)
BLOCKING: Final = next(block for block in blocks(page("operations.md"), "sh") if "revet block add" in block)
POSTING: Final = next(block for block in blocks(page("api.md"), "sh") if "/v1/blocks -d" in block)


@pytest.fixture
def typing(tmp_path: Path) -> Iterator[Shell]:
    """A shell beside a service, and the files that the pages name."""
    root = Authority.root("Root", **validity_of_now())
    issuing = root.subordinate("Example Issuing", **validity_of_now())
    client = issuing.issue("client", **validity_of_now())
    for name, text in (("trust", root.pem + issuing.pem), ("issuing", issuing.pem), ("CERT", client.pem)):
        (tmp_path / f"{name}.pem").write_text(text)
    (tmp_path / "stolen.pem").write_text(client.pem)
    own = {name: value for name, value in os.environ.items() if not name.startswith("REVET_")}
    with running_service(tmp_path, tmp_path / "trust.pem") as service:
        environment = {**own, "PATH": f"{ROOT / '.venv' / 'bin'}:{own['PATH']}"}
        with shell(tmp_path, environment) as made:
            made.run(f'revet() {{ command revet "$@" --url {service.url}; }}; service={service.url}')
            yield made


def test_the_first_look(typing: Shell) -> None:
    """Each command answers; the certificate has no revocation to look up."""
    for line in FIRST.splitlines():
        typing.run(line)
        assert "0" == typing.run("echo $?").strip(), line


def test_denying_now(typing: Shell) -> None:
    """Each way of blocking is taken, the list has all of them, and one is removed by its id."""
    *adding, listing, removing = BLOCKING.splitlines()
    for line in adding:
        typing.run(line)
        assert "0" == typing.run("echo $?").strip(), line
    listed = re.findall(r"\b[0-9a-f]{32}\b", typing.run(listing))
    assert len(adding) == len(set(listed))
    typing.run(re.sub(r"\b[0-9a-f]{32}\b", listed[0], removing))
    assert "0" == typing.run("echo $?").strip()
    assert len(adding) - 1 == len(set(re.findall(r"\b[0-9a-f]{32}\b", typing.run(listing))))


def test_denying_now_without_the_command_line(typing: Shell) -> None:
    """The answer has the block, and the list has it."""
    answer = json.loads(typing.run(POSTING.replace("http://127.0.0.1:8080", "-s $service").replace("\n", " ")))
    assert answer["id"] in typing.run("revet block list")
