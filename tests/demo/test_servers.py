"""CRLs and OCSP answers as foreign programs see them."""

import base64
import http.client
import socket
import threading
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from service.demo.clients import Issuer
from service.demo.errors import UsageError
from service.demo.layout import AUTHORITIES
from service.demo.pki import DemoPki
from service.demo.ports import Listeners
from service.demo.responder import find_openssl
from service.demo.servers import DemoServers
from service.demo.web import MAX_BODY_BYTES
from tests.demo.conftest import CLOCK, serving
from tests.demo.openssl import ask_responder
from tests.demo.running import until


@pytest.fixture(scope="module")
def unchanged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoPki]:
    """A PKI that is served, for tests that change nothing."""
    with serving(tmp_path_factory.mktemp("served")) as pki:
        yield pki


def fetch(url: str, method: str = "GET", body: bytes | None = None) -> tuple[int, str | None, bytes]:
    """Status, type and body of an answer; no proxy stands in between."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=10)
    try:
        connection.request(method, parts.path, body)
        response = connection.getresponse()
        return response.status, response.getheader("content-type"), response.read()
    finally:
        connection.close()


def ask(pki: DemoPki, client: str, authority: Issuer = Issuer.SUB, *more: str) -> str:
    """What OpenSSL says of a responder's answer about a client."""
    layout = pki.layout
    issuer = layout.authority(authority).certificate
    return ask_responder(pki.ports.ocsp_url(authority), layout.certificate(client), issuer, layout.trust_store, *more)


def request_about(pki: DemoPki, client: str) -> bytes:
    """An OCSP request, as DER."""
    leaf, issuer = x509.load_pem_x509_certificates(pki.layout.certificate(client).read_bytes())
    return ocsp.OCSPRequestBuilder().add_certificate(leaf, issuer, SHA256()).build().public_bytes(Encoding.DER)


@pytest.mark.parametrize("authority", AUTHORITIES)
def test_crls_are_served(unchanged: DemoPki, authority: Issuer) -> None:
    """A CRL is where the certificates say it is."""
    expected = unchanged.layout.authority(authority).crl.read_bytes()

    assert (200, "application/pkix-crl", expected) == fetch(unchanged.ports.crl_url(authority))
    assert (200, "application/pkix-crl", b"") == fetch(unchanged.ports.crl_url(authority), "HEAD")


@pytest.mark.parametrize(
    ("client", "status"),
    [("good", "good"), ("ed25519", "good"), ("expired", "good"), ("revoked", "revoked"), ("revoked-ocsp", "revoked")],
)
def test_ocsp_answers(unchanged: DemoPki, client: str, status: str) -> None:
    """OpenSSL verifies the delegate's answers about the subordinate's clients."""
    assert f"{client}.pem: {status}\n" in ask(unchanged, client)


def test_ocsp_answer_with_reason_and_date(unchanged: DemoPki) -> None:
    """A revocation is told with its reason."""
    answer = ask(unchanged, "revoked-ocsp")

    assert "Reason: superseded" in answer
    assert "Revocation Time:" in answer


def test_ocsp_answers_of_the_root(unchanged: DemoPki) -> None:
    """The root has a responder of its own."""
    assert "by-root.pem: good\n" in ask(unchanged, "by-root", Issuer.ROOT)


def test_ocsp_with_sha256(unchanged: DemoPki) -> None:
    """The newer way to name a certificate is understood."""
    assert "revoked.pem: revoked\n" in ask(unchanged, "revoked", Issuer.SUB, "-sha256")


def test_ocsp_of_another_authority(unchanged: DemoPki) -> None:
    """A responder knows nothing of certificates that its authority has not issued."""
    status, _, answer = fetch(unchanged.ports.ocsp_url("root"), "POST", request_about(unchanged, "good"))

    assert 200 == status
    assert ocsp.OCSPCertStatus.UNKNOWN is ocsp.load_der_ocsp_response(answer).certificate_status


@pytest.mark.parametrize("escaped", ["/", ""], ids=["slashes as they are", "everything escaped"])
def test_ocsp_by_get(unchanged: DemoPki, escaped: str) -> None:
    """A request in the URL is answered, however it is escaped (RFC 6960 appendix A.1)."""
    encoded = quote(base64.b64encode(request_about(unchanged, "revoked")), safe=escaped)

    status, kind, answer = fetch(f"{unchanged.ports.ocsp_url('sub')}/{encoded}")

    assert (200, "application/ocsp-response") == (status, kind)
    assert ocsp.OCSPCertStatus.REVOKED is ocsp.load_der_ocsp_response(answer).certificate_status


def test_ocsp_answers_soon_outdate(unchanged: DemoPki) -> None:
    """An answer is good for minutes, so that a revocation is seen while one watches."""
    _, _, answer = fetch(unchanged.ports.ocsp_url("sub"), "POST", request_about(unchanged, "good"))

    response = ocsp.load_der_ocsp_response(answer)
    assert response.next_update_utc is not None
    assert timedelta(minutes=5) == response.next_update_utc - response.this_update_utc


