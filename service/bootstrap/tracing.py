"""Traces: whether a process makes any, and that they are sent before it ends."""

import os
from contextlib import AsyncExitStack

from service.adapters.clock import SystemClock
from service.adapters.tracing import Traces, TracingError, open_traces, require_tracing
from service.application.tracing import Tracing
from service.bootstrap.directories import VERSION
from service.settings import Settings, SettingsError
from service.settings.model import setting


def check_tracing(settings: Settings) -> None:
    """Check that traces can be sent, where any are wanted.

    Raises:
        SettingsError: they cannot.
    """
    if settings.tracing is Tracing.OFF:
        return
    try:
        require_tracing(os.environ)
    except TracingError as error:
        raise SettingsError((f"{setting('tracing')}: {error}",)) from None


def open_tracing(settings: Settings, stack: AsyncExitStack) -> Traces | None:
    """The traces of this process; None where none are wanted.

    Args:
        settings: The settings.
        stack: What is to be closed afterwards; these last, so that they have all that came before.

    Raises:
        SettingsError: they cannot be sent.
    """
    if settings.tracing is Tracing.OFF:
        return None
    check_tracing(settings)
    try:
        traces = open_traces(SystemClock(), VERSION)
    except TracingError as error:
        raise SettingsError((f"{setting('tracing')}: {error}",)) from None
    stack.push_async_callback(traces.aclose)
    return traces
