"""Spans: what is timed of a request, as children of what is being timed.

Rules it keeps: nothing is timed where no request is, or where it is not recorded: what the service does by itself, such
as asking for an answer ahead of its end, belongs to nobody's trace, even where a request has set it going. Attributes
name no certificate; of URLs they have the host, and of those of CRLs the path, never a query, user or password. What a
caller says besides its trace's number (`tracestate`, `baggage`) is not read.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, AbstractContextManager, contextmanager, nullcontext
from typing import Final, TypeAlias
from urllib.parse import urlsplit, urlunsplit

from opentelemetry.context import Context
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import (
    Span,
    SpanKind,
    Status,
    StatusCode,
    format_trace_id,
    get_current_span,
    use_span,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from structlog.typing import EventDict, WrappedLogger

from service.application.crl_fetcher import CrlFetcher, CrlOrder
from service.application.observer import DecisionDetails, NullObserver
from service.application.origin import Origin, OriginAnswer, OriginError, OriginRequest, OriginStream
from service.core.model.attempt import Attempt
from service.core.model.evidence import CrlWanted, Reach, Wanted

Attributes: TypeAlias = Mapping[str, str | int | float | bool]

METHODS: Final = frozenset({"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"})
"""Those that are named; a proxy may hand on what its client made up (OpenTelemetry's conventions for HTTP)."""

OTHER: Final = "_OTHER"
"""What stands for any other method."""

OK: Final = "ok"
"""The result of a fetch that gave something."""

ABANDONED: Final = "abandoned"
"""The result of one that nobody waited for any longer."""

MAX_URL: Final = 256
"""Characters of a URL in a trace: what stands in a certificate may be as long as its author likes."""

_WANTED: Final = {
    (True, True): "revet.wanted.crl.here",
    (True, False): "revet.wanted.crl.elsewhere",
    (False, True): "revet.wanted.ocsp.here",
    (False, False): "revet.wanted.ocsp.elsewhere",
}
"""How it is called how much is wanted: whether of CRLs, and whether of what this host holds."""

_SERVER_ERROR: Final = 500
_PROPAGATOR: Final = TraceContextTextMapPropagator()
_NOTHING: Final = nullcontext()


class SpanTracer:
    """Implements `service.application.tracing.Tracer` and `RequestTracer`."""

    def __init__(self, provider: TracerProvider, version: str) -> None:
        """Have spans sent by a provider, in the name of this version of the service."""
        self._spans = provider.get_tracer("revet", version)

    @contextmanager
    def request(self, method: str, route: str, parent: str | None) -> Iterator[Callable[[int], None]]:
        """Time a request, as part of the caller's trace where it has one."""
        context = Context() if parent is None else _PROPAGATOR.extract({"traceparent": parent}, Context())
        named = method if method in METHODS else OTHER
        attributes = {"http.request.method": named, "http.route": route}
        span = self._spans.start_span(f"{named} {route}", context, SpanKind.SERVER, attributes)

        def answered(status: int) -> None:
            span.set_attribute("http.response.status_code", status)
            if status >= _SERVER_ERROR:
                span.set_status(Status(StatusCode.ERROR))

        with _current(span):
            yield answered

    def decide(self) -> AbstractContextManager[object]:
        """Time a decision."""
        return self.step("decide")

    def gather(self, wanted: Collection[Wanted], spent: int) -> AbstractContextManager[object]:
        """Time the gathering of evidence, with how much of each kind is wanted: found here, or to be fetched."""
        if not is_recorded():
            return _NOTHING
        counts = dict.fromkeys(_WANTED.values(), 0)
        for one in wanted:
            counts[_WANTED[isinstance(one, CrlWanted), one.reach is Reach.HELD]] += 1
        return self.step("gather", {"revet.round": spent + 1, **counts})

    def verify(self) -> AbstractContextManager[object]:
        """Time a look at the chain and what is at hand."""
        return self.step("verify")

    def origin(self, origin: Origin) -> Origin:
        """A way out that is timed."""
        return TracedOrigin(origin, self)

    def crl_fetcher(self, fetcher: CrlFetcher) -> CrlFetcher:
        """Who fetches CRLs, and is timed."""
        return TracedCrlFetcher(fetcher, self)

    def step(self, name: str, attributes: Attributes | None = None) -> AbstractContextManager[Span | None]:
        """Time a step of what is being timed; nothing, and None, where nothing is."""
        if not is_recorded():
            return _NOTHING
        return _current(self._spans.start_span(name, attributes=attributes))

    def moment(self, name: str, attributes: Attributes) -> None:
        """Note something that took no time."""
        if is_recorded():
            self._spans.start_span(name, attributes=attributes).end()


class TracingObserver(NullObserver):
    """Says in a trace what was decided. Implements `service.application.observer.Observer`."""

    def __init__(self, tracer: SpanTracer) -> None:
        """Take who times."""
        self._tracer = tracer

    def decided(self, details: DecisionDetails) -> None:
        """The decision being timed is this one; one that is given again is a step of its own, which took no time."""
        if not is_recorded():
            return
        attributes = decision_attributes(details)
        if details.duration_s is None:
            self._tracer.moment("decide", attributes)
        else:
            get_current_span().set_attributes(attributes)


class TracedOrigin:
    """A way out on which each fetch of an OCSP answer is a span. Implements `service.application.origin.Origin`."""

    def __init__(self, origin: Origin, tracer: SpanTracer) -> None:
        """Take the way out, and who times."""
        self._origin = origin
        self._tracer = tracer

    async def fetch(self, request: OriginRequest) -> OriginAnswer:
        """Fetch a whole body; of the URL the host alone is told, since the path of a GET has the question in it.

        Raises:
            OriginError: for every failure.
        """
        with self._tracer.step("fetch", {"revet.kind": "ocsp", **_host(request.url)}) as span:
            result = ABANDONED
            try:
                answer = await self._origin.fetch(request)
                result = OK
                _set(span, "revet.bytes", len(answer.body))
            except OriginError as error:
                result = error.problem.value
                raise
            finally:
                _set(span, "revet.result", result)
        return answer

    def stream(self, request: OriginRequest) -> AbstractAsyncContextManager[OriginStream]:
        """Fetch a body in pieces, untimed: no OCSP answer is so large."""
        return self._origin.stream(request)


class TracedCrlFetcher:
    """Has each CRL that a request waits for timed. Implements `service.application.crl_fetcher.CrlFetcher`."""

    def __init__(self, fetcher: CrlFetcher, tracer: SpanTracer) -> None:
        """Take who fetches, and who times."""
        self._fetcher = fetcher
        self._tracer = tracer

    async def fetch(self, order: CrlOrder) -> tuple[Attempt, ...]:
        """Fetch, verify and store what a distribution point offers: all of it is waited for."""
        attributes = {"revet.kind": "crl", **_host(order.urls[0]), "url.full": plain_url(order.urls[0])}
        with self._tracer.step("fetch", {**attributes, "revet.urls": len(order.urls)}) as span:
            result = ABANDONED
            try:
                failed = await self._fetcher.fetch(order)
                result = OK if len(failed) < len(order.urls) else failed[-1].problem.value
            finally:
                _set(span, "revet.result", result)
        return failed


def trace_fields(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Name the trace in events of a request that is recorded: a structlog processor."""
    if is_recorded():
        event["trace_id"] = format_trace_id(get_current_span().get_span_context().trace_id)
    return event


def is_recorded() -> bool:
    """Whether a request, or a step of it, is being timed here and goes into a trace; not any more once it has ended."""
    return get_current_span().is_recording()


def decision_attributes(details: DecisionDetails) -> Attributes:
    """What a trace says of a decision."""
    return {
        "revet.decision_id": details.decision_id,
        "revet.decision": details.decision.value,
        "revet.code": details.code.value,
        "revet.trust_store": details.trust_store,
        "revet.front": details.front,
        "revet.cache": "hit" if details.duration_s is None else "miss",
    }


def plain_url(url: str) -> str:
    """A URL without user, password, query and fragment, cut where it is long; empty where it is none."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))[:MAX_URL]


def _host(url: str) -> Attributes:
    try:
        host = urlsplit(url).hostname
    except ValueError:
        host = None
    return {"server.address": (host or "")[:MAX_URL]}


def _set(span: Span | None, name: str, value: str | int) -> None:
    if span is not None:
        span.set_attribute(name, value)


def _current(span: Span) -> AbstractContextManager[Span]:
    """Make a span the current one, and end it with the block; what is raised in it is told by results, in words."""
    return use_span(span, end_on_exit=True, record_exception=False, set_status_on_exception=False)
