"""`revet check` as a process of its own: at a terminal, interrupted, cut off, and over ten thousand files."""

import json
import os
import pty
import resource
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from service.api.examples import ALLOW
from tests.cli.conftest import Files
from tests.cli.serving import Answer, answering

pytestmark = pytest.mark.slow

REVET: Final = (sys.executable, "-m", "service")
WITHIN_S: Final = 60


def environment(**more: str) -> Mapping[str, str]:
    """Without settings of whoever runs this."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("REVET_")}
    return {**own, "TERM": "xterm", **more}


def copies(files: Files, count: int) -> Path:
    """A directory with so many of one certificate."""
    directory = files.directory / "many"
    directory.mkdir()
    for number in range(count):
        (directory / f"{number:05}.pem").hardlink_to(files.good)
    return directory


def allow(path: str, body: dict[str, Any]) -> Answer:
    """Whatever is asked."""
    return (200, {"results": [ALLOW] * len(body["items"])}) if path.endswith("batch") else (200, ALLOW)


def shown(descriptor: int, process: subprocess.Popen[bytes]) -> str:
    """All that a process shows at a terminal until its end."""
    found = b""
    while True:
        readable, _, _ = select.select([descriptor], [], [], WITHIN_S)
        assert readable, found
        try:
            piece = os.read(descriptor, 65_536)
        except OSError:  # as Linux says that nobody holds the other side
            piece = b""
        if not piece:
            process.wait(WITHIN_S)
            return found.decode()
        found += piece


@pytest.mark.parametrize(("quiet", "has_bar"), [((), True), (("--quiet",), False)])
def test_a_bar_at_a_terminal(files: Files, quiet: tuple[str, ...], has_bar: bool) -> None:
    """On standard error alone, and nowhere where it was asked to be quiet; what is asked for goes its way."""
    directory = copies(files, 300)
    outer, inner = pty.openpty()
    with answering(lambda _, path, body: allow(path, body)) as url:
        typed = (*REVET, "check", "--json", *quiet, "--url", url, str(directory))
        with subprocess.Popen(typed, stdout=subprocess.PIPE, stderr=inner, env=environment()) as process:
            os.close(inner)
            assert process.stdout is not None
            written: list[bytes] = []
            reader = threading.Thread(target=lambda: written.append(process.stdout.read()))  # type: ignore[union-attr]
            reader.start()
            seen = shown(outer, process)
            reader.join(WITHIN_S)
    os.close(outer)
    assert (0, 300) == (process.returncode, json.loads(written[0])["summary"]["done"])
    assert (has_bar, has_bar) == ("asking" in seen, "300/300" in seen)


@pytest.mark.parametrize("form", ["--json", "--csv"])
def test_interrupted(files: Files, form: str) -> None:
    """What is done is told, the document is whole, and the exit code is that of Ctrl-C."""
    directory, report = copies(files, 1_000), files.directory / "report.csv"
    written = files.directory / "report.json"
    held, waiting = threading.Event(), threading.Event()
    batches = iter(range(1_000))

    def respond(_: str, path: str, body: dict[str, Any]) -> Answer:
        if next(batches) >= 5:
            waiting.set()
            held.wait(WITHIN_S)
        return allow(path, body)

    with answering(respond) as url:
        typed = (*REVET, "check", *(("--json",) if form == "--json" else ("--csv", str(report))), "--url", url)
        with (
            written.open("wb") as stdout,
            subprocess.Popen(
                (*typed, str(directory)), stdout=stdout, stderr=subprocess.PIPE, env=environment(), text=True
            ) as process,
        ):
            assert waiting.wait(WITHIN_S)
            process.send_signal(signal.SIGINT)
            _, stderr = process.communicate(timeout=WITHIN_S)
            held.set()
    assert (130, True) == (process.returncode, "of 1,000 files are done." in stderr)
    if form == "--json":
        found = json.loads(written.read_text())
        done = len(found["results"])
        assert (True, 130, done) == tuple(found["summary"][one] for one in ("interrupted", "exit_code", "done"))
    else:
        done = len(report.read_text().splitlines()) - 1
    assert f"Interrupted: {done:,} of" in stderr
    assert 0 < done < 1_000


def test_cut_off(files: Files) -> None:
    """A reader that goes is no denial, and nobody is shown how Python feels about it."""
    directory = copies(files, 3_000)
    with answering(lambda _, path, body: allow(path, body)) as url:
        typed = (*REVET, "check", "--json", "--url", url, str(directory))
        with subprocess.Popen(typed, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            process.stdout.readline()
            process.stdout.close()
            complaint = process.stderr.read()
            process.wait(WITHIN_S)
    assert (2, b"") == (process.returncode, complaint)


def peak_octets(typed: tuple[str, ...]) -> int:
    """How much a process had at most in memory, which ends with 0."""
    with subprocess.Popen(typed, stdout=subprocess.DEVNULL, env=environment()) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert 0 == process.returncode
    assert isinstance(usage, resource.struct_rusage)
    return usage.ru_maxrss * 1024


@pytest.mark.parametrize("whom", ["here", "service"])
def test_ten_thousand_files(files: Files, whom: str) -> None:
    """Take no more memory than a thousand, but for their names."""
    directory, report = copies(files, 10_000), str(files.directory / "report.csv")
    with answering(lambda _, path, body: allow(path, body)) as url:
        asked = ("--url", url) if whom == "service" else ("--trust-store", str(files.trust_store))
        command = (*REVET, "check", "--json", "--csv", report, *asked)
        few = peak_octets((*command, f"{directory}/000*.pem", f"{directory}/001*.pem", f"{directory}/002*.pem"))
        many = peak_octets((*command, str(directory)))
    assert 10_001 == len(Path(report).read_text().splitlines())
    assert many < few + 16 * 2**20
