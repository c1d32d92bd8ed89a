"""The transport guards itself, whoever uses it."""

import httpx
import pytest

from service.adapters.http.guard import EgressRules
from service.adapters.http.transport import TRUST_EXTENSION, GuardedTransport, tls_context
from service.application.origin import OriginError, UrlTrust
from service.core.model.attempt import Problem
from tests.adapters.http.servers import always, ok, serve
from tests.adapters.http.world import PRIVATE, Names, ToLoopback

pytestmark = pytest.mark.anyio


def _transport(connector: ToLoopback) -> GuardedTransport:
    return GuardedTransport(EgressRules(), tls_context(), Names({"inside.example": [(PRIVATE,)]}), connector)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://inside.example/", Problem.EGRESS_REFUSED),
        ("http://127.0.0.1/", Problem.EGRESS_REFUSED),
        ("http://user:secret@inside.example/", Problem.EGRESS_REFUSED),
        ("ftp://inside.example/", Problem.UNSUPPORTED_SCHEME),
    ],
)
async def test_without_a_word_about_trust_a_certificate_asks(url: str, expected: Problem) -> None:
    """A request that does not say who named its URL is held to the rule for certificates."""
    connector = ToLoopback()
    async with httpx.AsyncClient(transport=_transport(connector)) as client:
        with pytest.raises(OriginError) as caught:
            await client.get(url)
    assert expected == caught.value.problem
    assert [] == connector.asked


async def test_the_target_is_what_was_checked() -> None:
    """Extensions that make httpcore ask for something else do not reach it."""
    extensions = {TRUST_EXTENSION: UrlTrust.OPERATOR, "target": b"http://elsewhere.example/"}
    async with httpx.AsyncClient(transport=_transport(ToLoopback())) as client, serve(always(ok(b"x"))) as server:
        await client.get(f"http://inside.example:{server.port}/a.crl", extensions=extensions)
    assert "GET /a.crl HTTP/1.1" == server.received[0].line
