"""The environment: what is read, and what cannot be right and so answers nothing."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

import lambda_function
from lambda_function import Authorizer, SettingsError
from tests.authorizer.events import rest

URL: Final = {"REVET_URL": "https://revet.internal"}


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8080",
        "http://[::1]:8080/",
        "https://revet.internal",
        "https://revet.internal:8443/behind/it",
        "http://revet_1:80",
        "http://revet.internal.:65535",
        f"https://{'a' * 63}.internal",
        "https://internal-revet-1.eu-central-1.elb.amazonaws.com",
    ],
)
def test_addresses(url: str) -> None:
    """A host, perhaps a port and a path."""
    Authorizer({"REVET_URL": url})


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "REVET_URL"),
        ({"REVET_URL": " "}, "REVET_URL"),
        ({"REVET_URL": "revet.internal"}, "REVET_URL"),
        ({"REVET_URL": "ftp://revet.internal"}, "REVET_URL"),
        ({"REVET_URL": "https://"}, "REVET_URL"),
        ({"REVET_URL": "https://user:word@revet.internal"}, "REVET_URL"),
        ({"REVET_URL": "https://revet.internal:port"}, "REVET_URL"),
        ({"REVET_URL": "https://revet.internal/?a=b"}, "REVET_URL"),
        ({"REVET_URL": "https://revet.internal/#a"}, "REVET_URL"),
        ({"REVET_URL": "https://revet.internal/a b"}, "REVET_URL"),
        ({"REVET_URL": "https://[::1"}, "REVET_URL"),
        ({"REVET_URL": "https://revet.internal:0"}, "REVET_URL"),
        ({"REVET_URL": "https://revet.internal:65536"}, "REVET_URL"),
        ({"REVET_URL": "https://revet..internal"}, "REVET_URL"),
        ({"REVET_URL": f"https://{'a' * 64}.internal"}, "REVET_URL"),
        ({"REVET_URL": "https://-revet.internal"}, "REVET_URL"),
        ({"REVET_URL": "https://b\u00fccher.internal"}, "REVET_URL"),
        ({**URL, "REVET_FAIL_MODE": "opne"}, "REVET_FAIL_MODE has to be one of closed, error, open"),
        ({**URL, "REVET_FAIL_MODE": "OPEN"}, "REVET_FAIL_MODE"),
        ({**URL, "REVET_POLICY_SCOPE": "api"}, "REVET_POLICY_SCOPE has to be one of stage, method"),
        ({**URL, "REVET_RESPONSE": "both"}, "REVET_RESPONSE has to be one of simple, policy"),
        ({**URL, "REVET_TIMEOUT_MS": "0"}, "REVET_TIMEOUT_MS has to be a whole number from 1 to 10000"),
        ({**URL, "REVET_TIMEOUT_MS": "10001"}, "REVET_TIMEOUT_MS"),
        ({**URL, "REVET_TIMEOUT_MS": "0.8"}, "REVET_TIMEOUT_MS"),
        ({**URL, "REVET_TIMEOUT_MS": "-1"}, "REVET_TIMEOUT_MS"),
        ({**URL, "REVET_MEMORY_S": "61"}, "REVET_MEMORY_S has to be a whole number from 0 to 60"),
        ({**URL, "REVET_TOKEN": "a", "REVET_TOKEN_FILE": "b"}, "REVET_TOKEN and REVET_TOKEN_FILE"),
        ({**URL, "REVET_TOKEN_SECRET": "a", "REVET_TOKEN_PARAMETER": "b"}, "REVET_TOKEN_SECRET and REVET_TOKEN_P"),
        ({"REVET_URL": "http://revet.internal", "REVET_CA_BUNDLE": "ca.pem"}, "REVET_URL is http"),
        ({**URL, "REVET_CA_BUNDLE": "/nowhere/ca.pem"}, "REVET_CA_BUNDLE"),
        ({**URL, "REVET_CA_BUNDLE": __file__}, "REVET_CA_BUNDLE"),
        ({**URL, "REVET_CLIENT_CERT": "/nowhere/client.pem"}, "REVET_CLIENT_CERT"),
        ({**URL, "REVET_CLIENT_KEY": "/nowhere/client.key"}, "REVET_CLIENT_KEY"),
    ],
)
@pytest.mark.parametrize("mode", ["closed", "error", "open"])
def test_what_cannot_be_right(given: dict[str, str], message: str, mode: str) -> None:
    """It raises, in every mode, and says which setting it is about."""
    with pytest.raises(SettingsError, match=message):
        Authorizer({"REVET_FAIL_MODE": mode, **given})


def test_nothing_secret_is_in_a_message() -> None:
    """An address can hold a password, where it should not."""
    with pytest.raises(SettingsError) as raised:
        Authorizer({"REVET_URL": "https://user:password@revet.internal"})
    assert "password" not in str(raised.value)


def test_unknown_settings_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    """A name that is misspelt changes nothing, and is seen."""
    Authorizer({**URL, "REVET_TRUST_STROE": "partners", "PATH": "/bin"})
    line = json.loads(capsys.readouterr().out)
    assert {"level": "warning", "message": "unknown settings", "names": ["REVET_TRUST_STROE"]} == line


def test_the_handler_raises_for_every_event(monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be right is not remembered either: the first event after it was put right is answered."""
    monkeypatch.setenv("REVET_URL", "nowhere")
    lambda_function.authorizer.cache_clear()
    for _ in range(2):
        with pytest.raises(SettingsError):
            lambda_function.lambda_handler(rest(), None)
    monkeypatch.setenv("REVET_URL", "http://127.0.0.1:1")
    try:
        assert isinstance(lambda_function.lambda_handler(rest(None), None), dict)
    finally:
        lambda_function.authorizer.cache_clear()


def test_nothing_is_read_when_it_is_imported() -> None:
    """An environment without any setting is one of tests and tools, and Lambda would call it a failed start."""
    source = Path(lambda_function.__file__)
    environment = {"PATH": os.environ["PATH"], "REVET_URL": "nonsense"}
    command = [
        sys.executable,
        "-I",
        "-S",
        "-c",
        f"import sys; sys.path.insert(0, {str(source.parent)!r}); import lambda_function",
    ]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert ("", "") == (ended.stdout, ended.stderr)
