"""What a supervisor tells about its children. Where it is written is somebody else's choice."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Protocol


class SupervisorEvent(StrEnum):
    """What happened. Each names the fields that come with it; times are seconds."""

    CHILD_STARTED = "child_started"
    """A process was started: `child` (the place it fills), `pid`."""
    CHILD_READY = "child_ready"
    """Its first heartbeat came: `child`, `pid`, `after_s`."""
    CHILD_START_FAILED = "child_start_failed"
    """No process could be started: `child`, `error`, `again_in_s`."""
    CHILD_DIED = "child_died"
    """It is gone: `child`, `pid`, `exit_code` or `signal` (the name), `lived_s`, `again_in_s` (None: not at all)."""
    CHILD_HUNG = "child_hung"
    """It was silent for too long and is killed: `child`, `pid`, `silent_s`."""
    STOPPING = "stopping"
    """The service ends: `reason` (the name of a signal, or the child that cannot be configured), `grace_s`."""
    CHILD_KILLED = "child_killed"
    """It did not end in time while the service was stopping: `child`, `pid`."""
    STOPPED = "stopped"
    """The last child is gone: `exit_code`."""


class SupervisorLog(Protocol):
    """Takes what happened. An `OSError` that it raises is ignored: a closed terminal is no reason to stop serving."""

    def __call__(self, event: SupervisorEvent, fields: Mapping[str, object], /) -> None:
        """Write it down, without waiting for anybody: the supervisor does nothing else meanwhile."""
