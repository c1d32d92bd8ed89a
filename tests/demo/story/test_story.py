"""The whole story, over real sockets: what it tells is so, and nothing is left of it."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import pytest

from tests.demo.running import ROOT, gone, until
from tests.demo.story.stranger import REVET, Stranger, rows, telling
from tests.docs.pages import blocks

pytestmark = pytest.mark.slow

DOORS: Final = ["gateway", "alb", "alb-verify", "nlb"]
DEMO: Final = ".venv/bin/revet demo"
OF_THE_MOMENT: Final = (
    (re.compile(r"127\.0\.0\.1:\d+"), "<address>"),
    (re.compile(r"\d+ times +"), "<times> "),
    (re.compile(r"\d+\.\d\d s *"), "<seconds> "),
    (re.compile(r"after \d+ s"), "after <seconds>"),
    (re.compile(r"[0-9a-f]{32}"), "<id>"),
    (re.compile(r"curl: \(\d+\) .*"), "<complaint>"),
)
BROKEN: Final = (sys.executable, "-m", "tests.demo.programs.broken_story")


@pytest.fixture(scope="module")
def told() -> Iterator[list[Stranger]]:
    """Two stories that were told at the same time, to their ends."""
    with ExitStack() as stack:
        both = [stack.enter_context(telling()) for _ in range(2)]
        for one in both:
            one.until("1. Who gets in")
            assert len(one.running()) > len(DOORS)  # who looks for what is left would see it
        for one in both:
            one.exit_code()
        yield both


@pytest.fixture(params=[0, 1])
def story(request: pytest.FixtureRequest, told: list[Stranger]) -> Stranger:
    """Each of them."""
    number: int = request.param
    return told[number]


def test_it_ends_by_itself(story: Stranger) -> None:
    """With exit code 0, without a complaint, and without a trace."""
    assert (0, "") == (story.exit_code(), story.complaints)
    assert [] == story.running()
    assert [] == story.files()


@pytest.mark.parametrize(
    ("caller", "answers"),
    [
        ("good.pem", ["204"] * 4),
        ("by-root.pem", ["204"] * 4),
        ("revoked.pem", ["403"] * 4),
        ("expired.pem", ["closed", "403", "closed", "403"]),
        ("foreign.pem", ["closed", "403", "closed", "403"]),
        ("no certificate", ["closed", "401", "closed", "401"]),
        ("forged headers", ["closed", "401", "closed", "401"]),
    ],
)
def test_who_gets_in(story: Stranger, caller: str, answers: list[str]) -> None:
    """What every door says to each."""
    assert answers == rows(story.output, "1. Who gets in")[caller]


def test_the_application_is_told(story: Stranger) -> None:
    """The subject of whoever gets in."""
    assert "\n  Behind every door the application was told: CN=good.demo.example\n" in story.output


@pytest.mark.parametrize(
    ("chapter", "code"),
    [("2. The authority revokes good.pem", "revoked"), ("3. An administrator blocks by-root.pem", "blocked")],
)
def test_every_door_turns(story: Stranger, chapter: str, code: str) -> None:
    """From 204 to 403, each with its time and with what clients see."""
    turns = rows(story.output, chapter)

    assert DOORS == list(turns)
    for door, (still, seconds, body) in turns.items():
        assert re.fullmatch(r"\d+ times", still), door
        assert re.fullmatch(r"\d+\.\d\d s", seconds), door
        assert ('"Message":"User is not authorized' if door == "gateway" else f'"code":"{code}"') in body


def test_nobody_else_is_revoked(story: Stranger) -> None:
    """Others get in at every door as before."""
    assert "\n  by-root.pem still gets in: gateway 204, alb 204, alb-verify 204, nlb 204\n" in story.output


def test_the_readme_shows_it(story: Stranger) -> None:
    """What the README shows is what is told, but for ports, times and ids."""
    (shown,) = (block for block in blocks((ROOT / "README.md").read_text(encoding="utf-8"), "console") if DEMO in block)

    assert _look(shown.removeprefix(f"$ {DEMO}\n")) == _look(story.output)


def test_two_at_once_share_nothing(told: list[Stranger]) -> None:
    """Every port is one story's alone."""
    ports = [set(re.findall(r"https://127\.0\.0\.1:(\d+)", one.output)) for one in told]

    assert 5 == len(ports[0]) == len(ports[1])
    assert set() == ports[0] & ports[1]


@pytest.mark.parametrize("moment", ["Starting", "1. Who gets in"])
def test_ctrl_c(moment: str) -> None:
    """Everything is stopped at once, wherever the story is."""
    with telling() as stranger:
        stranger.until(moment).interrupt()

        assert (130, "revet demo: stopped before the end\n") == (stranger.exit_code(), stranger.complaints)
        assert [] == stranger.running()
        assert [] == stranger.files()


def test_killed() -> None:
    """Of a story that is killed no process is left; it cannot remove its files."""
    with telling() as stranger:
        started = stranger.until("1. Who gets in").running()
        assert len(started) > len(DOORS)
        stranger.process.kill()

        until(lambda: all(map(gone, started)), "the end of everything that was started")


def test_staying() -> None:
    """With --keep, what is shown at the end can be pasted, until Ctrl-C."""
    with telling(str(REVET), "demo", "--keep") as stranger:
        stranger.until("-isS --cert ed25519.pem --key ed25519.key --cacert servers.pem https://127.0.0.1:")
        until(lambda: 4 == stranger.output.count("--cert ed25519.pem"), "all lines")
        shown = stranger.output.partition("stays until Ctrl-C")[2].splitlines()[1:]
        change, *curls = (line.strip() for line in shown if line.strip())
        for curl in curls:
            done = subprocess.run(["bash", "-c", f"{change} && {curl}"], capture_output=True, timeout=30, check=True)
            assert b"204" == done.stdout.split()[1], curl
        stranger.interrupt()

        assert (0, "") == (stranger.exit_code(), stranger.complaints)
        assert [] == stranger.running()
        assert [] == stranger.files()


@pytest.mark.parametrize(
    ("door", "sentence"),
    [
        ("open", r"revet demo: open answered 204 to revoked\.pem, and not 403"),
        ("forgetful", r"revet demo: gateway still lets it in after \d+\.\d s \(\d+ times\)"),
    ],
)
def test_a_broken_door(door: str, sentence: str) -> None:
    """One that lets everybody in, and one that does not learn: the story says so and fails."""
    with telling(*BROKEN, door, environment={"PYTHONPATH": str(ROOT)}) as stranger:
        assert 1 == stranger.exit_code()
        assert re.match(sentence, stranger.complaints), stranger.complaints
        assert [] == stranger.running()
        assert [] == stranger.files()


def test_a_service_that_dies() -> None:
    """A story without its service fails, and says what has ended."""
    with telling() as stranger:
        stranger.until("1. Who gets in")
        (service,) = (pid for pid, words in stranger.commands().items() if words[-3:] == [b"-m", b"service", b"serve"])
        os.kill(service, signal.SIGKILL)

        assert 1 == stranger.exit_code()
        assert "the service has ended by itself, with exit code -9" in stranger.complaints
        assert [] == stranger.running()


def test_a_missing_program(tmp_path: Path) -> None:
    """Exit code 2, and what to install."""
    with telling(environment={"PATH": str(tmp_path)}) as stranger:
        assert 2 == stranger.exit_code()
        assert "apt-get install curl" in stranger.complaints
        assert "" == stranger.output


def _look(output: str) -> list[str]:
    """What does not depend on the moment and the machine."""
    for pattern, same in OF_THE_MOMENT:
        output = pattern.sub(same, output)
    return output.splitlines()
