"""Options: who may send them, and that each does what it says."""

from base64 import b64encode
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from service.api.rules import ApiRules, Overrides
from service.core.model.policy import (
    IssuerMatch,
    IssuerRule,
    Policy,
    PolicyInputs,
    RevocationMode,
    RevocationScope,
    WeakAlgorithm,
)
from service.core.names.rfc4514 import canonical_of_text
from tests.api.conformance import Json
from tests.api.fakes import PublishedCrl
from tests.api.world import ADMIN, CALLER, LEAF, ROOT, SUB, WITH_CLIENT_CA, WITH_TOKENS, World, calling, overriding
from tests.pki import NOW, Authority, Extension, Issued, days, der, hours, key, pem

pytestmark = pytest.mark.anyio

CRL_URL = "http://crl.example/sub.crl"


def request(options: object, leaf: Issued = LEAF) -> Json:
    """A request that is right, with options."""
    return {"certificate": leaf.pem + SUB.pem, "options": options}


async def code(options: Json, leaf: Issued = LEAF, world: World | None = None) -> str:
    """The code of the decision."""
    answer = await overriding(world).validate(request(options, leaf))
    assert 200 == answer.status_code
    return str(answer.json()["code"])


@pytest.mark.parametrize("options", [{}, {"online": False}, {"no such": 1}, None, 7])
async def test_options_are_refused_unless_allowed(options: object) -> None:
    """Whatever they hold, the request is not looked at any further."""
    answer = await calling(World()).validate(request(options))
    assert (403, "urn:revet:problem:options-not-allowed") == (answer.status_code, answer.json()["type"])


@pytest.mark.parametrize(("token", "status"), [(CALLER, 403), (ADMIN, 200)])
async def test_with_tokens_options_need_an_administrators(token: str, status: int) -> None:
    """The operator's policy is not for every caller to change."""
    world = World(rules=replace(WITH_TOKENS, overrides=Overrides.ALLOWED))
    answer = await calling(world, token).validate(request({}))
    assert status == answer.status_code
    if status == 403:
        assert "urn:revet:problem:admin-needed" == answer.json()["type"]


@pytest.mark.parametrize("rules", [ApiRules(), WITH_CLIENT_CA])
async def test_without_tokens_everybody_may_send_options(rules: ApiRules) -> None:
    """Where the operator allows them at all."""
    world = World(rules=replace(rules, overrides=Overrides.ALLOWED))
    assert 200 == (await calling(world).validate(request({}))).status_code


@pytest.mark.parametrize("options", [{}, {"online": True}])
async def test_an_answer_to_options_is_not_reused(options: Json) -> None:
    """It is for that one request, even where the options say nothing."""
    caller = overriding()
    assert (await caller.validate(request(options))).json()["valid_until"] is None
    assert (await caller.validate({"certificate": LEAF.pem + SUB.pem})).json()["valid_until"] is not None


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2026-01-01T00:00:00Z", "ok"),
        ("2025-12-01T23:59:59.999999Z", "not_yet_valid"),
        ("2025-12-02T00:00:00Z", "ok"),
        ("2025-12-02T01:00:00+01:00", "ok"),
        ("2025-12-02T00:59:59+01:00", "not_yet_valid"),
        ("2027-01-01t00:00:00z", "ok"),
        ("2027-01-01T00:00:00.000001Z", "expired"),
        ("2026-12-31T23:59:60Z", "ok"),
        ("0001-01-01T00:00:00Z", "not_yet_valid"),
        ("9999-12-31T23:59:59.999999999Z", "expired"),
    ],
)
async def test_at_is_the_moment_in_question(at: str, expected: str) -> None:
    """Both bounds of validity are inclusive, fractions count, and neither end of the calendar hurts."""
    assert expected == await code({"at": at})


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
@pytest.mark.parametrize(("age", "expected"), [(None, "ok"), (3_155_760_000, "revocation_unavailable")])
async def test_the_ends_of_the_calendar_are_moments_for_evidence_too(at: str, age: int | None, expected: str) -> None:
    """What is valid from the first moment to the last is judged at both; the age counts from the other end."""
    first, last = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
    root = Authority.root("Old", not_before=first, not_after=last)
    leaf = root.issue("leaf", crl_urls=CRL_URL, not_before=first, not_after=last)
    issued = last if at.startswith("0001") and age is not None else first
    evidence = {"crls": [pem(root.crl(this_update=issued, next_update=last), "X509 CRL")]}
    options = {"at": at, "evidence": evidence, "max_evidence_age_s": age}
    assert expected == await code(options, leaf, World(stores={"default": (root,)}))


