"""Of a request's headers, the certificate that a front hands over: from the front's own header, whatever others say."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TypeVar, assert_never

from service.api.client_cert.escaped_pem import read_escaped_pem
from service.api.client_cert.fronts import HANDS_OVER
from service.api.client_cert.header import HeaderNames, one_value
from service.api.client_cert.presented import HeaderError, Presented
from service.api.client_cert.rfc9440 import read_certificate, read_chain
from service.api.client_cert.traefik import read_traefik
from service.api.client_cert.xfcc import read_xfcc
from service.api.reply import Headers
from service.application.fronts import Front

_Read = TypeVar("_Read")


def read_client_certificate(front: Front, headers: Headers, names: HeaderNames) -> Presented | None:
    """Read the certificate of a request's client; None where the front says that it has shown none.

    Args:
        front: Who stands in front.
        headers: Of the request, with names in lower case.
        names: What the fronts' headers are called.

    Raises:
        HeaderError: a header is there twice, or holds something else than the front sends; says which header.
    """
    name, *chain = names.of(front)
    match front:
        case Front.ALB_PASSTHROUGH | Front.ALB_VERIFY | Front.NGINX:
            return _read(headers, name, partial(read_escaped_pem, hands_over=HANDS_OVER[front]))
        case Front.ENVOY:
            return _read(headers, name, read_xfcc)
        case Front.TRAEFIK:
            return _read(headers, name, read_traefik)
        case Front.RFC9440:
            return _read_both(headers, name, *chain)
        case _:
            assert_never(front)


def _read_both(headers: Headers, name: bytes, chain: bytes) -> Presented | None:
    presented = _read(headers, name, read_certificate)
    intermediates = _read(headers, chain, read_chain)
    if intermediates is None:
        return presented
    if presented is None:
        raise HeaderError(f"{chain.decode('ascii')}: a chain without a certificate (RFC 9440, section 2.3)")
    return replace(presented, intermediates=intermediates)


def _read(headers: Headers, name: bytes, read: Callable[[bytes], _Read]) -> _Read | None:
    """What one header holds; None where it holds nothing. What is wrong is said with the header's name."""
    value = one_value(headers, name)
    if value is None:
        return None
    try:
        return read(value)
    except HeaderError as error:
        raise HeaderError(f"{name.decode('ascii')}: {error.reason}") from None
