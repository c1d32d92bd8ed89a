"""`POST /v1/validate`: every field of the answer, for decisions of every kind."""

from datetime import UTC, datetime, timedelta

import pytest

from service.api import examples
from service.core.model.policy import Policy, RevocationMode
from tests.api.example_world import example_world
from tests.api.fakes import PublishedCrl, StandingClock
from tests.api.world import LEAF, ROOT, SUB, World, calling
from tests.pki import NOW, REVOKED_AT, Authority, days

pytestmark = pytest.mark.anyio

CRL_URL = "http://crl.example/sub.crl"
OCSP_URL = "http://ocsp.example/"


async def test_a_good_certificate_is_allowed() -> None:
    """The example of the documentation is what the service answers, field by field."""
    answer = await calling(example_world(revoked=False)).validate(examples.REQUEST)
    assert (200, examples.ALLOW) == (answer.status_code, answer.json())


async def test_a_revoked_certificate_is_denied() -> None:
    """A deny is a 200 too, with the date and the reason."""
    answer = await calling(example_world(revoked=True)).validate(examples.REQUEST)
    assert (200, examples.REVOKED) == (answer.status_code, answer.json())


async def test_an_answer_is_json_without_blanks() -> None:
    """It is compact, says what it is, and how long."""
    answer = await calling(World()).validate({"certificate": LEAF.pem, "intermediates": [SUB.pem]})
    assert "application/json" == answer.headers["content-type"]
    assert len(answer.content) == int(answer.headers["content-length"])
    assert b'{"decision":"allow","status":"unknown","code":"ok",' == answer.content[:51]


async def test_a_chain_in_one_text_is_leaf_and_intermediates() -> None:
    """What follows the leaf in PEM may be gone through."""
    answer = await calling(World()).validate({"certificate": LEAF.pem + SUB.pem})
    assert ["CN=leaf", "CN=Sub"] == [element["subject"] for element in answer.json()["path"]]


async def test_base64_of_der_is_a_certificate() -> None:
    """PEM is not needed."""
    lines = LEAF.pem.splitlines()[1:-1]
    body = {"certificate": "".join(lines), "intermediates": ["\n".join(SUB.pem.splitlines()[1:-1])]}
    assert "allow" == (await calling(World()).validate(body)).json()["decision"]


async def test_a_certificate_that_cannot_be_read_is_denied() -> None:
    """The caller gets a decision to act on, with null for everything that cannot be known."""
    answer = (await calling(World()).validate({"certificate": "MAMCAQE="})).json()
    assert {
        "decision": "deny",
        "status": "invalid",
        "code": "malformed",
        "detail": answer["detail"],
        "decision_id": "decision-1",
        "checked_at": "2026-01-01T00:00:00Z",
        "valid_until": "2026-01-01T00:01:00Z",
        "serial_number": None,
        "fingerprint_sha256": None,
        "subject": None,
        "issuer": None,
        "sans": None,
        "path": [],
        "authorized_policies": [],
        "enforced": None,
        "cache": "miss",
    } == answer
    assert answer["detail"].startswith("The certificate cannot be read: ")


@pytest.mark.parametrize(
    ("serial", "written"), [(1, "1"), (0xAB, "ab"), (0, "0"), (-0x1F, "-1f"), (2**159, f"8{39 * '0'}")]
)
async def test_a_serial_number_is_hex_without_leading_zeros(serial: int, written: str) -> None:
    """It is a number, not its octets: negative ones, which RFC 5280 forbids and CAs have issued, have a sign."""
    leaf = SUB.issue("leaf", serial=serial)
    answer = (await calling(World()).validate({"certificate": leaf.pem + SUB.pem})).json()
    assert [written, written] == [answer["serial_number"], answer["path"][0]["serial_number"]]


async def test_names_keep_their_letters() -> None:
    """A subject in another script, with line ends and quotes in it, is itself again after JSON."""
    leaf = SUB.issue(r"CN=山田\, 太郎 \"x\"\0d\0a")
    answer = (await calling(World()).validate({"certificate": leaf.pem + SUB.pem})).json()
    assert 'CN=山田\\, 太郎 \\"x\\"\r\n' == answer["subject"]


async def test_no_path_is_an_empty_one() -> None:
    """A stranger is untrusted, and the path of the answer is empty."""
    stranger = Authority.root("Elsewhere").issue("stranger")
    answer = (await calling(World()).validate({"certificate": stranger.pem})).json()
    assert ("deny", "invalid", "untrusted", []) == tuple(answer[key] for key in ("decision", "status", "code", "path"))


async def test_a_path_that_failed_is_shown() -> None:
    """Expired, with the path that it would have had; nothing in it was asked about."""
    leaf = SUB.issue("leaf", not_after=NOW - days(1))
    answer = (await calling(World()).validate({"certificate": leaf.pem + SUB.pem})).json()
    assert ("deny", "invalid", "expired") == (answer["decision"], answer["status"], answer["code"])
    assert ["not_checked", "not_checked"] == [element["revocation"]["status"] for element in answer["path"]]


async def test_an_anchor_that_is_the_leaf_is_the_path() -> None:
    """The anchor is left out unless it is what was asked about."""
    device = Authority.root("device", ca=False, key_usage={"digitalSignature"}).issued
    answer = (await calling(World(stores={"default": (device,)})).validate({"certificate": device.pem})).json()
    assert ("allow", ["CN=device"]) == (answer["decision"], [element["subject"] for element in answer["path"]])


