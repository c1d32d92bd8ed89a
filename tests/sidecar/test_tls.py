"""TLS ends at the sidecar: the handshake proves the key, the service judges the certificate, for each request."""

import base64
import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from tests.e2e.running import PATIENCE_S, Service
from tests.pki import Authority, Issued
from tests.pki.clock import now
from tests.pki.keys import PrivateKey
from tests.sidecar.application import Application
from tests.sidecar.curl import Answer, curl, read_answer
from tests.sidecar.material import ROOT, TOKEN, VALIDITY, Pair, write
from tests.sidecar.running import Sidecar, running_sidecar

OK, NO_CERTIFICATE = (200, b"the application\n"), (401, "deny", "no_certificate")


@pytest.fixture(scope="module")
def sidecar(
    tmp_path_factory: pytest.TempPathFactory, service: Service, application: Application, tls: dict[str, str]
) -> Iterator[Sidecar]:
    """A sidecar that asks a real service."""
    environment = {**tls, "REVET_URL": service.url, "REVET_TOKEN": TOKEN, "REVET_SIDECAR_UPSTREAM": application.url}
    with running_sidecar(tmp_path_factory.mktemp("log"), "nlb", environment) as running:
        yield running


def block(service: Service, leaf: Issued) -> None:
    """Have a certificate refused from now on."""
    body = {"issuer": "CN=Root", "serial_number": f"{leaf.serial:x}", "reason": "stolen"}
    headers = {"authorization": f"Bearer {TOKEN}-of-an-administrator"}
    answer = httpx.post(f"{service.url}/v1/blocks", json=body, headers=headers, timeout=10)
    assert httpx.codes.CREATED == answer.status_code, answer.text


