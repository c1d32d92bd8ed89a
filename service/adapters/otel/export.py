"""Sending spans to a collector: by a thread of its own, from a queue that has an end.

Rules it keeps: nobody waits for a collector. What does not fit into the queue is lost, what cannot be sent is lost,
and both are told seldom. Where it sends, how often and how much is said by OpenTelemetry's own variables (`OTEL_…`).
"""

import asyncio
import logging
import os
from threading import Thread
from typing import Final

import structlog
from opentelemetry.exporter.otlp.proto.http import trace_exporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from service.adapters.log_observer import LOGGER
from service.adapters.logs import also_with
from service.adapters.otel.spans import SpanTracer, TracingObserver, trace_fields
from service.application.clock import Clock
from service.application.seldom import Seldom

FLUSH_S: Final = 0.5
"""Seconds for what is left in the queue when the process ends; half of what the supervisor leaves for closing."""

MOST_TOLD: Final = 1
"""Times in a minute that spans could not be sent: a collector that is gone stays so for a while."""

UNNAMED: Final = "unknown_service"
"""What OpenTelemetry calls a service that nobody has given a name (`OTEL_SERVICE_NAME`)."""

OURS: Final = "revet"
"""What this one is called then."""

PROCESS_ID: Final = "process.pid"


class SpanExport:
    """Traces of one process, from the first request to its end.

    Attributes:
        tracer: Times.
        observer: Says in traces what was decided.
    """

    def __init__(self, clock: Clock, version: str) -> None:
        """Begin, as the environment says (`OTEL_…`), and have the log name traces.

        Args:
            clock: Time.
            version: Of the service.

        Raises:
            ValueError: a variable has a value that cannot be.
        """
        exporter = OTLPSpanExporter()
        self._provider = TracerProvider(resource=_resource(version), shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._trouble = _Trouble(clock)
        logging.getLogger(trace_exporter.__name__).addFilter(self._trouble)
        also_with(trace_fields)
        self.tracer = SpanTracer(self._provider, version)
        self.observer = TracingObserver(self.tracer)

    async def aclose(self) -> None:
        """Send what is left, for `FLUSH_S` at most; the process may end with what is under way then."""
        ending = Thread(target=self._provider.shutdown, name="revet-traces-end", daemon=True)
        ending.start()
        await asyncio.to_thread(ending.join, FLUSH_S)


class _Trouble(logging.Filter):
    """Takes what the exporter has to say of failures, and says it seldom, as an event."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._log = structlog.get_logger(LOGGER)
        self._told = Seldom(clock, MOST_TOLD)

    def filter(self, record: logging.LogRecord) -> bool:
        """Let nothing through as it is."""
        if record.levelno >= logging.WARNING:
            left_out = self._told.left_out()
            if left_out is not None:
                self._log.warning("traces_not_sent", problem=record.getMessage(), left_out=left_out)
        return False


def _resource(version: str) -> Resource:
    """What every span is of: the operator's words first."""
    said = Resource.create({SERVICE_VERSION: version, PROCESS_ID: os.getpid()})
    is_unnamed = str(said.attributes.get(SERVICE_NAME, UNNAMED)).startswith(UNNAMED)
    return said.merge(Resource({SERVICE_NAME: OURS})) if is_unnamed else said