@pytest.mark.parametrize(
    ("port", "method", "path", "body", "status"),
    [
        ("crl", "GET", "/", None, 404),
        ("crl", "GET", "/foreign.crl", None, 404),
        ("crl", "GET", "/../authorities/sub/certificate.key", None, 404),
        ("crl", "POST", "/sub.crl", b"", 405),
        ("crl", "DELETE", "/sub.crl", None, 501),
        ("ocsp", "GET", "/sub", None, 404),
        ("ocsp", "POST", "/foreign", b"", 404),
        ("ocsp", "GET", "/sub/%%%", None, 400),
        ("ocsp", "POST", "/sub", b"garbage", 500),
        ("ocsp", "POST", "/sub", b"", 500),
        ("ocsp", "POST", "/sub", b"0" * (MAX_BODY_BYTES + 1), 413),
        ("ocsp", "POST", "/sub", None, 411),
    ],
)
def test_nonsense(unchanged: DemoPki, port: str, method: str, path: str, body: bytes | None, status: int) -> None:
    """What is not there, or is no request, gets a status that says so."""
    if method == "POST" and body is None:
        with socket.create_connection(("127.0.0.1", unchanged.ports.ocsp), 10) as connection:
            connection.sendall(b"POST /sub HTTP/1.0\r\n\r\n")
            assert b"411" == connection.makefile("rb").readline().split()[1]
        return
    number = unchanged.ports.crl if port == "crl" else unchanged.ports.ocsp

    assert status == fetch(f"http://127.0.0.1:{number}{path}", method, body)[0]


def test_silent_clients_hold_up_nobody(unchanged: DemoPki) -> None:
    """While others have connected and say nothing, or half of something, everybody else is answered."""
    ports = (unchanged.ports.crl, unchanged.ports.ocsp) * 5
    silent = [socket.create_connection(("127.0.0.1", port), 10) for port in ports]
    try:
        for connection in silent[::2]:
            connection.sendall(b"POST /sub HTTP/1.0\r\ncontent-length: 9\r\n\r\nhalf")

        assert 200 == fetch(unchanged.ports.crl_url("sub"))[0]
        assert "good.pem: good\n" in ask(unchanged, "good")
    finally:
        for connection in silent:
            connection.close()


def test_many_at_once(unchanged: DemoPki) -> None:
    """More requests than responder processes are all answered."""
    request = request_about(unchanged, "good")
    statuses: list[int] = []
    threads = [
        threading.Thread(target=lambda: statuses.append(fetch(unchanged.ports.ocsp_url("sub"), "POST", request)[0]))
        for _ in range(12)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [200] * 12 == statuses


def test_revocation_is_seen_by_both(served: DemoPki) -> None:
    """Once a certificate is revoked, the CRL that is fetched lists it and the responder says so."""
    serial = x509.load_pem_x509_certificate(served.layout.certificate("good").read_bytes()).serial_number

    def listed() -> bool:
        crl = x509.load_der_x509_crl(fetch(served.ports.crl_url("sub"))[2])
        return crl.get_revoked_certificate_by_serial_number(serial) is not None

    assert not listed()
    assert "good.pem: good\n" in ask(served, "good")

    served.revoke("good", CLOCK.now(), x509.ReasonFlags.cessation_of_operation)

    assert listed()
    answer = ask(served, "good")
    assert "good.pem: revoked\n" in answer
    assert "Reason: cessationOfOperation" in answer


def test_crls_are_new_at_each_start(tmp_path: Path) -> None:
    """Whoever starts the servers gets a CRL that is good for a whole day."""
    with Listeners.anywhere() as listeners:
        pki = DemoPki.create(tmp_path, listeners.ports, CLOCK.now() - timedelta(days=2))
        assert pki.are_crls_due(CLOCK.now())
        with DemoServers(pki, listeners, CLOCK):
            assert not pki.are_crls_due(CLOCK.now())


class FastClock:
    """A clock that a test moves on."""

    def __init__(self) -> None:
        """Begin with the machine's time."""
        self.ahead = timedelta(0)

    def now(self) -> datetime:
        """The moment."""
        return CLOCK.now() + self.ahead

    def monotonic(self) -> float:
        """Nobody asks."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Nobody sleeps."""
        raise NotImplementedError


def test_crls_are_renewed_while_it_runs(tmp_path: Path) -> None:
    """When half of a CRL's validity has passed, there is a new one; a failure before does not end that."""
    clock = FastClock()
    with Listeners.anywhere() as listeners:
        pki = DemoPki.create(tmp_path, listeners.ports, clock.now())
        with DemoServers(pki, listeners, clock, look_every_s=0.01):
            clock.ahead = timedelta(hours=13)
            until(lambda: not pki.are_crls_due(clock.now()), "a renewed CRL")
            crl = pki.layout.authority(Issuer.SUB).crl
            before = crl.read_bytes()
            crl.write_bytes(b"damaged")
            time.sleep(0.05)
            crl.write_bytes(before)
            clock.ahead = timedelta(hours=26)
            until(lambda: not pki.are_crls_due(clock.now()), "a renewed CRL after a failure")


def test_closing_frees_the_ports(tmp_path: Path) -> None:
    """After the end the ports can be had again at once."""
    with serving(tmp_path) as pki:
        ask(pki, "good")

    with Listeners.at(pki.ports) as listeners:
        assert pki.ports == listeners.ports


def test_without_openssl(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The user is told which package is missing."""
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(UsageError, match="apt-get install openssl"):
        find_openssl()
