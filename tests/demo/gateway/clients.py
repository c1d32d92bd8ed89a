"""A gateway's clients: curl, and what it says."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from service.demo.gateway.model import Api, Event, Request
from service.demo.gateway.server import Gateway
from tests.pki import NOW, Authority

PATIENCE_S: Final = "20"

LEAF: Final = Authority.root("Root").issue("device-1").certificate


def a_request(path: str = "/", query: str = "", *headers: tuple[str, str], method: str = "GET") -> Request:
    """A request that never was on a wire."""
    return Request("request-1", method, path, query, headers, b"", "198.51.100.7", LEAF, NOW)


@dataclass(frozen=True, slots=True)
class Answer:
    """What curl got.

    Attributes:
        exit_code: Its own; 0 for any status.
        status: 0 where there was no answer.
        headers: With names in lower case.
        problem: What it printed about a failure.
    """

    exit_code: int
    status: int
    headers: dict[str, str]
    body: str
    problem: str

    def json(self) -> Any:  # noqa: ANN401 - JSON of any shape
        """The body, parsed."""
        return json.loads(self.body)


def curl(gateway: Gateway, authority: Path, certificate: Path | None, key: Path | None, *more: str) -> Answer:
    """Ask for `/` with a client certificate, or for what `more` says."""
    shown = ("--cert", str(certificate)) if certificate is not None else ()
    with_key = ("--key", str(key)) if key is not None else ()
    asked = more if any(one.startswith("https://") for one in more) else (*more, f"{gateway.url}/")
    done = subprocess.run(
        [
            *("curl", "-q", "-sS", "-i", "--noproxy", "*", "--max-time", PATIENCE_S),
            *("--cacert", str(authority), "--resolve", gateway.resolve, *shown, *with_key, *asked),
        ],
        capture_output=True,
        check=False,
    )
    head, _, body = done.stdout.decode().replace("\r\n", "\n").partition("\n\n")
    lines = head.splitlines()
    headers = {name.lower(): value.strip() for name, _, value in (one.partition(":") for one in lines[1:])}
    status = int(lines[0].split()[1]) if lines else 0
    return Answer(done.returncode, status, headers, body, done.stderr.decode().strip())


def policy(effect: str, resource: str = "*", action: str = "execute-api:Invoke", **more: object) -> Event:
    """An authorizer's answer with one statement."""
    statement = {"Action": action, "Effect": effect, "Resource": resource}
    document = {"Version": "2012-10-17", "Statement": [statement]}
    return {"principalId": "somebody", "policyDocument": document, **more}


ARN: Final = Api().arn("GET", "/devices/7")
