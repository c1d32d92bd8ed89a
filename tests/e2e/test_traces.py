"""Traces of a real service, at a collector: a slow verdict explains itself, and no collector is missed."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

import httpx
import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.e2e.collecting import Collected, Collector, collecting
from tests.e2e.running import Service, logged, running_service, until
from tests.pki import Authority, Issued, bundle
from tests.pki.certificate import CertificateOverrides
from tests.pki.clock import now, validity_of_now
from tests.ports import free_port

pytestmark = pytest.mark.slow

TRACE: Final = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT: Final = "00f067aa0ba902b7"
QUERY: Final = "password=in-the-query"


@dataclass(frozen=True, slots=True)
class Ca:
    """A root whose CRL, and an issuing authority whose OCSP answers are there to be fetched.

    Attributes:
        url: Where they are.
        given: How long the OCSP answers were that somebody got: their signatures are not all of one length.
    """

    url: str
    root: Authority
    issuing: Authority
    given: list[int] = field(default_factory=list)

    def issue(self, name: str) -> Issued:
        """A certificate, asked about at the responder."""
        stated: CertificateOverrides = {**validity_of_now(), "ocsp_urls": f"{self.url}/ocsp"}
        return self.issuing.issue(name, **stated)

    def answer(self, path: str, leaf: Issued) -> bytes:
        """What there is under a path."""
        until_when = now() + timedelta(hours=1)
        if path.startswith("/root.crl"):
            return self.root.crl(this_update=now(), next_update=until_when)
        answer = self.issuing.ocsp(leaf, produced_at=now(), this_update=now(), next_update=until_when)
        self.given.append(len(answer))
        return answer


@contextmanager
def published() -> Iterator[tuple[Ca, Issued]]:
    """An authority, and a certificate of it."""
    made: list[tuple[Ca, Issued]] = []

    class Handler(BaseHTTPRequestHandler):
        """Answers with evidence."""

        def do_GET(self) -> None:
            """Answer with what there is."""
            ca, leaf = made[0]
            body = ca.answer(self.path, leaf)
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        url = f"http://127.0.0.1:{server.server_address[1]}"
        root = Authority.root("Root", **validity_of_now())
        stated: CertificateOverrides = {**validity_of_now(), "crl_urls": f"{url}/root.crl?{QUERY}"}
        issuing = root.subordinate("Issuing", **stated)
        ca = Ca(url, root, issuing)
        made.append((ca, ca.issue("a-client-nobody-shall-name")))
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield made[0]
        finally:
            server.shutdown()
            thread.join()


@dataclass(frozen=True, slots=True)
class Asked:
    """An answer.

    Attributes:
        header: The decision's id there.
    """

    document: dict[str, str]
    header: str

    @property
    def decision_id(self) -> str:
        """The decision's id in the body."""
        return self.document["decision_id"]


def ask(service: Service, ca: Ca, leaf: Issued, **headers: str) -> Asked:
    """Ask about a certificate."""
    body = {"certificate": leaf.pem, "intermediates": [ca.issuing.pem]}
    answer = httpx.post(f"{service.url}/v1/validate", json=body, headers=headers, timeout=30)
    assert httpx.codes.OK == answer.status_code, answer.text
    return Asked(answer.json(), answer.headers["x-revet-decision-id"])


def trust(tmp_path: Path, ca: Ca) -> Path:
    """A trust store with the root alone: nobody knows the other authority ahead of the request."""
    path = tmp_path / "trust.pem"
    path.write_text(bundle([ca.root]))
    return path


def collected(collector: Collector, decision_id: str) -> list[Collected]:
    """The spans of a decision's trace, once the request's own has come, which is the last to end."""
    until(lambda: any(one.kind == Span.SPAN_KIND_SERVER for one in collector.trace(decision_id)), "a trace")
    return collector.trace(decision_id)


def named(spans: list[Collected], name: str) -> list[Collected]:
    """Those of a name."""
    return [span for span in spans if span.name == name]


