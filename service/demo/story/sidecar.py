"""The sidecar as the story starts it: its own entry point, with the environment that a deployment gives it."""

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from service.demo.companion import Companion, Program, answers_200
from service.demo.ports import LOOPBACK
from service.demo.shipped_files import SIDECAR_ENTRYPOINT, shipped_file
from service.demo.story.stage import Base

HEALTH: Final = "/healthz"


def start_sidecar(name: str, settings: Mapping[str, str], base: Base, stack: ExitStack) -> Companion:
    """Start a sidecar in front of the application.

    Args:
        name: Of its files.
        settings: What is its own: mode, where it listens, whom it trusts.
        base: What it is built on.
        stack: Ends it.

    Raises:
        UsageError: the sidecar's files are not there.
        OSError: it could not be started.
    """
    health_port = base.ports.take()
    run: Path = base.directory / name
    run.mkdir()
    environment = {
        **base.environment,
        **settings,
        **base.caller,
        "REVET_SIDECAR_UPSTREAM": base.application_url,
        "REVET_SIDECAR_HEALTH_LISTEN": f"{LOOPBACK}:{health_port}",
        "REVET_SIDECAR_WORKERS": "1",
        "REVET_SIDECAR_RUN_DIR": str(run),
    }
    program = Program(
        f"the sidecar ({name})",
        ("sh", str(shipped_file(SIDECAR_ENTRYPOINT))),
        environment,
        base.directory / f"{name}.log",
    )
    return stack.enter_context(Companion(program, answers_200(health_port, HEALTH)))