@pytest.mark.parametrize(
    "at",
    [
        "",
        "now",
        "2026-01-01",
        "2026-01-01T00:00:00",
        "2026-01-01T00:00Z",
        "2026-02-29T00:00:00Z",
        "2026-01-01T24:00:00Z",
        "2026-01-01T00:00:61Z",
        "2026-01-01T12:59:60Z",
        "2026-06-30T23:59:60+01:00",
        "2026-01-01T00:00:00+24:00",
        "2026-01-01T00:00:00+0100",
        "2026-01-01 00:00:00Z",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01",
        "9999-12-31T23:59:60Z",
        "٢٠٢٦-01-01T00:00:00Z",
        "2026-01-01T00:00:00Z\n",
        "20260101T000000Z",
    ],
)
async def test_a_moment_without_an_offset_or_a_day_is_a_400(at: str) -> None:
    """RFC 3339, to the letter: nobody guesses whose midnight was meant."""
    answer = await overriding().validate(request({"at": at}))
    assert (400, ["options.at"]) == (answer.status_code, [error["field"] for error in answer.json()["errors"]])


async def test_the_past_uses_inline_evidence_only() -> None:
    """What is held today says nothing of last week, and nothing is fetched."""
    leaf = SUB.issue("leaf", crl_urls=CRL_URL)
    world = World(crls={CRL_URL: PublishedCrl(SUB.crl(), SUB)})
    assert "revocation_unavailable" == await code({"at": "2025-12-31T23:30:00Z"}, leaf, world)
    inline = {"evidence": {"crls": [pem(SUB.crl(), "X509 CRL")]}}
    assert "ok" == await code({"at": "2025-12-31T23:30:00Z", **inline}, leaf, world)


async def test_offline_fetches_nothing() -> None:
    """What could be fetched is not there."""
    leaf = SUB.issue("leaf", crl_urls=CRL_URL)
    world = World(crls={CRL_URL: PublishedCrl(SUB.crl(), SUB)})
    assert "revocation_unavailable" == await code({"online": False}, leaf, world)
    assert "ok" == await code({"online": True}, leaf, world)
    assert "ok" == await code({"online": False}, leaf, world)


async def test_modes_and_scopes_are_the_requests() -> None:
    """Each of the named values arrives."""
    leaf = SUB.issue("leaf", crl_urls=CRL_URL)
    codes = {mode: await code({"revocation_mode": mode}, leaf) for mode in ("hard-fail", "soft-fail", "require", "off")}
    unavailable = "revocation_unavailable"
    assert {"hard-fail": unavailable, "soft-fail": "ok", "require": unavailable, "off": "ok"} == codes
    declared = ROOT.subordinate("Sub", crl_urls=CRL_URL)
    chain = {"certificate": declared.issue("leaf").pem + declared.pem}
    scopes = [
        (await overriding().validate({**chain, "options": {"revocation_scope": scope}})).json()["code"]
        for scope in ("chain", "leaf")
    ]
    assert [unavailable, "ok"] == scopes


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("crl-first", "ok"),
        ("ocsp-first", "ok"),
        ("both", "ok"),
        ("crl-only", "revocation_unavailable"),
        ("ocsp-only", "ok"),
    ],
)
async def test_the_order_admits_methods(order: str, expected: str) -> None:
    """An OCSP answer is none where only CRLs are admitted."""
    leaf = SUB.issue("leaf", ocsp_urls="http://ocsp.example/", crl_urls=CRL_URL)
    world = World(responders={"http://ocsp.example/": SUB.ocsp(leaf)})
    assert expected == await code({"evidence_order": order}, leaf, world)


async def test_inline_evidence_counts() -> None:
    """CRLs as PEM or base64, OCSP answers as base64; each names itself as evidence."""
    leaf = SUB.issue("leaf", crl_urls=CRL_URL)
    revoking = SUB.crl(revoked={leaf.serial: "keyCompromise"})
    for text in (pem(revoking, "X509 CRL"), b64encode(revoking).decode()):
        answer = (await overriding().validate(request({"evidence": {"crls": [text]}}, leaf))).json()
        revocation = answer["path"][0]["revocation"]
        assert ("revoked", "evidence", "evidence") == (answer["code"], revocation["source"], revocation["tier"])
    response = b64encode(SUB.ocsp(leaf)).decode()
    assert "ok" == await code({"evidence": {"ocsp_responses": [response]}}, leaf)