def chain(span: Collected, spans: list[Collected]) -> list[str]:
    """The names of a span and of those that it is a part of."""
    above = [one for one in spans if one.span_id == span.parent_id]
    return [span.name, *(chain(above[0], spans) if above else [])]


SETTINGS: Final = {"REVET_WORKERS": "1", "REVET_REVOCATION_SCOPE": "chain"}


def test_a_slow_verdict_explains_itself(tmp_path: Path) -> None:
    """One trace, that of the caller, has every step and every fetch; the id is the same wherever it stands."""
    with published() as (ca, leaf), collecting() as collector:
        settings = {
            **SETTINGS,
            **collector.settings,
            "OTEL_EXPORTER_OTLP_HEADERS": "x-tenant=certificates",
            "REVET_DECISIONS_KEEP_ALLOWS": "true",
        }
        with running_service(tmp_path, trust(tmp_path, ca), settings) as service:
            asked = ask(service, ca, leaf, traceparent=f"00-{TRACE}-{PARENT}-01")
            assert ("ok", "good", asked.header) == (asked.document["code"], asked.document["status"], asked.decision_id)
            spans = collected(collector, asked.decision_id)
            until(lambda: bool(logged(tmp_path, "decision_made")), "the line of the decision")
            kept = f"{service.url}/v1/decisions/{asked.decision_id}"
            until(lambda: httpx.get(kept, timeout=30).status_code == httpx.codes.OK, "it is kept")
            assert asked.decision_id == httpx.get(kept, timeout=30).json()["decision_id"]
    (request,) = named(spans, "POST /v1/validate")
    assert (TRACE, PARENT, Span.SPAN_KIND_SERVER) == (request.trace_id, request.parent_id, request.kind)
    assert {
        "http.request.method": "POST",
        "http.route": "/v1/validate",
        "http.response.status_code": 200,
    } == request.attributes
    assert ("revet", "certificates") == (request.resource["service.name"], collector.headers["x-tenant"])

    (decide,) = named(spans, "decide")
    assert request.span_id == decide.parent_id
    assert {
        "revet.decision_id": asked.decision_id,
        "revet.decision": "allow",
        "revet.code": "ok",
        "revet.trust_store": "default",
        "revet.front": "api",
        "revet.cache": "miss",
    } == decide.attributes
    (line,) = logged(tmp_path, "decision_made")
    assert (asked.decision_id, TRACE) == (line["decision_id"], line["trace_id"])

    fetches = {one.attributes["revet.kind"]: one for one in named(spans, "fetch")}
    assert {"crl", "ocsp"} == set(fetches)
    for one in fetches.values():
        assert ["fetch", "gather", "decide", "POST /v1/validate"] == chain(one, spans)
        assert ("127.0.0.1", "ok") == (one.attributes["server.address"], one.attributes["revet.result"])
    assert f"{ca.url}/root.crl" == fetches["crl"].attributes["url.full"]
    assert ca.given == [fetches["ocsp"].attributes["revet.bytes"]]
    assert all(decide.span_id == one.parent_id for name in ("gather", "verify") for one in named(spans, name))
    assert named(spans, "verify")
    said = repr([(one.attributes, one.resource) for one in spans])
    for secret in ("a-client-nobody-shall-name", f"{leaf.serial:x}", str(leaf.serial), QUERY):
        assert secret not in said


