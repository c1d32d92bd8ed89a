"""Tokens: who is let in, and what those who are not are told."""

from dataclasses import replace
from typing import Any, Final

import pytest

from service.api.authentication import Access, ClientCertificates, Role, grant_access
from service.api.problems import ProblemError
from service.api.rules import ApiRules, Overrides
from service.application.shadow import Enforcement
from service.application.tokens import entry_of
from tests.api.asgi import sending
from tests.api.world import ADMIN, CALLER, LEAF, SUB, WITH_CLIENT_CA, WITH_TOKENS, World, calling

pytestmark = pytest.mark.anyio

REQUEST: Final = {"certificate": LEAF.pem + SUB.pem}
ONLY_ADMINS: Final = ApiRules(access=grant_access([], [ADMIN]))
CA_AND_ADMINS: Final = ApiRules(access=grant_access([], [ADMIN], ClientCertificates.REQUIRED))
CA_AND_CALLERS: Final = ApiRules(access=grant_access([CALLER], [], ClientCertificates.REQUIRED))


@pytest.mark.parametrize(
    ("rules", "token", "status"),
    [
        pytest.param(ApiRules(), None, 200, id="nothing configured, no token"),
        pytest.param(ApiRules(), "anything", 200, id="nothing configured, any token"),
        pytest.param(WITH_TOKENS, None, 401, id="tokens, none given"),
        pytest.param(WITH_TOKENS, "wrong", 401, id="tokens, a wrong one"),
        pytest.param(WITH_TOKENS, CALLER[:-1], 401, id="tokens, the beginning of one"),
        pytest.param(WITH_TOKENS, f"{CALLER}x", 401, id="tokens, more than one"),
        pytest.param(WITH_TOKENS, CALLER.upper(), 401, id="tokens, another case"),
        pytest.param(WITH_TOKENS, CALLER, 200, id="tokens, a caller's"),
        pytest.param(WITH_TOKENS, ADMIN, 200, id="tokens, an administrator's"),
        pytest.param(ONLY_ADMINS, None, 401, id="administrators' tokens, none given"),
        pytest.param(ONLY_ADMINS, ADMIN, 200, id="administrators' tokens, one given"),
        pytest.param(WITH_CLIENT_CA, None, 200, id="client CA alone"),
        pytest.param(CA_AND_ADMINS, None, 200, id="client CA and administrators, no token"),
        pytest.param(CA_AND_ADMINS, "wrong", 401, id="client CA and administrators, a wrong token"),
        pytest.param(CA_AND_ADMINS, ADMIN, 200, id="client CA and administrators, one given"),
        pytest.param(CA_AND_CALLERS, None, 401, id="client CA and callers, no token"),
        pytest.param(CA_AND_CALLERS, CALLER, 200, id="client CA and callers, one given"),
    ],
)
async def test_who_is_let_in(rules: ApiRules, token: str | None, status: int) -> None:
    """Anonymous callers exist only where there is nothing to authenticate with."""
    caller = calling(World(rules=rules), token)
    assert [status, status] == [(await caller.validate(REQUEST)).status_code, (await caller.batch(REQUEST)).status_code]


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer ",
        CALLER,
        f"Basic {CALLER}",
        f"Bearer:{CALLER}",
        f"Bearer{CALLER}",
        f"Bearer {CALLER} {CALLER}",
        f"Bearer {CALLER},",
        f'Bearer "{CALLER}"',
    ],
)
async def test_a_header_of_another_shape_is_no_token(header: str) -> None:
    """`Bearer`, a blank and the token: RFC 6750 §2.1."""
    answer = await calling(World(rules=WITH_TOKENS)).send("POST", "/v1/validate", headers={"authorization": header})
    assert 401 == answer.status_code


@pytest.mark.parametrize("header", [f"bearer {CALLER}", f"BEARER {CALLER}", f"Bearer   {CALLER}"])
async def test_the_scheme_has_no_case(header: str) -> None:
    """RFC 9110 §11.1."""
    answer = await calling(World(rules=WITH_TOKENS)).send("POST", "/v1/validate", headers={"authorization": header})
    assert 400 == answer.status_code


def test_two_headers_are_none() -> None:
    """Which of them a proxy on the way has looked at is not known."""
    header = (b"authorization", f"Bearer {CALLER}".encode())
    assert Role.CALLER is WITH_TOKENS.access.authenticate(sending(header)).role
    with pytest.raises(ProblemError):
        WITH_TOKENS.access.authenticate(sending(header, header))


def test_any_octets_are_a_wrong_token() -> None:
    """What is no UTF-8 is compared like everything else."""
    with pytest.raises(ProblemError):
        WITH_TOKENS.access.authenticate(sending((b"authorization", b"Bearer \xff\xfe\x00")))


def test_a_token_beyond_ascii_is_a_token() -> None:
    """It is compared as the UTF-8 that clients send."""
    access = grant_access(["geheim-über"])
    assert Role.CALLER is access.authenticate(asking_with("geheim-über")).role


