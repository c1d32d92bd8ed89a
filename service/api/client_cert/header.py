"""The one header that a front's certificate comes in: what it is called, and that it is there once.

Rules: a name is looked for and nothing else, so whatever other header a request has changes nothing. A header that is
there twice is refused, equal values too: whoever takes the first of two and whoever takes the last would be fooled in
turn. An empty value is no certificate: that is what nginx sends for a client that has shown none.
"""

import re
from dataclasses import dataclass, fields
from typing import Final, assert_never

from service.api.client_cert.presented import HeaderError
from service.api.reply import BLANKS, Headers, values_of
from service.application.fronts import Front

MAX_VALUE_OCTETS: Final = 112 * 1024
"""Octets of one value: what a request may have before its body (128 KiB, `processes.http_protocol`) less 16 KiB for
everything else. That is more than any front sends: an ALB passes on 64 KiB of headers in all, Envoy takes 60 KiB and
HAProxy 16 KiB of them where nobody says more."""

MAX_CERTIFICATES: Final = 256
"""Certificates in one value. OpenSSL follows a chain for 100; not many more of the smallest certificates that there are
fit into a value."""

_NAME: Final = re.compile(rb"[!#$%&'*+.^_`|~0-9a-z-]+")


@dataclass(frozen=True, slots=True)
class HeaderNames:
    """What the headers are called, in lower case as ASGI has them.

    Attributes:
        rfc9440_chain: The one that comes beside `rfc9440`.
    """

    alb_passthrough: bytes = b"x-amzn-mtls-clientcert"
    alb_verify: bytes = b"x-amzn-mtls-clientcert-leaf"
    nginx: bytes = b"x-ssl-client-cert"
    envoy: bytes = b"x-forwarded-client-cert"
    traefik: bytes = b"x-forwarded-tls-client-cert"
    rfc9440: bytes = b"client-cert"
    rfc9440_chain: bytes = b"client-cert-chain"

    def __post_init__(self) -> None:
        """Refuse names under which nothing could ever arrive.

        Raises:
            ValueError: a name is no token (RFC 9110 §5.1) in lower case, or leaf and chain have the same name.
        """
        for each in fields(self):
            if not _NAME.fullmatch(getattr(self, each.name)):
                raise ValueError(f"{each.name} is not the name of a header in lower case")
        if self.rfc9440 == self.rfc9440_chain:
            raise ValueError("a certificate and its chain cannot come in one header")

    def of(self, front: Front) -> tuple[bytes, ...]:
        """The headers that are read for a front, the certificate's first: what else a request has is not looked at."""
        match front:
            case Front.ALB_PASSTHROUGH:
                return (self.alb_passthrough,)
            case Front.ALB_VERIFY:
                return (self.alb_verify,)
            case Front.NGINX:
                return (self.nginx,)
            case Front.ENVOY:
                return (self.envoy,)
            case Front.TRAEFIK:
                return (self.traefik,)
            case Front.RFC9440:
                return self.rfc9440, self.rfc9440_chain
            case _:
                assert_never(front)


def one_value(headers: Headers, name: bytes) -> bytes | None:
    """The value of a header without the blanks around it; None where there is none, or an empty one.

    Raises:
        HeaderError: the header is there more than once, or its value is too long.
    """
    values = values_of(headers, name)
    if len(values) > 1:
        raise HeaderError(f"{name.decode('ascii')}: the header is there {len(values)} times")
    value = values[0].strip(BLANKS) if values else b""
    if len(value) > MAX_VALUE_OCTETS:
        raise HeaderError(f"{name.decode('ascii')}: more than {MAX_VALUE_OCTETS} octets")
    return value or None
