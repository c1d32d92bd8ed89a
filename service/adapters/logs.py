"""The log: one stream of events for the service's own, uvicorn's and everybody else's.

Rules it keeps: an event has a name in snake_case and fields; times are UTC in ISO 8601; what comes from a library,
which writes sentences, is the event `library_message` with the sentence in a field; everything passes through
`redaction` last, tracebacks included, which never show the values of variables.

What it does not do: choose what is worth logging (`log_observer`, and whoever has an event), or write files.
"""

import logging
import sys
from collections.abc import Mapping
from typing import Final, assert_never

import structlog
from structlog.dev import ConsoleRenderer, plain_traceback
from structlog.processors import JSONRenderer, TimeStamper, format_exc_info
from structlog.stdlib import BoundLogger, ExtraAdder, LoggerFactory, ProcessorFormatter, add_log_level, add_logger_name
from structlog.typing import EventDict, Processor, WrappedLogger

from service.adapters.log_observer import LOGGER
from service.adapters.log_stream import LOST_EVENT, LogStream, PatientStream
from service.adapters.redaction import redact_event
from service.application.log_options import LogFormat, LogLevel

LIBRARY_EVENT: Final = "library_message"
"""What libraries write, who have sentences and no events."""

LEVELS: Final[Mapping[LogLevel, int]] = {
    LogLevel.DEBUG: logging.DEBUG,
    LogLevel.INFO: logging.INFO,
    LogLevel.WARNING: logging.WARNING,
    LogLevel.ERROR: logging.ERROR,
}

_FIRST: Final = ("time", "level", "event", "logger")

LIBRARY_FLOORS: Final[Mapping[str, int]] = {
    "asyncio": logging.INFO,
    "httpcore": logging.INFO,
    "httpx": logging.WARNING,
    "urllib3": logging.INFO,
    "uvicorn.access": logging.WARNING,
}
"""What these write below that is about every request, of which the service has events of its own."""


ALWAYS: Final = ("revet.audit",)
"""What these say is in the log whatever the level is: it is asked for later, by somebody else."""


def configure_logs(
    level: LogLevel, form: LogFormat, stream: LogStream | None = None, audited: Processor | None = None
) -> None:
    """Send every event of this process to a stream, in one form. To be called once, before the first event.

    uvicorn must not configure its own log (`log_config=None`).

    Args:
        level: The least important events that are written.
        form: What a line looks like.
        stream: Where it goes; None for standard error.
        audited: Keeps records of some events, whatever the level; None for nobody.
    """
    target = _standard_error() if stream is None else stream
    common: list[Processor] = [add_log_level, add_logger_name, TimeStamper(fmt="iso", utc=True, key="time")]
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            *common,
            *(() if audited is None else (audited,)),
            ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=BoundLogger,
        logger_factory=LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = _Handler(target)
    handler.setFormatter(
        ProcessorFormatter(
            foreign_pre_chain=[*common, ExtraAdder(), _name_library_event],
            processors=[
                ProcessorFormatter.remove_processors_meta,
                format_exc_info,
                redact_event,
                _in_order,
                *_renderers(form, target),
            ],
        )
    )
    _take_over(handler, LEVELS[level])


class _Handler(logging.Handler):
    """Writes lines, and says of how many there was no room for before one."""

    def __init__(self, stream: LogStream) -> None:
        super().__init__()
        self._stream = stream

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line."""
        try:
            self._stream.write(self.format(record) + "\n")
            self._stream.flush()
        except Exception:  # noqa: BLE001 - as the standard library's own handlers: a log that fails ends nobody's work
            self.handleError(record)
        self._tell_of_lost()

    def _tell_of_lost(self) -> None:
        stream = self._stream
        if not isinstance(stream, PatientStream) or not stream.lost or stream.is_stuck:
            return
        lost, stream.lost = stream.lost, 0
        structlog.get_logger(LOGGER).warning(LOST_EVENT, lines=lost)


def _standard_error() -> LogStream:
    """Standard error by its descriptor; as it is, where it has none, as in tests."""
    try:
        return PatientStream(sys.stderr.fileno())
    except (OSError, ValueError):
        return sys.stderr


def also_with(fields: Processor) -> None:
    """Have a processor add fields to every event of the service's own from now on, in this process."""
    structlog.configure(processors=[fields, *structlog.get_config()["processors"]])


def _name_library_event(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Make a field of a library's sentence. uvicorn adds the same once more with colours."""
    fields = {name: value for name, value in event.items() if name != "color_message"}
    return {**fields, "event": LIBRARY_EVENT, "message": event["event"]}


def _in_order(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Put first what every event has."""
    return {name: event[name] for name in (*(name for name in _FIRST if name in event), *event)}


def _renderers(form: LogFormat, stream: LogStream) -> tuple[Processor, ...]:
    match form:
        case LogFormat.JSON:
            return (JSONRenderer(sort_keys=False, ensure_ascii=True),)
        case LogFormat.CONSOLE:
            return (
                ConsoleRenderer(
                    colors=_is_terminal(stream),
                    exception_formatter=plain_traceback,
                    timestamp_key="time",
                    sort_keys=False,
                ),
            )
        case LogFormat.AUTO:
            return _renderers(LogFormat.CONSOLE if _is_terminal(stream) else LogFormat.JSON, stream)
        case _:
            assert_never(form)


def _is_terminal(stream: LogStream) -> bool:
    return stream.isatty()


def _take_over(handler: logging.Handler, level: int) -> None:
    """Make one handler the only one, whatever libraries have set up before."""
    root = logging.getLogger()
    for former in tuple(root.handlers):
        root.removeHandler(former)
    root.addHandler(handler)
    root.setLevel(level)
    logging.captureWarnings(capture=True)
    # What cannot be written would be printed to standard error as it is, past the redaction.
    logging.raiseExceptions = False
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", *LIBRARY_FLOORS):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
        logger.setLevel(max(level, LIBRARY_FLOORS.get(name, logging.NOTSET)))
    for name in ALWAYS:
        logging.getLogger(name).setLevel(logging.INFO)
