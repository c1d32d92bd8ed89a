"""Who may ask whether to let a request through: the proxy, by its own token, and never the client by its."""

import json
from typing import Final

import pytest

from service.api.authentication import Access, ClientCertificates, TokenPlace, grant_access
from service.api.problems import ProblemError
from service.api.reply import Header
from service.api.rules import ApiRules
from service.application.fronts import Front
from service.application.shadow import Enforcement, ShadowRules
from service.core.model.failure import Code
from service.core.model.policy import Policy, RevocationMode, RevocationScope
from tests.api.asgi import sending
from tests.api.authorizing import handed_over, proxy, trusting
from tests.api.world import ADMIN, CALLER, LEAF, ROOT, SUB, WITH_CLIENT_CA, WITH_TOKENS, World
from tests.pki import Authority, key

pytestmark = pytest.mark.anyio

TOKEN: Final = b"x-revet-token"
SHADOWED: Final = "shadowed-token"
CERTIFICATE: Final = handed_over(Front.NGINX, LEAF.der)
BOTH: Final = ApiRules(access=grant_access([CALLER], [ADMIN], ClientCertificates.REQUIRED))
STRICT: Final = Policy(RevocationMode.REQUIRE, RevocationScope.LEAF)
IN_SHADOW: Final = ApiRules(access=grant_access([CALLER], [ADMIN], shadow_tokens=[SHADOWED]))


@pytest.mark.parametrize("token", [CALLER, ADMIN])
async def test_a_token(token: str) -> None:
    """A caller's, or an administrator's."""
    assert 200 == (await proxy(trusting(ROOT, SUB, rules=WITH_TOKENS), token).ask("nginx", CERTIFICATE)).status


REFUSED: Final[dict[str, tuple[Header, ...]]] = {
    "none": (),
    "empty": ((TOKEN, b""),),
    "blank": ((TOKEN, b" "),),
    "unknown": ((TOKEN, b"caller-token-"),),
    "two": ((TOKEN, CALLER.encode()), (TOKEN, CALLER.encode())),
    "two, one of them empty": ((TOKEN, CALLER.encode()), (TOKEN, b"")),
    "two in one": ((TOKEN, b"caller-token, caller-token"),),
    "with a scheme": ((TOKEN, b"Bearer caller-token"),),
    "in Authorization": ((b"authorization", b"Bearer caller-token"),),
    "in Authorization, unknown here": ((TOKEN, b"unknown"), (b"authorization", b"Bearer caller-token")),
    "another name": ((b"x_revet_token", CALLER.encode()), (b"revet-token", CALLER.encode())),
    "octets": ((TOKEN, b"\xff\x00"),),
}


@pytest.mark.parametrize("case", REFUSED)
@pytest.mark.parametrize("path", ["nginx", "nginx@nobody", "elsewhere"])
async def test_no_token(case: str, path: str) -> None:
    """401 before anything else is looked at, with a challenge that is not the client's to answer."""
    world = trusting(ROOT, SUB, rules=WITH_TOKENS)
    answer = await proxy(world).ask(path, [*CERTIFICATE, *REFUSED[case]])
    assert (401, b"unauthenticated") == (answer.status, answer.headers[b"x-revet-code"])
    assert answer.headers[b"www-authenticate"].startswith(b'RevetToken realm="revet"')
    assert "urn:revet:problem:unauthenticated-proxy" == json.loads(answer.body)["type"]
    assert [] == world.observer.decisions


async def test_blanks_around_a_token() -> None:
    """They are the header's (RFC 9110 §5.5)."""
    headers = [(TOKEN, b" \tcaller-token\t "), *CERTIFICATE]
    assert 200 == (await proxy(trusting(ROOT, SUB, rules=WITH_TOKENS)).ask("nginx", headers)).status


async def test_authorization_is_the_clients() -> None:
    """It is not read, whatever it says, and however often it is there."""
    asked = proxy(trusting(ROOT, SUB, rules=WITH_TOKENS), CALLER)
    for value in (b"Bearer unknown", b"Basic YTpi", b"Bearer admin-token", b""):
        headers = [(b"authorization", value), *CERTIFICATE, (b"authorization", value)]
        assert 200 == (await asked.ask("nginx", headers)).status


