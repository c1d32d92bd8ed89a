"""What API Gateway is answered, event by event: principal, policy, simple responses, context."""

import json
from typing import Any, Final

import pytest

from tests.authorizer.conftest import Making
from tests.authorizer.events import DEFAULT_STAGE, PEM, SERIAL, STAGE, Event, http_1, http_2, rest, token
from tests.authorizer.servers import ALLOW, DENY, NOTHING_SAID, Behaviour, answer, serving

CONTEXT: Final = {
    "decision": "allow",
    "code": "ok",
    "subject": "CN=client",
    "serial_number": "a1b2c3d",
    "fingerprint_sha256": "ab" * 32,
    "decision_id": "d-1",
    "valid_until": "2999-01-01T00:00:00Z",
}


def policy(effect: str, resource: str) -> dict[str, Any]:
    """A policy of one statement."""
    statement = {"Action": "execute-api:Invoke", "Effect": effect, "Resource": resource}
    return {"Version": "2012-10-17", "Statement": [statement]}


def asked(making: Making, event: Event, behaviour: Behaviour, **settings: str) -> dict[str, Any]:
    """The answer to an event, while the service behaves so."""
    with serving(behaviour) as server:
        return making(server.url, **settings).authorize(event)


@pytest.mark.parametrize(("event", "stage"), [(rest(), STAGE), (http_1(), STAGE)], ids=["REST", "HTTP 1.0"])
@pytest.mark.parametrize(("said", "effect"), [(ALLOW, "Allow"), (DENY, "Deny")], ids=["allow", "deny"])
def test_a_policy_for_the_stage(making: Making, event: Event, stage: str, said: dict[str, Any], effect: str) -> None:
    """Of one statement, for the principal with the serial as API Gateway writes it."""
    found = asked(making, event, answer(said))
    context = CONTEXT | {"decision": said["decision"], "code": said["code"]}
    assert {"principalId": SERIAL, "policyDocument": policy(effect, f"{stage}/*"), "context": context} == found


@pytest.mark.parametrize("said", [ALLOW, DENY], ids=["allow", "deny"])
def test_a_simple_response(making: Making, said: dict[str, Any]) -> None:
    """What payload format 2.0 is answered with, unless the settings say otherwise."""
    found = asked(making, http_2(), answer(said))
    context = CONTEXT | {"decision": said["decision"], "code": said["code"]}
    assert {"isAuthorized": said is ALLOW, "context": context} == found


def test_a_policy_for_payload_format_2(making: Making) -> None:
    """Nothing in an event tells what its authorizer wants: so a setting does."""
    found = asked(making, http_2(), answer(ALLOW), RESPONSE="policy")
    assert policy("Allow", f"{DEFAULT_STAGE}/*") == found["policyDocument"]
    assert SERIAL == found["principalId"]


def test_payload_format_1_never_has_a_simple_response(making: Making) -> None:
    """API Gateway would take it for an error."""
    assert "policyDocument" in asked(making, http_1(), answer(ALLOW), RESPONSE="simple")


NO_CERTIFICATE: Final = {**NOTHING_SAID, "decision": "deny", "code": "no_certificate"}


@pytest.mark.parametrize(
    "event",
    [
        token(),
        rest(None),
        rest(""),
        rest(" \n"),
        http_1(None),
        {**rest(), "requestContext": {"authentication": rest()["requestContext"]["identity"]}},
        {**rest(), "requestContext": None},
        {"type": "REQUEST"},
        {},
        [],
        None,
    ],
    ids=[
        "token",
        "none",
        "empty",
        "blank",
        "HTTP 1.0",
        "another place",
        "no context",
        "bare",
        "empty event",
        "list",
        "null",
    ],
)
@pytest.mark.parametrize("mode", ["closed", "error", "open"])
def test_no_certificate(making: Making, event: Any, mode: str) -> None:  # noqa: ANN401 - an event of any shape
    """A denial in every mode; nobody is asked."""
    with serving(answer(ALLOW)) as server:
        found = making(server.url, FAIL_MODE=mode).authorize(event)
    assert [] == server.requests
    assert ("Deny", NO_CERTIFICATE) == (found["policyDocument"]["Statement"][0]["Effect"], found["context"])  # type: ignore[index] # JSON


