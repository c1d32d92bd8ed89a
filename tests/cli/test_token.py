"""`revet token`: what it makes, what it reads, and what it never shows."""

import os
import pty
import subprocess
import sys
from typing import Final

import pytest
from typer.testing import CliRunner

from service.application.tokens import digest_of_entry, digest_of_token, entry_of
from service.cli.app import app
from tests.e2e.running import ROOT

TOKEN: Final = "caller-0123456789abcdef"
PROGRAM: Final = (sys.executable, "-m", "service", "token")


def test_a_token_and_its_line() -> None:
    """The line stands for the token, and no two are alike."""
    runs = [CliRunner().invoke(app, ["token"]) for _ in range(2)]
    pairs = [one.stdout.splitlines() for one in runs]
    assert [0, 0] == [one.exit_code for one in runs]
    assert [digest_of_token(token.encode()) for token, _ in pairs] == [digest_of_entry(line) for _, line in pairs]
    assert pairs[0][0] != pairs[1][0]


@pytest.mark.parametrize("text", [TOKEN, f"{TOKEN}\n", f"  {TOKEN} \nanother line\n"])
def test_the_line_of_a_token_that_exists(text: str) -> None:
    """The first line of standard input."""
    result = CliRunner().invoke(app, ["token", "--hash"], input=text)
    assert (0, f"{entry_of(TOKEN)}\n") == (result.exit_code, result.stdout)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "the token has 0 characters, at least 16 are needed"),
        ("too-short-4711", "the token has 14 characters, at least 16 are needed"),
        ("with a blank 0123456789", "the token has characters that a bearer token cannot have (RFC 6750)"),
        (entry_of(TOKEN), "the token is a digest already"),
    ],
)
def test_what_is_no_token(text: str, problem: str) -> None:
    """It is refused, and not repeated."""
    result = CliRunner().invoke(app, ["token", "--hash"], input=text)
    assert (2, "") == (result.exit_code, result.stdout)
    assert problem in result.stderr
    assert not text or text not in result.stderr


@pytest.mark.parametrize("arguments", [(TOKEN,), ("--hash", TOKEN)])
def test_a_token_is_no_argument(arguments: tuple[str, ...]) -> None:
    """Whoever lists processes would see it."""
    assert 2 == CliRunner().invoke(app, ["token", *arguments], input=TOKEN).exit_code


def test_the_terminal_shows_nothing_of_it() -> None:
    """It is typed without echo."""
    ours, terminal = pty.openpty()
    with os.fdopen(ours, "rb+", buffering=0) as typing:
        process = subprocess.Popen(
            (*PROGRAM, "--hash"),
            cwd=ROOT,
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            start_new_session=True,
        )
        os.close(terminal)
        shown = b""
        while b"Token:" not in shown:
            shown += typing.read(1)
        typing.write(f"{TOKEN}\n".encode())
        while entry_of(TOKEN).encode() not in shown and (more := _read(typing.fileno())):
            shown += more
        assert 0 == process.wait(20)
    assert entry_of(TOKEN).encode() in shown
    assert TOKEN.encode() not in shown


def _read(descriptor: int) -> bytes:
    """What the other side of a terminal has written; nothing once it has ended."""
    try:
        return os.read(descriptor, 1024)
    except OSError:
        return b""
