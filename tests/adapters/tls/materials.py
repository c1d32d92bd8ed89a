"""Certificates, keys and CAs in files and in contexts, and connections made with them."""

import contextlib
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat

from service.adapters.tls.contexts import Pair
from tests.pki import Authority, CertificateOverrides, Issued
from tests.pki.clock import validity_of_now

PATIENCE_S: Final = 20.0

ROOT: Final = Authority.root("Servers", **validity_of_now())
OLD_CA: Final = Authority.root("Old callers", **validity_of_now())
NEW_CA: Final = Authority.root("New callers", **validity_of_now())
OLD_CALLER: Final = OLD_CA.issue("old caller", **validity_of_now())
NEW_CALLER: Final = NEW_CA.issue("new caller", **validity_of_now())


def key_pem(issued: Issued, passphrase: bytes | None = None) -> bytes:
    """A private key in PEM."""
    protection = NoEncryption() if passphrase is None else BestAvailableEncryption(passphrase)
    return issued.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, protection)


def server_pair(name: str, **overrides: object) -> Pair:
    """A certificate for 127.0.0.1, and its key; the same for the same name."""
    server: CertificateOverrides = {
        **validity_of_now(),
        "san": ["IP:127.0.0.1"],
        "extended_key_usage": ["serverAuth"],
        **overrides,  # type: ignore[typeddict-item] # whatever a test asks for
    }
    issued = ROOT.issue(name, **server)
    return Pair(issued.pem.encode(), key_pem(issued))


def write(path: Path, content: bytes) -> Path:
    """Replace a file as a whole, as editors and mounted volumes do."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.write_bytes(content)
    fresh.rename(path)
    return path


def client_context(
    directory: Path, caller: Issued | None = None, version: ssl.TLSVersion | None = None
) -> ssl.SSLContext:
    """A client that verifies the server.

    Args:
        directory: For files that OpenSSL reads.
        caller: Whose certificate it presents.
        version: The only version that it speaks; None for all that are good.
    """
    context = ssl.create_default_context(cadata=ROOT.issued.pem)
    if caller is not None:
        both = directory / "caller.pem"
        both.write_bytes(caller.pem.encode() + key_pem(caller))
        context.load_cert_chain(both)
    if version is not None:
        context.minimum_version = context.maximum_version = version
    return context


@dataclass(frozen=True, slots=True)
class Talk:
    """One exchange over one connection.

    Attributes:
        answer: What came back.
        certificate: The server's.
        was_resumed: Whether the session of an earlier connection was.
        session: Of this one, to be resumed.
    """

    answer: bytes
    certificate: bytes | None
    was_resumed: bool | None
    session: ssl.SSLSession | None


class RefusedError(Exception):
    """The server has not answered."""


@contextlib.contextmanager
def connected(port: int, client: ssl.SSLContext, session: ssl.SSLSession | None = None) -> Iterator[ssl.SSLSocket]:
    """A connection, for as long as the block lasts.

    Raises:
        OSError: there is none; with TLS 1.3 it can be the first answer that does not come.
    """
    with (
        socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as plain,
        client.wrap_socket(plain, server_hostname="127.0.0.1", session=session) as secured,
    ):
        yield secured


def say(connection: ssl.SSLSocket) -> bytes:
    """Say a line and give the answer.

    Raises:
        OSError: there is none.
    """
    connection.sendall(b"hello\n")
    answer = connection.recv(100)
    if not answer:
        raise ConnectionError("the connection has ended")
    return answer


def talk(port: int, client: ssl.SSLContext, session: ssl.SSLSession | None = None) -> Talk:
    """One exchange over a new connection.

    Raises:
        RefusedError: the server refuses.
    """
    try:
        with connected(port, client, session) as connection:
            answer = say(connection)
            return Talk(answer, connection.getpeercert(binary_form=True), connection.session_reused, connection.session)
    except OSError as error:
        raise RefusedError from error
