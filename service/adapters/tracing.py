"""Traces, where the operator wants any: what sends them is imported then, and not before, since it is an extra."""

from collections.abc import Awaitable, Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Final, Protocol, cast

from service.application.clock import Clock
from service.application.observer import Observer
from service.application.tracing import RequestTracer, Tracer

MISSING_EXTRA: Final = (
    "otlp needs the extra `otel`: pip install --require-hashes -r requirements/otel.txt, from the checkout"
)
"""What to do where it is not installed."""

PROTOCOL: Final = "http/protobuf"
"""The one protocol of OTLP that is spoken here."""

PROTOCOL_VARIABLES: Final = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
"""Where the environment says which one is wanted; the first counts that is there."""

_NEEDED: Final = ("opentelemetry.sdk.trace", "opentelemetry.exporter.otlp.proto.http")


class TracingError(Exception):
    """There can be no traces; the message says why, and what to do."""


class BothTracers(Tracer, RequestTracer, Protocol):
    """Times requests, and the steps of decisions."""


class Traces(Protocol):
    """The traces of one process.

    Attributes:
        tracer: Times.
        observer: Says in traces what was decided.
    """

    tracer: BothTracers
    observer: Observer

    def aclose(self) -> Awaitable[None]:
        """Send what is left, for a moment at most."""


def require_tracing(environ: Mapping[str, str]) -> None:
    """Check that traces can be sent by what is installed, without importing it.

    Args:
        environ: Says how they are to be sent.

    Raises:
        TracingError: they cannot.
    """
    if find_spec("opentelemetry") is None or any(find_spec(name) is None for name in _NEEDED):
        raise TracingError(MISSING_EXTRA)
    variable = next((name for name in PROTOCOL_VARIABLES if environ.get(name)), None)
    if variable is not None and environ[variable] != PROTOCOL:
        raise TracingError(f"{variable} is {environ[variable]}: {PROTOCOL} alone is spoken here")


def open_traces(clock: Clock, version: str) -> Traces:
    """Begin with traces in this process; whoever does so closes them.

    Args:
        clock: Time.
        version: Of the service.

    Raises:
        TracingError: a variable of the environment has a value that cannot be.
    """
    # By name and not at the top: without the extra `otel` there is no such import, and nothing else needs it.
    module = import_module("service.adapters.otel.export")
    try:
        return cast("Traces", module.SpanExport(clock, version))
    except ValueError as error:
        raise TracingError(str(error)) from None
