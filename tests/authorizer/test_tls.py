"""Whom it calls is verified, always: a service whose certificate is wrong gives no answer, whatever it says."""

import ssl
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

import lambda_function
from lambda_function import NoDecisionError
from tests.authorizer.conftest import Making
from tests.authorizer.events import rest
from tests.authorizer.servers import ALLOW, DENY, answer, close, octets, raw, serving, then_close
from tests.e2e.test_tls import write
from tests.pki import Authority, CertificateOverrides, days
from tests.pki.clock import now, validity_of_now

GOOD: Final = "good"
WRONG: Final = (
    "of a stranger",
    "for another name",
    "for another address",
    "expired",
    "not yet valid",
    "of a client",
    "self-signed",
)


@dataclass(frozen=True, slots=True)
class Place:
    """Certificates in files."""

    directory: Path

    @property
    def ca_bundle(self) -> str:
        """Of the authority that is trusted."""
        return str(self.directory / "ca.pem")

    def server(self, name: str) -> ssl.SSLContext:
        """What a service serves with."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.directory / f"{name}.pem", self.directory / f"{name}.key")
        return context


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A private CA, a good certificate of it, and wrong ones."""
    directory, validity = tmp_path_factory.mktemp("tls"), validity_of_now()
    server: CertificateOverrides = {**validity, "san": ["IP:127.0.0.1"], "extended_key_usage": ["serverAuth"]}
    ca, stranger = Authority.root("Private", **validity), Authority.root("Stranger", **validity)
    of_itself: CertificateOverrides = {**validity, "san": ["IP:127.0.0.1"]}
    own = Authority.root("server", **of_itself)
    write(directory, "ca", ca.issued)
    write(directory, "client", ca.issue("authorizer", **validity))
    write(directory, "of a stranger", stranger.issue("server", **server))
    write(directory, "self-signed", own.issued)
    variants: dict[str, CertificateOverrides] = {
        GOOD: server,
        "for another name": {**server, "san": ["DNS:revet.internal"]},
        "for another address": {**server, "san": ["IP:127.0.0.2"]},
        "expired": {**server, "not_before": now() - days(9), "not_after": now() - days(1)},
        "not yet valid": {**server, "not_before": now() + days(1)},
        "of a client": {**server, "extended_key_usage": ["clientAuth"]},
    }
    for name, overrides in variants.items():
        write(directory, name, ca.issue("server", **overrides))
    return Place(directory)


@pytest.fixture(params=["closed", "error", "open"])
def mode(request: pytest.FixtureRequest) -> str:
    """Every fail mode."""
    return str(request.param)


def decide(made: Any) -> str:  # noqa: ANN401 - an authorizer
    """The code, or how it raised."""
    try:
        context = made.authorize(rest())["context"]
    except NoDecisionError as error:
        return f"raised: {error}"
    return f"{context['decision']}: {context['code']}"


EXPECTED: Final = {"closed": "deny: unavailable", "open": "allow: unavailable"}


def test_a_private_authority(making: Making, place: Place) -> None:
    """With its certificate as the bundle, over one connection."""
    with serving(answer(ALLOW), tls=place.server(GOOD)) as server:
        made = making(f"https://127.0.0.1:{server.port}", CA_BUNDLE=place.ca_bundle)
        assert ["allow: ok"] * 3 == [decide(made) for _ in range(3)]
    assert 1 == server.connections


@pytest.mark.parametrize("name", WRONG)
def test_a_certificate_that_is_wrong(making: Making, place: Place, name: str, mode: str) -> None:
    """The fail mode answers; nobody has been told what was to be asked."""
    with serving(answer(ALLOW), tls=place.server(name)) as server:
        made = making(f"https://127.0.0.1:{server.port}", CA_BUNDLE=place.ca_bundle, FAIL_MODE=mode)
        expected = EXPECTED.get(mode, "raised: Revet has not decided: no answer: SSLCertVerificationError")
        assert expected == decide(made)
    assert [] == server.requests


def test_without_a_bundle(making: Making, place: Place, mode: str) -> None:
    """Those authorities count that everybody trusts, and not just any."""
    with serving(answer(ALLOW), tls=place.server(GOOD)) as server:
        made = making(f"https://127.0.0.1:{server.port}", FAIL_MODE=mode)
        assert "ok" not in decide(made)
    assert [] == server.requests


