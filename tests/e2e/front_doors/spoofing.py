"""What an impostor sends: certificates and identities under everybody's names, and requests with two readings.

Victim and impostor have certificates of one authority; whatever the impostor says, it is the impostor that says it.
"""

import contextlib
import socket
import ssl
from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import quote

from cryptography.hazmat.primitives.asymmetric import ec

from tests.api.client_cert import proxies
from tests.api.client_cert.certificates import base64
from tests.e2e.front_doors.stages import CERTIFICATE_HEADERS, WRITERS
from tests.pki import Authority, CertificateOverrides, Issued, der, key
from tests.sidecar.application import Arrived
from tests.sidecar.material import ROOT, TOKEN, VALIDITY

VICTIM: Final = ROOT.issue("victim", **VALIDITY)
IMPOSTOR: Final = ROOT.issue("impostor", **VALIDITY)
SUBJECT: Final = ["CN=impostor"]
"""What the application is to be told of the impostor, once."""

_SAME_NUMBER: Final[CertificateOverrides] = {**VALIDITY, "serial": VICTIM.serial}
_NO_CA: Final[CertificateOverrides] = {**VALIDITY, "serial": VICTIM.serial, "ca": False}
_OTHER_KEY: Final[CertificateOverrides] = {**VALIDITY, "key": key("p256", 99)}

SELF_SIGNED: Final = Authority.root("victim", **_NO_CA).issued
"""The victim's name and number, vouched for by nobody."""
OTHER_ROOT: Final = Authority.root("Root", **_OTHER_KEY)
"""An authority of the same name as the one that is trusted."""
FOREIGN: Final = OTHER_ROOT.issue("victim", **_SAME_NUMBER)
"""The same names and number, from there."""

FORGED: Final = {"self-signed": SELF_SIGNED, "of another authority": FOREIGN}

_FINGERPRINT: Final = proxies.digest(VICTIM.der).decode()

IDENTITY: Final[Mapping[str, str]] = {
    "X-Revet-Token": TOKEN,
    "X-Revet-Subject": "CN=victim",
    "X-Revet-Serial": f"{VICTIM.serial:x}",
    "X-Revet-Fingerprint": _FINGERPRINT,
    "X-Revet-Decision": "allow",
    "X-Revet-Decision-Id": "victim",
    "X-Revet-Code": "victim",
    "X-Revet-Valid-Until": "2099-01-01T00:00:00Z",
    "X-Revet-Max-Age": "60",
    "X-Amzn-Mtls-Clientcert-Subject": "CN=victim",
    "X-Amzn-Mtls-Clientcert-Serial-Number": f"{VICTIM.serial:x}",
    "X-Amzn-Mtls-Clientcert-Issuer": "CN=Root",
    "X-Amzn-Mtls-Clientcert-Validity": "NotBefore=2020-01-01T00:00:00Z;NotAfter=2099-01-01T00:00:00Z",
    "X-Forwarded-Tls-Client-Cert-Info": quote('Subject="CN=victim"'),
    "X-SSL-Client-Verify": "SUCCESS",
    "X-SSL-Client-S-DN": "CN=victim",
    "X-SSL-Client-Subject-DN": "CN=victim",
    "X-SSL-Client-DN": "CN=victim",
    "X-SSL-Client-CN": "victim",
    "X-SSL-Client-Serial": f"{VICTIM.serial:x}",
    "X-SSL-Client-Fingerprint": _FINGERPRINT,
    "X-SSL-Client-SHA1": _FINGERPRINT,
    "SSL-Client-Verify": "SUCCESS",
    "SSL-Client-Subject-DN": "CN=victim",
    "SSL-Client-Cert": proxies.nginx(VICTIM.der).decode(),
    "X-Client-Cert": proxies.nginx(VICTIM.der).decode(),
    "X-ARR-ClientCert": base64(VICTIM.der),
    "Client-Cert-Chain": proxies.byte_sequences(VICTIM.der).decode(),
}
"""What says who a client is, at some proxy or other, besides the certificate itself."""


def certificate_headers(issued: Issued = VICTIM) -> list[tuple[str, str]]:
    """Somebody's certificate as every front would hand it over."""
    pairs = ((CERTIFICATE_HEADERS[front], write(issued.der)) for front, write in WRITERS.values())
    return [(name, value.decode()) for name, value in pairs]


def spellings(name: str) -> Iterator[str]:
    """The same name to somebody who does not look closely."""
    yield name
    yield name.lower()
    yield name.upper()
    yield name.swapcase()
    yield name.replace("-", "_")
    yield name.replace("-", "_").upper()
    yield name.replace("-", "_", 1)


EVERYTHING: Final = [*certificate_headers(), *IDENTITY.items()]


