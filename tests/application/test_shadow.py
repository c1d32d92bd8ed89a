"""Shadow mode: what is put aside, what never is, and what is remembered of it."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest

from service.adapters.lmdb.store import Store
from service.application.repeating import Repeatable
from service.application.shadow import (
    MAX_RECENT,
    PUT_ASIDE,
    Enforcement,
    ShadowReport,
    ShadowRules,
    ShadowSnapshot,
    WouldDeny,
    shadowed,
    would_deny,
)
from service.application.validate import Validator
from service.core.model.failure import Code, Malformed
from service.core.model.verdict import Decision, Status, Verdict
from tests.api.fakes import NumberedIds
from tests.application.chain import CRL_URL, SUB, leaf
from tests.application.world import ALLOWED, REVOKED, UNAVAILABLE, UNTRUSTED, World, request, world
from tests.pki import NOW, days

ENFORCED, SHADOW = Enforcement.ENFORCED, Enforcement.SHADOW
LEAF: Final = leaf(crl_urls=CRL_URL)
IN_SHADOW: Final = ("allow", "unknown", "ok")


def denied(code: Code) -> Verdict:
    """A denial for that reason."""
    failure = Malformed("for any reason")
    path, none, withheld = (), frozenset[str](), frozenset({"1.2.3"})
    return Verdict(Decision.DENY, Status.REVOKED, code, failure, LEAF, path, None, none, NOW + days(1), withheld)


@pytest.mark.parametrize("code", Code)
def test_what_is_put_aside(code: Code) -> None:
    """What is known, or not known, of revocation, and nothing else: the very verdict otherwise."""
    verdict = denied(code)
    answered = shadowed(verdict)
    if code in (Code.REVOKED, Code.REVOCATION_UNAVAILABLE):
        expected = replace(
            verdict,
            decision=Decision.ALLOW,
            status=Status.UNKNOWN,
            code=Code.OK,
            failure=None,
            authorized_policies=frozenset({"1.2.3"}),
            withheld_policies=frozenset(),
        )
        assert (expected, NOW + days(1)) == (answered, answered.valid_until)
    else:
        assert answered is verdict


def test_the_two_codes() -> None:
    """A new code is enforced until somebody says otherwise."""
    assert {Code.REVOKED, Code.REVOCATION_UNAVAILABLE} == PUT_ASIDE


@pytest.mark.parametrize(
    ("rules", "caller", "expected"),
    [
        (ShadowRules(), ENFORCED, ENFORCED),
        (ShadowRules(), SHADOW, SHADOW),
        (ShadowRules(SHADOW), ENFORCED, SHADOW),
        (ShadowRules(trust_stores=frozenset({"default"})), ENFORCED, SHADOW),
        (ShadowRules(trust_stores=frozenset({"other"})), ENFORCED, ENFORCED),
        (ShadowRules(trust_stores=frozenset({"other"})), SHADOW, SHADOW),
    ],
)
def test_who_is_answered_in_shadow(rules: ShadowRules, caller: Enforcement, expected: Enforcement) -> None:
    """Everybody, whoever asks about a trust store, or a caller."""
    assert expected is rules.enforcement("default", caller)


def denial(number: int, code: Code = Code.REVOKED) -> WouldDeny:
    """A record."""
    return WouldDeny(f"id-{number}", code, "default", NOW, "1f", "CN=leaf", "00")


def repeatable(would_be: WouldDeny | None) -> Repeatable:
    """An allow that is given once more, in shadow perhaps instead of a denial."""
    return Repeatable(Decision.ALLOW, Status.UNKNOWN, Code.OK, "default", "api", would_be)


def test_the_report_counts_all_and_remembers_the_last() -> None:
    """Newest first, bounded."""
    report = ShadowReport()
    assert (ShadowSnapshot(), 0) == (report.snapshot(), report.snapshot().total)
    for number in range(MAX_RECENT + 1):
        report.record(denial(number))
    report.record(denial(-1, Code.REVOCATION_UNAVAILABLE))
    found = report.snapshot()
    expected = {(Code.REVOKED, "default"): MAX_RECENT + 1, (Code.REVOCATION_UNAVAILABLE, "default"): 1}
    assert (expected, MAX_RECENT + 2) == (found.denials, found.total)
    assert (MAX_RECENT, "id--1", "id-2") == (
        len(found.recent),
        found.recent[0].decision_id,
        found.recent[-1].decision_id,
    )


def test_a_snapshot_does_not_change() -> None:
    """What is told later is in the next one."""
    report = ShadowReport()
    before = report.snapshot()
    report.record(denial(1))
    assert (ShadowSnapshot(), 1) == (before, report.snapshot().total)


def test_a_record_names_the_certificate() -> None:
    """As answers do; a leaf that cannot be read has no name."""
    found = would_deny(denied(Code.REVOKED), "id-1", "default", NOW)
    serial, fingerprint = f"{LEAF.serial_number:x}", LEAF.fingerprint.hex()
    assert WouldDeny("id-1", Code.REVOKED, "default", NOW, serial, LEAF.subject.text, fingerprint) == found
    nameless = would_deny(replace(denied(Code.REVOKED), certificate=None), "id-1", "default", NOW)
    assert ("", "", "") == (nameless.serial_number, nameless.subject, nameless.fingerprint)


@pytest.fixture
def report() -> ShadowReport:
    """What would have been denied."""
    return ShadowReport()


@pytest.fixture
def service(store: Store, tmp_path: Path, report: ShadowReport) -> World:
    """A service whose default store is in shadow."""
    made = world(store, tmp_path)
    rules = ShadowRules(trust_stores=frozenset({"default"}))
    made.validator = Validator(
        made.stores, made.gatherer, made.clock, NumberedIds(), made.recorder, 30.0, made.blocks, rules, report
    )
    return made


@pytest.mark.anyio
async def test_a_revoked_certificate(service: World, report: ShadowReport) -> None:
    """It is let in, the answer says what it would have been, and so does the record."""
    service.origin.answers[CRL_URL] = SUB.crl(revoked=[LEAF.serial_number], number=1)
    assert IN_SHADOW == await service.ask(LEAF)
    (answer,) = service.asked
    assert answer.enforced is not None
    assert REVOKED == (answer.enforced.decision.value, answer.enforced.status.value, answer.enforced.code.value)
    assert answer.enforced.valid_until == answer.valid_until
    assert [("decision-1", Code.REVOKED)] == [(one.decision_id, one.code) for one in report.snapshot().recent]
    assert [(Decision.ALLOW, Code.OK)] == [(one.decision, one.code) for one in service.recorder.decisions]


@pytest.mark.anyio
async def test_no_answer_about_revocation(service: World) -> None:
    """It lasts no longer than the denial would."""
    assert IN_SHADOW == await service.ask(LEAF)
    (answer,) = service.asked
    assert answer.checked_at + timedelta(seconds=5) == answer.valid_until


@pytest.mark.anyio
async def test_what_is_allowed_anyway_and_what_is_denied_anyway(service: World, report: ShadowReport) -> None:
    """Nothing is put aside, and nothing is recorded."""
    assert UNTRUSTED == await service.validate(replace(request(LEAF), intermediates=()))
    service.origin.answers[CRL_URL] = SUB.crl(number=1)
    service.clock.advance(60)
    assert ALLOWED == await service.ask(LEAF)
    assert [None, None] == [answer.enforced for answer in service.asked]
    assert ShadowSnapshot() == report.snapshot()


@pytest.mark.anyio
async def test_another_trust_store_and_a_caller_of_its_own(service: World) -> None:
    """What is enforced for all is not for a caller in shadow."""
    asked = replace(request(LEAF), trust_store="both")
    assert UNAVAILABLE == await service.validate(asked)
    assert IN_SHADOW == await service.validate(replace(asked, enforcement=SHADOW))


@pytest.mark.anyio
async def test_an_answer_that_is_given_again_is_recorded_again(service: World, report: ShadowReport) -> None:
    """Under its own name, at its own time."""
    service.clock.advance(1)
    assert "decision-1" == service.validator.repeat(repeatable(denial(7)))
    assert "decision-2" == service.validator.repeat(repeatable(None))
    assert [replace(denial(7), decision_id="decision-1", at=service.clock.now())] == list(report.snapshot().recent)