async def test_what_was_fetched_is_named() -> None:
    """A CRL that had to be fetched names its URL, its tier and its times."""
    leaf = SUB.issue("leaf", crl_urls=CRL_URL)
    world = World(crls={CRL_URL: PublishedCrl(SUB.crl(revoked={leaf.serial: None}, number=2**70), SUB)})
    answer = (await calling(world).validate({"certificate": leaf.pem + SUB.pem})).json()
    assert {
        "status": "revoked",
        "method": "crl",
        "source": CRL_URL,
        "this_update": "2025-12-31T23:00:00Z",
        "next_update": "2026-01-02T00:00:00Z",
        "revoked_at": "2025-12-31T00:00:00Z",
        "reason": "unspecified",
        "crl_number": 2**70,
        "tier": "origin",
        "detail": "",
    } == answer["path"][0]["revocation"]


async def test_an_ocsp_answer_is_evidence() -> None:
    """A responder's answer has no CRL number."""
    leaf = SUB.issue("leaf", ocsp_urls=OCSP_URL)
    answer = SUB.ocsp(leaf, status="revoked", reason="superseded", revoked_at=REVOKED_AT)
    found = (await calling(World(responders={OCSP_URL: answer})).validate({"certificate": leaf.pem + SUB.pem})).json()
    revocation = found["path"][0]["revocation"]
    assert ("revoked", "ocsp", OCSP_URL, "superseded", None, "origin") == tuple(
        revocation[key] for key in ("status", "method", "source", "reason", "crl_number", "tier")
    )


async def test_evidence_that_is_nowhere_is_explained() -> None:
    """What was tried stands in the detail, of the decision and of the certificate."""
    leaf = SUB.issue("leaf", ocsp_urls=OCSP_URL)
    answer = (await calling(World()).validate({"certificate": leaf.pem + SUB.pem})).json()
    assert ("deny", "unknown", "revocation_unavailable") == (answer["decision"], answer["status"], answer["code"])
    assert f"{OCSP_URL}: unreachable" in answer["detail"]
    assert f"{OCSP_URL}: unreachable" in answer["path"][0]["revocation"]["detail"]
    assert "2026-01-01T00:00:05Z" == answer["valid_until"]


async def test_policies_are_sorted() -> None:
    """The user-constrained policy set comes in one order."""
    leaf = ROOT.issue("leaf", policies=[f"1.2.3.{number}" for number in range(9, 0, -1)])
    answer = (await calling(World()).validate({"certificate": leaf.pem})).json()
    assert [f"1.2.3.{number}" for number in range(1, 10)] == answer["authorized_policies"]


async def test_a_moment_has_a_fraction_only_where_there_is_one() -> None:
    """The clock's microseconds are kept; whole seconds are written as such."""
    clock = StandingClock(NOW + timedelta(microseconds=250_000))
    answer = (await calling(World(clock=clock)).validate({"certificate": LEAF.pem + SUB.pem})).json()
    assert ["2026-01-01T00:00:00.250000Z", "2026-01-01T00:01:00.250000Z"] == [
        answer["checked_at"],
        answer["valid_until"],
    ]


async def test_the_last_day_of_the_calendar_is_written() -> None:
    """Certificates without an end (RFC 5280 §4.1.2.5) end on the calendar's last second."""
    leaf = SUB.issue("leaf", not_after=datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC))
    answer = (await calling(World()).validate({"certificate": leaf.pem + SUB.pem})).json()
    assert "9999-12-31T23:59:59Z" == answer["path"][0]["not_after"]


async def test_a_named_trust_store_is_used() -> None:
    """Who is trusted in one store is a stranger in another."""
    other = Authority.root("Other")
    caller = calling(World(stores={"default": (ROOT,), "other.store-1": (other,)}))
    request = {"certificate": LEAF.pem + SUB.pem, "trust_store": "other.store-1"}
    assert "untrusted" == (await caller.validate(request)).json()["code"]
    assert "allow" == (await caller.validate({"certificate": LEAF.pem + SUB.pem})).json()["decision"]


async def test_the_operators_policy_decides() -> None:
    """Without options, it is what the operator has set."""
    world = World(policy=Policy(revocation_mode=RevocationMode.REQUIRE))
    answer = (await calling(world).validate({"certificate": LEAF.pem + SUB.pem})).json()
    assert "revocation_unavailable" == answer["code"]


async def test_what_does_not_parse_is_named() -> None:
    """An intermediate that is none is ignored, and said to be."""
    body = {"certificate": LEAF.pem, "intermediates": ["!", SUB.pem, "MAMCAQE="]}
    answer = (await calling(World()).validate(body)).json()
    assert "allow" == answer["decision"]
    assert "Ignored: intermediate 1: neither PEM nor base64 of DER; intermediate" in answer["detail"]


async def test_what_is_ignored_is_named_up_to_a_number() -> None:
    """A hundred broken intermediates do not make an answer of a hundred sentences."""
    answer = (await calling(World()).validate({"certificate": LEAF.pem, "intermediates": ["!"] * 100})).json()
    assert answer["detail"].endswith("intermediate 8: neither PEM nor base64 of DER; and 92 more.")


async def test_a_decision_is_told_to_the_observer_by_its_id() -> None:
    """What the answer calls itself is what logs call it."""
    world = World()
    answer = (await calling(world).validate({"certificate": LEAF.pem + SUB.pem})).json()
    assert [answer["decision_id"]] == [details.decision_id for details in world.observer.decisions]
