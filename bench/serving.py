"""The service over HTTP, one worker, beside a bare ASGI application on the same server.

What is measured of whom, by `wrk` with 32 connections on the other core, in turns:

- bare application: reads the same POST and answers octets of the same length; uvicorn, uvloop and httptools, as Revet.
- Revet, warm verdict: the same request again and again, which is answered from the worker's cache of verdicts.
- Revet, warm authorization: the same certificate as a proxy asks about it, in a header.
- Revet, nothing kept: every request another certificate of one authority, and no cache of verdicts; the authority's
  CRL is held, revocation required.

Everything talks to loopback, takes some seconds, and is ended here.
"""

import contextlib
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final
from urllib.parse import quote

import httpx

from bench.measuring import Timing
from service.adapters.clock import SystemClock
from tests.e2e.running import Service, running_service, until
from tests.pki import Authority
from tests.ports import free_port

BARE: Final = "bare ASGI application"
WARM: Final = "Revet, warm verdict"
AUTHORIZED: Final = "Revet, warm authorization"
FIRST: Final = "Revet, nothing kept"

TURNS: Final = 4
"""Of each, the first included, which warms up and does not count."""
TURN_S: Final = 2
CONNECTIONS: Final = 32
CERTIFICATES: Final = 5_000
"""Different ones: a worker's own caches hold 4,096."""
WRK: Final = ("wrk", "-t1", f"-c{CONNECTIONS}")

_RATE: Final = re.compile(r"Requests/sec:\s+([0-9.]+)")
_REFUSED: Final = re.compile(r"Non-2xx or 3xx responses: (\d+)")

_BARE: Final = """
LENGTH = {length}
BODY = b"x" * LENGTH
HEADERS = [(b"content-type", b"application/json"), (b"content-length", b"%d" % LENGTH)]


async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    while (await receive()).get("more_body"):
        pass
    await send({{"type": "http.response.start", "status": 200, "headers": HEADERS}})
    await send({{"type": "http.response.body", "body": BODY}})
"""

_SCRIPT: Final = """
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
local bodies, number = {}, 0
for line in io.lines("%s") do bodies[#bodies + 1] = line end
function request()
  number = number %% #bodies + 1
  return wrk.format(nil, "/v1/validate", nil, bodies[number])
end
"""


_PROXY_SCRIPT: Final = """
wrk.headers["X-SSL-Client-Cert"] = "%s"
function request()
  return wrk.format("GET", "/v1/authorize/nginx")
end
"""


class UnusableError(Exception):
    """Something that is measured does not do what it should."""


@dataclass(frozen=True, slots=True)
class Questions:
    """What is asked, as files of one request a line.

    Attributes:
        root: PEM of the anchor.
    """

    root: Path
    crl: Path
    one: Path
    many: Path


def timings() -> list[Timing]:
    """Seconds for one answer, turn by turn.

    Raises:
        UnusableError: there is no `wrk`, or a server does not answer.
    """
    if shutil.which("wrk") is None:
        raise UnusableError("wrk is missing: apt install wrk")
    with TemporaryDirectory() as directory, contextlib.ExitStack() as stack:
        place = Path(directory)
        asked = questions(place)
        revet = stack.enter_context(served(place / "warm", asked, {})).url
        cold = stack.enter_context(served(place / "cold", asked, {"REVET_VERDICT_CACHE_ENTRIES": "0"})).url
        length = len(_answer(revet, asked.one))
        bare = stack.enter_context(_bare(place, length))
        one = script(place, asked.one)
        lanes = {
            BARE: (bare, one),
            WARM: (revet, one),
            AUTHORIZED: (revet, proxy_script(place, asked.one)),
            FIRST: (cold, script(place, asked.many)),
        }
        seconds: dict[str, list[float]] = {name: [] for name in lanes}
        for turn in range(TURNS):
            for name, (url, asking) in lanes.items():
                found = rate(url, asking)
                if turn:
                    seconds[name].append(1 / found)
    return [Timing(name, each) for name, each in seconds.items()]


def questions(place: Path) -> Questions:
    """A root, an authority whose CRL is held, and certificates of it."""
    now = SystemClock().now()
    begin, end = now - timedelta(days=1), now + timedelta(days=30)
    root = Authority.root("Bench Root", not_before=begin, not_after=end)
    found = Questions(place / "root.pem", place / "crls", place / "one.jsonl", place / "many.jsonl")
    found.root.write_text(root.pem)
    found.crl.mkdir()
    (found.crl / "root.crl").write_bytes(root.crl(this_update=now, next_update=now + timedelta(days=1)))
    leaves = [root.issue(f"leaf {number}", not_before=begin, not_after=end) for number in range(CERTIFICATES)]
    lines = [json.dumps({"certificate": leaf.pem}) + "\n" for leaf in leaves]
    found.one.write_text(lines[0])
    found.many.write_text("".join(lines))
    return found


@contextlib.contextmanager
def served(place: Path, asked: Questions, given: Mapping[str, str]) -> Iterator[Service]:
    """The service with one worker, ready, with a directory of its own; ended with everything that it started."""
    place.mkdir()
    settings = {
        "REVET_WORKERS": "1",
        "REVET_CRL_SOURCES": str(asked.crl),
        "REVET_REVOCATION_MODE": "require",
        "REVET_LOG_LEVEL": "error",
    }
    with running_service(place, asked.root, {**settings, **given}) as service:
        yield service


@contextlib.contextmanager
def _bare(place: Path, length: int) -> Iterator[str]:
    (place / "bare.py").write_text(_BARE.format(length=length))
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "bare:app", f"--port={port}", "--loop=uvloop", "--http=httptools"]
    process = subprocess.Popen([*command, "--log-level=warning", f"--app-dir={place}"])
    url = f"http://127.0.0.1:{port}"
    try:
        until(lambda: _answers(url), "the bare application answers")
        yield url
    finally:
        process.terminate()
        process.wait()


def _answers(url: str) -> bool:
    with contextlib.suppress(httpx.TransportError):
        return httpx.get(url).is_success
    return False


def _answer(url: str, file: Path) -> bytes:
    with file.open() as lines:
        body = next(lines)
    answer = httpx.post(f"{url}/v1/validate", content=body, headers={"content-type": "application/json"})
    if answer.json()["status"] != "good":
        raise UnusableError(f"not allowed: {answer.text}")
    return answer.content


def script(place: Path, file: Path) -> Path:
    """What has `wrk` ask the questions of a file, one after the other."""
    written = place / f"{file.stem}.lua"
    written.write_text(_SCRIPT % file)
    return written


def proxy_script(place: Path, file: Path) -> Path:
    """What has `wrk` ask as nginx does about the certificate of the first question of a file."""
    with file.open() as lines:
        certificate = json.loads(next(lines))["certificate"]
    written = place / "proxy.lua"
    written.write_text(_PROXY_SCRIPT % quote(certificate, safe=""))
    return written


def rate(url: str, asking: Path) -> float:
    """Answers a second.

    Raises:
        UnusableError: some were refused.
    """
    command = [*WRK, f"-d{TURN_S}s", f"-s{asking}", f"{url}/v1/validate"]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    refused, found = _REFUSED.search(output), _RATE.search(output)
    if refused is not None or found is None:
        raise UnusableError(output)
    return float(found.group(1))
