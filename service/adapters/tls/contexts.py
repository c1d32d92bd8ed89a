"""TLS as the service speaks it: what a connection is made with, and how that is replaced.

Rules it keeps: TLS 1.2 and later; suites with forward secrecy and authenticated encryption alone; where a client CA is
asked for, no connection is made without a certificate of it. Every context is new, and with it the keys of its session
tickets: no session that was made under another certificate or another client CA is resumed.

What it does not do: read files (`files`), or end connections that exist.
"""

import contextlib
import os
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, Self

from service.application.pem import PemError, read_pem
from service.application.tls_material import TlsMaterialError, load_authorities, load_pair

CIPHERS: Final = "ECDHE+AESGCM:ECDHE+CHACHA20:!aNULL:@SECLEVEL=2"
"""Of TLS 1.2 (those of 1.3 are all good): what RFC 9325 §4.2 recommends. Level 2 refuses RSA below 2,048 bits and
signatures with SHA-1, in our certificate and in callers'."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate and its key.

    Attributes:
        certificate: PEM, with the intermediates after it.
        key: PEM, without a passphrase.
    """

    certificate: bytes = field(repr=False)
    key: bytes = field(repr=False)


def make_context(pair: Pair, client_ca: bytes | None) -> ssl.SSLContext:
    """A context for connections that are accepted.

    Args:
        pair: Whom we say we are.
        client_ca: Whose certificates callers must present (PEM); None where they need none.

    Raises:
        TlsMaterialError: they cannot be used.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    context.set_ciphers(CIPHERS)
    try:
        with _in_memory(pair.certificate) as certificate, _in_memory(pair.key) as key:
            load_pair(context, certificate, key)
    except (OSError, TlsMaterialError) as error:
        raise TlsMaterialError(_half(certificate=pair.certificate, key=pair.key) or str(error)) from None
    if client_ca is not None:
        try:
            with _in_memory(client_ca) as authorities:
                load_authorities(context, authorities)
        except (OSError, TlsMaterialError) as error:
            raise TlsMaterialError(_half(authorities=client_ca) or str(error)) from None
        context.verify_mode = ssl.CERT_REQUIRED
    return context


class CurrentContext(ssl.SSLContext):
    """Makes every new connection with the context that is in force then.

    asyncio and uvloop call `wrap_bio` once for each connection. This context itself has neither certificate nor key, so
    that whoever were to use it otherwise could make no connection.
    """

    _in_force: ssl.SSLContext

    def __new__(cls, _first: ssl.SSLContext) -> Self:
        """Make it."""
        return super().__new__(cls, ssl.PROTOCOL_TLS_SERVER)

    def __init__(self, first: ssl.SSLContext) -> None:
        """Take the first context."""
        self._in_force = first

    def enter(self, context: ssl.SSLContext) -> None:
        """Put another context into force, for connections that are made from now on."""
        self._in_force = context

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,  # noqa: FBT001, FBT002 - the signature of ssl.SSLContext
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        """Begin a connection."""
        return self._in_force.wrap_bio(incoming, outgoing, server_side, server_hostname, session)


@contextlib.contextmanager
def _in_memory(content: bytes) -> Iterator[str]:
    """A path for what is in memory: OpenSSL's functions take files, and the one that was read may be another by now."""
    descriptor = os.memfd_create("revet-tls")
    try:
        with open(descriptor, "wb", closefd=False) as file:
            file.write(content)
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)


def _half(**given: bytes) -> str:
    """What is no whole PEM, in better words than OpenSSL's; empty where all of it is."""
    for name, pem in given.items():
        try:
            read_pem(pem)
        except PemError as broken:
            return f"{broken.reason} ({name})"
    return ""