def test_a_service_without_tls(making: Making, place: Place, mode: str) -> None:
    """Where TLS was expected: nothing is said in clear."""
    with serving(answer(ALLOW)) as server:
        made = making(f"https://127.0.0.1:{server.port}", CA_BUNDLE=place.ca_bundle, TIMEOUT_MS="500", FAIL_MODE=mode)
        assert "ok" not in decide(made)
    assert not any("POST" in head for head, _ in server.requests)


@pytest.fixture
def demanding(place: Place) -> ssl.SSLContext:
    """A service that asks its callers for a certificate."""
    context = place.server(GOOD)
    context.load_verify_locations(place.ca_bundle)
    context.verify_mode = ssl.CERT_REQUIRED
    return context


def test_its_own_certificate(making: Making, place: Place, demanding: ssl.SSLContext) -> None:
    """It is shown to a service that asks for one."""
    files = {"CLIENT_CERT": str(place.directory / "client.pem"), "CLIENT_KEY": str(place.directory / "client.key")}
    with serving(answer(ALLOW), tls=demanding) as server:
        url = f"https://127.0.0.1:{server.port}"
        assert "allow: ok" == decide(making(url, CA_BUNDLE=place.ca_bundle, **files))
        assert "deny: unavailable" == decide(making(url, CA_BUNDLE=place.ca_bundle))


def test_a_key_of_another(making: Making, place: Place) -> None:
    """Settings that cannot be right."""
    files = {"CLIENT_CERT": str(place.directory / "client.pem"), "CLIENT_KEY": str(place.directory / "ca.key")}
    with pytest.raises(Exception, match="REVET_CLIENT_KEY cannot be used"):
        making("https://127.0.0.1:1", CA_BUNDLE=place.ca_bundle, **files)


def test_a_key_with_a_passphrase(place: Place, tmp_path: Path) -> None:
    """Nobody is there to type one: it is refused, and not waited for."""
    plain, certificate, key = place.directory / "client.key", place.directory / "client.pem", tmp_path / "client.key"
    command = ["openssl", "pkey", "-in", str(plain), "-aes128", "-passout", "pass:word", "-out", str(key)]
    subprocess.run(command, check=True, capture_output=True)
    code = "import lambda_function as f, os; f.Authorizer(os.environ)"
    given = {"REVET_URL": "https://127.0.0.1:1", "REVET_CLIENT_CERT": str(certificate), "REVET_CLIENT_KEY": str(key)}
    directory = str(Path(lambda_function.__file__).parent)
    ended = subprocess.run(
        [sys.executable, "-c", code],
        env={**given, "PYTHONPATH": directory},
        stdin=subprocess.PIPE,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "SettingsError: REVET_CA_BUNDLE, REVET_CLIENT_CERT or REVET_CLIENT_KEY cannot be used" in ended.stderr
    assert "phrase" not in ended.stdout + ended.stderr


def test_an_answer_that_nobody_has_asked_for_is_not_read(making: Making, place: Place) -> None:
    """Though it came in one record with the one before, and waits inside TLS where the socket is empty."""
    body = b'{"decision": "deny", "code": "revoked"}'
    first = octets(body + b" " * (8192 - len(octets(body)) - 2))
    assert 8192 == len(first)
    twice = raw(first + octets(b'{"decision": "allow", "code": "ok"}'))
    with serving(twice, answer(DENY), tls=place.server(GOOD)) as server:
        made = making(f"https://127.0.0.1:{server.port}", CA_BUNDLE=place.ca_bundle)
        assert ["deny: revoked"] * 2 == [decide(made) for _ in range(2)]
    assert 2 == server.connections


@pytest.mark.parametrize("dying", [close, then_close(lambda _: True)])
def test_a_kept_connection_that_dies(making: Making, place: Place, dying: Any) -> None:  # noqa: ANN401 - a behaviour
    """It is made again, and verified again."""
    with serving(answer(ALLOW), dying, answer(ALLOW), tls=place.server(GOOD)) as server:
        made = making(f"https://127.0.0.1:{server.port}", CA_BUNDLE=place.ca_bundle, FAIL_MODE="error")
        assert ["allow: ok"] * 2 == [decide(made) for _ in range(2)]
        assert (2, 3, "retried") == (server.connections, len(server.requests), made.revet.story)
