"""Which decisions are kept, and what of them."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest

from service.adapters.lmdb.store import Store
from service.application.decision_records import API_FRONT, DecisionRecord
from service.application.recording import NOTHING_KEPT
from service.application.replay.case import ReplayCase, replay
from service.application.replay.document import LeftOut, write_case
from service.application.shadow import ShadowRules, would_deny
from service.core.model.failure import Code, Malformed
from service.core.model.verdict import Decision, Status
from tests.application.chain import CRL_URL, SUB, leaf
from tests.application.replay.keeping import Denials, Everything, case_of, outcome_of, replayed
from tests.application.world import ALLOWED, REVOKED, World, request, world

pytestmark = pytest.mark.anyio

LEAF: Final = leaf(crl_urls=CRL_URL)
IN_SHADOW: Final = ("allow", "unknown", "ok")


@pytest.fixture
def keeper() -> Denials:
    """Keeps denials."""
    return Denials()


@pytest.fixture
def service(store: Store, tmp_path: Path, keeper: Denials) -> World:
    """A service whose certificate authority has revoked the leaf."""
    made = world(store, tmp_path, keeper=keeper)
    made.origin.answers[CRL_URL] = SUB.crl(revoked=[LEAF.serial_number], number=2)
    return made


async def test_a_denial(service: World, keeper: Denials) -> None:
    """As it was answered, with whose it is, how long it took, and what it rests on."""
    service.gatherer.passing_s = 0.25
    assert REVOKED == await service.validate(replace(request(LEAF), front="nginx"))
    (record,), (answer,) = keeper.records, service.asked
    assert answer.verdict == replay(case_of(record))
    assert replace(record, case=None) == DecisionRecord(
        decision_id="decision-1",
        at=answer.checked_at,
        decision=Decision.DENY,
        status=Status.REVOKED,
        code=Code.REVOKED,
        detail=record.detail,
        trust_store="default",
        front="nginx",
        serial_number=f"{LEAF.serial_number:x}",
        subject="CN=leaf",
        issuer="CN=Sub",
        fingerprint_sha256=LEAF.fingerprint.hex(),
        duration_s=0.5,
    )
    assert record.detail.startswith("CN=leaf")


async def test_an_allow_is_not_kept(service: World, keeper: Denials) -> None:
    """Unless the operator wants it; what is told when it is given again has no record either."""
    service.origin.answers[CRL_URL] = SUB.crl(number=1)
    assert ALLOWED == await service.ask(LEAF)
    (answer,) = service.asked
    service.validator.repeat(answer.repeatable)
    assert ([], None) == (keeper.records, answer.repeatable.record)


async def test_an_allow_where_all_are_kept(store: Store, tmp_path: Path) -> None:
    """With what it rests on."""
    keeper = Everything()
    service = world(store, tmp_path, keeper=keeper)
    service.origin.answers[CRL_URL] = SUB.crl(number=1)
    assert ALLOWED == await service.ask(LEAF)
    (record,) = keeper.records
    assert (Code.OK, outcome_of(record)) == (record.code, replayed(record))


async def test_what_shadow_puts_aside(store: Store, tmp_path: Path) -> None:
    """It is an allow, and kept: with the code and the sentence of the denial, and with its case."""
    keeper = Denials()
    service = world(store, tmp_path, keeper=keeper, shadow=ShadowRules(trust_stores=frozenset({"default"})))
    service.origin.answers[CRL_URL] = SUB.crl(revoked=[LEAF.serial_number], number=2)
    assert IN_SHADOW == await service.ask(LEAF)
    (record,) = keeper.records
    assert (Decision.ALLOW, Code.OK, Code.REVOKED) == (record.decision, record.code, record.enforced)
    assert "revoked" in record.detail
    assert (outcome_of(record), Code.REVOKED) == (replayed(record), replay(case_of(record)).code)


async def test_a_leaf_that_cannot_be_read(service: World, keeper: Denials) -> None:
    """It has no name, and its case says why it cannot be read, and nothing else."""
    await service.ask(Malformed("truncated DER"))
    (record,) = keeper.records
    assert [None] * 4 == [record.serial_number, record.subject, record.issuer, record.fingerprint_sha256]
    case = case_of(record)
    assert (Malformed("truncated DER"), frozenset()) == (case.request.leaf, case.request.store.anchors)


async def test_a_denial_that_is_given_again(service: World, keeper: Denials) -> None:
    """It has a record of its own, which names the first and has no case."""
    await service.ask(LEAF)
    (answer,), (first,) = service.asked, keeper.records
    service.clock.advance(7)
    assert "decision-2" == service.validator.repeat(answer.repeatable)
    expected = replace(
        first,
        decision_id="decision-2",
        at=first.at + timedelta(seconds=7),
        duration_s=None,
        repeats="decision-1",
        case=None,
    )
    assert [first, expected] == keeper.records


async def test_a_denial_that_is_given_again_too_often(service: World, keeper: Denials) -> None:
    """Where there is no room no record is made."""
    await service.ask(LEAF)
    keeper.full = True
    service.validator.repeat(service.asked[0].repeatable)
    assert 1 == len(keeper.records)


async def test_whoever_keeps_nothing(service: World, keeper: Denials) -> None:
    """He is never given a record."""
    await service.ask(LEAF)
    assert not NOTHING_KEPT.wants(Decision.DENY, Code.REVOKED)
    assert not NOTHING_KEPT.has_room("decision-1")
    NOTHING_KEPT.keep(keeper.records[0])


async def test_a_fault_of_writing_is_no_fault_of_the_answer(
    service: World, keeper: Denials, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The decision is answered; its record says that its case was left out."""

    def fails(case: ReplayCase) -> ReplayCase:
        raise RuntimeError(case.at)

    monkeypatch.setattr("service.application.replay.document.narrowed", fails)
    assert REVOKED == await service.ask(LEAF)
    (record,) = keeper.records
    assert record.case == b'{"version":1,"left_out":"%b"}' % LeftOut.FAULT.value.encode()


async def test_the_front_is_the_interface_unless_somebody_says_otherwise(service: World, keeper: Denials) -> None:
    """What comes to `POST /v1/validate` has none of a proxy."""
    await service.ask(LEAF)
    assert [API_FRONT] == [record.front for record in keeper.records]
    assert [API_FRONT] == [details.front for details in service.recorder.decisions]
    assert write_case(case_of(keeper.records[0])) == keeper.records[0].case


async def test_a_record_takes_room_beside_its_answer(service: World, keeper: Denials) -> None:
    """Strangers choose how long names are: what is kept to be given again is counted, and no more of it than that."""
    await service.ask(LEAF)
    (answer,), (record,) = service.asked, keeper.records
    names = len("CN=leaf") + len("CN=Sub")
    assert len(record.detail) + names == answer.repeatable.octets
    assert 0 == replace(answer.repeatable, record=None).octets
    denial = would_deny(answer.verdict, "decision-1", "default", answer.checked_at)
    assert len("CN=leaf") == replace(answer.repeatable, record=None, denial=denial).octets
    await service.ask(Malformed("truncated DER"))
    assert len(keeper.records[-1].detail) == service.asked[-1].repeatable.octets
