"""A service that does not answer, or answers something else: what each fail mode makes of it."""

import gzip
import json
import socket
from typing import Any, Final

import pytest

from lambda_function import MAX_ANSWER_OCTETS, NoDecisionError
from lambda_function import MAX_CERTIFICATE_CHARACTERS as MOST
from tests.authorizer.conftest import Making
from tests.authorizer.events import SERIAL, rest
from tests.authorizer.servers import (
    ALLOW,
    DENY,
    NOTHING_SAID,
    Behaviour,
    answer,
    close,
    hang,
    octets,
    raw,
    reset,
    serving,
    then_close,
)
from tests.e2e.running import until

JSON: Final = json.dumps(ALLOW).encode()
CHUNKED: Final = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
HTML: Final = octets(b"<html>ok</html>", "200 OK", "text/html")

OF_THE_SERVICE: Final[dict[str, Behaviour]] = {
    "closes": close,
    "resets": reset,
    "500": answer(ALLOW, "500 Internal Server Error"),
    "502 with an allow": answer(ALLOW, "502 Bad Gateway"),
    "503": answer({"title": "busy"}, "503 Service Unavailable", "Retry-After: 1"),
    "429": answer({"title": "busy"}, "429 Too Many Requests"),
    "HTML": raw(HTML),
    "HTML that is an allow": raw(octets(JSON, "200 OK", "text/html")),
    "no type": raw(octets(JSON, "200 OK", "")),
    "no content": answer(ALLOW, "204 No Content"),
    "created": answer(ALLOW, "201 Created"),
    "no HTTP": raw(b"220 mail.example ESMTP\r\n", goes_on=False),
    "half an answer": then_close(raw(octets(JSON[:-20], length=len(JSON)))),
    "half a head": then_close(raw(b"HTTP/1.1 200 OK\r\nContent-Ty")),
    "half a chunk": then_close(raw(CHUNKED + b"7ff\r\n" + JSON)),
    "endless head": raw(b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 200 + b"\r\n"),
    "no JSON": raw(octets(b"{")),
    "deep JSON": raw(octets(b"[" * 100_000)),
    "no octets": raw(octets(b"")),
    "negative chunk": raw(CHUNKED + b"-5\r\n" + JSON),
    "cut off": then_close(raw(octets(JSON, length=len(JSON) + 9))),
    "UTF-16": raw(octets(JSON.decode().encode("utf-16"))),
    "gzip": raw(octets(gzip.compress(JSON), "200 OK", "application/json", "Content-Encoding: gzip")),
    "two decisions": raw(octets(b'{"decision": "deny", "decision": "allow", "code": "ok"}')),
    "an allow of what is revoked": answer({**ALLOW, "code": "revoked"}),
    "a list": answer([ALLOW]),
    "text": answer("allow"),
    "null": answer(None),
    "another schema": answer({"allow": True}),
    "no decision": answer({"code": "ok"}),
    "another decision": answer({**ALLOW, "decision": "Allow"}),
    "a decision in a list": answer({**ALLOW, "decision": ["allow"]}),
    "a true decision": answer({**ALLOW, "decision": True}),
    "no code": answer({"decision": "allow"}),
    "a code that is a number": answer({**ALLOW, "code": 0}),
    "an empty code": answer({**ALLOW, "code": ""}),
}
BROUGHT_ABOUT: Final = {
    "redirect": answer(ALLOW, "302 Found", "Location: http://127.0.0.1:1/"),
    "permanent redirect": answer(ALLOW, "308 Permanent Redirect", "Location: http://127.0.0.1:1/"),
    "too long": raw(octets(JSON + b" " * MAX_ANSWER_OCTETS)),
    **{
        status: answer(ALLOW, status)
        for status in ["400 Bad Request", "401 Unauthorized", "403 Forbidden", "404 Not Found", "413 Content Too Large"]
    },
}

each_of_the_service: Final = pytest.mark.parametrize("behaviour", OF_THE_SERVICE.values(), ids=OF_THE_SERVICE.keys())
each_brought_about: Final = pytest.mark.parametrize("behaviour", BROUGHT_ABOUT.values(), ids=BROUGHT_ABOUT.keys())
each: Final = pytest.mark.parametrize(
    "behaviour", (OF_THE_SERVICE | BROUGHT_ABOUT).values(), ids=(OF_THE_SERVICE | BROUGHT_ABOUT).keys()
)


def decided(making: Making, behaviour: Behaviour, mode: str, **settings: str) -> tuple[str, dict[str, str]]:
    """Effect and context."""
    with serving(behaviour) as server:
        found: Any = making(server.url, FAIL_MODE=mode, **settings).authorize(rest())
    assert SERIAL == found["principalId"]
    return found["policyDocument"]["Statement"][0]["Effect"], found["context"]


@each
def test_closed(making: Making, behaviour: Behaviour) -> None:
    """An explicit denial."""
    expected = {**NOTHING_SAID, "decision": "deny", "code": "unavailable", "fail_mode": "closed"}
    assert ("Deny", expected) == decided(making, behaviour, "closed")


@each
def test_error(making: Making, behaviour: Behaviour) -> None:
    """An exception: API Gateway remembers none."""
    with pytest.raises(NoDecisionError, match=r"^Revet has not decided: "):
        decided(making, behaviour, "error")


