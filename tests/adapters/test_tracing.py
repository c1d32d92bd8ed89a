"""Whether traces can be sent, before anything of what sends them is imported."""

from importlib.machinery import ModuleSpec

import pytest

from service.adapters import tracing
from service.adapters.clock import SystemClock
from service.adapters.tracing import MISSING_EXTRA, TracingError, open_traces, require_tracing

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"},
        {"OTEL_EXPORTER_OTLP_PROTOCOL": ""},
        {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/protobuf"},
    ],
)
def test_what_can_be_sent(environ: dict[str, str]) -> None:
    """By the one protocol that is spoken; that of traces counts before that of everything."""
    require_tracing(environ)


def test_another_protocol() -> None:
    """It is refused by the name of the variable."""
    expected = "OTEL_EXPORTER_OTLP_PROTOCOL is grpc: http/protobuf alone is spoken here"
    with pytest.raises(TracingError, match=expected):
        require_tracing({"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"})


@pytest.mark.parametrize("missing", ["opentelemetry", "opentelemetry.exporter.otlp.proto.http"])
def test_without_the_extra(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    """It says what to install."""

    def find_spec(name: str) -> ModuleSpec | None:
        return None if name == missing else ModuleSpec(name, None)

    monkeypatch.setattr(tracing, "find_spec", find_spec)
    with pytest.raises(TracingError) as raised:
        require_tracing({})
    assert MISSING_EXTRA == str(raised.value)


@pytest.mark.usefixtures("untouched_logging")
def test_a_variable_that_cannot_be(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told at the start: a queue is to have room for what is sent at once (512 by default)."""
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "8")
    with pytest.raises(TracingError, match="max_queue_size"):
        open_traces(SystemClock(), "1.2.3")


@pytest.mark.usefixtures("untouched_logging")
async def test_the_end_is_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing is left, nothing is waited for."""
    monkeypatch.setenv("OTEL_SERVICE_NAME", "ours")
    traces = open_traces(SystemClock(), "1.2.3")
    await traces.aclose()
