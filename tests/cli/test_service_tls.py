"""Asking a service over https: whom the command line believes, and what it presents."""

import ssl
from pathlib import Path
from typing import Any

import pytest

from service.cli.service_client import AskError, call_service
from service.cli.service_tls import ServiceTlsError, service_tls
from tests.adapters.http.certificates import TestAuthority, make_authority
from tests.cli.serving import Answer, answering


def answer(method: str, path: str, body: dict[str, Any]) -> Answer:
    """Something that says it was asked."""
    del method, body
    return 200, {"path": path}


@pytest.fixture
def authority(tmp_path: Path) -> TestAuthority:
    """A private authority, which no system knows."""
    return make_authority(tmp_path)


def ask(url: str) -> object:
    """Ask as every command does."""
    return call_service("GET", url, "/v1/stats", None, None)


def test_a_private_authority(authority: TestAuthority, monkeypatch: pytest.MonkeyPatch) -> None:
    """Is believed where it is named, and nowhere else."""
    with answering(answer, authority.server_context("localhost")) as url:
        with pytest.raises(AskError, match="certificate verify failed"):
            ask(url)
        monkeypatch.setenv("REVET_CA_BUNDLE", str(authority.bundle))
        assert {"path": "/v1/stats"} == ask(url)


def test_another_name(authority: TestAuthority, monkeypatch: pytest.MonkeyPatch) -> None:
    """A certificate for somebody else is refused, whoever issued it."""
    monkeypatch.setenv("REVET_CA_BUNDLE", str(authority.bundle))
    with (
        answering(answer, authority.server_context("elsewhere")) as url,
        pytest.raises(AskError, match="certificate verify failed"),
    ):
        ask(url)


def test_a_client_certificate(authority: TestAuthority, monkeypatch: pytest.MonkeyPatch) -> None:
    """Is presented to a service that wants one."""
    context = authority.server_context("localhost")
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(authority.bundle)
    authority.server_context("operator")  # leaves a certificate and its key behind
    monkeypatch.setenv("REVET_CA_BUNDLE", str(authority.bundle))
    with answering(answer, context) as url:
        with pytest.raises(AskError):
            ask(url)
        monkeypatch.setenv("REVET_CLIENT_CERT", str(authority.directory / "operator.pem"))
        assert {"path": "/v1/stats"} == ask(url)


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        ({"REVET_CA_BUNDLE": "/nowhere/ca.pem"}, "REVET_CA_BUNDLE cannot be used: No such file or directory"),
        ({"REVET_CLIENT_KEY": "/nowhere/key.pem"}, "REVET_CLIENT_KEY is there, and no REVET_CLIENT_CERT"),
        (
            {"REVET_CLIENT_CERT": "/nowhere/cert.pem"},
            "REVET_CLIENT_CERT or REVET_CLIENT_KEY cannot be used: No such file or directory",
        ),
    ],
)
def test_files_that_cannot_be_used(environment: dict[str, str], told: str) -> None:
    """Are told of by the name of the variable."""
    with pytest.raises(ServiceTlsError, match=told):
        service_tls(environment)


def test_a_file_that_is_something_else(authority: TestAuthority) -> None:
    """A certificate without its key is none to present."""
    told = "REVET_CLIENT_CERT or REVET_CLIENT_KEY cannot be used: not what it should be, or behind a passphrase"
    with pytest.raises(ServiceTlsError, match=told):
        service_tls({"REVET_CLIENT_CERT": str(authority.bundle)})