def test_each_of_several_tokens_counts() -> None:
    """Tokens are changed by adding the new one first."""
    access = grant_access(["old", "new"], ["admin"])
    roles = [access.authenticate(asking_with(token)).role for token in ("old", "new", "admin")]
    assert [Role.CALLER, Role.CALLER, Role.ADMIN] == roles


@pytest.mark.parametrize(
    ("token", "challenge"), [(None, 'Bearer realm="revet"'), ("wrong", 'Bearer realm="revet", error="invalid_token"')]
)
async def test_a_401_has_a_challenge(token: str | None, challenge: str) -> None:
    """RFC 6750 §3: an error only where a token was given."""
    answer = await calling(World(rules=WITH_TOKENS), token).validate(REQUEST)
    assert (challenge, "application/problem+json") == (
        answer.headers["www-authenticate"],
        answer.headers["content-type"],
    )


async def test_a_stranger_learns_nothing_of_the_request() -> None:
    """401 comes before anything is said of type, size or content."""
    rules = replace(WITH_TOKENS, max_request_bytes=1, overrides=Overrides.ALLOWED)
    answer = await calling(World(rules=rules)).post(b"far too long", content_type="text/plain")
    assert 401 == answer.status_code


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/openapi.json", "/docs"])
async def test_probes_and_readers_need_no_token(path: str) -> None:
    """They show no subjects."""
    assert 200 == (await calling(World(rules=WITH_TOKENS)).get(path)).status_code


def test_secrets_do_not_show() -> None:
    """Neither tokens nor their digests are in what a log would print of the rules."""
    shown = repr(WITH_TOKENS)
    assert CALLER not in shown
    assert repr(WITH_TOKENS.access.callers[0])[2:10] not in shown
    who = WITH_TOKENS.access.authenticate(asking_with(CALLER))
    assert repr(who.token)[2:10] not in repr(who)


def asking_with(token: str) -> dict[str, Any]:
    """A request of somebody who has a token."""
    return sending((b"authorization", f"Bearer {token}".encode()))


SOMEBODY: Final = "somebody-0123456789abcdef"


@pytest.mark.parametrize(
    ("access", "role"),
    [
        (grant_access([entry_of(SOMEBODY)]), Role.CALLER),
        (grant_access([], [entry_of(SOMEBODY)]), Role.ADMIN),
        (grant_access(shadow_tokens=[entry_of(SOMEBODY)]), Role.CALLER),
    ],
)
def test_a_digest_in_place_of_a_token(access: Access, role: Role) -> None:
    """Whoever has the token is let in; the digest itself, which a file shows, opens nothing."""
    token = SOMEBODY
    assert role is access.authenticate(asking_with(token)).role
    for digest in (entry_of(token), entry_of(token).removeprefix("sha256:")):
        with pytest.raises(ProblemError):
            access.authenticate(asking_with(digest))


def test_tokens_are_replaced() -> None:
    """From the next request on the new ones count, and the old ones do not."""
    access = grant_access(["old", "both"], ["boss"], shadow_tokens=["shadowed"])
    access.replace_tokens(grant_access(["both", "new"], ["shadowed"], shadow_tokens=["boss"]).tokens)
    found = {token: access.authenticate(asking_with(token)) for token in ("both", "new", "shadowed", "boss")}
    assert {
        "both": (Role.CALLER, Enforcement.ENFORCED),
        "new": (Role.CALLER, Enforcement.ENFORCED),
        "shadowed": (Role.ADMIN, Enforcement.ENFORCED),
        "boss": (Role.CALLER, Enforcement.SHADOW),
    } == {token: (who.role, who.enforcement) for token, who in found.items()}
    with pytest.raises(ProblemError):
        access.authenticate(asking_with("old"))


@pytest.mark.parametrize(
    "less",
    [
        pytest.param(grant_access(), id="nobody's"),
        pytest.param(grant_access(["caller"]), id="callers' alone"),
        pytest.param(grant_access([], ["admin"]), id="administrators' alone"),
        pytest.param(grant_access(["caller"], ["admin"], shadow_tokens=["other"]), id="one more kind"),
    ],
)
def test_nobody_is_let_in_because_tokens_are_gone(less: Access) -> None:
    """Without callers' tokens a client certificate would do, and without any token everybody could do everything."""
    access = grant_access(["caller"], ["admin"], ClientCertificates.REQUIRED)
    with pytest.raises(ValueError, match="never change"):
        access.replace_tokens(less.tokens)
    with pytest.raises(ProblemError):
        access.authenticate(sending())
    assert Role.CALLER is access.authenticate(asking_with("caller")).role


async def test_what_was_answered_to_a_removed_token_is_given_to_nobody_who_has_it() -> None:
    """Answers are kept for all who may ask: he is refused before anybody looks for one."""
    access = grant_access([CALLER, "another-caller"], [ADMIN])
    caller = calling(World(rules=ApiRules(access=access)), CALLER)
    before = [(await caller.validate(REQUEST)).status_code for _ in range(2)]
    access.replace_tokens(grant_access(["another-caller"], [ADMIN]).tokens)
    assert ([200, 200], 401) == (before, (await caller.validate(REQUEST)).status_code)
