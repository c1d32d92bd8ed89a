"""The caller's token: from the environment, a file, or AWS's extension; read again when it is refused; never told."""

import json
from pathlib import Path
from typing import Any, Final

import pytest

from tests.authorizer.conftest import Making
from tests.authorizer.events import rest
from tests.authorizer.servers import ALLOW, Behaviour, answer, hang, octets, raw, serving

REFUSED: Final = answer({"title": "who are you"}, "401 Unauthorized")
EXTENSION_PORT: Final = "PARAMETERS_SECRETS_EXTENSION_HTTP_PORT"


def code(made: Any) -> str:  # noqa: ANN401 - an authorizer
    """Decision and code of the next event."""
    context = made.authorize(rest())["context"]
    return f"{context['decision']}: {context['code']}"


def test_from_the_environment(making: Making) -> None:
    """As a bearer token."""
    with serving(answer(ALLOW)) as server:
        assert "allow: ok" == code(making(server.url, TOKEN="t-1"))
    assert ["Bearer t-1"] == server.tokens


def test_without_any(making: Making) -> None:
    """A service that knows its callers by their certificates asks for none."""
    with serving(answer(ALLOW)) as server:
        code(making(server.url))
    assert [""] == server.tokens


def test_from_a_file(making: Making, tmp_path: Path) -> None:
    """What is in it at that moment."""
    file = tmp_path / "token"
    with serving(answer(ALLOW)) as server:
        made = making(server.url, TOKEN_FILE=str(file))
        for text in ("t-1\n", "t-2"):
            file.write_text(text)
            code(made)
    assert ["Bearer t-1", "Bearer t-2"] == server.tokens


def test_the_same_token_is_not_tried_again(making: Making) -> None:
    """Where there is no other one, there is one question."""
    with serving(REFUSED, answer(ALLOW)) as server:
        assert "deny: unavailable" == code(making(server.url, TOKEN="t-1"))
    assert 1 == len(server.requests)