@pytest.mark.parametrize(
    ("evidence", "detail"),
    [
        ({"crls": 101}, "101 CRLs; the limit is 100."),
        ({"ocsp_responses": 101}, "101 OCSP responses; the limit is 100."),
    ],
)
async def test_more_evidence_than_a_request_may_bring(evidence: dict[str, int], detail: str) -> None:
    """No decision is made on a part of it; one piece less is looked at, whatever it is."""
    for less, status in ((0, 400), (1, 200)):
        pieces = {kind: ["AAAA"] * (number - less) for kind, number in evidence.items()}
        answer = await overriding().validate(request({"evidence": pieces}))
        assert status == answer.status_code
        if status == 400:
            assert ("urn:revet:problem:unreadable-certificates", detail) == (
                answer.json()["type"],
                answer.json()["detail"],
            )


@pytest.mark.parametrize(
    ("evidence", "named"),
    [
        ({"crls": ["!"]}, "CRL 1: neither PEM nor base64 of DER"),
        ({"crls": ["MAMCAQE="]}, "CRL 1: "),
        ({"ocsp_responses": [""]}, "OCSP response 1: empty"),
        ({"ocsp_responses": ["MAMKAQY="]}, "OCSP response 1: "),
    ],
)
async def test_evidence_that_does_not_parse_is_named(evidence: Json, named: str) -> None:
    """It is ignored, and never a 400."""
    answer = (await overriding().validate(request({"evidence": evidence}))).json()
    assert ("ok", True) == (answer["code"], f"Ignored: {named}" in answer["detail"])


async def test_a_partial_chain_ends_anywhere_in_the_store() -> None:
    """A store's intermediate is an anchor only where the request says so."""
    world = World(stores={"default": (SUB, Authority.root("Unrelated"))})
    assert "untrusted" == await code({"partial_chain": False}, world=world)
    assert "ok" == await code({"partial_chain": True}, world=world)


@pytest.mark.parametrize("accepted", [[], ["sha1"], ["rsa1024", "dsa"]])
async def test_weak_algorithms_are_refused_unless_named(accepted: list[str]) -> None:
    """Each is accepted by its own name."""
    leaf = SUB.issue("leaf", key=key("rsa1024"))
    assert ("ok" if "rsa1024" in accepted else "weak_algorithm") == await code({"weak_algorithms": accepted}, leaf)


async def test_no_weak_algorithms_is_less_than_the_operators() -> None:
    """An empty list accepts nothing, though the operator accepts something."""
    leaf = SUB.issue("leaf", key=key("rsa1024"))
    world = World(policy=Policy(weak_algorithms=frozenset({WeakAlgorithm.RSA_1024})))
    assert "weak_algorithm" == await code({"weak_algorithms": []}, leaf, world)
    assert "ok" == await code({}, leaf, world)


@pytest.mark.parametrize(("purpose", "expected"), [("client", "ok"), ("server", "constraint_violation"), ("any", "ok")])
async def test_the_purpose_is_the_requests(purpose: str, expected: str) -> None:
    """The leaf is for clients."""
    assert expected == await code({"key_purpose": purpose})


@pytest.mark.parametrize(("age", "expected"), [(3_600, "ok"), (3_599, "revocation_unavailable"), (None, "ok")])
async def test_evidence_may_be_so_old(age: int | None, expected: str) -> None:
    """The CRL at hand is an hour old."""
    leaf = SUB.issue("leaf", crl_urls=CRL_URL)
    evidence = {"crls": [pem(SUB.crl(this_update=NOW - hours(1)), "X509 CRL")]}
    assert expected == await code({"max_evidence_age_s": age, "evidence": evidence}, leaf)


async def test_null_lifts_the_operators_limit() -> None:
    """Absent leaves it where it is."""
    leaf = SUB.issue("leaf", crl_urls=CRL_URL)
    evidence = {"crls": [pem(SUB.crl(), "X509 CRL")]}
    world = World(policy=Policy(max_evidence_age=timedelta(minutes=1), max_path_length=0))
    assert "constraint_violation" == await code({"evidence": evidence}, leaf, world)
    assert "revocation_unavailable" == await code({"evidence": evidence, "max_path_length": None}, leaf, world)
    assert "ok" == await code({"evidence": evidence, "max_path_length": None, "max_evidence_age_s": None}, leaf, world)


