"""What a client asks whoever shares answers, and what it has them write; the sharing itself is made up."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

import pytest

from service.adapters.lmdb.store import Store
from service.adapters.nonces import RandomNonces
from service.application.evidence_store import HeldOcsp
from service.application.observer import OcspEvent
from service.application.ocsp_client import WAITING_SHARE, OcspClient, OcspRules
from service.application.ocsp_sharing import Haste, NotShared, OcspTurn, SharedOcsp, SharedQuestion
from service.core.model.attempt import Problem
from service.core.model.evidence_tier import Tier
from service.core.model.policy import Policy
from service.core.ocsp.cert_id import store_key
from tests.application.chain import leaf
from tests.application.fakes import BrokenStore, Failing, Recorder, ScriptedOrigin
from tests.application.manual_clock import ManualClock
from tests.application.ocsp_asking import FIRST, GOOD, ISSUER, LEAF, SECOND
from tests.pki import NOW, days

pytestmark = pytest.mark.anyio

KEY: Final = store_key(LEAF, ISSUER)
SECONDS: Final = 10.0


@dataclass(slots=True)
class Scripted:
    """Gives what a test has written down, and keeps what it is told. Implements `OcspSharing` and `OcspTurn`."""

    shared: Iterator[SharedOcsp] = field(default_factory=lambda: iter(()))
    questions: list[SharedQuestion] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    given: list[HeldOcsp] = field(default_factory=list)

    @asynccontextmanager
    async def turn(self, question: SharedQuestion) -> AsyncIterator[OcspTurn]:
        """Keep the question."""
        self.questions.append(question)
        yield self
        self.told.append("left")

    async def look(self) -> SharedOcsp | None:
        """The next one."""
        await asyncio.sleep(0)
        return next(self.shared, None)

    def taken(self) -> None:
        """Keep it."""
        self.told.append("taken")

    def refused(self, why: str) -> None:
        """Keep it."""
        self.told.append(why)

    def give(self, held: HeldOcsp) -> None:
        """Keep it."""
        self.given.append(held)

    async def aclose(self) -> None:
        """Keep it."""
        self.told.append("closed")


def sharing_client(origin: ScriptedOrigin, store: Store | BrokenStore, sharing: Scripted | NotShared) -> OcspClient:
    """A client that shares."""
    rules = OcspRules(Policy(), SECONDS, sharing=sharing)
    return OcspClient(origin, store, ManualClock(), Recorder(), rules, RandomNonces())


async def test_what_is_asked_and_given(store: Store) -> None:
    """The key, nothing that is held, and half of the time; what the host holds afterwards is given."""
    sharing = Scripted()
    client = sharing_client(ScriptedOrigin({FIRST: GOOD}), store, sharing)
    await client.ask(LEAF, ISSUER)
    assert [SharedQuestion(KEY, None, SECONDS * WAITING_SHARE, Haste.AHEAD)] == sharing.questions
    held = store.find_ocsp(KEY)
    assert held is not None
    assert [(held.response, held.source, held.fetched_at)] == [
        (one.response, one.source, one.fetched_at) for one in sharing.given
    ]
    assert ["left"] == sharing.told


async def test_what_is_held_is_no_news(store: Store) -> None:
    """It is said when that was fetched."""
    sharing = Scripted()
    await store.put_ocsp(KEY, HeldOcsp(GOOD, FIRST, NOW - timedelta(hours=1), NOW + days(1)))
    await sharing_client(ScriptedOrigin({FIRST: GOOD}), store, sharing).ask(LEAF, ISSUER, 4.0)
    assert [SharedQuestion(KEY, NOW - timedelta(hours=1), 4.0 * WAITING_SHARE)] == sharing.questions


async def test_several_until_one_serves(store: Store) -> None:
    """What is refused is followed by the next; any responder of the certificate may have been asked."""
    given = [
        SharedOcsp(GOOD, "http://third.example/", NOW),
        SharedOcsp(b"x", FIRST, NOW),
        SharedOcsp(GOOD, SECOND, NOW),
    ]
    sharing, origin = Scripted(iter(given)), ScriptedOrigin()
    client = sharing_client(origin, store, sharing)
    outcome = await client.ask(LEAF, ISSUER)
    assert outcome.finding is not None
    assert (SECOND, Tier.REDIS, ()) == (outcome.finding.source, outcome.finding.tier, outcome.attempts)
    assert [Problem.WRONG_SCOPE, Problem.MALFORMED, "taken", "left"] == sharing.told
    assert ([], [], {OcspEvent.REDIS: 1}) == (sharing.given, origin.requests, client.report().events)


async def test_nobody_to_ask_about_it(store: Store) -> None:
    """Without a responder nothing is looked for: nothing that is found could name one."""
    sharing = Scripted(iter([SharedOcsp(GOOD, FIRST, NOW)]))
    outcome = await sharing_client(ScriptedOrigin(), store, sharing).ask(leaf("quiet"), ISSUER)
    assert (None, []) == (outcome.finding, sharing.questions)


async def test_a_store_that_fails() -> None:
    """What is shared serves the request, as what a responder says does; nothing is known to be held, and none given."""
    shared = SharedOcsp(GOOD, FIRST, NOW)
    sharing, origin = Scripted(iter([shared])), ScriptedOrigin({FIRST: GOOD})
    client = sharing_client(origin, BrokenStore(Failing.OCSP | Failing.PUT_OCSP), sharing)
    tiers = [one.finding.tier for one in [await client.ask(LEAF, ISSUER) for _ in range(2)] if one.finding is not None]
    assert [Tier.REDIS, Tier.ORIGIN] == tiers
    assert ([None, None], []) == ([one.since for one in sharing.questions], sharing.given)


async def test_closing(store: Store) -> None:
    """Whoever shares is closed with the client."""
    sharing = Scripted()
    await sharing_client(ScriptedOrigin(), store, sharing).aclose()
    assert ["closed"] == sharing.told


async def test_who_is_alone() -> None:
    """It is his turn, whatever becomes of it."""
    async with NotShared().turn(SharedQuestion(KEY, None, None)) as turn:
        assert None is await turn.look()
        turn.taken()
        turn.refused("why")
        turn.give(HeldOcsp(GOOD, FIRST, NOW, NOW))
