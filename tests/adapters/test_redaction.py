"""What must not be in a log is taken out, whoever wrote it."""

import logging
from base64 import b64encode
from urllib.parse import quote

import pytest

from service.adapters.redaction import MAX_DEPTH, REDACTED, redact_event, redact_text
from service.application.tokens import make_token
from service.core.model.verdict import Decision
from tests.pki.authority import Authority
from tests.pki.keys import key
from tests.settings.given import TOKEN

LEAF = Authority.root("Root", key=key("rsa2048", 0)).issue("Leaf")
LOGGER = logging.getLogger("unused")


def redacted(**event: object) -> dict[str, object]:
    """An event as it is written."""
    return dict(redact_event(LOGGER, "info", event))


@pytest.mark.parametrize(
    "name",
    [
        "token",
        "Authorization",
        "X-Revet-Token",
        "private_key",
        "certificate",
        "client_certificate",
        "pem",
        "api_tokens",
    ],
)
def test_values_with_a_secret_name(name: str) -> None:
    """Whatever the value looks like, and in whatever letters the name is written."""
    assert {name: REDACTED} == redacted(**{name: "anything"})
    assert {name: REDACTED} == redacted(**{name: ["anything"]})
    assert {"request": {name: REDACTED}} == redacted(request={name: b"anything"})


def test_a_count_is_no_secret() -> None:
    """Numbers and truths pass under any name."""
    event = {"certificates": 3, "token": True, "pem": None, "tokens": 1.5}
    assert event == redacted(**event)


def test_everything_else_stays() -> None:
    """Names that only resemble a secret's, and values that are none."""
    event = {"tokenizer": "a", "event": "trust_store_loaded", "url": "http://ca.example/crl", "serials": "1f"}
    assert event == redacted(**event)


@pytest.mark.parametrize(
    "text",
    [
        LEAF.pem,
        LEAF.pem.replace("\n", "\r\n"),
        LEAF.pem.replace("\n", "\\n"),
        LEAF.pem[:500],
        quote(LEAF.pem),
        LEAF.pem.replace("\n", " "),
        "".join(LEAF.pem.splitlines()[1:-1]),
        "\n".join(LEAF.pem.splitlines()[1:-1]),
        repr("\n".join(LEAF.pem.splitlines()[1:-1])),
        quote(b64encode(LEAF.der).decode(), safe=""),
    ],
)
def test_what_looks_like_a_certificate(text: str) -> None:
    """PEM in all its escapings, whole or cut, and base64 of DER without armour."""
    body = "".join(LEAF.pem.splitlines()[1:-1])
    clean = redact_text(f"cannot read {text}")
    assert clean.startswith((f"cannot read {REDACTED}", f"cannot read '{REDACTED}"))
    assert not [start for start in range(0, len(body) - 20, 20) if body[start : start + 20] in clean]


def test_text_after_a_block_stays() -> None:
    """Only the block is taken out."""
    assert f"a {REDACTED} b {REDACTED} c" == redact_text(f"a {LEAF.pem.strip()} b {LEAF.pem.strip()} c")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"Bearer {TOKEN}", f"Bearer {REDACTED}"),
        (f"got 'bearer {TOKEN}' twice", f"got 'bearer {REDACTED}' twice"),
        (f"Authorization: Basic {TOKEN}", f"Authorization: {REDACTED}"),
        (f"{{'authorization': 'Basic {TOKEN}'}}", f"{{'authorization': '{REDACTED}'}}"),
        (f"[(b'x-revet-token', b'{TOKEN}'), (b'host', b'h')]", f"[(b'x-revet-token', b'{REDACTED}'), (b'host', b'h')]"),
        (f"X-Revet-Token: {TOKEN}\nHost: h", f"X-Revet-Token: {REDACTED}\nHost: h"),
        ("http://user:pa55@proxy:3128/", f"http://{REDACTED}@proxy:3128/"),
        ("authorization failed for a caller", "authorization failed for a caller"),
        ("the bearer token is missing", "the bearer token is missing"),
        ("a cookie jar", "a cookie jar"),
    ],
)
def test_what_looks_like_a_token(text: str, expected: str) -> None:
    """Headers in the forms in which libraries print them, and passwords in URLs."""
    assert expected == redact_text(text)


def test_values_of_any_kind() -> None:
    """Octets are counted, objects are written as text and looked at, enumerations by their value."""
    assert {
        "body": "<3 bytes>",
        "error": f"Bearer {REDACTED}",
        "decision": "deny",
        "many": ["a", [f"Bearer {REDACTED}"]],
        "mapping": {"1": "<1 bytes>"},
    } == redacted(
        body=b"abc",
        error=ValueError(f"Bearer {TOKEN}"),
        decision=Decision.DENY,
        many=("a", {f"Bearer {TOKEN}"}),
        mapping={1: bytearray(b"a")},
    )
    assert {"numbers": [1, None, True]} == redacted(numbers=[1, None, True])


def test_what_lies_too_deep_is_left_out() -> None:
    """A value that contains itself ends."""
    endless: list[object] = []
    endless.append(endless)
    text = str(redacted(endless=endless))
    assert MAX_DEPTH == text.count("[")
    assert "'...'" in text


def test_tokens_that_were_made_here() -> None:
    """They are known by their prefix, wherever they stand; names of metrics are no tokens."""
    token = make_token()
    assert f"a {REDACTED}, b" == redact_text(f"a {token}, b")
    assert f"/v1/stats?token={REDACTED}" == redact_text(f"/v1/stats?token={token}")
    assert f"x{REDACTED}" == redact_text(f"x{token}y")
    assert "revet_validate_duration_seconds_bucket" == redact_text("revet_validate_duration_seconds_bucket")
