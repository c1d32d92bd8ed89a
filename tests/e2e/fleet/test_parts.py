"""The parts that stories are made of: an authority that does what it is told, and ways that are cut and slow."""

import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from math import inf

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from tests.e2e.fleet.ca import Rhythm
from tests.e2e.fleet.ca_control import Asked, Ca, authority
from tests.e2e.fleet.links import links
from tests.e2e.fleet.population import Declares, Size
from tests.e2e.fleet.scene import per_period
from tests.e2e.running import until

LIST = "0-0"


@pytest.fixture(scope="module")
def ca() -> Iterator[Ca]:
    """One that publishes four times a second."""
    with authority(Size(8, 2, 1, (Declares.BOTH,)), Rhythm(0.25, 5, 60)) as found:
        yield found


def test_a_revocation_is_published(ca: Ca) -> None:
    """The next list has it, and the authority tells when that was, and when the last one without it ends."""
    client = next(one for one in ca.population.clients if one.crl == LIST)
    at = ca.revoke(client.number)
    until(lambda: ca.truth()[client.number].published_at < inf, "it is published")
    told = ca.truth()[client.number]
    assert at <= told.published_at
    assert told.published_at in ca.publications()
    assert told.published_at < told.list_ends_at <= told.published_at + ca.rhythm.validity_s
    listed = x509.load_der_x509_crl(httpx.get(ca.population.crl_url(LIST)).content)
    assert listed.get_revoked_certificate_by_serial_number(client.issued.serial) is not None
    assert listed.issuer == ca.population.authorities[client.authority].certificate.subject


def test_ocsp_says_so_at_once(ca: Ca) -> None:
    """The responder calls a certificate good until it is revoked, and the log has both requests."""
    client = ca.population.clients[7]
    issuer = ca.population.authorities[client.authority].certificate
    builder = ocsp.OCSPRequestBuilder().add_certificate(client.issued.certificate, issuer, SHA256())
    before, statuses = len(ca.log()), []
    for _ in range(2):
        content = builder.build().public_bytes(Encoding.DER)
        answer = httpx.post(f"{ca.population.url}/ocsp/{client.authority}", content=content)
        statuses.append(ocsp.load_der_ocsp_response(answer.content).certificate_status)
        ca.revoke(client.number)
    assert [ocsp.OCSPCertStatus.GOOD, ocsp.OCSPCertStatus.REVOKED] == statuses
    logged = [(one.kind, one.what, one.answered) for one in ca.log(before)]
    assert [("ocsp", str(client.issued.serial), "good"), ("ocsp", str(client.issued.serial), "revoked")] == logged


def test_it_goes_away_and_comes_back(ca: Ca) -> None:
    """Down it refuses connections, hanging it answers nobody, and then it goes on."""
    url = ca.population.crl_url(LIST)
    ca.down()
    with pytest.raises(httpx.ConnectError):
        httpx.get(url)
    ca.up()
    assert httpx.codes.OK == httpx.get(url).status_code
    ca.hang()
    with pytest.raises(httpx.ReadTimeout):
        httpx.get(url, timeout=0.2)
    ca.go_on()
    assert httpx.codes.OK == httpx.get(url).status_code


def test_fetches_are_counted_by_period() -> None:
    """Each fetch counts in the period in which it came; one without any counts none, and half a period not at all."""
    moments = [("a", 1.5), ("a", 1.9), ("b", 2.5), ("a", 9.0)]
    log = [Asked(at, "crl", name, "1", 1) for name, at in moments]
    expected = {("a", 1): 2, ("a", 2): 0, ("b", 1): 0, ("b", 2): 1}
    assert Counter(expected) == per_period(log, [0.0, 1.0, 2.0, 3.0, 4.0], 0.5, 3.5)


@contextmanager
def echoing() -> Iterator[int]:
    """A server that says what it hears; its port."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    while octets := connection.recv(100):
                        connection.sendall(octets)

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]


def _left(connection: socket.socket) -> bytes:
    """What still comes, be the end an orderly one or not."""
    try:
        return connection.recv(100)
    except ConnectionResetError:
        return b""


def test_ways() -> None:
    """A way passes what it gets on, later if told so, and nothing when it is cut; another way is not concerned."""
    with echoing() as port, links([port, port]) as ways:
        first, second = ways.ports
        with socket.create_connection(("127.0.0.1", first)) as connection:
            ways.delay(0.3, 0)
            begun = time.monotonic()
            connection.sendall(b"late")
            assert b"late" == connection.recv(100)
            assert time.monotonic() - begun >= 0.3
            ways.cut(0)
            assert b"" == _left(connection)
        with socket.create_connection(("127.0.0.1", second)) as connection:
            connection.sendall(b"whole")
            assert b"whole" == connection.recv(100)
