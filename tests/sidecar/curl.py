"""curl as a client: what it says, and what it is answered."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.sidecar.material import Pair
from tests.sidecar.running import Sidecar


@dataclass(frozen=True, slots=True)
class Answer:
    """What curl was answered.

    Attributes:
        version: Of HTTP.
        headers: Names in lower case; the last value of each.
    """

    status: int
    version: str
    headers: dict[str, str]
    body: bytes

    @property
    def document(self) -> dict[str, Any]:
        """The body as JSON."""
        return dict(json.loads(self.body))

    @property
    def told(self) -> tuple[int, object, object]:
        """Status, decision and code."""
        document = self.document
        return self.status, document.get("decision"), document.get("code")


def curl(
    sidecar: Sidecar, *options: str, path: str = "/", authority: Path | None = None, client: Pair | None = None
) -> Answer:
    """One request.

    Args:
        sidecar: Whom to ask.
        options: More, as on curl's command line.
        path: What for; sent as it is.
        authority: What the sidecar's certificate is checked against.
        client: What the client shows.
    """
    command = ["curl", "-q", "-s", "-S", "-i", "--path-as-is", "--noproxy", "*", "--max-time", "40"]
    command += ["--cacert", str(authority)] if authority is not None else []
    command += ["--cert", str(client.certificate), "--key", str(client.key)] if client is not None else []
    run = subprocess.run([*command, *options, f"{sidecar.url}{path}"], capture_output=True, check=False)
    assert run.returncode == 0, run.stderr.decode(errors="replace")
    return read_answer(run.stdout)


def read_answer(output: bytes) -> Answer:
    """What `curl -i` has printed; of several answers (a 100 first) the last."""
    head, _, body = output.partition(b"\r\n\r\n")
    while body.startswith(b"HTTP/"):
        head, _, body = body.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    version, status, *_ = first.split(" ")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    return Answer(int(status), version, headers, body)
