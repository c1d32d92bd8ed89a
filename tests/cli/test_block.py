"""`revet block`: against the API over a real socket."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest
import uvicorn
from typer.testing import CliRunner, Result

from service.application.block_sharing import Reach
from service.cli.app import app
from tests.api.world import ADMIN, CALLER, LEAF, SUB, WITH_TOKENS, World
from tests.memory_blocks import ScriptedSharing
from tests.pki import days

REASON: Final = "stolen, ticket [4711]"


@contextmanager
def serving(world: World) -> Iterator[str]:
    """Serve a world until the block is left; its URL."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(world.app(), lifespan="off", log_config=None))
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    """A service that asks for tokens, and an administrator's in the environment."""
    monkeypatch.setenv("REVET_TOKEN", ADMIN)
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    return World(rules=WITH_TOKENS)


@pytest.fixture
def url(world: World) -> Iterator[str]:
    """Where it is."""
    with serving(world) as where:
        yield where


@pytest.fixture
def leaf(tmp_path: Path) -> Path:
    """The leaf in a file, with its issuer below it."""
    path = tmp_path / "leaf.pem"
    path.write_text(LEAF.pem + SUB.pem)
    return path


def block(*arguments: object) -> Result:
    """`revet block …`."""
    return CliRunner().invoke(app, ["block", *map(str, arguments)])


def check(url: str, leaf: Path) -> int:
    """The exit code of `revet check`."""
    return CliRunner().invoke(app, ["check", "--url", url, str(leaf)]).exit_code


@pytest.mark.parametrize("by", [None, "fingerprint", "spki", "issuer-serial"])
def test_a_certificate(url: str, leaf: Path, by: str | None) -> None:
    """Denied by each form, shown with its reason, allowed when the block is removed."""
    assert 0 == check(url, leaf)
    added = block("add", leaf, "--reason", REASON, "--url", url, *([] if by is None else ["--by", by]))
    assert (0, True) == (added.exit_code, REASON in added.stdout), added.stderr
    assert 1 == check(url, leaf)
    listed = json.loads(block("list", "--json", "--url", url).stdout)["blocks"]
    assert [REASON] == [one["reason"] for one in listed]
    removed = block("remove", listed[0]["id"], "--url", url)
    assert (0, f"Removed {listed[0]['id']}.\n") == (removed.exit_code, removed.stdout)
    assert 0 == check(url, leaf)
    assert "Nothing is blocked.\n" == block("list", "--url", url).stdout


def test_values(url: str, leaf: Path) -> None:
    """What is known of a certificate that is not at hand; until when."""
    serial = f"{LEAF.serial:X}"
    added = block(
        "add", "--issuer", "CN=sub", "--serial", serial, "--reason", "r", "--until", "2026-02-01T00:00:00Z", "--json",
        "--url", url,
    )  # fmt: skip
    document = json.loads(added.stdout)
    assert ("CN=sub", serial.lower(), "2026-02-01T00:00:00Z") == (
        document["issuer"],
        document["serial_number"],
        document["until"],
    )
    assert 1 == check(url, leaf)


@pytest.mark.parametrize("option", ["--fingerprint", "--spki"])
def test_digests(url: str, option: str) -> None:
    """As another tool prints them."""
    assert 0 == block("add", option, ":".join(["AB"] * 32), "--reason", "r", "--url", url).exit_code


def test_a_block_whose_time_is_over(world: World, url: str, leaf: Path) -> None:
    """Is shown as such."""
    block("add", leaf, "--reason", "r", "--until", "2026-01-02T00:00:00Z", "--url", url)
    assert "(over)" not in block("list", "--url", url).stdout
    world.clock.moment += days(2)
    assert "(over)" in block("list", "--url", url).stdout


