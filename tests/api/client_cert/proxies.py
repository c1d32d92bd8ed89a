"""What proxies write into their headers, written as their own documentation and sources have it.

Rules: no parser of the service is used, and octets are escaped here one by one: a mistake of the reader's library is
not made twice. Real proxies are elsewhere, where they can be started.
"""

from collections.abc import Sequence
from hashlib import sha256
from string import ascii_letters, digits
from typing import Final

from service.application.fronts import Front
from tests.api.client_cert.certificates import CHAIN, PLUS, base64
from tests.pki import pem

UNRESERVED: Final = (ascii_letters + digits + "-._~").encode()
"""RFC 3986 §2.3."""


def percent(text: str, safe: str = "") -> bytes:
    """Everything percent-encoded but unreserved characters and `safe` ones."""
    kept = UNRESERVED + safe.encode()
    return b"".join(bytes((octet,)) if octet in kept else b"%%%02X" % octet for octet in text.encode())


def pems(ders: Sequence[bytes]) -> str:
    """PEM, one block after the other."""
    return "".join(map(pem, ders))


def alb(*ders: bytes) -> bytes:
    """An Application Load Balancer: URL-encoded with `+=/` as safe characters."""
    return percent(pems(ders), safe="+=/")


def nginx(*ders: bytes) -> bytes:
    """nginx, `$ssl_client_escaped_cert`."""
    return percent(pems(ders))


def nginx_unfolded(*ders: bytes) -> bytes:
    """nginx, `$ssl_client_cert` (a tab before each line but the first), after somebody has unfolded it."""
    return pems(ders).strip("\n").replace("\n", " \t").encode()


def digest(der: bytes) -> bytes:
    """What Envoy calls Hash."""
    return sha256(der).hexdigest().encode()


def envoy_cert(der: bytes) -> bytes:
    """Envoy, with `cert`."""
    return b'Cert="' + percent(pem(der)) + b'"'


def envoy_chain(*ders: bytes) -> bytes:
    """Envoy, with `chain`: the leaf is part of it."""
    return b'Chain="' + percent(pems(ders)) + b'"'


def envoy(*ders: bytes) -> bytes:
    """Envoy, with everything that it can say: By and Hash always come first."""
    return b";".join(
        (
            b"By=spiffe://cars.example/gateway",
            b"Hash=" + digest(ders[0]),
            envoy_cert(ders[0]),
            envoy_chain(*ders),
            b'Subject="CN=\\"quoted\\", O=a;b\\\\"',
            b"URI=spiffe://cars.example/car?one=1",
            b"DNS=one.cars.example",
            b"DNS=two.cars.example",
        )
    )


def traefik_3(*ders: bytes) -> bytes:
    """Traefik from 2.9.4 on: not escaped."""
    return ",".join(map(base64, ders)).encode()


def traefik_2(*ders: bytes) -> bytes:
    """Traefik before 2.9.4: each certificate query-escaped, the commas not."""
    return b",".join(percent(base64(der)) for der in ders)


def byte_sequences(*ders: bytes) -> bytes:
    """RFC 8941: byte sequences in a list."""
    return b", ".join(b":" + base64(der).encode() + b":" for der in ders)


GOOD: Final = {
    Front.ALB_PASSTHROUGH: alb(*CHAIN),
    Front.ALB_VERIFY: alb(PLUS.der),
    Front.NGINX: nginx(PLUS.der),
    Front.ENVOY: envoy(*CHAIN),
    Front.TRAEFIK: traefik_3(*CHAIN),
    Front.RFC9440: byte_sequences(PLUS.der),
}
"""What each front may send, in the first of its headers."""
