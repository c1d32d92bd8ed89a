"""Which command ends with which exit codes, and so what scripts may rely on.

`docs/cli.md` says what each means, and tests hold both against what the commands do.
"""

from collections.abc import Mapping
from typing import Final

from service.cli.options import (
    EXIT_ALLOW,
    EXIT_DENY,
    EXIT_FAULT,
    EXIT_INTERRUPTED,
    EXIT_LOCAL,
    EXIT_NOT_ASKED,
)
from service.processes.exit_code import EXIT_CONFIGURATION, EXIT_LISTEN, EXIT_STOPPED

_PLAIN: Final = frozenset({EXIT_ALLOW, EXIT_NOT_ASKED, EXIT_FAULT, EXIT_INTERRUPTED})
"""Done or not: nothing that could be half so."""

_JUDGING: Final = _PLAIN | {EXIT_DENY}
_BLOCKING: Final = _PLAIN | {EXIT_LOCAL}
_SERVING: Final = frozenset({EXIT_STOPPED, EXIT_LISTEN, EXIT_FAULT, EXIT_CONFIGURATION})
"""Of what goes on until it is asked to stop: Ctrl-C is such a wish."""

EXIT_CODES: Final[Mapping[str, frozenset[int]]] = {
    "serve": _SERVING,
    "prefetch": _SERVING,
    "check": _JUDGING,
    "explain": _JUDGING,
    "demo": _JUDGING,
    "healthcheck": _JUDGING - {EXIT_FAULT},
    "refresh": _JUDGING,
    "stats": _PLAIN,
    "decisions": _PLAIN,
    "token": _PLAIN,
    "version": _PLAIN,
    "completion": _PLAIN,
    "crl show": _PLAIN,
    "crl list": _PLAIN,
    "crl reset": _PLAIN,
    "block add": _BLOCKING,
    "block list": _PLAIN,
    "block remove": _BLOCKING,
    "config check": _PLAIN,
    "config show": _PLAIN,
}
"""By the command, without `revet`."""