def test_explain_says_by_which_block(url: str, leaf: Path) -> None:
    """And why."""
    added = json.loads(block("add", leaf, "--reason", REASON, "--json", "--url", url).stdout)
    explained = CliRunner().invoke(app, ["explain", "--url", url, str(leaf)]).stdout
    assert all(word in explained for word in (f"block {added['id']}", REASON, "revocation: revoked"))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "give a certificate"),
        (("--fingerprint", "00"), "fingerprint_sha256"),
        (("--issuer", "CN=a"), "serial_number"),
        (("--issuer", "C = DE", "--serial", "1"), "issuer"),
        (("--spki", "00" * 32, "--by", "spki"), "--by"),
        (("--spki", "00" * 32, "--until", "tomorrow"), "until"),
        (("nobody.pem",), "nobody.pem"),
        (("LEAF", "--spki", "00" * 32), "give a certificate"),
    ],
)
def test_what_is_no_block(world: World, url: str, leaf: Path, arguments: tuple[str, ...], words: str) -> None:
    """Exit code 2, which field it is, and nothing is blocked."""
    given = [str(leaf) if argument == "LEAF" else argument for argument in arguments]
    result = block("add", *given, "--reason", "r", "--url", url)
    assert (2, True, {}) == (result.exit_code, words in result.stderr, world.blocks.blocks)


def test_a_file_that_is_no_certificate(url: str, tmp_path: Path) -> None:
    """Exit code 2, and the file's name."""
    for name, content in (("der", b"noise"), ("pem", b"-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n")):
        path = tmp_path / name
        path.write_bytes(content)
        result = block("add", path, "--reason", "r", "--url", url)
        assert (2, True) == (result.exit_code, str(path) in result.stderr)


def test_who_may_not(monkeypatch: pytest.MonkeyPatch, url: str, leaf: Path) -> None:
    """A caller's token reads and does not change; without one there is nothing to see."""
    monkeypatch.setenv("REVET_TOKEN", CALLER)
    assert [2, 0] == [
        block("add", leaf, "--reason", "r", "--url", url).exit_code,
        block("list", "--url", url).exit_code,
    ]
    assert "administrator" in block("remove", "0", "--url", url).stderr
    monkeypatch.delenv("REVET_TOKEN")
    assert 2 == block("list", "--url", url).exit_code


@pytest.mark.parametrize("name", ["nobody", "../validate", "a/b", ""])
def test_no_such_block(url: str, name: str) -> None:
    """Exit code 2."""
    assert 2 == block("remove", name, "--url", url).exit_code


def test_nobody_there() -> None:
    """Exit code 2, and where nobody is."""
    result = block("list", "--url", "http://127.0.0.1:1")
    assert (2, True) == (result.exit_code, "http://127.0.0.1:1" in result.stderr)


def test_what_a_terminal_obeys(url: str, leaf: Path) -> None:
    """Is made visible, and markup is none."""
    block("add", leaf, "--reason", "\x1b[31mred [bold]", "--url", url)
    assert "\\x1b[31mred [bold]" in block("list", "--url", url).stdout


@pytest.mark.parametrize("as_json", [False, True])
def test_on_one_host_of_a_fleet_alone(world: World, leaf: Path, *, as_json: bool) -> None:
    """Exit code 3, the block as ever, and on standard error that the others do not know of it."""
    world.sharing = ScriptedSharing(Reach.UNREACHABLE)
    world.blocks.lists_read.add("fleet")
    with serving(world) as url:
        added = block("add", leaf, "--reason", REASON, "--url", url, *(["--json"] if as_json else []))
        (known,) = world.blocks.blocks
        assert (3, True, True) == (added.exit_code, known in added.stdout, "in force here" in added.stderr)
        if as_json:
            assert known == json.loads(added.stdout)["id"]
        assert 1 == check(url, leaf)
        removed = block("remove", known, "--url", url)
        assert (3, "", True) == (removed.exit_code, removed.stdout, "Redis" in removed.stderr)
        assert 0 == check(url, leaf)
        assert 2 == block("remove", known, "--url", url).exit_code