def test_an_answer_that_is_given_again(tmp_path: Path) -> None:
    """Its trace has the decision, which took no time, and nothing else; whether there is one is the caller's to say."""
    with (
        published() as (ca, leaf),
        collecting() as collector,
        running_service(tmp_path, trust(tmp_path, ca), {**SETTINGS, **collector.settings}) as service,
    ):
        collected(collector, ask(service, ca, leaf).decision_id)
        unseen = ask(service, ca, leaf, traceparent=f"00-{TRACE}-{PARENT}-00")
        again = ask(service, ca, leaf)
        spans = collected(collector, again.decision_id)
        proxied = httpx.get(
            f"{service.url}/v1/authorize/nginx",
            headers={"x-ssl-client-cert": "nothing", "traceparent": "what nobody can read"},
            timeout=30,
        )
        until(lambda: bool(named(collector.spans, "GET /v1/authorize/{front}")), "the trace of a proxy's question")
    assert ("hit", again.decision_id) == (again.document["cache"], again.header)
    assert ["POST /v1/validate", "decide"] == [one.name for one in spans]
    assert ("hit", spans[0].span_id) == (spans[1].attributes["revet.cache"], spans[1].parent_id)
    assert [] == collector.trace(unseen.decision_id)
    (refused,) = named(collector.spans, "GET /v1/authorize/{front}")
    assert (proxied.status_code, "") == (refused.attributes["http.response.status_code"], refused.parent_id)
    (line,) = logged(tmp_path, "authorize_refused")
    assert (proxied.headers["x-revet-decision-id"], refused.trace_id) == (line["decision_id"], line["trace_id"])


@pytest.mark.parametrize("sampler", ["always_off", "always_on"])
def test_the_operator_says_how_many(tmp_path: Path, sampler: str) -> None:
    """By OpenTelemetry's own variables, whatever callers ask for."""
    is_traced = sampler == "always_on"
    with published() as (ca, leaf), collecting() as collector:
        settings = {**SETTINGS, **collector.settings, "OTEL_TRACES_SAMPLER": sampler}
        with running_service(tmp_path, trust(tmp_path, ca), settings) as service:
            asked = ask(service, ca, leaf, traceparent=f"00-{TRACE}-{PARENT}-01")
            until(lambda: bool(logged(tmp_path, "decision_made")), "the line of the decision")
            if is_traced:  # at its end the service leaves them a moment, which a slow machine may not have
                collected(collector, asked.decision_id)
    (line,) = logged(tmp_path, "decision_made")
    assert (is_traced, is_traced) == ("trace_id" in line, bool(collector.trace(asked.decision_id)))


def test_a_collector_that_is_gone(tmp_path: Path) -> None:
    """Verdicts are as they would be; the log says so, and names no secret."""
    settings = {
        **SETTINGS,
        "REVET_TRACING": "otlp",
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://user:secret-word@127.0.0.1:{free_port()}",
        "OTEL_BSP_SCHEDULE_DELAY": "50",
    }
    with published() as (ca, leaf), running_service(tmp_path, trust(tmp_path, ca), settings) as service:
        answers = [ask(service, ca, leaf).document["code"] for _ in range(20)]
        until(lambda: bool(logged(tmp_path, "traces_not_sent")), "the log says so")
        answers += [ask(service, ca, leaf).document["code"] for _ in range(20)]
    assert ["ok"] * 40 == answers
    assert 0 == service.process.returncode
    told, *_ = logged(tmp_path, "traces_not_sent")
    assert ("warning", 0) == (told["level"], told["left_out"])
    assert "secret-word" not in (tmp_path / "service.log").read_text()


def test_a_collector_that_hangs(tmp_path: Path) -> None:
    """Nobody waits for it, neither a verdict nor the end of the service; what does not fit into the queue is lost."""
    with published() as (ca, leaf), collecting() as collector:
        collector.gate.clear()
        settings = {
            **SETTINGS,
            **collector.settings,
            "OTEL_BSP_MAX_QUEUE_SIZE": "8",
            "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "4",
        }
        with running_service(tmp_path, trust(tmp_path, ca), settings) as service:
            first = ask(service, ca, leaf)
            until(lambda: bool(collector.asked), "it has been asked")
            answers = [ask(service, ca, leaf).document["code"] for _ in range(50)]
        assert 0 == service.process.returncode
        assert [] == collector.trace(first.decision_id)
    assert ["ok"] * 50 == answers
