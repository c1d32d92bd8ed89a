"""The command line's door: `revet`, `python -m service`."""

import os
import signal
import sys
from importlib import import_module
from typing import Final

import typer

from service.cli.healthcheck import healthcheck

_QUICK: Final = "healthcheck"
"""The one command that machines start every few seconds: it is spared the half second of the others' imports."""


_SERVES: Final = "serve"
"""The command that obeys signals, once it has read its settings and its store, which may take a while."""


def main() -> None:
    """Run the command that the arguments name; ends the process."""
    if sys.argv[1:2] == [_SERVES]:
        _keep_signals()
    if sys.argv[1:2] == [_QUICK]:
        quick = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
        quick.command()(healthcheck)
        quick(sys.argv[2:], prog_name=f"revet {_QUICK}")
    else:
        import_module("service.cli.app").app(prog_name="revet")


def _keep_signals() -> None:
    """Have signals wait for the supervisor, who lets them in: SIGHUP would end a service that starts.

    SIGTERM does just that, and is to do so; only process 1 of a container would never get it, unless it waits.
    """
    is_first = os.getpid() == 1
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP, signal.SIGTERM} if is_first else {signal.SIGHUP})


if __name__ == "__main__":
    main()
