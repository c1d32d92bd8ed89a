"""Settings that do not go together: addresses and who may come in, files of TLS, one limit and another."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from service.settings import Settings
from tests.pki.authority import Authority
from tests.pki.desk import openssl
from tests.settings.given import ADMIN, TOKEN, load, problems_of


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Paths of a certificate, its key, another key, a protected key, and a client CA."""
    directory = tmp_path_factory.mktemp("tls")
    for name in ("server", "other"):
        key, certificate = directory / f"{name}.key", directory / f"{name}.crt"
        openssl("req", "-x509", "-newkey", "ed25519", "-nodes", "-keyout", key, "-out", certificate, "-subj", "/CN=x")
    openssl("pkey", "-in", directory / "server.key", "-aes256", "-passout", "pass:x", "-out", directory / "locked.key")
    (directory / "ca.pem").write_text(Authority.root("Callers").pem)
    (directory / "text").write_text("no PEM in here")
    return {path.name: str(path) for path in directory.iterdir()}


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "revet.internal"])
def test_an_open_door_is_refused(host: str) -> None:
    """On an address that others can reach, somebody has to be asked who he is."""
    (problem,) = problems_of(HOST=host)
    assert problem.startswith(f"REVET_HOST is {host}, which others can reach, and anybody could ask")


@pytest.mark.parametrize("name", ["API_TOKENS", "ADMIN_TOKENS", "SHADOW_TOKENS"])
def test_tokens_close_the_door(name: str) -> None:
    """Either kind of token will do."""
    assert "0.0.0.0" == load(HOST="0.0.0.0", **{name: TOKEN}).host


def test_a_client_ca_closes_the_door(tls: dict[str, str]) -> None:
    """Whoever has no certificate does not get in."""
    settings = load(HOST="0.0.0.0", TLS_CERT=tls["server.crt"], TLS_KEY=tls["server.key"], TLS_CLIENT_CA=tls["ca.pem"])
    assert Path(tls["ca.pem"]) == settings.tls_client_ca


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"PORT": "9000", "MANAGEMENT_PORT": "9000"}, "REVET_MANAGEMENT_PORT is 9000, and so is REVET_PORT (9000)"),
        ({"RATE_LIMIT_BURST": "5"}, "REVET_RATE_LIMIT_BURST is 5, but there is no REVET_RATE_LIMIT_PER_S"),
        ({"MANAGEMENT_HOST": "::1"}, "REVET_MANAGEMENT_HOST is ::1, but there is no REVET_MANAGEMENT_PORT"),
        ({"API_TOKENS": TOKEN, "ADMIN_TOKENS": TOKEN}, "REVET_API_TOKENS and REVET_ADMIN_TOKENS have 1 in common"),
        ({"API_TOKENS": TOKEN, "SHADOW_TOKENS": TOKEN}, "REVET_API_TOKENS and REVET_SHADOW_TOKENS have 1 in common"),
        ({"ADMIN_TOKENS": ADMIN, "SHADOW_TOKENS": ADMIN}, "REVET_ADMIN_TOKENS and REVET_SHADOW_TOKENS have 1 in"),
        (
            {"CRL_REFRESH_MIN_S": "7200"},
            "REVET_CRL_REFRESH_MIN_S is 7200, which is more than REVET_CRL_REFRESH_MAX_S (3600)",
        ),
        ({"CRL_RETRY_S": "61"}, "REVET_CRL_RETRY_S is 61, which is more than REVET_CRL_RETRY_MAX_S (60)"),
        ({"BREAKER_OPEN_MAX_S": "4.5"}, "REVET_BREAKER_OPEN_S is 5, which is more than REVET_BREAKER_OPEN_MAX_S (4.5)"),
        (
            {"AUTHORIZE_HEADER_RFC9440": "client-cert-CHAIN"},
            "REVET_AUTHORIZE_HEADER_RFC9440 is client-cert-CHAIN, and so is REVET_AUTHORIZE_HEADER_RFC9440_CHAIN",
        ),
        (
            {"MAX_REQUEST_BYTES": "2000", "MAX_BATCH_BYTES": "1999"},
            "REVET_MAX_BATCH_BYTES is 1999, which is less than REVET_MAX_REQUEST_BYTES (2000)",
        ),
    ],
)
def test_contradictions(given: dict[str, str], expected: str) -> None:
    """One problem with both values."""
    (problem,) = problems_of(**given)
    assert problem.startswith(expected)


def test_two_ports_of_the_kernel_s_choice() -> None:
    """Port 0 twice is two ports."""
    assert ("127.0.0.1", 0) == load(PORT="0", MANAGEMENT_PORT="0").management_address()


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"TLS_CERT": "server.crt"}, "REVET_TLS_CERT is {server.crt}, but there is no REVET_TLS_KEY"),
        ({"TLS_KEY": "server.key"}, "REVET_TLS_KEY is {server.key}, but there is no REVET_TLS_CERT"),
        ({"TLS_CLIENT_CA": "ca.pem"}, "REVET_TLS_CLIENT_CA is {ca.pem}, but there is no REVET_TLS_CERT"),
        (
            {"TLS_CERT": "server.crt", "TLS_KEY": "other.key"},
            "REVET_TLS_CERT is {server.crt} and REVET_TLS_KEY is {other.key}, which cannot be used together: key",
        ),
        (
            {"TLS_CERT": "server.crt", "TLS_KEY": "locked.key"},
            "REVET_TLS_CERT is {server.crt} and REVET_TLS_KEY is {locked.key}, which cannot be used together: not PEM",
        ),
        (
            {"TLS_CERT": "server.crt", "TLS_KEY": "server.key", "TLS_CLIENT_CA": "text"},
            "REVET_TLS_CLIENT_CA is {text}, which cannot be used",
        ),
    ],
)
def test_tls_files_that_do_not_go_together(tls: dict[str, str], given: dict[str, str], expected: str) -> None:
    """Found at the start, and not with the first handshake."""
    (problem,) = problems_of(**{name: tls[file] for name, file in given.items()})
    for file, path in tls.items():
        expected = expected.replace(f"{{{file}}}", path)
    assert problem.startswith(expected)


def test_a_contradiction_cannot_be_made_past_the_loader() -> None:
    """Whoever makes settings by hand is held to the same rules."""
    with pytest.raises(ValidationError, match="REVET_MANAGEMENT_PORT is 9000, and so is REVET_PORT"):
        Settings(data_dir=Path("/data"), port=9000, management_port=9000)