@pytest.mark.parametrize("event", [http_2(None), http_2(""), {**http_2(), "requestContext": rest()["requestContext"]}])
def test_no_certificate_in_payload_format_2(making: Making, event: Event) -> None:
    """Nor is one read where format 1.0 has it."""
    assert {"isAuthorized": False, "context": NO_CERTIFICATE} == asked(making, event, answer(ALLOW), FAIL_MODE="open")


def test_a_serial_that_is_missing(making: Making) -> None:
    """A policy needs a principal."""
    assert "unknown" == asked(making, rest(serial=""), answer(ALLOW))["principalId"]


def test_what_is_asked(making: Making) -> None:
    """The certificate as it came; a trust store where one is set; a base path before the service's own."""
    with serving(answer(ALLOW)) as server:
        making(f"{server.url}/behind/", TRUST_STORE="partners").authorize(rest())
        making(server.url).authorize(http_2())
    assert [{"certificate": PEM.strip(), "trust_store": "partners"}, {"certificate": PEM.strip()}] == server.asked
    lines = [head.split("\r\n")[0] for head, _ in server.requests]
    assert ["POST /behind/v1/validate HTTP/1.1", "POST /v1/validate HTTP/1.1"] == lines
    assert f"\r\nHost: 127.0.0.1:{server.port}\r\n" in server.requests[0][0]


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ("CN=\u682a\u5f0f\u4f1a\u793e", "CN=%E6%A0%AA%E5%BC%8F%E4%BC%9A%E7%A4%BE"),
        ('CN="a",O=100%', 'CN="a",O=100%25'),
        ("CN=a\r\nX-Revet-Decision: allow", "CN=a%0D%0AX-Revet-Decision: allow"),
        (" CN=a ", "%20CN=a%20"),
        ("\ud800", "%ED%A0%80"),
        ("", "-"),
        ("CN=" + "a" * 8192, "CN=" + "a" * 8192),
        ("CN=" + "\u682a" * 5000, "CN=" + "%E6%A0%AA" * 5000),
    ],
    ids=["Japanese", "percent", "lines", "blanks", "half a pair", "empty", "8 KiB", "long and Japanese"],
)
def test_text_that_no_header_holds(making: Making, subject: str, expected: str) -> None:
    """Encoded as in the service's own headers, so that a mapping can use it as it is."""
    assert expected == asked(making, rest(), answer({**ALLOW, "subject": subject}))["context"]["subject"]


def test_text_that_is_too_long(making: Making) -> None:
    """It counts as missing, and is not cut off: the beginning of a name is another name."""
    context = asked(making, rest(), answer({**ALLOW, "subject": "CN=" + "a" * 100_000}))["context"]
    assert CONTEXT | {"subject": "-"} == context


def test_context_is_text(making: Making) -> None:
    """API Gateway takes nothing else: what is null, or anything else, counts as missing."""
    said = {**DENY, "code": "malformed", "subject": None, "serial_number": 7, "valid_until": None, "path": [{"a": 1}]}
    context = asked(making, rest(), answer(said))["context"]
    missing = dict.fromkeys(("subject", "serial_number", "valid_until"), "-")
    assert CONTEXT | missing | {"decision": "deny", "code": "malformed"} == context


def test_what_the_service_does_not_say_is_there_all_the_same(making: Making) -> None:
    """Under every name that a mapping may set a header to."""
    context = asked(making, rest(), answer({"decision": "allow", "code": "ok"}))["context"]
    assert {**NOTHING_SAID, "decision": "allow", "code": "ok"} == context


def test_what_is_logged(making: Making, capsys: pytest.CaptureFixture[str]) -> None:
    """A line of JSON for an event; neither the certificate, nor the token, nor the client's name."""
    with serving(answer(ALLOW)) as server:
        made = making(server.url, TOKEN="a-token-of-ours")
        made.authorize(rest(), "req-1")
        made.authorize(rest(), "req-2")
    printed = capsys.readouterr().out
    first, second = map(json.loads, printed.splitlines())
    took = first.pop("duration_ms")
    expected = {name: text for name, text in CONTEXT.items() if name != "subject"}
    expected |= {"level": "info", "request_id": "req-1", "principal_id": SERIAL, "connection": "new"}
    assert expected == first
    assert took >= 0
    assert "reused" == second["connection"]
    assert all(secret not in printed for secret in ("MIIB", "a-token-of-ours", "CN=client"))
