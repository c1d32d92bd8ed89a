"""A service in miniature: a supervisor over the children of `child.py`, and its log as lines of JSON.

Usage: `python -m tests.processes.programs.supervise PLAN`, where PLAN is the JSON of `Plan`.
"""

import ctypes
import json
import os
import sys
import time
from collections.abc import Mapping
from functools import partial
from socket import socket

from service.processes.child import ChildSpec, Part
from service.processes.events import SupervisorEvent
from service.processes.listen import bind_tcp
from service.processes.plan import ReloadRefusedError, ServicePlan, Times
from service.processes.supervisor import Supervisor
from tests.processes.plan import Behaviour, Plan, Trouble

_PR_SET_CHILD_SUBREAPER = 36


def say(event: str, **fields: object) -> None:
    """Print one event with the time at which it happened."""
    # Written at once: others write to the same pipe.
    os.write(1, json.dumps({"event": event, "at": time.monotonic(), **fields}).encode() + b"\n")


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


def service_plan(plan: Plan, children: tuple[tuple[str, Behaviour, int], ...], listening: socket) -> ServicePlan:
    """What the supervisor is to run."""
    specs = tuple(
        ChildSpec(
            name=name,
            argv=(plan.program or sys.executable, "-m", "tests.processes.programs.child", behaviour),
            count=count,
            pass_fds={"http": listening},
            part=Part.BACK if name in plan.backs else Part.FRONT,
        )
        for name, behaviour, count in children
    )
    times = Times(
        hang_after_s=plan.hang_after_s,
        first_beat_within_s=plan.first_beat_within_s,
        drain_s=plan.drain_s,
        shutdown_grace_s=plan.shutdown_grace_s,
    )
    return ServicePlan(specs, times, lambda: say("adopted"))


class Others:
    """The plans that come after the first."""

    def __init__(self, plan: Plan, listening: socket) -> None:
        self._plan = plan
        self._listening = listening
        self._left = list(plan.others)

    def take(self) -> ServicePlan:
        """The next one."""
        if not self._left:
            raise ReloadRefusedError(("there is no other plan",))
        return service_plan(self._plan, self._left.pop(0), self._listening)


def finish(listening: socket) -> None:
    """Accept nobody any more."""
    say("finishing")
    listening.close()


def main() -> int:
    """Serve the plan."""
    plan = Plan.from_json(sys.argv[1])
    if plan.trouble is Trouble.ORPHANS:
        # Orphans below us become ours, as they do for PID 1 in a container.
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    with bind_tcp("127.0.0.1", 0) as listening:
        say("listening", port=listening.getsockname()[1])
        supervisor = Supervisor(
            service_plan(plan, plan.children, listening),
            Log(plan.trouble),
            new_plan=Others(plan, listening).take,
            on_finishing=partial(finish, listening),
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
