"""The authority's process, as whoever started it sees it: told what to do, asked what it has logged."""

import base64
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from threading import Lock
from typing import Any, Final

from tests.e2e.fleet.ca import Rhythm
from tests.e2e.fleet.population import Population, Size
from tests.e2e.running import ROOT

PATIENCE_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class Asked:
    """One request that the authority got.

    Attributes:
        at: When it came, seconds since the epoch.
        kind: `crl`, `ocsp`, `other`.
        what: The name of the CRL, or the serial number in decimal.
        answered: The CRL's number or `unchanged`; `good` or `revoked`.
        port: Of whoever asked.
    """

    at: float
    kind: str
    what: str
    answered: str
    port: int


@dataclass(frozen=True, slots=True)
class Revocation:
    """What the authority knows of a certificate that it revoked; seconds since the epoch.

    Attributes:
        at: When.
        published_at: When the first CRL with it was published; infinite before.
        list_ends_at: When the last CRL without it ends; infinite while the last one is without.
        answer_ends_at: When the last OCSP answer ends that called it good.
    """

    at: float
    published_at: float
    list_ends_at: float
    answer_ends_at: float


class Ca:
    """The authority."""

    def __init__(self, process: subprocess.Popen[str], size: Size, rhythm: Rhythm) -> None:
        """Take a process that has begun; makes everybody whom it knows."""
        self._process = process
        self._lock = Lock()
        assert process.stdout is not None
        self.port = int(process.stdout.readline())
        self.rhythm = rhythm
        self.population = Population(size, f"http://127.0.0.1:{self.port}")

    def revoke(self, *numbers: int) -> float:
        """Revoke certificates: OCSP says so at once, CRLs from the next publication on; when that was."""
        return float(self._tell({"do": "revoke", "numbers": numbers}))

    def down(self) -> None:
        """Refuse connections."""
        self._tell({"do": "down"})

    def up(self) -> None:
        """Take them again."""
        self._tell({"do": "up"})

    def hang(self) -> None:
        """Take connections and answer nothing."""
        self._tell({"do": "hang"})

    def go_on(self) -> None:
        """Answer again."""
        self._tell({"do": "go on"})

    def log(self, after: int = 0) -> tuple[Asked, ...]:
        """What was asked, in order, without the first so many."""
        return tuple(Asked(*one) for one in self._tell({"do": "log", "after": after}))

    def publications(self) -> tuple[float, ...]:
        """When CRLs were published; seconds since the epoch."""
        return tuple(self._tell({"do": "publications"}))

    def crl(self, name: str) -> bytes:
        """A CRL as it is published now, without a line in the log."""
        return base64.b64decode(self._tell({"do": "crl", "name": name}))

    def truth(self) -> Mapping[int, Revocation]:
        """What is revoked, by the numbers of certificates."""
        return {int(number): Revocation(*one) for number, one in self._tell({"do": "truth"}).items()}

    def _tell(self, order: Mapping[str, object]) -> Any:  # noqa: ANN401 - JSON
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with self._lock:
            self._process.stdin.write(json.dumps(order) + "\n")
            self._process.stdin.flush()
            return json.loads(self._process.stdout.readline())


@contextmanager
def authority(size: Size, rhythm: Rhythm) -> Iterator[Ca]:
    """An authority that publishes until the block is left."""
    given = json.dumps(asdict(size) | asdict(rhythm))
    command = [sys.executable, "-m", "tests.e2e.fleet.ca", given]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        try:
            yield Ca(process, size, rhythm)
        finally:
            process.stdin.close()
            try:
                process.wait(PATIENCE_S)
            finally:
                process.kill()