@each_of_the_service
def test_open(making: Making, behaviour: Behaviour, capsys: pytest.CaptureFixture[str]) -> None:
    """An allow that says what it is, to the application and in the log."""
    expected = {**NOTHING_SAID, "decision": "allow", "code": "unavailable", "fail_mode": "open"}
    assert ("Allow", expected) == decided(making, behaviour, "open")
    line = json.loads(capsys.readouterr().out)
    assert ("error", "open", "allow", "unavailable") == tuple(
        line[n] for n in ("level", "fail_mode", "decision", "code")
    )
    assert line["failure"]


@each_brought_about
def test_what_somebody_has_brought_about_does_not_open(making: Making, behaviour: Behaviour) -> None:
    """A client could send what the service refuses; and who has set this up wrong does not see it if it opens."""
    expected = {**NOTHING_SAID, "decision": "deny", "code": "unavailable", "fail_mode": "open"}
    assert ("Deny", expected) == decided(making, behaviour, "open")


@pytest.mark.parametrize("mode", ["closed", "open"])
def test_a_certificate_that_is_too_long(making: Making, mode: str) -> None:
    """The client chooses its length, and with it how long the answer takes: nobody is asked, and nothing opens."""
    with serving(answer(ALLOW)) as server:
        made: Any = making(server.url, FAIL_MODE=mode)
        codes = [made.authorize(rest("x" * length))["context"]["code"] for length in (MOST, MOST + 1)]
    assert (["ok", "unavailable"], 1) == (codes, len(server.requests))


def test_what_a_question_went_over_is_not_told_of_another(making: Making, capsys: pytest.CaptureFixture[str]) -> None:
    """A certificate that is too long is sent to nobody: the line has the connection as it would have been."""
    with serving(then_close(answer(ALLOW))) as server:
        made: Any = making(server.url)
        made.authorize(rest())
        until(lambda: not made.revet.is_fresh(made.revet.connection.sock), "its end is seen")
        made.authorize(rest("x" * (MOST + 1)))
    assert ["new", "new"] == [json.loads(line)["connection"] for line in capsys.readouterr().out.splitlines()]


@pytest.mark.parametrize(("mode", "effect"), [("closed", "Deny"), ("open", "Allow")])
def test_unknown_revocation(making: Making, mode: str, effect: str) -> None:
    """A failure too, with what the service has said."""
    said = {**DENY, "code": "revocation_unavailable"}
    found, context = decided(making, answer(said), mode)
    assert (effect, "revocation_unavailable", "d-1", mode) == (
        found,
        context["code"],
        context["decision_id"],
        context["fail_mode"],
    )


def test_unknown_revocation_in_mode_error(making: Making) -> None:
    """It raises, as for a service that is away."""
    with pytest.raises(NoDecisionError, match=r"^Revet has not decided: revocation_unavailable$"):
        decided(making, answer({**DENY, "code": "revocation_unavailable"}), "error")


@pytest.mark.parametrize("code", ["revoked", "blocked", "expired", "untrusted", "malformed", "budget_exhausted", "new"])
@pytest.mark.parametrize("mode", ["closed", "error", "open"])
def test_a_denial_is_a_decision(making: Making, code: str, mode: str) -> None:
    """In every mode."""
    effect, context = decided(making, answer({**DENY, "code": code}), mode)
    assert ("Deny", code) == (effect, context["code"])
    assert "fail_mode" not in context


def test_shadow(making: Making) -> None:
    """There the service answers allow, and this is not the place to know better."""
    said = {**ALLOW, "enforced": {"decision": "deny", "code": "revoked"}}
    assert "Allow" == decided(making, answer(said), "closed")[0]


@pytest.mark.parametrize(("mode", "effect"), [("closed", "Deny"), ("open", "Allow")])
def test_nobody_listens(making: Making, mode: str, effect: str) -> None:
    """A connection that is refused."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    found: Any = making(f"http://127.0.0.1:{port}", FAIL_MODE=mode).authorize(rest())
    assert effect == found["policyDocument"]["Statement"][0]["Effect"]


def test_a_name_that_nobody_knows(making: Making) -> None:
    """A lookup that fails."""
    with pytest.raises(NoDecisionError, match="gaierror"):
        making("http://revet.invalid", FAIL_MODE="error").authorize(rest())


def test_neither_message_nor_log_has_a_secret(making: Making, capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever the service says is not repeated."""
    behaviour = raw(octets(b"a-secret", "200 a-secret", "text/a-secret", "X-A: a-secret"))
    with pytest.raises(NoDecisionError) as raised:
        decided(making, behaviour, "error", TOKEN="the-token")
    told = f"{raised.value!r}{raised.value.__cause__!r}{capsys.readouterr()}"
    assert all(secret not in told for secret in ("a-secret", "the-token", "MIIB"))
    assert raised.value.__suppress_context__


def test_the_message_is_not_one_that_api_gateway_reads(making: Making) -> None:
    """`Unauthorized`, and nothing else, would become a 401."""
    with pytest.raises(NoDecisionError) as raised:
        decided(making, answer({}, "401 Unauthorized"), "error")
    assert "Revet has not decided: status 401" == str(raised.value)


def test_a_service_that_hangs_is_waited_for_as_long_as_the_settings_say(making: Making) -> None:
    """And then the fail mode answers; what the next event needs is there again."""
    with serving(hang, answer(ALLOW)) as server:
        made = making(server.url, TIMEOUT_MS="100")
        codes = [made.authorize(rest())["context"]["code"]]  # type: ignore[index] # JSON
        made.revet.timeout_s = 10.0
        codes.append(made.authorize(rest())["context"]["code"])  # type: ignore[index] # JSON
    assert ["unavailable", "ok"] == codes