async def test_the_other_paths_do_not_read_the_proxys_header() -> None:
    """A token is in one place on each path."""
    with pytest.raises(ProblemError):
        WITH_TOKENS.access.authenticate(sending((TOKEN, CALLER.encode())))
    with pytest.raises(ProblemError):
        WITH_TOKENS.access.authenticate(sending((b"authorization", b"Bearer caller-token")), TokenPlace.OWN_HEADER)


@pytest.mark.parametrize(
    ("rules", "token", "status"),
    [
        (ApiRules(), None, 200),
        (ApiRules(), "any", 200),
        (WITH_CLIENT_CA, None, 200),
        (BOTH, None, 401),
        (BOTH, CALLER, 200),
        (ApiRules(access=grant_access([], [ADMIN], ClientCertificates.REQUIRED)), None, 200),
        (ApiRules(access=grant_access([], [ADMIN], ClientCertificates.REQUIRED)), "any", 401),
        (ApiRules(access=grant_access([], [ADMIN])), None, 401),
    ],
)
async def test_client_certificates_of_proxies(rules: ApiRules, token: str | None, status: int) -> None:
    """As for `POST /v1/validate`: they are enough where callers have no tokens."""
    assert status == (await proxy(trusting(ROOT, SUB, rules=rules), token).ask("nginx", CERTIFICATE)).status


# --- shadow mode -----------------------------------------------------------------------------------------------------


async def test_a_proxy_in_shadow() -> None:
    """By its token: an allow, with what it would have been; its neighbour is told the truth."""
    world = trusting(ROOT, SUB, rules=IN_SHADOW, policy=STRICT)
    answers = [await proxy(world, token).ask("nginx", CERTIFICATE) for token in (SHADOWED, CALLER)]
    assert [
        (200, b"allow", b"ok", b"revocation_unavailable"),
        (403, b"deny", b"revocation_unavailable", None),
    ] == [
        (
            one.status,
            one.headers[b"x-revet-decision"],
            one.headers[b"x-revet-code"],
            one.headers.get(b"x-revet-enforced-code"),
        )
        for one in answers
    ]
    assert [Code.REVOCATION_UNAVAILABLE] == [one.code for one in world.observer.denials]


async def test_the_clients_token_puts_nobody_into_shadow() -> None:
    """`Authorization` is not read for this either."""
    headers = [(b"authorization", f"Bearer {SHADOWED}".encode()), *CERTIFICATE]
    answer = await proxy(trusting(ROOT, SUB, rules=IN_SHADOW, policy=STRICT), CALLER).ask("nginx", headers)
    assert 403 == answer.status


async def test_a_trust_store_in_shadow() -> None:
    """The one that the path names."""
    world = World(
        stores={"default": (ROOT, SUB), "trial": (ROOT, SUB)},
        policy=STRICT,
        shadow=ShadowRules(trust_stores=frozenset({"trial"})),
    )
    assert [200, 403] == [(await proxy(world).ask(path, CERTIFICATE)).status for path in ("nginx@trial", "nginx")]


EVERYBODY: Final = ShadowRules(Enforcement.SHADOW)


async def test_what_shadow_never_puts_aside() -> None:
    """Somebody else's name on a certificate of one's own, and what is not there or cannot be read."""
    asked = proxy(trusting(ROOT, SUB, policy=STRICT, shadow=EVERYBODY))
    impostor = Authority.root("Sub", key=key("p384", 7)).issue("leaf", serial=LEAF.serial)
    own = Authority.root("leaf", key=key("p384", 8))
    for der in (impostor.der, own.issued.der):
        answer = await asked.present(Front.NGINX, der)
        assert (403, None) == (answer.status, answer.headers.get(b"x-revet-subject"))
        assert b"x-revet-enforced-code" not in answer.headers
    assert [401, 400] == [
        (await asked.ask("nginx", headers)).status for headers in ([], [(b"x-ssl-client-cert", b"?")])
    ]


def test_in_shadow_by_the_header_that_counts() -> None:
    """The place decides, for one access as for the other."""
    access: Access = IN_SHADOW.access
    for own, bearer in ((SHADOWED, CALLER), (CALLER, SHADOWED)):
        headers = ((TOKEN, own.encode()), (b"authorization", f"Bearer {bearer}".encode()))
        assert [own == SHADOWED, bearer == SHADOWED] == [
            access.authenticate(sending(*headers), place).enforcement is Enforcement.SHADOW
            for place in (TokenPlace.OWN_HEADER, TokenPlace.AUTHORIZATION)
        ]