@pytest.mark.parametrize(("length", "expected"), [(0, "constraint_violation"), (1, "ok"), (64, "ok"), (None, "ok")])
async def test_a_path_may_be_so_long(length: int | None, expected: str) -> None:
    """The path has one intermediate."""
    assert expected == await code({"max_path_length": length})


@pytest.mark.parametrize(
    ("policies", "expected"),
    [
        ({}, ("ok", ["1.2.3"])),
        ({"initial_policy_set": ["2.5.29.32.0"], "inhibit_any_policy": False}, ("ok", ["1.2.3"])),
        ({"initial_policy_set": ["1.2.3", "1.2.9"]}, ("ok", ["1.2.3"])),
        ({"initial_policy_set": ["1.2.9"]}, ("ok", [])),
        ({"require_explicit_policy": True}, ("ok", ["1.2.3"])),
        ({"initial_policy_set": ["1.2.9"], "require_explicit_policy": True}, ("policy_violation", [])),
        ({"inhibit_policy_mapping": True}, ("ok", ["1.2.4"])),
        ({"inhibit_any_policy": True}, ("ok", [])),
    ],
)
async def test_policies_arrive(policies: Json, expected: tuple[str, list[str]]) -> None:
    """Each input changes what comes out; the leaf's policy is one that its issuer maps, under anyPolicy."""
    mapping = Extension("2.5.29.33", der.seq(der.seq(der.oid("1.2.3"), der.oid("1.2.4"))), critical=True)
    sub = ROOT.subordinate("Sub", policies="2.5.29.32.0", extensions=(mapping,))
    body = {"certificate": sub.issue("leaf", policies="1.2.4").pem + sub.pem, "options": {"policies": policies}}
    answer = (await overriding().validate(body)).json()
    assert expected == (answer["code"], answer["authorized_policies"])


async def test_what_is_absent_is_the_operators() -> None:
    """One option leaves all others as they were."""
    operator = Policy(
        revocation_mode=RevocationMode.REQUIRE,
        policies=PolicyInputs(require_explicit_policy=False),
        max_path_length=3,
    )
    world = World(policy=operator)
    assert "revocation_unavailable" == await code({"key_purpose": "client"}, world=world)
    assert "ok" == await code({"revocation_mode": "off"}, world=world)


async def test_the_contracts_example_is_understood() -> None:
    """Every option of it, with the certificates of this test."""
    leaf = SUB.issue("leaf", not_after=NOW + days(365))
    body = {
        "certificate": leaf.pem,
        "intermediates": [SUB.pem],
        "trust_store": "default",
        "options": {
            "at": "2026-11-21T00:00:00Z",
            "online": True,
            "revocation_mode": "hard-fail",
            "revocation_scope": "chain",
            "evidence_order": "crl-first",
            "evidence": {
                "crls": [b64encode(SUB.crl()).decode()],
                "ocsp_responses": [b64encode(SUB.ocsp(leaf)).decode()],
            },
            "partial_chain": False,
            "weak_algorithms": [],
            "key_purpose": "client",
            "max_evidence_age_s": None,
            "max_path_length": None,
            "policies": {
                "initial_policy_set": ["2.5.29.32.0"],
                "require_explicit_policy": False,
                "inhibit_policy_mapping": False,
                "inhibit_any_policy": False,
            },
        },
    }
    answer = await overriding().validate(body)
    assert (200, "revocation_unavailable") == (answer.status_code, answer.json()["code"])


async def test_options_go_before_the_rules_for_issuers() -> None:
    """What a request asks is asked of every certificate; what it leaves open stays its issuer's rule's."""
    match = IssuerMatch(name=canonical_of_text("CN=Sub"))
    rule = IssuerRule(match, revocation_mode=RevocationMode.REQUIRE)
    world = World(policy=Policy(revocation_scope=RevocationScope.LEAF, issuer_rules=(rule,)))
    found = [await code({"revocation_mode": mode} if mode else {}, world=world) for mode in (None, "hard-fail", "off")]
    assert ["revocation_unavailable", "ok", "ok"] == found
