"""The sidecar as its users run it: `sidecar/entrypoint`, which becomes nginx, on ports of its own.

    with running_sidecar(tmp_path, "nlb", {"REVET_URL": ..., "REVET_SIDECAR_UPSTREAM": ...}) as sidecar:
        httpx.get(sidecar.url, ...)

Ports, run directory and one worker are given; everything else is the caller's. What it does not do: make certificates.
"""

import contextlib
import json
import os
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import httpx

from tests.e2e.running import PATIENCE_S, ROOT, until
from tests.ports import free_port

ENTRYPOINT: Final = Path(os.environ.get("REVET_TEST_SIDECAR", ROOT / "sidecar")) / "entrypoint"
"""What is started; `REVET_TEST_SIDECAR` names the directory of another one."""

NOBODY: Final = 65534
"""Whom Debian calls nobody."""

Mode = Literal["alb", "nlb"]


@dataclass(frozen=True, slots=True)
class Sidecar:
    """A sidecar that runs.

    Attributes:
        url: Where clients go, by the name `localhost`; https where TLS ends here.
        port: Of the same.
        health_url: Where probes go.
        process: nginx's master.
        log: What it writes: access log and errors.
        run_dir: Where its files are.
    """

    url: str
    port: int
    health_url: str
    process: subprocess.Popen[bytes]
    log: Path
    run_dir: Path

    def is_healthy(self) -> bool:
        """Whether it answers probes."""
        with contextlib.suppress(httpx.HTTPError):
            return httpx.get(f"{self.health_url}/healthz", timeout=1, trust_env=False).status_code == httpx.codes.OK
        return False

    def written(self) -> str:
        """The log, with what belongs to requests that were answered.

        A client has its answer before nginx writes the line; the one worker gets round to a probe only afterwards.
        """
        self.is_healthy()
        return self.log.read_text(errors="replace")

    def requests(self) -> list[dict[str, str]]:
        """The access log: one entry a request."""
        return [json.loads(line) for line in self.written().splitlines() if line.startswith("{")]


def sidecar_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """An environment without settings of ours but those given."""
    foreign = {name: value for name, value in os.environ.items() if not name.startswith("REVET_")}
    return {**foreign, **environment}


@contextlib.contextmanager
def running_sidecar(
    tmp_path: Path,
    mode: Mode,
    environment: Mapping[str, str],
    *,
    awaiting: Callable[[Sidecar], bool] = Sidecar.is_healthy,
    command: Sequence[str | Path] = (ENTRYPOINT,),
    owner: int | None = None,
) -> Iterator[Sidecar]:
    """Run a sidecar until the block is left; nothing of it is left then.

    Args:
        tmp_path: For its log.
        mode: Of the two.
        environment: `REVET_…`; wins over what is given here.
        awaiting: What is true once it has begun.
        command: What is started.
        owner: Who owns the log; this process unless given.

    Raises:
        AssertionError: it does not start; its complaint is the message.
    """
    port, health_port = free_port(), free_port()
    # Not below `tmp_path`, which nobody else may enter: started as root, nginx has its workers run as somebody else.
    with tempfile.TemporaryDirectory(prefix="revet-sidecar-") as directory:
        Path(directory).chmod(0o711)
        whole = sidecar_environment(
            {
                "REVET_SIDECAR_MODE": mode,
                "REVET_SIDECAR_LISTEN": f"127.0.0.1:{port}",
                "REVET_SIDECAR_HEALTH_LISTEN": f"127.0.0.1:{health_port}",
                "REVET_SIDECAR_RUN_DIR": directory,
                "REVET_SIDECAR_WORKERS": "1",
                "REVET_TIMEOUT_MS": "8000",  # 800 are too short where many tests run side by side
                **environment,
            }
        )
        log = tmp_path / f"sidecar-{port}.log"
        process = _start(command, whole, log, owner)
        scheme = "https" if whole.get("REVET_SIDECAR_TLS_CERT") else "http"
        sidecar = Sidecar(
            f"{scheme}://localhost:{port}",
            port,
            f"http://127.0.0.1:{health_port}",
            process,
            log,
            Path(whole["REVET_SIDECAR_RUN_DIR"]),
        )
        try:
            until(lambda: awaiting(sidecar) or process.poll() is not None, "the sidecar has begun")
            assert process.poll() is None, log.read_text()
            yield sidecar
        finally:
            stop(process)


def _start(
    command: Sequence[str | Path], environment: Mapping[str, str], log: Path, owner: int | None
) -> subprocess.Popen[bytes]:
    # For appending: nginx opens its standard output a second time, and neither may write over the other.
    with log.open("ab") as output:
        if owner is not None:
            os.fchown(output.fileno(), owner, owner)
        return subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output)


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a sidecar, its workers included."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(PATIENCE_S)
    finally:
        process.kill()
        process.wait()
