"""Secrets everywhere, and then they are looked for everywhere else.

Tokens of each kind, the fleet's key, the password of its Redis and the service's private key are put where they belong:
in files. The service is then made to talk as much as it can: it logs for debugging, its callers make mistakes, Redis
goes away and refuses the password, files are broken, a worker is killed, settings are read again and refused.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final
from urllib.parse import quote

import httpx
import pytest

from service.application.tokens import entry_of
from tests.adapters.tls.materials import OLD_CA, OLD_CALLER, client_context, server_pair, write
from tests.e2e.running import PATIENCE_S, ROOT, Service, running_service, until
from tests.ports import free_port
from tests.redis_servers import RedisServer

API: Final = "hide-me-api-0123456789"
ADMIN: Final = "hide-me-admin-0123456789"
SHADOW: Final = "hide-me-shadow-0123456789"
FLEET_KEY: Final = "hide-me-fleet-key-0123456789-0123456789"
PASSWORD: Final = "hide-me-password-0123456789"
PAIR: Final = server_pair("server")

SECRETS: Final[Mapping[str, str]] = {
    "the token of a caller": API,
    "the token of an administrator": ADMIN,
    "the token of a caller in shadow": SHADOW,
    "the fleet's key": FLEET_KEY,
    "the password of Redis": PASSWORD,
    **{f"the digest of {token[8:13]}": sha256(token.encode()).hexdigest()[:16] for token in (API, ADMIN, SHADOW)},
    **{f"line {n} of the key": line for n, line in enumerate(PAIR.key.decode().splitlines()[1:-1], 1)},
}


def found_in(text: str) -> set[str]:
    """The names of the secrets in a text, in whatever form one writes them."""
    return {name for name, secret in SECRETS.items() if any(form in text for form in _forms(secret))}


def _forms(secret: str) -> set[str]:
    octets = secret.encode()
    cut = b64encode(octets).decode().rstrip("=")[:-1]
    return {secret, secret.upper(), quote(secret, safe=""), octets.hex(), cut, repr(octets)[2:-1]}


@dataclass(frozen=True, slots=True)
class Place:
    """A service, and what it runs with.

    Attributes:
        settings: Of the environment: paths, and no secret.
        redis: What it shares.
    """

    directory: Path
    service: Service
    settings: Mapping[str, str]
    redis: RedisServer

    def client(self, token: str | None, **headers: str) -> httpx.Client:
        """Somebody who asks."""
        given = {**headers, **({} if token is None else {"authorization": f"Bearer {token}"})}
        url, context = self.service.url.replace("http:", "https:"), client_context(self.directory)
        return httpx.Client(base_url=url, verify=context, headers=given, trust_env=False, timeout=PATIENCE_S)

    def log(self) -> str:
        """What the processes have written."""
        return (self.directory / "service.log").read_text()

    def audit_log(self) -> str:
        """What was changed, and by whom."""
        return (self.directory / "audit.log").read_text()

    def shares(self) -> bool:
        """Whether it reaches Redis, with the password of the file."""
        return bool(httpx.get(f"{self.service.management_url}/readyz").json()["checks"]["fleet"]["ok"])

    def processes(self) -> list[int]:
        """The supervisor and its children."""
        return [self.service.process.pid, *self.service.children("worker"), *self.service.children("prefetcher")]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """A service with every secret that it can have, in files."""
    redis = RedisServer(tmp_path / "redis", free_port(), ("--requirepass", PASSWORD), login=("default", PASSWORD))
    files = {
        "REVET_API_TOKENS_FILE": API,
        "REVET_ADMIN_TOKENS_FILE": entry_of(ADMIN),
        "REVET_SHADOW_TOKENS_FILE": SHADOW,
        "REVET_FLEET_KEY_FILE": FLEET_KEY,
        "REVET_REDIS_URL_FILE": f"redis://default:{PASSWORD}@127.0.0.1:{redis.port}/0",
        "REVET_TLS_CERT": PAIR.certificate.decode(),
        "REVET_TLS_KEY": PAIR.key.decode(),
    }
    settings = {name: str(write(tmp_path / name.lower(), content.encode())) for name, content in files.items()}
    settings |= {"REVET_LOG_LEVEL": "debug", "REVET_LOG_FORMAT": "json", "REVET_AUDIT_LOG": str(tmp_path / "audit.log")}
    trusted = write(tmp_path / "trusted.pem", OLD_CA.issued.pem.encode())
    redis.start()
    try:
        with running_service(tmp_path, trusted, settings, management=True) as started:
            yield Place(tmp_path, started, settings, redis)
    finally:
        redis.kill()


def listened(client: httpx.Client) -> str:
    """What a stream of events begins with, until it has told something; or that nobody is let in."""
    with client.stream("GET", "/v1/events") as answer:
        told = [str(dict(answer.headers))]
        for line in answer.iter_lines():
            told.append(line)
            if line.startswith('data: {"at"'):
                break
    return "".join(told)


def answers(place: Place) -> Iterator[str]:
    """What everybody is told, headers included."""
    request = {"certificate": OLD_CALLER.pem}
    probed = place.service.management_url
    probes = [httpx.get(f"{probed}{path}", timeout=PATIENCE_S) for path in ("/readyz", "/metrics")]
    yield from (f"{dict(one.headers)}{one.text}" for one in probes)
    pages = ("/healthz", "/openapi.json", "/docs", "/v1/stats", "/v1/crls", "/v1/blocks", "/v1/nothing", "/dashboard")
    for token in (API, ADMIN, SHADOW, None, API[:-1], f"{ADMIN}x"):
        with place.client(token) as client:
            told = [client.get(path) for path in pages]
            told.append(client.post("/v1/validate", json=request))
            told.append(client.post("/v1/validate", json={**request, "options": {"online": False}}))
            told.append(client.post("/v1/validate", content=b"{", headers={"content-type": "application/json"}))
            told.append(client.post("/v1/validate/batch", json={"items": [request]}))
            told.append(client.post("/v1/blocks", json={"fingerprint_sha256": "00" * 32, "reason": "a test"}))
            told.append(client.post("/v1/refresh", json={}))
            told.append(client.get("/v1/authorize/nginx", headers={"x-revet-token": token or "nobody"}))
            told.append(client.get("/v1/authorize/nothing", headers={"x-revet-token": token or "nobody"}))
            yield listened(client)
        yield from (f"{dict(one.headers)}{one.text}" for one in told)
    with place.client(None, authorization=f"Basic {ADMIN}") as client:
        one = client.get("/v1/stats", headers={"cookie": f"token={API}"})
        yield f"{dict(one.headers)}{one.text}"


def command(place: Place, *arguments: str) -> str:
    """What a command prints that is run with the same settings."""
    environment = {**os.environ, **place.settings, "REVET_DATA_DIR": str(place.directory / "other")}
    environment["REVET_TRUST_STORE"] = str(place.directory / "trusted.pem")
    program = (sys.executable, "-m", "service", *arguments)
    ended = subprocess.run(
        program, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    return ended.stdout


@pytest.mark.slow
def test_they_are_nowhere(place: Place) -> None:
    """Not in answers, pages, metrics, commands, the list of processes, their environment, or the log."""
    until(place.shares, "Redis lets it in")
    service, said = place.service, [*answers(place)]
    shown = command(place, "config", "show")
    assert '"REVET_REDIS_URL": "**********"' in shown
    said += [shown, command(place, "config", "check")]
    lines = [Path(f"/proc/{pid}/cmdline").read_bytes().decode() for pid in place.processes()]
    environments = [Path(f"/proc/{pid}/environ").read_bytes().decode() for pid in place.processes()]
    assert len(lines) == len(environments) >= 4
    assert all("REVET_TLS_KEY=" in environment for environment in environments)
    assert [set()] * 3 == [set().union(*map(found_in, texts)) for texts in (said, lines, environments)]

    place.redis.kill()
    write(Path(place.settings["REVET_TLS_KEY"]), PAIR.key[:-50])
    write(Path(place.settings["REVET_ADMIN_TOKENS_FILE"]), f"{entry_of(ADMIN)}\n{API}\n".encode())
    write(Path(place.settings["REVET_SHADOW_TOKENS_FILE"]), f"{SHADOW}\n{SHADOW}\n".encode())
    until(lambda: place.log().count('"file_refused"') >= 6, "both workers refuse what is broken")
    said = [*answers(place), command(place, "config", "check"), command(place, "serve")]
    service.process.send_signal(signal.SIGHUP)
    until(lambda: '"reload_refused"' in place.log(), "the settings are refused")
    for pid in service.children("worker"):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    until(lambda: place.log().count('"file_refused"') >= 12, "their successors say the same")

    # Another Redis, which does not know the password.
    other = RedisServer(place.directory / "other-redis", place.redis.port, ("--requirepass", "another"))
    other.login = ("default", "another")
    other.start()
    try:
        until(service.is_ready, "it is ready again")
        said += answers(place)
    finally:
        other.kill()
    assert set() == set().union(*map(found_in, said))
    assert [set(), set()] == [found_in(place.log()), found_in(place.audit_log())]
    assert "admin token" in place.audit_log()
    events = {json.loads(line)["event"] for line in place.log().splitlines() if line.startswith("{")}
    assert {"file_refused", "reload_refused", "child_died", "decision_made", "block_added"} <= events


@pytest.mark.parametrize(
    "text",
    [
        f"redis://default:{PASSWORD}@127.0.0.1",
        f"token=%22{quote(API)}%22",
        b64encode(ADMIN.encode()).decode(),
        sha256(SHADOW.encode()).hexdigest(),
        PAIR.key.decode(),
        f"key {FLEET_KEY!r}",
    ],
)
def test_they_would_be_found(text: str) -> None:
    """What looks for them knows them when it sees them."""
    assert found_in(f"something {text} something else")
