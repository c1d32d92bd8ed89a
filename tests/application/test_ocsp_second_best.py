"""Asking responders: answers that serve only where no other does, and what is shown beside the one that serves."""

from pathlib import Path
from typing import Final

import pytest

from service.adapters.lmdb.store import Store
from service.core.model.attempt import Attempt, Problem
from service.core.model.policy import Policy, WeakAlgorithm
from service.core.ocsp.cert_id import store_key
from tests.application.chain import SUB
from tests.application.fakes import ScriptedOrigin
from tests.application.ocsp_asking import FIRST, GOOD, ISSUER, LEAF, SECOND, SERIAL, ask
from tests.application.world import ALLOWED, UNAVAILABLE
from tests.application.world import world as verdicts
from tests.pki import NOW, Answer, Extension, hours, ocsp_error

pytestmark = pytest.mark.anyio


async def test_a_weak_answer_is_for_the_request_alone(store: Store) -> None:
    """The operator refuses SHA-1 and a request may accept it: the core is shown the answer, and nothing is kept."""
    weak = SUB.ocsp(SERIAL, signature_hash="sha1")
    outcome = await ask(ScriptedOrigin({FIRST: weak}), store)
    assert outcome.finding is not None
    assert (FIRST, Problem.UNREACHABLE) == (outcome.finding.source, outcome.attempts[0].problem)
    assert None is store.find_ocsp(store_key(LEAF, ISSUER))


async def test_a_strong_answer_comes_before_a_weak_one(store: Store) -> None:
    """The next responder is asked for it."""
    weak = SUB.ocsp(SERIAL, signature_hash="sha1")
    outcome = await ask(ScriptedOrigin({FIRST: weak, SECOND: GOOD}), store)
    assert outcome.finding is not None
    assert SECOND == outcome.finding.source


async def test_several_weak_answers(store: Store) -> None:
    """The first of them is shown, the others are attempts."""
    weak = SUB.ocsp(SERIAL, signature_hash="sha1")
    outcome = await ask(ScriptedOrigin({FIRST: weak, SECOND: weak}), store)
    assert outcome.finding is not None
    assert (FIRST, (Attempt(SECOND, Problem.WEAK_ALGORITHM),)) == (outcome.finding.source, outcome.attempts)


async def test_an_operator_who_accepts_weak_answers(store: Store) -> None:
    """To him they are answers."""
    weak = SUB.ocsp(SERIAL, signature_hash="sha1")
    outcome = await ask(
        ScriptedOrigin({FIRST: weak}), store, policy=Policy(weak_algorithms=frozenset({WeakAlgorithm.SHA1}))
    )
    assert (True, ()) == (outcome.finding is not None, outcome.attempts)
    assert None is not store.find_ocsp(store_key(LEAF, ISSUER))


@pytest.mark.parametrize(
    "first",
    [
        SUB.ocsp(SERIAL, this_update=NOW - hours(9), next_update=NOW - hours(1)),
        SUB.ocsp(Answer(SERIAL, status="unknown")),
        SUB.ocsp(SERIAL, extensions=[Extension("1.2.3.4", b"", critical=True)]),
        SUB.ocsp(SERIAL, this_update=NOW, next_update=NOW - hours(0.001)),
        SUB.ocsp(SERIAL, produced_at=NOW + hours(1)),
    ],
    ids=["out of date", "unknown", "not understood", "ends before it begins", "produced in the future"],
)
async def test_an_answer_of_no_use_is_not_the_last(store: Store, first: bytes) -> None:
    """Whoever replays an old answer at the first responder cannot keep us from the second one."""
    outcome = await ask(ScriptedOrigin({FIRST: first, SECOND: GOOD}), store)
    assert outcome.finding is not None
    assert (SECOND, [FIRST]) == (outcome.finding.source, [attempt.source for attempt in outcome.attempts])


ENDED: Final = SUB.ocsp(SERIAL, status="revoked", this_update=NOW - hours(2), next_update=NOW - hours(1))
OLDER: Final = SUB.ocsp(SERIAL, this_update=NOW - hours(3))
NEWER: Final = SUB.ocsp(SERIAL, this_update=NOW - hours(1))


@pytest.mark.parametrize("second", [OLDER, ocsp_error("tryLater")], ids=["good", "nothing"])
async def test_a_revocation_that_has_ended_is_shown_besides(store: Store, second: bytes) -> None:
    """What the next responder says may be from before; where it says nothing, this is what there is."""
    outcome = await ask(ScriptedOrigin({FIRST: ENDED, SECOND: second}), store)
    assert {FIRST} <= {finding.source for finding in outcome.findings}
    assert len(outcome.findings) == len({finding.source for finding in outcome.findings}) == 1 + (second == OLDER)


async def test_two_revocations_that_have_ended(store: Store) -> None:
    """Each is shown once."""
    outcome = await ask(ScriptedOrigin({FIRST: ENDED, SECOND: ENDED}), store)
    assert [FIRST, SECOND] == [finding.source for finding in outcome.findings]


@pytest.mark.parametrize(
    "first",
    [
        SUB.ocsp(SERIAL, status="unknown"),
        SUB.ocsp(Answer(SERIAL + 1, status="revoked"), Answer(SERIAL, status="unknown")),
    ],
    ids=["unknown", "somebody else is revoked"],
)
async def test_what_does_not_revoke_is_not_shown_besides(store: Store, first: bytes) -> None:
    """The next responder knows better."""
    outcome = await ask(ScriptedOrigin({FIRST: first, SECOND: OLDER}), store)
    assert [SECOND] == [finding.source for finding in outcome.findings]


@pytest.mark.parametrize(("second", "expected"), [(OLDER, UNAVAILABLE), (NEWER, ALLOWED)], ids=["older", "newer"])
async def test_an_older_good_answer_of_the_next_responder(
    store: Store, tmp_path: Path, second: bytes, expected: tuple[str, str, str]
) -> None:
    """It does not take back what the first one has said, although that has ended; a newer one does."""
    origin = ScriptedOrigin({FIRST: ENDED, SECOND: second})
    assert expected == await verdicts(store, tmp_path, origin=origin).ask(LEAF)
