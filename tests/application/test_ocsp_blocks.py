"""What a blocked certificate has signed is not kept, ends no asking, and keeps nothing out that counts."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal

import pytest

from service.adapters.lmdb.store import Store
from service.adapters.nonces import RandomNonces
from service.application.blocks import Blocks
from service.application.evidence_store import HeldOcsp
from service.application.ocsp_client import OcspClient, OcspRules
from service.application.ocsp_tally import OcspOutcome
from service.core.model.attempt import Attempt, Problem
from service.core.model.block import FingerprintMatch
from service.core.model.budget import Limits
from service.core.model.policy import EvidenceOrder, Policy, RevocationMode
from service.core.ocsp.cert_id import store_key
from tests.api.fakes import NumberedIds
from tests.application.chain import CRL_URL, OCSP_URL, STRANGER, SUB, leaf, read
from tests.application.fakes import Recorder, ScriptedOrigin, settle
from tests.application.manual_clock import ManualClock
from tests.application.world import ALLOWED, LEAF_ALONE, REVOKED, World, world
from tests.memory_blocks import MemoryBlockStore
from tests.pki import NOW, Issued, days, hours, key

pytestmark = pytest.mark.anyio

LEAF: Final = leaf(ocsp_urls=OCSP_URL)
KEY: Final = store_key(LEAF, read(SUB))
NO_CHECK: Final = SUB.ocsp_responder("OCSP")
OTHER: Final = SUB.ocsp_responder("Other", key=key("p256", 2))
DELEGATE: Final = SUB.issue("Delegate", extended_key_usage="OCSPSigning")
TRUSTED: Final = STRANGER.ocsp_responder("Trusted")
POLICY: Final = Policy(trusted_responders=(read(TRUSTED),))
BLOCKED: Final = Attempt(OCSP_URL, Problem.SIGNER_BLOCKED)

Status = Literal["good", "revoked", "unknown"]


def by(signer: Issued, status: Status, hours_ago: float) -> bytes:
    """An answer that somebody signed."""
    certificates = [] if signer in (SUB.issued, TRUSTED) else [signer]
    return SUB.ocsp(
        LEAF.serial_number,
        status=status,
        responder=signer,
        certificates=certificates,
        this_update=NOW - hours(hours_ago),
    )


@dataclass(slots=True)
class Asking:
    """A client of a host that has blocks, and what lies around it."""

    client: OcspClient
    origin: ScriptedOrigin
    blocks: Blocks
    block_store: MemoryBlockStore
    rung: list[None]

    async def ask(self, answer: bytes) -> OcspOutcome:
        """Have the responder say this."""
        self.origin.answers[OCSP_URL] = answer
        return await self.client.ask(LEAF, read(SUB))

    async def block(self, *blocked: Issued) -> None:
        """Block certificates."""
        for one in blocked:
            await self.blocks.add(FingerprintMatch(read(one).fingerprint), "stolen", None, "admin")


def asking(store: Store, policy: Policy = POLICY) -> Asking:
    """Nothing is blocked yet."""
    clock, origin, recorder, block_store = ManualClock(), ScriptedOrigin(), Recorder(), MemoryBlockStore()
    blocks = Blocks(block_store, clock, NumberedIds(), recorder)
    rung: list[None] = []

    async def ring() -> None:
        rung.append(None)

    rules = OcspRules(policy, 1.0, revoked_seen=ring, blocks=blocks)
    client = OcspClient(origin, store, clock, recorder, rules, RandomNonces())
    return Asking(client, origin, blocks, block_store, rung)


def kept(store: Store) -> bytes | None:
    """The answer that the store has."""
    held = store.find_ocsp(KEY)
    return None if held is None else held.response


@pytest.mark.parametrize("status", ["good", "revoked", "unknown"])
@pytest.mark.parametrize(
    ("signer", "blocked"),
    [(NO_CHECK, NO_CHECK), (DELEGATE, DELEGATE), (TRUSTED, TRUSTED), (SUB.issued, SUB.issued), (NO_CHECK, SUB.issued)],
    ids=["delegate", "unchecked delegate", "trusted", "issuer", "the delegate's issuer"],
)
async def test_an_answer_of_a_blocked_signer(store: Store, signer: Issued, blocked: Issued, status: Status) -> None:
    """It is named, nobody is shown it, and it is not kept."""
    one = asking(store)
    await one.block(blocked)
    outcome = await one.ask(by(signer, status, 1))
    assert (None, (BLOCKED,), None) == (outcome.finding, outcome.attempts, kept(store))


@pytest.mark.parametrize("signer", [NO_CHECK, DELEGATE, TRUSTED, SUB.issued])
async def test_somebody_else_is_blocked(store: Store, signer: Issued) -> None:
    """What others sign counts as ever."""
    one = asking(store)
    await one.block(OTHER)
    answer = by(signer, "good", 1)
    outcome = await one.ask(answer)
    assert (True, answer) == (outcome.finding is not None, kept(store))


@pytest.mark.parametrize(("is_blocked", "expected"), [(True, "revoked"), (False, "good")])
async def test_a_blocked_delegate_takes_no_revocation_back(store: Store, is_blocked: bool, expected: Status) -> None:
    """Whoever has stolen its key signs `good`, and what the issuer said stays; an honest delegate may take it back."""
    answers = {"revoked": by(SUB.issued, "revoked", 2), "good": by(NO_CHECK, "good", 1)}
    one = asking(store)
    await one.ask(answers["revoked"])
    if is_blocked:
        await one.block(NO_CHECK)
    await one.ask(answers["good"])
    assert answers[expected] == kept(store)


async def test_while_nobody_can_say_what_is_blocked(store: Store) -> None:
    """Nothing is kept, nobody is shown anything, and that is not remembered."""
    one, answer = asking(store), by(SUB.issued, "good", 1)
    one.block_store.broken = "the disk is gone"
    outcome = await one.ask(answer)
    expected = (Attempt(OCSP_URL, Problem.INTERNAL, "nobody can say what is blocked"),)
    assert (None, expected, None) == (outcome.finding, outcome.attempts, kept(store))
    one.block_store.broken = ""
    await one.ask(answer)
    assert answer == kept(store)


async def test_a_block_that_is_removed(store: Store) -> None:
    """The responder is asked and heard at once: that it was blocked is not remembered of it."""
    one, answer = asking(store), by(NO_CHECK, "good", 1)
    block = await one.blocks.add(FingerprintMatch(read(NO_CHECK).fingerprint), "a mistake", None, "admin")
    await one.ask(answer)
    await one.blocks.remove(block.id, "admin")
    outcome = await one.ask(answer)
    assert ((), answer) == (outcome.attempts, kept(store))


@pytest.mark.parametrize(
    ("before", "after", "takes"),
    [
        (by(NO_CHECK, "good", 1), by(SUB.issued, "revoked", 2), True),
        (by(NO_CHECK, "good", 1), by(SUB.issued, "good", 2), True),
        (by(NO_CHECK, "revoked", 1), by(SUB.issued, "revoked", 2), True),
        (by(NO_CHECK, "revoked", 1), by(DELEGATE, "revoked", 0.5), True),
        (by(NO_CHECK, "revoked", 1), by(SUB.issued, "good", 2), False),
        (by(NO_CHECK, "revoked", 1), by(SUB.issued, "good", 0.5), True),
        (by(OTHER, "good", 1), by(SUB.issued, "revoked", 2), False),
        (by(OTHER, "good", 1), by(SUB.issued, "good", 2), False),
    ],
)
async def test_what_was_held_before_its_signer_was_blocked(
    store: Store, before: bytes, after: bytes, takes: bool
) -> None:
    """Nobody hears it: however new, it keeps out nothing but what is good and from before its revocation."""
    one = asking(store)
    await one.ask(before)
    await one.block(NO_CHECK)
    await one.ask(after)
    assert (after if takes else before) == kept(store)


@pytest.mark.parametrize(("signatures", "takes"), [(1, False), (100, True)])
async def test_a_held_answer_that_costs_too_much(store: Store, signatures: int, takes: bool) -> None:
    """Who signed it is not known, so that it stays."""
    held, answer = by(NO_CHECK, "good", 1), by(SUB.issued, "good", 2)
    await store.put_ocsp(KEY, HeldOcsp(held, OCSP_URL, NOW, NOW + days(1)))
    one = asking(store, Policy(limits=replace(Limits(), signatures=signatures)))
    await one.block(NO_CHECK)
    await one.ask(answer)
    assert (answer if takes else held) == kept(store)


@pytest.mark.parametrize(("is_blocked", "expected"), [(True, 2), (False, 1)])
async def test_a_revocation_that_nobody_heard_any_more(store: Store, is_blocked: bool, expected: int) -> None:
    """Where the signer of the held one is blocked, verdicts were kept without it: another one ends them."""
    one = asking(store)
    await one.ask(by(NO_CHECK, "revoked", 1))
    await one.block(NO_CHECK if is_blocked else OTHER)
    await one.ask(by(SUB.issued, "revoked", 0.5))
    assert expected == len(one.rung)


FIRST: Final = "http://a.example/"
SECOND: Final = "http://b.example/"
OCSP_FIRST: Final = replace(LEAF_ALONE, evidence_order=EvidenceOrder.OCSP_FIRST)
SOFT: Final = replace(OCSP_FIRST, revocation_mode=RevocationMode.SOFT_FAIL)


@pytest.fixture
def whole(store: Store, tmp_path: Path) -> Callable[[Policy], World]:
    """A service under a policy."""
    return lambda policy: world(store, tmp_path, policy=policy)


@pytest.mark.parametrize(
    ("is_blocked", "expected", "asked"), [(True, REVOKED, [FIRST, SECOND]), (False, ALLOWED, [FIRST])]
)
async def test_the_next_responder_is_asked(
    whole: Callable[[Policy], World], is_blocked: bool, expected: tuple[str, str, str], asked: list[str]
) -> None:
    """The answer of a blocked delegate ends no asking."""
    here, about = whole(SOFT), leaf(ocsp_urls=(FIRST, SECOND))
    if is_blocked:
        await here.blocks.add(FingerprintMatch(read(NO_CHECK).fingerprint), "stolen", None, "admin")
    serial = about.serial_number
    here.origin.answers[FIRST] = SUB.ocsp(serial, responder=NO_CHECK, certificates=[NO_CHECK])
    here.origin.answers[SECOND] = SUB.ocsp(serial, status="revoked")
    assert expected == await here.ask(about, SOFT)
    assert asked == [url for url in (FIRST, SECOND) if any(one.startswith(url) for one in here.origin.urls)]
    await here.client.aclose()


@pytest.mark.parametrize(("is_blocked", "expected"), [(True, REVOKED), (False, ALLOWED)])
async def test_a_refresh_by_a_blocked_delegate(
    whole: Callable[[Policy], World], is_blocked: bool, expected: tuple[str, str, str]
) -> None:
    """A CRL from before the revocation says good, the held answer says revoked, and the refresh changes nothing."""
    here, about = whole(OCSP_FIRST), leaf(ocsp_urls=OCSP_URL, crl_urls=CRL_URL)
    end = NOW + hours(8)
    here.origin.answers[CRL_URL] = SUB.crl(this_update=NOW - hours(6), next_update=NOW + hours(18))
    here.origin.answers[OCSP_URL] = SUB.ocsp(
        about.serial_number, status="revoked", this_update=NOW - hours(1), next_update=end
    )
    assert REVOKED == await here.ask(about, OCSP_FIRST)
    if is_blocked:
        await here.blocks.add(FingerprintMatch(read(NO_CHECK).fingerprint), "stolen", None, "admin")
    here.clock.advance(hours(5).total_seconds())
    here.origin.answers[OCSP_URL] = SUB.ocsp(
        about.serial_number,
        responder=NO_CHECK,
        certificates=[NO_CHECK],
        this_update=here.clock.now() - hours(0.1),
        next_update=end,
    )
    assert REVOKED == await here.ask(about, OCSP_FIRST)
    async with asyncio.timeout(30):
        while here.client.report().refreshes.under_way:
            await settle()
    assert expected == await here.ask(about, OCSP_FIRST)
    await here.client.aclose()