@pytest.mark.parametrize("text", ["", "  \n", "two words", "a\nb", "\u682a", "a\x00b"])
@pytest.mark.parametrize("mode", ["closed", "open"])
def test_what_is_no_token(
    making: Making, tmp_path: Path, text: str, mode: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody is asked, and no mode opens; the log does not repeat it."""
    file = tmp_path / "token"
    file.write_text(text)
    with serving(answer(ALLOW)) as server:
        assert "deny: unavailable" == code(making(server.url, TOKEN_FILE=str(file), FAIL_MODE=mode))
    assert [] == server.requests
    assert "two words" not in capsys.readouterr().out


@pytest.mark.parametrize("mode", ["closed", "open"])
def test_a_file_that_is_not_there(making: Making, tmp_path: Path, mode: str) -> None:
    """It never opens: whoever has set it up would not notice."""
    with serving(answer(ALLOW)) as server:
        assert "deny: unavailable" == code(making(server.url, TOKEN_FILE=str(tmp_path / "none"), FAIL_MODE=mode))
    assert [] == server.requests


def secret(text: object) -> Behaviour:
    """What the extension says of a secret."""
    return answer({"ARN": "arn", "Name": "revet", "SecretString": text, "VersionStages": ["AWSCURRENT"]})


def parameter(text: object) -> Behaviour:
    """What the extension says of a parameter."""
    return answer({"Parameter": {"Name": "/revet/token", "Type": "SecureString", "Value": text}, "ResultMetadata": {}})


@pytest.mark.parametrize(
    ("setting", "name", "saying", "line"),
    [
        ("TOKEN_SECRET", "revet token", secret("t-1\n"), "/secretsmanager/get?secretId=revet+token"),
        (
            "TOKEN_PARAMETER",
            "/revet/token",
            parameter("t-1"),
            "/systemsmanager/parameters/get?withDecryption=true&name=%2Frevet%2Ftoken",
        ),
    ],
)
def test_from_the_extension(
    making: Making, monkeypatch: pytest.MonkeyPatch, setting: str, name: str, saying: Behaviour, line: str
) -> None:
    """It is asked on loopback, in this function's own name, once for all events."""
    monkeypatch.setenv("AWS_SESSION_TOKEN", "session-1")
    with serving(saying) as extension, serving(answer(ALLOW)) as server:
        monkeypatch.setenv(EXTENSION_PORT, str(extension.port))
        made = making(server.url, **{setting: name})
        assert ["allow: ok"] * 2 == [code(made) for _ in range(2)]
    assert ["Bearer t-1"] * 2 == server.tokens
    ((head, _),) = extension.requests
    assert f"GET {line} HTTP/1.1" == head.split("\r\n")[0]
    assert "\r\nX-Aws-Parameters-Secrets-Token: session-1\r\n" in f"{head}\r\n"


def test_a_secret_that_was_rotated(making: Making, monkeypatch: pytest.MonkeyPatch) -> None:
    """A token that is refused is read again, once, and the question asked again with the new one."""
    with serving(secret("t-1"), secret("t-2")) as extension, serving(answer(ALLOW), REFUSED, answer(ALLOW)) as server:
        monkeypatch.setenv(EXTENSION_PORT, str(extension.port))
        made = making(server.url, TOKEN_SECRET="revet")
        assert ["allow: ok"] * 3 == [code(made) for _ in range(3)]
    assert ["Bearer t-1", "Bearer t-1", "Bearer t-2", "Bearer t-2"] == server.tokens
    assert (2, 1) == (len(extension.requests), server.connections)


def test_a_secret_that_is_wrong(making: Making, monkeypatch: pytest.MonkeyPatch) -> None:
    """One more question, and not one after the other."""
    with serving(secret("t-1"), secret("t-2"), secret("t-3")) as extension, serving(REFUSED) as server:
        monkeypatch.setenv(EXTENSION_PORT, str(extension.port))
        assert "deny: unavailable" == code(making(server.url, TOKEN_SECRET="revet", FAIL_MODE="open"))
    assert (2, 2) == (len(extension.requests), len(server.requests))


@pytest.mark.parametrize(
    "saying", [raw(octets(b"not ready to serve traffic", "400 Bad Request", "text/plain")), secret("a b"), secret("")]
)
def test_an_extension_that_is_not_ready(making: Making, monkeypatch: pytest.MonkeyPatch, saying: Behaviour) -> None:
    """What is no token is not kept: the next event asks again."""
    with serving(saying, secret("t-1")) as extension, serving(answer(ALLOW)) as server:
        monkeypatch.setenv(EXTENSION_PORT, str(extension.port))
        made = making(server.url, TOKEN_SECRET="revet")
        assert ["deny: unavailable", "allow: ok"] == [code(made) for _ in range(2)]
    assert ["Bearer t-1"] == server.tokens


@pytest.mark.parametrize(
    "saying",
    [
        raw(octets(b"not ready to serve traffic, please wait", "400 Bad Request", "text/plain")),
        answer({"SecretString": "t-1"}, "500 Internal Server Error"),
        answer({"SecretBinary": "dC0x"}),
        answer(["t-1"]),
        answer(None),
        raw(octets(b"{")),
        raw(b"nonsense\r\n"),
        secret(None),
        secret({"token": "t-1"}),
        secret("a b"),
    ],
)
def test_what_the_extension_does_not_know(making: Making, monkeypatch: pytest.MonkeyPatch, saying: Behaviour) -> None:
    """Nobody is asked without the token, and no mode opens."""
    with serving(saying) as extension, serving(answer(ALLOW)) as server:
        monkeypatch.setenv(EXTENSION_PORT, str(extension.port))
        assert "deny: unavailable" == code(making(server.url, TOKEN_SECRET="revet", FAIL_MODE="open"))
    assert [] == server.requests


def test_an_extension_that_hangs(
    making: Making, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is inside the deadline."""
    with serving(hang) as extension, serving(answer(ALLOW)) as server:
        monkeypatch.setenv(EXTENSION_PORT, str(extension.port))
        assert "deny: unavailable" == code(making(server.url, TOKEN_SECRET="revet", TIMEOUT_MS="100"))
    assert [] == server.requests
    assert "no answer in time" == json.loads(capsys.readouterr().out)["failure"]
