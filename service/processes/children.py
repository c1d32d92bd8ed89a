"""What every child does first: take the settings, set up the log, and say so where it cannot run with them."""

import os
import sys
from collections.abc import Callable, Mapping
from typing import Final

from service.application.evidence_store import StoreError
from service.bootstrap.logs import configure_logging
from service.processes.agreed import PREFETCHER, WORKER
from service.processes.exit_code import EXIT_CONFIGURATION, EXIT_STOPPED
from service.processes.handing import handed_settings
from service.processes.lifeline import Lifeline
from service.processes.prefetching import run_prefetcher
from service.processes.worker import run_worker
from service.settings import Settings, SettingsError

_CHILDREN: Final[Mapping[str, Callable[[Settings, Lifeline], None]]] = {WORKER: run_worker, PREFETCHER: run_prefetcher}


def run_child(kind: str, lifeline: Lifeline) -> int:
    """Run a child to its end.

    Returns:
        The exit code: `EXIT_STOPPED`, or `EXIT_CONFIGURATION` where no replacement would fare better.
    """
    try:
        settings = handed_settings(os.environ)
        configure_logging(settings)
        _CHILDREN[kind](settings, lifeline)
    except (SettingsError, StoreError) as error:
        sys.stderr.write(f"revet: {kind}: {error}\n")
        return EXIT_CONFIGURATION
    return EXIT_STOPPED
