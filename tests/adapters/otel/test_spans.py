"""What is timed of a request, and what is said of it."""

import asyncio

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode, format_span_id, format_trace_id

from service.adapters.otel.spans import (
    ABANDONED,
    MAX_URL,
    OTHER,
    SpanTracer,
    TracingObserver,
    is_recorded,
    plain_url,
    trace_fields,
)
from service.application.crl_fetcher import CrlOrder
from service.application.observer import DecisionDetails
from service.application.origin import OriginError, OriginRequest, UrlTrust
from service.application.tracing import NullTracer
from service.core.der.certificate import read_certificate
from service.core.model.attempt import Attempt, Problem
from service.core.model.evidence import CrlWanted, OcspWanted, Reach
from service.core.model.failure import Code
from service.core.model.verdict import Decision
from tests.application.fakes import NeverFetcher, ScriptedFetcher, ScriptedOrigin
from tests.pki import Authority

pytestmark = pytest.mark.anyio

URL = "http://user:password@ca.example:8080/a.crl?token=x#y"
TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
GIVEN = DecisionDetails("id-1", Decision.DENY, Code.REVOKED, "devices", "nginx", 0.5)
AGAIN = DecisionDetails("id-2", Decision.DENY, Code.REVOKED, "devices", "nginx", None)
ATTRIBUTES = {
    "revet.decision_id": "id-1",
    "revet.decision": "deny",
    "revet.code": "revoked",
    "revet.trust_store": "devices",
    "revet.front": "nginx",
    "revet.cache": "miss",
}


class Traced:
    """A tracer whose spans are kept here."""

    def __init__(self) -> None:
        """There are none."""
        self._kept = InMemorySpanExporter()
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(self._kept))
        self.tracer = SpanTracer(provider, "1.2.3")

    @property
    def spans(self) -> tuple[ReadableSpan, ...]:
        """Those that have ended, in that order."""
        return tuple(self._kept.get_finished_spans())

    @property
    def only(self) -> ReadableSpan:
        """The only step of a request that has ended."""
        (step,) = (span for span in self.spans if span.parent is not None)
        return step


def asking(url: str = URL) -> OriginRequest:
    """A request to a responder."""
    return OriginRequest(url, UrlTrust.CERTIFICATE, 100, 1.0)


def test_a_request() -> None:
    """It has a method, a route and a status, and is nobody's part."""
    traced = Traced()
    with traced.tracer.request("POST", "/v1/validate", None) as answered:
        answered(200)
    (span,) = traced.spans
    assert ("POST /v1/validate", None, StatusCode.UNSET) == (span.name, span.parent, span.status.status_code)
    expected = {"http.request.method": "POST", "http.route": "/v1/validate", "http.response.status_code": 200}
    assert expected == span.attributes


def test_a_request_of_somebody_s_trace() -> None:
    """It goes on with that."""
    traced = Traced()
    with traced.tracer.request("POST", "/v1/validate", f"00-{TRACE}-{PARENT}-01"):
        pass
    (span,) = traced.spans
    assert span.context is not None
    assert span.parent is not None
    assert (TRACE, PARENT) == (format_trace_id(span.context.trace_id), format_span_id(span.parent.span_id))


@pytest.mark.parametrize("parent", ["", "nonsense", f"00-{'0' * 32}-{PARENT}-01", f"ff-{TRACE}-{PARENT}-01"])
def test_what_names_no_trace(parent: str) -> None:
    """A trace of its own is begun."""
    traced = Traced()
    with traced.tracer.request("POST", "/v1/validate", parent):
        pass
    assert [None] == [span.parent for span in traced.spans]


def test_a_fault_of_ours_is_an_error() -> None:
    """A refusal is none."""
    traced = Traced()
    for status in (404, 503):
        with traced.tracer.request("GET", "/v1/authorize/{front}", None) as answered:
            answered(status)
    assert [StatusCode.UNSET, StatusCode.ERROR] == [span.status.status_code for span in traced.spans]


def test_a_method_that_somebody_made_up() -> None:
    """It is not repeated."""
    traced = Traced()
    with traced.tracer.request("SECRET", "/v1/authorize/{front}", None):
        pass
    (span,) = traced.spans
    assert (f"{OTHER} /v1/authorize/{{front}}", OTHER) == (span.name, (span.attributes or {})["http.request.method"])


def test_steps_are_parts_of_each_other() -> None:
    """Each of the one in which it began."""
    traced, wanted = Traced(), read_certificate(Authority.root("Root").issue("leaf").der)
    tracer = traced.tracer
    held, fetched = (CrlWanted(wanted, wanted, reach=reach) for reach in (Reach.HELD, Reach.ORIGIN))
    with tracer.request("POST", "/v1/validate", None), tracer.decide():
        with tracer.gather({held, fetched, OcspWanted(wanted, wanted, Reach.ORIGIN)}, 1):
            pass
        with tracer.verify():
            pass
    gather, verify, decide, request = traced.spans
    assert ("gather", "verify", "decide") == (gather.name, verify.name, decide.name)
    assert [decide.context, decide.context, request.context] == [gather.parent, verify.parent, decide.parent]
    assert {
        "revet.round": 2,
        "revet.wanted.crl.here": 1,
        "revet.wanted.crl.elsewhere": 1,
        "revet.wanted.ocsp.here": 0,
        "revet.wanted.ocsp.elsewhere": 1,
    } == gather.attributes