def telling(arrived: Arrived) -> bool:
    """Whether anything in a request's headers is the victim's."""
    marks = ("victim", f"{VICTIM.serial:x}", _FINGERPRINT, base64(VICTIM.der)[100:160], TOKEN)
    whole = "\n".join(f"{name}: {value}" for name, value in arrived.headers)
    unfolded = whole.replace("%0A", "").replace("\n", "").replace("%2B", "+").replace("%2F", "/")
    return any(mark.lower() in whole.lower() or mark in unfolded for mark in marks)


def is_the_impostors(arrived: Arrived) -> bool:
    """Whether a request came under his name, once, and with nothing of the victim's."""
    return SUBJECT == arrived.values("X-Revet-Subject") and not telling(arrived)


def without_the_key() -> bytes:
    """A private key in PEM that looks as if it were the victim's: the victim's point, and another number.

    OpenSSL compares points alone when it is given a certificate and a key.
    """
    other, own = key("p256", 77), VICTIM.key
    assert isinstance(other, ec.EllipticCurvePrivateKey)
    assert isinstance(own, ec.EllipticCurvePrivateKey)
    return private_key(other.private_numbers().private_value, own)


def private_key(number: int, owner: ec.EllipticCurvePrivateKey) -> bytes:
    """An ECPrivateKey (RFC 5915 §3) of a number and somebody's point."""
    point = owner.public_key().public_numbers()
    encoded = b"\x04" + point.x.to_bytes(32, "big") + point.y.to_bytes(32, "big")
    parts = (der.integer(1), der.octet_string(number.to_bytes(32, "big")))
    written = der.seq(*parts, der.explicit(0, der.oid("1.2.840.10045.3.1.7")), der.explicit(1, der.bit_string(encoded)))
    return f"-----BEGIN EC PRIVATE KEY-----\n{base64(written)}\n-----END EC PRIVATE KEY-----\n".encode()


def lines(*given: str, body: str = "") -> bytes:
    """A request, written by hand."""
    return ("\r\n".join([*given, "", ""]) + body).encode("latin-1")


_INSIDE: Final = "GET /inside HTTP/1.1\r\nHost: a\r\nX-Revet-Subject: CN=victim\r\n" + "".join(
    f"{name}: {value}\r\n" for name, value in certificate_headers()
)
"""A second request that wants to be taken for one that somebody has authorised."""

_INSIDE_WHOLE: Final = f"{_INSIDE}\r\n"


def _post(*more: str) -> tuple[str, ...]:
    return ("POST /outside HTTP/1.1", "Host: a", *more)


