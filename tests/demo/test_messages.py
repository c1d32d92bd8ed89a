"""What the user reads: commands that can be pasted."""

import shlex
from pathlib import Path

import pytest

from service.demo.layout import Layout
from service.demo.messages import Place, instructions

HERE = Path("/home/somebody/revet")
PLACE = Place(HERE, HERE / ".venv/bin/revet", has_proxy=False)


def commands(text: str, start: str) -> list[list[str]]:
    """The lines that begin with a word, as the shell takes them apart."""
    return [shlex.split(line) for line in text.splitlines() if line.startswith(start)]


def test_curl_lines() -> None:
    """The first asks about the good certificate, the second about the revoked one, each in one line."""
    expected = (
        "curl -s http://127.0.0.1:9000/v1/validate -H 'content-type: application/json' -d @.demo/requests/{}.json"
    )

    text = instructions(Layout(Path(HERE / ".demo")), 9000, PLACE)

    assert [shlex.split(expected.format(name)) for name in ("good", "revoked")] == commands(text, "curl")


def test_revet_lines() -> None:
    """The command line is told the address only where it would not guess it."""
    layout = Layout(HERE / ".demo")
    revoked = ".demo/certificates/revoked.pem"

    usual = commands(instructions(layout, 8080, PLACE), ".venv")
    other = commands(instructions(layout, 9000, PLACE), ".venv")

    assert [[".venv/bin/revet", "check", revoked], [".venv/bin/revet", "explain", revoked]] == usual
    assert [
        [".venv/bin/revet", command, "--url", "http://127.0.0.1:9000", revoked] for command in ("check", "explain")
    ] == other


def test_addresses() -> None:
    """API, dashboard and documentation are named."""
    text = instructions(Layout(HERE / ".demo"), 8080, PLACE)

    assert "http://127.0.0.1:8080\n" in text
    assert "http://127.0.0.1:8080/dashboard\n" in text
    assert "http://127.0.0.1:8080/docs\n" in text


def test_files_elsewhere() -> None:
    """Where the files are not below the current directory, or have strange names, they are named so that it works."""
    text = instructions(Layout(Path("/tmp/my demo")), 8080, PLACE)  # noqa: S108 - a name; nothing is written there

    assert ["@/tmp/my demo/requests/good.json"] == commands(text, "curl")[0][-1:]
    assert ["/tmp/my demo/certificates/revoked.pem"] == commands(text, ".venv")[0][-1:]  # noqa: S108 - as above


def test_behind_a_proxy() -> None:
    """Where the environment names a proxy, curl is told not to ask it for loopback."""
    text = instructions(Layout(HERE / ".demo"), 8080, Place(HERE, None, has_proxy=True))

    assert [["curl", "-s", "--noproxy", "127.0.0.1"]] * 2 == [line[:4] for line in commands(text, "curl")]


@pytest.mark.parametrize(
    ("environment", "has_proxy"),
    [({}, False), ({"http_proxy": ""}, False), ({"http_proxy": "http://p:3128"}, True), ({"ALL_PROXY": "p"}, True)],
)
def test_proxies(environment: dict[str, str], has_proxy: bool) -> None:
    """What counts is what curl heeds."""
    assert has_proxy == Place.here(environment).has_proxy


def test_without_the_program() -> None:
    """Where `revet` is not beside the interpreter, the interpreter runs it."""
    text = instructions(Layout(HERE / ".demo"), 8080, Place(HERE, None, has_proxy=False))

    assert "-m service check .demo/certificates/revoked.pem\n" in text
