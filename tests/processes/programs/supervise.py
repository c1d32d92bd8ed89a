"""A service in miniature: a supervisor over the children of `child.py`, and its log as lines of JSON.

Usage: `python -m tests.processes.programs.supervise PLAN`, where PLAN is the JSON of `Plan`.
"""

import ctypes
import json
import os
import sys
import time
from collections.abc import Mapping

from service.processes.child import ChildSpec
from service.processes.events import SupervisorEvent
from service.processes.listen import bind_tcp
from service.processes.supervisor import Supervisor
from tests.processes.plan import Plan, Trouble

_PR_SET_CHILD_SUBREAPER = 36


def say(event: str, **fields: object) -> None:
    """Print one event with the time at which it happened."""
    print(json.dumps({"event": event, "at": time.monotonic(), **fields}), flush=True)  # noqa: T201 - what the test reads


class Log:
    """Prints the events, or fails as a log can fail."""

    def __init__(self, trouble: Trouble) -> None:
        self._trouble = trouble

    def __call__(self, event: SupervisorEvent, fields: Mapping[str, object], /) -> None:
        """Print it, unless trouble was ordered."""
        match self._trouble:
            case Trouble.LOG_CLOSED:
                raise BrokenPipeError
            case Trouble.LOG_BROKEN if event is SupervisorEvent.CHILD_READY:
                raise RuntimeError(event)
            case _:
                say(event.value, **fields)


def main() -> int:
    """Serve the plan."""
    plan = Plan.from_json(sys.argv[1])
    if plan.trouble is Trouble.ORPHANS:
        # Orphans below us become ours, as they do for PID 1 in a container.
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    with bind_tcp("127.0.0.1", 0) as listening:
        say("listening", port=listening.getsockname()[1])
        children = tuple(
            ChildSpec(
                name=name,
                argv=(plan.program or sys.executable, "-m", "tests.processes.programs.child", behaviour),
                count=count,
                pass_fds={"http": listening},
            )
            for name, behaviour, count in plan.children
        )
        supervisor = Supervisor(
            children,
            Log(plan.trouble),
            hang_after_s=plan.hang_after_s,
            first_beat_within_s=plan.first_beat_within_s,
            shutdown_grace_s=plan.shutdown_grace_s,
        )
        try:
            return supervisor.run()
        except RuntimeError:
            say("failed", somebody_left=_somebody_left())
            return 1


def _somebody_left() -> bool:
    try:
        os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
