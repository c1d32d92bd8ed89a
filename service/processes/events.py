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
    CHILD_RETIRED = "child_retired"
    """Another has taken its place, and it ends with what is under way: `child` (what it was), `pid`."""
    RELOADING = "reloading"
    """Settings were read again, are good, and are put into force."""
    RELOADED = "reloaded"
    """They are in force in every child: `took_s`, `changed` (names of settings)."""
    RELOAD_REFUSED = "reload_refused"
    """They cannot be: `problems` (sentences), `need_restart` (names of settings). Nothing has changed."""
    RELOAD_FAILED = "reload_failed"
    """A child did not get ready with them: `child`. The settings before are in force, or come into force again."""
    STOPPING = "stopping"
    """The service ends: `reason` (a signal's name, or the child that cannot be configured), `drain_s`, `grace_s`."""
    CHILD_KILLED = "child_killed"
    """It did not end in time after it was told to: `child`, `pid`."""
    STOPPED = "stopped"
    """The last child is gone: `exit_code`."""


class SupervisorLog(Protocol):
    """Takes what happened. An `OSError` that it raises is ignored: a closed terminal is no reason to stop serving."""

    def __call__(self, event: SupervisorEvent, fields: Mapping[str, object], /) -> None:
        """Write it down, without waiting for anybody: the supervisor does nothing else meanwhile."""