SMUGGLED: Final[Mapping[str, bytes]] = {
    "CL.TE": lines(
        *_post(f"Content-Length: {len(_INSIDE_WHOLE) + 5}", "Transfer-Encoding: chunked"),
        body=f"0\r\n\r\n{_INSIDE_WHOLE}",
    ),
    "TE.CL": lines(
        *_post("Content-Length: 4", "Transfer-Encoding: chunked"),
        body=f"{len(_INSIDE_WHOLE):x}\r\n{_INSIDE_WHOLE}\r\n0\r\n\r\n",
    ),
    **{
        f"TE.TE {number}": lines(*_post("Content-Length: 4", written), body=f"0\r\n\r\n{_INSIDE_WHOLE}")
        for number, written in enumerate(
            (
                "Transfer-Encoding: xchunked",
                "Transfer-Encoding : chunked",
                "Transfer-Encoding:\tchunked",
                "Transfer-Encoding: identity, chunked",
                "Transfer-Encoding: chunked\r\nTransfer-Encoding: x",
                "X: X\nTransfer-Encoding: chunked",
                " Transfer-Encoding: chunked",
                "Transfer_Encoding: chunked",
                "Transfer-Encoding\x0b: chunked",
            )
        )
    },
    "two lengths": lines(*_post("Content-Length: 0", f"Content-Length: {len(_INSIDE_WHOLE)}"), body=_INSIDE_WHOLE),
    "two lengths in one": lines(*_post(f"Content-Length: 0, {len(_INSIDE_WHOLE)}"), body=_INSIDE_WHOLE),
    "a signed length": lines(*_post(f"Content-Length: +{len(_INSIDE_WHOLE)}"), body=_INSIDE_WHOLE),
    "a length in a name with underscores": lines(
        *_post(f"Content_Length: {len(_INSIDE_WHOLE)}", "Content-Length: 0"), body=_INSIDE_WHOLE
    ),
    "a chunk's size with more": lines(
        *_post("Transfer-Encoding: chunked"), body=f'0;a="\r\n\r\n{_INSIDE_WHOLE}"\r\n\r\n'
    ),
    "a chunk's size too long": lines(
        *_post("Transfer-Encoding: chunked"), body=f"fffffffffffffffff\r\n\r\n{_INSIDE_WHOLE}"
    ),
    "a GET with a body": lines("GET /outside HTTP/1.1", "Host: a", f"Content-Length: {len(_INSIDE_WHOLE)}")
    + _INSIDE_WHOLE.encode(),
    "chunked in HTTP/1.0": lines(
        "POST /outside HTTP/1.0", "Host: a", "Transfer-Encoding: chunked", body=f"0\r\n\r\n{_INSIDE_WHOLE}"
    ),
    "pipelined": lines("GET /outside HTTP/1.1", "Host: a") + _INSIDE_WHOLE.encode(),
    "a folded line": lines("GET /outside HTTP/1.1", "Host: a", "X-A: b", " X-Revet-Subject: CN=victim"),
    "a line feed alone": b"GET /outside HTTP/1.1\nHost: a\nX-Revet-Subject: CN=victim\n\n" + _INSIDE_WHOLE.encode(),
    "a carriage return in a value": lines("GET /outside HTTP/1.1", "Host: a", "X-A: b\rX-Revet-Subject: CN=victim"),
    "a blank before the colon": lines("GET /outside HTTP/1.1", "Host: a", "X-Revet-Subject : CN=victim"),
    "a NUL in a name": lines("GET /outside HTTP/1.1", "Host: a", "X-Revet-Subject\0: CN=victim"),
    "a dot in a name": lines("GET /outside HTTP/1.1", "Host: a", "X.Revet.Subject: CN=victim"),
    "named in Connection": lines(
        "GET /outside HTTP/1.1", "Host: a", "Connection: close, X-Revet-Subject, X-Revet-Serial, X-SSL-Client-Cert"
    ),
    "an upgrade to h2c": lines(
        "GET /outside HTTP/1.1",
        "Host: a",
        "Connection: Upgrade, HTTP2-Settings",
        "Upgrade: h2c",
        "HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA",
    )
    + b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a trailer": lines(
        *_post("Transfer-Encoding: chunked", "Trailer: X-Revet-Subject"),
        body="0\r\nX-Revet-Subject: CN=victim\r\n\r\n",
    ),
    "PROXY": b"PROXY TCP4 127.0.0.1 127.0.0.1 1 2\r\n" + _INSIDE_WHOLE.encode(),
    "two blanks in the line": lines("GET  /outside  HTTP/1.1", "Host: a"),
    "a line within the target": b"GET /outside HTTP/1.1\r\nX-Revet-Subject:CN=victim HTTP/1.1\r\nHost: a\r\n\r\n",
    "HTTP/0.9": b"GET /outside\r\n\r\n",
    "HTTP/1.0": lines("GET /outside HTTP/1.0", "X-Revet-Subject: CN=victim"),
    "HTTP/2.0 in a line": lines("GET /outside HTTP/2.0", "Host: a"),
    "an absolute target": lines("GET http://127.0.0.1/outside HTTP/1.1", "Host: a"),
    "a target of its own": lines("GET http://127.0.0.1/.revet-sidecar/ask HTTP/1.1", "Host: a"),
    "CONNECT": lines("CONNECT 127.0.0.1:80 HTTP/1.1", "Host: a"),
    "OPTIONS *": lines("OPTIONS * HTTP/1.1", "Host: a"),
    "no host": lines("GET /outside HTTP/1.1"),
    "two hosts": lines("GET /outside HTTP/1.1", "Host: a", "Host: b"),
}
"""Requests that say two things, by what they are called."""

PATHS: Final = (
    "/",
    "//",
    "/..;/admin",
    "/..;/..;/",
    "/%2e%2e/",
    "/%2e%2e%2f%2e%2e%2fetc",
    "/a/../../",
    "/a/%2e%2e/%2e%2e/x",
    "/./",
    "/%00",
    "/%0d%0aX-Revet-Subject:%20CN=victim",
    "/%2f%2f",
    "/.revet-sidecar/ask",
    "/.revet-sidecar/refused",
    "/.revet-sidecar/no-certificate",
    "//.revet-sidecar/ask",
    "/%2erevet-sidecar/ask",
    "/.revet-sidecar/../x",
    "/x/../.revet-sidecar/ask",
    "/healthz",
    "/v1/authorize/nginx",
    "/\\..\\",
    "/?a=/../",
    "/;a=b",
    "/~",
)
"""Paths that somebody could take for other ones."""


QUIET_S: Final = 0.2
"""How long nothing has to come for an answer to be over."""


def exchange(port: int, octets: bytes, context: ssl.SSLContext | None = None, source: str = "127.0.0.1") -> bytes:
    """What is answered to octets, until nothing more comes.

    Args:
        port: On loopback.
        octets: What is sent, at once.
        context: For TLS.
        source: Whom it comes from.
    """
    answered = b""
    with contextlib.ExitStack() as stack:
        connection: socket.socket = stack.enter_context(socket.create_connection(("127.0.0.1", port), 30, (source, 0)))
        if context is not None:
            connection = stack.enter_context(context.wrap_socket(connection, server_hostname="localhost"))
        connection.sendall(octets)
        with contextlib.suppress(TimeoutError, ConnectionError, ssl.SSLError):
            while piece := connection.recv(65_536):
                answered += piece
                connection.settimeout(QUIET_S)  # a second answer follows the first at once
    return answered
