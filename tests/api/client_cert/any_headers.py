"""Headers as nobody writes them: any octets, and pieces of what proxies write put together in any way."""

from typing import Final, TypeAlias

from hypothesis import strategies as st

from service.api.client_cert.header import HeaderNames
from service.api.client_cert.presented import HeaderError, Presented
from service.api.client_cert.reading import read_client_certificate
from service.api.reply import Header, Headers
from service.application.fronts import Front
from tests.api.client_cert.certificates import OTHER, PLUS
from tests.api.client_cert.proxies import GOOD, alb, byte_sequences, digest, envoy, nginx, traefik_2

NAMES: Final = HeaderNames()

OTHERS: Final = (
    alb(OTHER.der),
    nginx(OTHER.der),
    envoy(OTHER.der),
    traefik_2(OTHER.der),
    byte_sequences(OTHER.der),
)
"""Somebody else's certificate, in every way."""

FOREIGN_NAMES: Final = (
    b"x-amzn-mtls-clientcert-subject",
    b"x-amzn-mtls-clientcert-serial-number",
    b"x-forwarded-tls-client-cert-info",
    b"x_ssl_client_cert",
    b"x-ssl-client-cert-",
    b"x-client-cert",
    b"ssl-client-cert",
    b"x-ssl-client-verify",
    b"x-arr-clientcert",
    b"authorization",
    b"cookie",
)
"""Headers that say something of a certificate, or seem to, and belong to no front."""

PIECES: Final = st.lists(
    st.sampled_from([
        *GOOD.values(),
        *OTHERS,
        b"-----BEGIN CERTIFICATE-----",
        b"-----END CERTIFICATE-----",
        b"-----",
        b"%2D%2D%2D%2D%2D",
        b"BEGIN%20CERTIFICATE",
        b"Cert=",
        b'Chain="',
        b"Hash=" + digest(PLUS.der),
        b"URI=a",
        b"AAAA",
        b"AA==",
        b":AA==:",
        b'"',
        b"\\",
        b";",
        b",",
        b"=",
        b":",
        b"+",
        b"%",
        b"%2B",
        b"%0A",
        b" ",
        b"\t",
        b"\0",
        b"\xff",
    ]),
    max_size=12,
).map(b"".join)  # fmt: skip

VALUES: Final = st.one_of(st.binary(max_size=200), PIECES, st.sampled_from([*GOOD.values(), *OTHERS, b""]))

Outcome: TypeAlias = Presented | str | None


def outcome(front: Front, headers: Headers) -> Outcome:
    """What comes of a request: certificates, nothing, or why not."""
    try:
        return read_client_certificate(front, headers, NAMES)
    except HeaderError as error:
        return error.reason


def foreign(front: Front) -> st.SearchStrategy[Header]:
    """Any header but those that are read for a front."""
    all_names = [name for each in Front for name in NAMES.of(each)]
    names = [name for name in (*all_names, *FOREIGN_NAMES) if name not in NAMES.of(front)]
    return st.tuples(st.sampled_from(names), VALUES)
