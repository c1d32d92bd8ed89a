"""Containers without a daemon: an image's own user, environment and command, in namespaces of their own.

    with running(image, tmp_path, environment={…}, files={…}) as container:
        container.run("/opt/revet/bin/revet", "check", …)

As strict as an operator may be: the root file system cannot be written, volumes are tmpfs, no capability is left, there
is no network but loopback, and programs of the base can be hidden. Process 1 is the image's.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.e2e.running import PATIENCE_S, until
from tests.images.building import Image

_LAUNCHER: Final = Path(__file__).with_name("launcher.py")
_NAMESPACES: Final = ("--mount", "--pid", "--ipc", "--uts")


@dataclass(frozen=True, slots=True)
class Wanted:
    """How an image is run; by default as it says itself.

    Attributes:
        command: Arguments for its entry point; None for its own.
        entrypoint: In place of its own.
        environment: Beside its own.
        files: What is mounted for reading: where, and which file or directory of this machine.
        volumes: What is a tmpfs: where, and mount's options.
        hidden: Directories that are empty.
        read_only: Whether its root file system is.
        beside: A container whose network it shares.
    """

    command: Sequence[str] | None = None
    entrypoint: Sequence[str] | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, Path] = field(default_factory=dict)
    volumes: Mapping[str, str] = field(default_factory=dict)
    hidden: Sequence[str] = ()
    read_only: bool = True
    beside: "Container | None" = None


@dataclass(frozen=True, slots=True)
class Container:
    """A container that runs.

    Attributes:
        image: What it was made of.
        pid: Of its process 1, out here.
        process: What waits for it; ends as it ends.
        log: What it writes.
        environment: Of its process 1.
        user: Who it runs as.
    """

    image: Image
    pid: int
    process: subprocess.Popen[bytes]
    log: Path
    environment: Mapping[str, str]
    user: int

    def run(self, *command: str, text: str = "") -> subprocess.CompletedProcess[str]:
        """Run a program in it, as `docker exec` would."""
        spec = _spec(self.image, self.user, command, self.environment)
        enter = ("nsenter", "--target", str(self.pid), "--net", *_NAMESPACES, *_launch("enter", spec))
        return subprocess.run(enter, capture_output=True, text=True, input=text, check=False, timeout=60)

    def healthy(self) -> bool:
        """Whether its own health check says so."""
        kind, *command = self.image.config["Healthcheck"]["Test"]
        assert kind == "CMD", "a shell would be needed"
        return self.run(*command).returncode == 0

    def processes(self) -> dict[int, str]:
        """State of every process in it, by its number out here."""
        space = Path(f"/proc/{self.pid}/ns/pid").readlink()
        found = {}
        for directory in Path("/proc").iterdir():
            with contextlib.suppress(OSError, ValueError):
                if (directory / "ns/pid").readlink() == space:
                    found[int(directory.name)] = (directory / "stat").read_text().rpartition(")")[2].split()[0]
        return found

    def stop(self) -> int:
        """Send its stop signal to its process 1, and say how it ended."""
        os.kill(self.pid, getattr(signal, self.image.config["StopSignal"]))
        return self.process.wait(PATIENCE_S)


@contextlib.contextmanager
def running(image: Image, directory: Path, wanted: Wanted) -> Iterator[Container]:
    """Run an image until the block is left; nothing of it is left then.

    Args:
        image: Which.
        directory: For its log.
        wanted: How.
    """
    user = _user(image)
    environment = dict(one.split("=", 1) for one in image.config["Env"]) | dict(wanted.environment)
    entrypoint = wanted.entrypoint or image.config["Entrypoint"]
    command = image.config["Cmd"] or () if wanted.command is None else wanted.command
    volumes = make_places(image, wanted)
    spec = _spec(image, user, (*entrypoint, *command), environment)
    spec |= {"volumes": volumes, "hidden": list(wanted.hidden), "read_only": wanted.read_only}
    spec |= {"files": {place: str(file) for place, file in wanted.files.items()}, "network": wanted.beside is None}
    log = directory / f"container-{image.name.rpartition('/')[2]}.log"
    with log.open("ab") as output:
        os.fchown(output.fileno(), user, user)  # as runtimes do: nginx opens it anew
        process = subprocess.Popen(
            (*_network(wanted.beside), "unshare", *_NAMESPACES, "--fork", *_launch("start", spec)),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        yield Container(image, _first_process(process, log), process, log, environment, user)
    finally:
        for child in _children(process.pid):  # process 1, and with it everything in there
            os.kill(child, signal.SIGKILL)
        process.kill()
        process.wait()


def _spec(image: Image, user: int, command: Sequence[str], environment: Mapping[str, str]) -> dict[str, object]:
    directory = image.config.get("WorkingDir") or "/"
    return {
        "root": str(image.root),
        "user": user,
        "command": list(command),
        "environment": dict(environment),
        "directory": directory,
    }


def _launch(how: str, spec: Mapping[str, object]) -> tuple[str, ...]:
    return sys.executable, "-I", str(_LAUNCHER), how, json.dumps(spec)


def _network(beside: Container | None) -> tuple[str, ...]:
    return ("unshare", "--net") if beside is None else ("nsenter", "--target", str(beside.pid), "--net")


def _first_process(unshare: subprocess.Popen[bytes], log: Path) -> int:
    """Process 1 of what `unshare --fork` has made, once it has become the image's program; it may have ended by then.

    Raises:
        AssertionError: there was none.
    """
    seen: list[int] = []

    def has_begun() -> bool:
        seen.extend(_children(unshare.pid))
        return unshare.poll() is not None or any(_is_of_the_image(pid) for pid in seen[-1:])

    until(has_begun, "the container has begun")
    assert seen, log.read_text()
    return seen[-1]


def _is_of_the_image(pid: int) -> bool:
    try:
        return str(_LAUNCHER).encode() not in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:  # it has ended, and whoever waits for it says so next
        return False


def _children(pid: int) -> list[int]:
    try:
        return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def make_places(image: Image, wanted: Wanted) -> dict[str, str]:
    """Make whatever is mounted over, as runtimes do; the volumes, and how each is mounted."""
    user = _user(image)
    volumes = dict.fromkeys(image.config.get("Volumes") or (), f"uid={user},gid={user},mode=0700")
    volumes |= {"/tmp": "mode=1777"} | dict(wanted.volumes)  # noqa: S108 - of the container
    for place, file in wanted.files.items():
        _make_place(image.root / place.lstrip("/"), file)
    for place in volumes:
        (image.root / place.lstrip("/")).mkdir(parents=True, exist_ok=True)
    return volumes


def _user(image: Image) -> int:
    return int(image.config["User"].partition(":")[0] or 0)


def _make_place(place: Path, source: Path) -> None:
    """Make the place that something is mounted over, as runtimes do."""
    if source.is_dir():
        place.mkdir(parents=True, exist_ok=True)
    else:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.touch()
