"""What became of the last reload, kept where every worker can read it: the supervisor answers nobody himself.

What it does not do: say why. That is in the log.
"""

from collections.abc import Mapping
from typing import Final

from service.adapters.kept_memory import KeptMemory
from service.adapters.reload_metrics import IN_FORCE, NOT_IN_FORCE
from service.processes.events import SupervisorEvent, SupervisorLog

_ENDS: Final[Mapping[SupervisorEvent, bytes]] = {
    SupervisorEvent.RELOADED: IN_FORCE,
    SupervisorEvent.RELOAD_REFUSED: NOT_IN_FORCE,
    SupervisorEvent.RELOAD_FAILED: NOT_IN_FORCE,
}
"""How a reload ends, and what is kept of it."""


class LastReload:
    """Notes how reloads end, and passes everything on to the log. Implements `SupervisorLog`."""

    def __init__(self, kept: KeptMemory, log: SupervisorLog) -> None:
        """Take where it is noted, and the log."""
        self._kept = kept
        self._log = log

    def __call__(self, event: SupervisorEvent, fields: Mapping[str, object], /) -> None:
        """Note it where it is one of those, and then say so: who has read of it finds it."""
        noted = _ENDS.get(event)
        try:
            # What is kept already is not written again: who reads meanwhile would find nothing for a moment.
            if noted is not None and noted != self._kept.read():
                self._kept.write(noted)
        finally:
            self._log(event, fields)
