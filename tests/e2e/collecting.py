"""A collector of traces on loopback: takes what OpenTelemetry's protocol brings over HTTP."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue

PATH: Final = "/v1/traces"

_WAITING_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class Collected:
    """One span.

    Attributes:
        resource: What it is of.
    """

    name: str
    trace_id: str
    span_id: str
    parent_id: str
    kind: int
    start_ns: int
    end_ns: int
    attributes: dict[str, object]
    resource: dict[str, object]


@dataclass(slots=True)
class Collector:
    """What has come.

    Attributes:
        port: Of loopback.
        gate: While it is closed, nobody gets an answer.
        asked: How often somebody has sent something, answered or not.
        headers: Of the last one who did.
    """

    port: int
    spans: list[Collected] = field(default_factory=list)
    gate: threading.Event = field(default_factory=threading.Event)
    asked: int = 0
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def settings(self) -> dict[str, str]:
        """What a service is told that sends its traces here, at once."""
        return {
            "REVET_TRACING": "otlp",
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{self.port}",
            "OTEL_BSP_SCHEDULE_DELAY": "100",
        }

    def trace(self, decision_id: str) -> list[Collected]:
        """The spans of the trace that a decision is in, in the order of their beginning; none while it is not there."""
        for span in tuple(self.spans):
            if span.attributes.get("revet.decision_id") == decision_id:
                same = (one for one in tuple(self.spans) if one.trace_id == span.trace_id)
                return sorted(same, key=lambda one: one.start_ns)
        return []


@contextmanager
def collecting() -> Iterator[Collector]:
    """Take traces until the block is left."""
    collectors: list[Collector] = []

    class Handler(BaseHTTPRequestHandler):
        """Takes what is sent."""

        def do_POST(self) -> None:
            """Take spans."""
            collector = collectors[0]
            body = self.rfile.read(int(self.headers["Content-Length"]))
            collector.asked += 1
            collector.headers = {name.lower(): value for name, value in self.headers.items()}
            collector.gate.wait(_WAITING_S)
            if self.path == PATH:
                collector.spans.extend(_spans(ExportTraceServiceRequest.FromString(body)))
            self.send_response(200 if self.path == PATH else 404)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        collectors.append(Collector(int(server.server_address[1])))
        collectors[0].gate.set()
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield collectors[0]
        finally:
            collectors[0].gate.set()
            server.shutdown()
            thread.join()


def _spans(request: ExportTraceServiceRequest) -> Iterator[Collected]:
    for of_resource in request.resource_spans:
        resource = _attributes(of_resource.resource.attributes)
        for of_scope in of_resource.scope_spans:
            for span in of_scope.spans:
                yield Collected(
                    span.name,
                    span.trace_id.hex(),
                    span.span_id.hex(),
                    span.parent_span_id.hex(),
                    span.kind,
                    span.start_time_unix_nano,
                    span.end_time_unix_nano,
                    _attributes(span.attributes),
                    resource,
                )


def _attributes(pairs: list[KeyValue]) -> dict[str, object]:
    return {pair.key: getattr(pair.value, str(pair.value.WhichOneof("value"))) for pair in pairs}
