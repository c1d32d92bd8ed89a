"""Connections made with a context that is replaced: on asyncio's own loop and on uvloop, over real sockets."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Final

import pytest

from service.adapters.tls.contexts import CurrentContext, Pair, make_context
from service.application.tls_material import TlsMaterialError
from tests.adapters.tls.materials import (
    NEW_CA,
    NEW_CALLER,
    OLD_CA,
    OLD_CALLER,
    RefusedError,
    client_context,
    connected,
    key_pem,
    say,
    server_pair,
    talk,
)
from tests.pki import Issued

pytestmark = pytest.mark.anyio

FIRST: Final = server_pair("first")
SECOND: Final = server_pair("second")
VERSIONS: Final = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)


@pytest.fixture(params=[False, True], ids=["asyncio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:
    """The loop that tests run on, and the one that the service runs on."""
    return "asyncio", {"use_uvloop": request.param}


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while line := await reader.readline():
            writer.write(line)
            await writer.drain()
    except OSError:
        pass  # the client has gone
    finally:
        writer.close()


@asynccontextmanager
async def echoing(context: ssl.SSLContext) -> AsyncIterator[int]:
    """A server that repeats lines, and its port."""
    server = await asyncio.start_server(_echo, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


def der(pair: Pair) -> bytes:
    """The certificate of a pair as clients see it."""
    return ssl.PEM_cert_to_DER_cert(pair.certificate.decode())


def ca(authority: Issued) -> bytes:
    """A file of client CAs."""
    return authority.pem.encode()


async def test_new_connections_are_made_with_the_new_certificate(tmp_path: Path) -> None:
    """And one that exists goes on."""
    current = CurrentContext(make_context(FIRST, None))
    client = client_context(tmp_path)
    async with echoing(current) as port:
        before = await asyncio.to_thread(talk, port, client)
        with ExitStack() as stack:
            kept = await asyncio.to_thread(stack.enter_context, connected(port, client))
            current.enter(make_context(SECOND, None))
            after = await asyncio.to_thread(talk, port, client)
            answer = await asyncio.to_thread(say, kept)
    assert (der(FIRST), der(SECOND), b"hello\n") == (before.certificate, after.certificate, answer)


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_caller_of_a_removed_ca_resumes_no_session(version: ssl.TLSVersion, tmp_path: Path) -> None:
    """His session was resumed while his CA was one of ours; afterwards neither it nor his certificate lets him in."""
    current = CurrentContext(make_context(FIRST, ca(OLD_CA.issued) + ca(NEW_CA.issued)))
    client = client_context(tmp_path, OLD_CALLER, version)
    async with echoing(current) as port:
        first = await asyncio.to_thread(talk, port, client)
        resumed = await asyncio.to_thread(talk, port, client, first.session)
        current.enter(make_context(FIRST, ca(NEW_CA.issued)))
        for session in (first.session, resumed.session, None):
            with pytest.raises(RefusedError):
                await asyncio.to_thread(talk, port, client, session)
        other = await asyncio.to_thread(talk, port, client_context(tmp_path, NEW_CALLER, version))
    assert (False, True, b"hello\n") == (first.was_resumed, resumed.was_resumed, other.answer)


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_session_of_another_certificate_is_not_resumed(version: ssl.TLSVersion, tmp_path: Path) -> None:
    """A caller who is still let in shakes hands anew, and sees the new certificate."""
    current = CurrentContext(make_context(FIRST, ca(OLD_CA.issued)))
    client = client_context(tmp_path, OLD_CALLER, version)
    async with echoing(current) as port:
        first = await asyncio.to_thread(talk, port, client)
        current.enter(make_context(SECOND, ca(OLD_CA.issued)))
        second = await asyncio.to_thread(talk, port, client, first.session)
    assert (False, der(SECOND)) == (second.was_resumed, second.certificate)


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_session_ends_with_its_context(version: ssl.TLSVersion, tmp_path: Path) -> None:
    """Whatever has become of the certificate that made it: OpenSSL asks for it no more, and renews the session."""
    current = CurrentContext(make_context(FIRST, ca(OLD_CA.issued)))
    client = client_context(tmp_path, OLD_CALLER, version)
    async with echoing(current) as port:
        first = await asyncio.to_thread(talk, port, client)
        second = await asyncio.to_thread(talk, port, client, first.session)
        third = await asyncio.to_thread(talk, port, client, second.session)
        current.enter(make_context(FIRST, ca(OLD_CA.issued)))
        fourth = await asyncio.to_thread(talk, port, client, third.session)
    assert [False, True, True, False] == [one.was_resumed for one in (first, second, third, fourth)]


@pytest.mark.parametrize("caller", [None, NEW_CALLER], ids=["nobody", "another CA's"])
@pytest.mark.parametrize("version", VERSIONS)
async def test_whoever_has_no_certificate_of_the_ca(
    caller: Issued | None, version: ssl.TLSVersion, tmp_path: Path
) -> None:
    """He is not let in."""
    async with echoing(CurrentContext(make_context(FIRST, ca(OLD_CA.issued)))) as port:
        with pytest.raises(RefusedError):
            await asyncio.to_thread(talk, port, client_context(tmp_path, caller, version))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the old version, which is the point
async def test_an_old_version_is_refused(tmp_path: Path) -> None:
    """TLS 1.1 and below are deprecated (RFC 8996)."""
    client = client_context(tmp_path)
    client.minimum_version = client.maximum_version = ssl.TLSVersion.TLSv1_1
    client.set_ciphers("ALL:@SECLEVEL=0")
    async with echoing(CurrentContext(make_context(FIRST, None))) as port:
        with pytest.raises(RefusedError):
            await asyncio.to_thread(talk, port, client)


@pytest.mark.parametrize(
    ("ciphers", "is_spoken"),
    [
        ("ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256", True),
        ("ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305", True),
        ("ECDHE-ECDSA-AES128-SHA256:ECDHE-RSA-AES128-SHA256", False),
        ("ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA", False),
        ("AES128-GCM-SHA256", False),
        ("aNULL:@SECLEVEL=0", False),
    ],
)
async def test_suites_of_tls_1_2(ciphers: str, is_spoken: bool, tmp_path: Path) -> None:
    """Forward secrecy and authenticated encryption, or nothing."""
    client = client_context(tmp_path, version=ssl.TLSVersion.TLSv1_2)
    client.set_ciphers(ciphers)
    async with echoing(CurrentContext(make_context(FIRST, None))) as port:
        if is_spoken:
            assert b"hello\n" == (await asyncio.to_thread(talk, port, client)).answer
        else:
            with pytest.raises(RefusedError):
                await asyncio.to_thread(talk, port, client)


@pytest.mark.parametrize(
    ("pair", "client_ca", "reason"),
    [
        pytest.param(Pair(FIRST.certificate, SECOND.key), None, "key values mismatch", id="another's key"),
        pytest.param(
            Pair(FIRST.certificate[:-40], FIRST.key), None, "PEM block 1 does not end (certificate)", id="half written"
        ),
        pytest.param(Pair(b"", FIRST.key), None, "no PEM block (certificate)", id="empty"),
        pytest.param(Pair(FIRST.certificate, b""), None, "no PEM block (key)", id="empty key"),
        pytest.param(FIRST, b"", "no PEM block (authorities)", id="no CA"),
        pytest.param(
            FIRST, ca(OLD_CA.issued) + ca(NEW_CA.issued)[:100], "PEM block 2 does not end (authorities)", id="half a CA"
        ),
        pytest.param(FIRST, FIRST.key, "no certificate or crl found", id="a key as a CA"),
        pytest.param(
            Pair(FIRST.certificate, key_pem(OLD_CALLER, b"secret")),
            None,
            "not PEM, or protected by a passphrase",
            id="behind a passphrase",
        ),
    ],
)
async def test_what_cannot_be_used(pair: Pair, client_ca: bytes | None, reason: str) -> None:
    """It is refused with a reason, which repeats nothing of it."""
    with pytest.raises(TlsMaterialError) as caught:
        make_context(pair, client_ca)
    assert reason == str(caught.value)


def test_it_can_do_nothing_by_itself() -> None:
    """Whoever would use it in another way than by `wrap_bio` finds a context without a certificate."""
    current = CurrentContext(make_context(FIRST, ca(OLD_CA.issued)))
    assert [] == current.get_ca_certs()


def test_a_key_is_not_shown() -> None:
    """Not in what a traceback or a log would print."""
    assert "BEGIN" not in repr(FIRST)