def test_decisions() -> None:
    """One that is being made is said of its own step; one that is given again is a step that took no time."""
    traced = Traced()
    observer = TracingObserver(traced.tracer)
    with traced.tracer.request("POST", "/v1/validate", None):
        with traced.tracer.decide():
            observer.decided(GIVEN)
        observer.decided(AGAIN)
    made, given, request = traced.spans
    assert ["decide", "decide"] == [made.name, given.name]
    assert ATTRIBUTES == made.attributes
    assert {**ATTRIBUTES, "revet.decision_id": "id-2", "revet.cache": "hit"} == given.attributes
    assert [request.context] * 2 == [made.parent, given.parent]


async def test_nothing_is_timed_where_no_request_is() -> None:
    """What the service does by itself is nobody's, even where a request that has ended has set it going."""
    traced = Traced()
    tracer = traced.tracer
    origin, fetcher = ScriptedOrigin({URL: b"answer"}), ScriptedFetcher()
    with tracer.request("POST", "/v1/validate", f"00-{TRACE}-{PARENT}-00"):
        assert not is_recorded()
        with tracer.decide(), tracer.verify(), tracer.gather((), 0):
            TracingObserver(tracer).decided(GIVEN)
            await tracer.origin(origin).fetch(asking())
            await tracer.crl_fetcher(fetcher).fetch(CrlOrder((URL,), ()))
    TracingObserver(tracer).decided(AGAIN)
    assert {"event": "x"} == trace_fields(None, "info", {"event": "x"})
    assert () == traced.spans


async def test_an_ocsp_answer() -> None:
    """Its host, how long it is, and that it came; never the path, which has the question in it."""
    traced = Traced()
    with traced.tracer.request("POST", "/v1/validate", None):
        answer = await traced.tracer.origin(ScriptedOrigin({URL: b"answer"})).fetch(asking())
    assert b"answer" == answer.body
    assert {
        "revet.kind": "ocsp",
        "server.address": "ca.example",
        "revet.bytes": 6,
        "revet.result": "ok",
    } == traced.only.attributes


async def test_an_ocsp_answer_that_did_not_come() -> None:
    """Why, by the name that metrics and log have for it; no text, and nothing of the stack."""
    traced = Traced()
    origin = ScriptedOrigin({URL: OriginError(Problem.TIMED_OUT, "password")})
    with traced.tracer.request("POST", "/v1/validate", None), pytest.raises(OriginError):
        await traced.tracer.origin(origin).fetch(asking())
    assert "timed_out" == (traced.only.attributes or {})["revet.result"]
    assert (StatusCode.UNSET, ()) == (traced.only.status.status_code, tuple(traced.only.events))


async def test_a_stream_passes() -> None:
    """What is fetched in pieces is timed by whoever waits for it."""
    traced = Traced()
    with traced.tracer.request("POST", "/v1/validate", None):
        async with traced.tracer.origin(ScriptedOrigin({URL: b"answer"})).stream(asking()) as stream:
            assert [b"answer"] == [b"".join([piece async for piece in stream.chunks])]
    assert 1 == len(traced.spans)


@pytest.mark.parametrize(("failed", "result"), [((), "ok"), ((Attempt(URL, Problem.TIMED_OUT),), "timed_out")])
async def test_a_crl(failed: tuple[Attempt, ...], result: str) -> None:
    """Where it is, without what may be secret of that, and what came of it."""
    traced = Traced()
    fetcher = ScriptedFetcher(failed)
    with traced.tracer.request("POST", "/v1/validate", None):
        assert failed == await traced.tracer.crl_fetcher(fetcher).fetch(CrlOrder((URL,), ()))
    assert {
        "revet.kind": "crl",
        "server.address": "ca.example",
        "url.full": "http://ca.example:8080/a.crl",
        "revet.urls": 1,
        "revet.result": result,
    } == traced.only.attributes


async def test_a_crl_for_which_nobody_waited_any_longer() -> None:
    """It says so, and has an end."""
    traced, never = Traced(), NeverFetcher()
    with traced.tracer.request("POST", "/v1/validate", None), pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await traced.tracer.crl_fetcher(never).fetch(CrlOrder((URL,), ()))
    assert ABANDONED == (traced.only.attributes or {})["revet.result"]


@pytest.mark.parametrize(
    ("url", "plain"),
    [
        (URL, "http://ca.example:8080/a.crl"),
        ("http://[::1", ""),
        ("http://ca.example/" + "a" * 1000, ("http://ca.example/" + "a" * 1000)[:MAX_URL]),
    ],
)
def test_urls(url: str, plain: str) -> None:
    """Without user, password, query and fragment; not longer than what is of use."""
    assert plain == plain_url(url)


def test_the_log_names_the_trace() -> None:
    """In events of a request that is recorded."""
    traced = Traced()
    with traced.tracer.request("POST", "/v1/validate", f"00-{TRACE}-{PARENT}-01"):
        assert {"event": "x", "trace_id": TRACE} == trace_fields(None, "info", {"event": "x"})


def test_who_times_nothing() -> None:
    """He stands in nobody's way."""
    tracer, origin, fetcher = NullTracer(), ScriptedOrigin(), NeverFetcher()
    with tracer.decide(), tracer.gather((), 0), tracer.verify():
        assert (origin, fetcher) == (tracer.origin(origin), tracer.crl_fetcher(fetcher))