def key_that_claims(claimed: PrivateKey, own: PrivateKey) -> bytes:
    """A private key file that names the public key of another one, so that libraries take it for the other one's."""
    point, own_point = (
        one.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint) for one in (claimed, own)
    )
    octets = own.private_bytes(Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    assert own_point in octets
    text = base64.encodebytes(octets.replace(own_point, point)).decode()
    return f"-----BEGIN EC PRIVATE KEY-----\n{text}-----END EC PRIVATE KEY-----\n".encode()


def told(sidecar: Sidecar, authority: Path, client: Pair | None, *options: str) -> tuple[int, object, object]:
    """What a client that is refused gets."""
    return curl(sidecar, *options, authority=authority, client=client).told


@pytest.mark.parametrize("version", ["--http1.1", "--http2"])
def test_a_good_certificate(
    sidecar: Sidecar, application: Application, authority: Path, good: Pair, version: str
) -> None:
    """The application learns its subject, its serial number and its fingerprint."""
    answered = curl(sidecar, version, authority=authority, client=good)
    assert OK == (answered.status, answered.body)
    arrived = application.last
    leaf = ROOT.issue("good", **VALIDITY)
    assert [["CN=good"], [f"{leaf.serial:x}"]] == [arrived.values(f"X-Revet-{name}") for name in ("Subject", "Serial")]
    assert [1, 1] == [len(arrived.values(f"X-Revet-{name}")) for name in ("Fingerprint", "Valid-Until")]


def test_no_certificate(sidecar: Sidecar, application: Application, authority: Path) -> None:
    """The service is not even asked."""
    assert NO_CERTIFICATE == told(sidecar, authority, None)
    assert ([], "") == (application.arrived, sidecar.requests()[-1]["revet_status"])


def test_a_strangers_certificate(sidecar: Sidecar, authority: Path, tmp_path: Path) -> None:
    """The service has no authority for it."""
    stranger = Authority.root("Stranger", **VALIDITY).issue("stranger", **VALIDITY)
    assert (403, "deny", "untrusted") == told(sidecar, authority, write(tmp_path, "stranger", stranger))


def test_the_key_of_another_certificate(
    sidecar: Sidecar, application: Application, authority: Path, good: Pair, tmp_path: Path
) -> None:
    """Certificates are public; who cannot sign with the key does not get past the handshake."""
    stolen = Pair(good.certificate, tmp_path / "stolen.key")
    stolen.key.write_bytes(key_that_claims(ROOT.issue("good", **VALIDITY).key, ROOT.issue("other", **VALIDITY).key))
    for version, reason in (("1.2", "decrypt error"), ("1.3", r"curl: \(\d+\)")):
        with pytest.raises(AssertionError, match=reason):
            curl(sidecar, "--tls-max", version, authority=authority, client=stolen)
    assert [] == application.arrived


@pytest.mark.parametrize(("shift", "code"), [(timedelta(days=-60), "expired"), (timedelta(days=60), "not_yet_valid")])
def test_out_of_its_time(
    sidecar: Sidecar, application: Application, authority: Path, tmp_path: Path, shift: timedelta, code: str
) -> None:
    """Nginx itself takes no such certificate; the client is told as the service would."""
    leaf = ROOT.issue(code, not_before=now() + shift, not_after=now() + shift + timedelta(days=30))
    assert (403, "deny", code) == told(sidecar, authority, write(tmp_path, code, leaf))
    assert [] == application.arrived


@pytest.mark.parametrize("is_whole", [True, False])
def test_a_long_chain(sidecar: Sidecar, authority: Path, tmp_path: Path, is_whole: bool) -> None:
    """Nginx builds as long a path as the client sends, and leaves it to the service to judge the leaf."""
    chain = [ROOT]
    for number in range(12):
        chain.append(chain[-1].subordinate(f"Sub {number}", **VALIDITY))
    leaf = chain[-1].issue("far", **VALIDITY)
    pair = write(tmp_path, "far", leaf, *reversed(chain if is_whole else chain[1:]))
    # The service is handed the leaf alone, and says that it does not know who issued it.
    assert (403, "deny", "untrusted") == told(sidecar, authority, pair)
    assert sidecar.requests()[-1]["revet_status"] == "403"


def said_by_s_client(sidecar: Sidecar, authority: Path, *options: str | Path) -> bytes:
    """All that `openssl s_client` prints of one request."""
    command: list[str | Path] = ["openssl", "s_client", "-connect", f"localhost:{sidecar.port}", "-CAfile", authority]
    command += ["-verify_return_error", "-ign_eof", *options]
    request = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    run = subprocess.run(command, input=request, capture_output=True, check=False, timeout=30)
    assert b"HTTP/1.1 " in run.stdout, run.stderr.decode()
    return run.stdout


def s_client(sidecar: Sidecar, authority: Path, *options: str | Path) -> tuple[int, Answer]:
    """One request through `openssl s_client`: how many sessions it says it has reused, and the answer."""
    said, _, answer = said_by_s_client(sidecar, authority, *options).partition(b"HTTP/1.1 ")
    body = read_answer(b"HTTP/1.1 " + answer)
    return said.count(b"Reused, "), replace(body, body=body.body[: int(body.headers["content-length"])])


@pytest.mark.parametrize(
    "options",
    [("-tls1_2",), ("-tls1_2", "-no_ticket"), ("-tls1_3",)],
    ids=["TLS 1.2 ticket", "TLS 1.2 session", "TLS 1.3"],
)
def test_a_resumed_session_is_asked_about(
    sidecar: Sidecar,
    service: Service,
    application: Application,
    authority: Path,
    tmp_path: Path,
    options: tuple[str, ...],
) -> None:
    """The certificate of the first handshake counts, as it is now: allowed while it is good, refused once it is not."""
    leaf = ROOT.issue(f"resumed{''.join(options)}", **VALIDITY)
    client = write(tmp_path, "resumed", leaf)
    session = tmp_path / "session.pem"
    shown = ("-cert", client.certificate, "-key", client.key)
    reused, answered = s_client(sidecar, authority, *options, *shown, "-sess_out", session)
    assert (0, OK) == (reused, (answered.status, answered.body))
    reused, answered = s_client(sidecar, authority, *options, "-sess_in", session)
    assert (1, OK) == (reused, (answered.status, answered.body))
    assert [[f"{leaf.serial:x}"]] * 2 == [one.values("X-Revet-Serial") for one in application.arrived]
    block(service, leaf)
    reused, answered = s_client(sidecar, authority, *options, "-sess_in", session)
    assert (1, (403, "deny", "blocked")) == (reused, answered.told)
    assert 2 == len(application.arrived)
    assert ["r", "403"] == [sidecar.requests()[-1][name] for name in ("tls_session", "revet_status")]


def test_tickets(sidecar: Sidecar, application: Application, authority: Path, good: Pair, tmp_path: Path) -> None:
    """One a connection, and each that is resumed gets a new one: it can be resumed in its turn, and is asked about."""
    session = tmp_path / "session.pem"
    asked: list[str] = []
    for options in (("-cert", good.certificate, "-key", good.key), ("-sess_in", session), ("-sess_in", session)):
        output = said_by_s_client(sidecar, authority, "-tls1_3", "-sess_out", session, *options)
        assert 1 == output.count(b"Post-Handshake New Session Ticket arrived:")
        assert (options[0] == "-sess_in") == (b"Reused, TLSv1.3" in output)
        asked.append(sidecar.requests()[-1]["revet_status"])
    assert (["200"] * 3, 3) == (asked, len(application.arrived))


def test_connections_that_are_made_anew(
    sidecar: Sidecar, service: Service, application: Application, authority: Path, tmp_path: Path
) -> None:
    """`openssl s_client -reconnect`: six connections of one session, and the last one's request is refused."""
    leaf = ROOT.issue("reconnecting", **VALIDITY)
    client = write(tmp_path, "reconnecting", leaf)
    block(service, leaf)
    options = ("-tls1_2", "-reconnect", "-cert", client.certificate, "-key", client.key)
    reused, answered = s_client(sidecar, authority, *options)
    assert (5, (403, "deny", "blocked")) == (reused, answered.told)
    assert [] == application.arrived


@pytest.mark.parametrize("http2", [False, True])
def test_each_request_of_a_connection_is_asked_about(
    sidecar: Sidecar, service: Service, application: Application, authority: Path, tmp_path: Path, http2: bool
) -> None:
    """A certificate that is blocked meanwhile is refused on the connection that is open."""
    leaf = ROOT.issue(f"kept {http2}", **VALIDITY)
    client = write(tmp_path, "kept", leaf)
    context = ssl.create_default_context(cafile=authority)
    context.load_cert_chain(client.certificate, client.key)
    with httpx.Client(http2=http2, verify=context, trust_env=False, timeout=PATIENCE_S) as session:
        first = session.get(sidecar.url)
        block(service, leaf)
        second = session.get(sidecar.url)
        stream = "network_stream"
        ports = [one.extensions[stream].get_extra_info("client_addr") for one in (first, second)]
    assert (200, "HTTP/2" if http2 else "HTTP/1.1") == (first.status_code, first.http_version)
    assert (403, "blocked") == (second.status_code, second.json()["code"])
    assert ports[0] == ports[1]
    assert 1 == len(application.arrived)


def test_old_versions_of_tls(sidecar: Sidecar, authority: Path) -> None:
    """Nothing before TLS 1.2."""
    command = ["openssl", "s_client", "-connect", f"localhost:{sidecar.port}", "-CAfile", str(authority)]
    run = subprocess.run(
        [*command, "-tls1_1", "-cipher", "ALL:@SECLEVEL=0"], input=b"", capture_output=True, check=False, timeout=30
    )
    assert b"alert protocol version" in run.stderr


def test_plain_http_to_the_port(sidecar: Sidecar, application: Application) -> None:
    """The client is told what is wrong, as JSON."""
    answered = curl(replace(sidecar, url=f"http://localhost:{sidecar.port}"))
    assert (400, "deny", "bad_request") == answered.told
    assert "TLS" in answered.document["detail"]
    assert [] == application.arrived
