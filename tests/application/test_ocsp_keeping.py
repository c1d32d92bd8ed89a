"""Which OCSP answers the host keeps, in place of which, and for how long."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final, Literal

import pytest

from service.adapters.lmdb.store import Store
from service.adapters.nonces import RandomNonces
from service.application.evidence_store import HeldOcsp
from service.application.observer import NullObserver
from service.application.ocsp_client import OcspClient, OcspRules
from service.application.ocsp_keeping import REVOKED_KEPT
from service.application.ocsp_tally import OcspOutcome
from service.core.freshness.window import DEFAULT_OCSP_AGE, LAST_MOMENT
from service.core.model.budget import Limits
from service.core.model.certificate import Certificate
from service.core.model.policy import Policy
from service.core.ocsp.cert_id import store_key
from tests.application.chain import NAMESAKE, OCSP_URL, STRANGER, SUB, leaf, read
from tests.application.fakes import ScriptedOrigin
from tests.application.manual_clock import ManualClock
from tests.pki import NEXT_UPDATE, NOW, THIS_UPDATE, Answer, Extension, Issued, days, hours, key, ocsp_error

pytestmark = pytest.mark.anyio

LEAF: Final = leaf(ocsp_urls=OCSP_URL)
SERIAL: Final = LEAF.serial_number
KEY: Final = store_key(LEAF, read(SUB))
SECOND: Final = timedelta(seconds=1)


DELEGATE: Final = SUB.issue("OCSP", extended_key_usage="OCSPSigning")
OTHER: Final = SUB.issue("OCSP", extended_key_usage="OCSPSigning", key=key("p256", 2))
"""Another delegate of the same name, whose revocation has to be asked about likewise."""
NO_CHECK: Final = SUB.ocsp_responder("OCSP")
TRUSTED: Final = STRANGER.ocsp_responder("Trusted")
SIGNERS: Final = {"SUB": SUB.issued, "DELEGATE": DELEGATE, "OTHER": OTHER, "NO_CHECK": NO_CHECK, "TRUSTED": TRUSTED}


def by(signer: Issued, status: Literal["good", "revoked"], this_update: datetime) -> bytes:
    """An answer that somebody signed."""
    certificates = [] if signer in (SUB.issued, TRUSTED) else [signer]
    return SUB.ocsp(SERIAL, status=status, responder=signer, certificates=certificates, this_update=this_update)


async def ask(
    store: Store,
    answer: bytes,
    policy: Policy | None = None,
    about: Certificate = LEAF,
    clock: ManualClock | None = None,
) -> OcspOutcome:
    """Ask a responder that gives this answer."""
    origin = ScriptedOrigin({OCSP_URL: answer})
    client = OcspClient(
        origin, store, clock or ManualClock(), NullObserver(), OcspRules(policy or Policy(), 1.0), RandomNonces()
    )
    return await client.ask(about, read(SUB))


class LateStore:
    """A store into which another process has just put something when this one writes."""

    def __init__(self, store: Store, first: HeldOcsp) -> None:
        """Take the store, and what comes first."""
        self._store = store
        self._first = first

    def find_ocsp(self, key: bytes) -> HeldOcsp | None:
        """What is held."""
        return self._store.find_ocsp(key)

    async def put_ocsp(self, key: bytes, held: HeldOcsp, supersedes: Callable[[HeldOcsp], bool] | None = None) -> None:
        """Hold the other process's, then this one's."""
        await self._store.put_ocsp(key, self._first)
        await self._store.put_ocsp(key, held, supersedes)


def kept(store: Store) -> bytes | None:
    """The answer that the store has."""
    held = store.find_ocsp(KEY)
    return None if held is None else held.response


async def hold(store: Store, response: bytes) -> None:
    """Put anything into the store."""
    await store.put_ocsp(KEY, HeldOcsp(response, OCSP_URL, NOW, NOW + days(1)))


@pytest.mark.parametrize("status", ["good", "revoked"])
async def test_an_answer_is_kept(store: Store, status: str) -> None:
    """As it was signed, with where it came from and when."""
    answer = SUB.ocsp(SERIAL, status="good" if status == "good" else "revoked")
    await ask(store, answer)
    held = store.find_ocsp(KEY)
    assert held is not None
    assert (answer, OCSP_URL, NOW) == (held.response, held.source, held.fetched_at)


async def test_unknown_is_not_kept(store: Store) -> None:
    """A certificate that was issued a moment ago is known in the next one; the request is shown the answer."""
    outcome = await ask(store, SUB.ocsp(SERIAL, status="unknown"))
    assert (True, None) == (outcome.finding is not None, kept(store))


async def test_unknown_does_not_replace_anything(store: Store) -> None:
    """What the responder knew before still counts, while it lasts."""
    known = SUB.ocsp(SERIAL, status="revoked")
    await ask(store, known)
    await ask(store, SUB.ocsp(SERIAL, status="unknown", this_update=NOW))
    assert known == kept(store)


async def test_a_newer_answer_replaces_an_older_one(store: Store) -> None:
    """Responders change their minds."""
    older, newer = (SUB.ocsp(SERIAL, this_update=moment) for moment in (THIS_UPDATE - hours(1), THIS_UPDATE))
    await ask(store, older)
    await ask(store, newer)
    assert newer == kept(store)


async def test_an_older_answer_never_replaces_a_newer_one(store: Store) -> None:
    """Who replays an old answer makes nobody forget a revocation; the request is shown what came."""
    revoked = SUB.ocsp(SERIAL, status="revoked")
    replayed = SUB.ocsp(SERIAL, this_update=THIS_UPDATE - hours(1))
    await ask(store, revoked)
    outcome = await ask(store, replayed)
    assert (True, revoked) == (outcome.finding is not None, kept(store))


async def test_the_same_moment_again(store: Store) -> None:
    """An answer with the same thisUpdate and a later nextUpdate is the better one."""
    await ask(store, SUB.ocsp(SERIAL))
    again = SUB.ocsp(SERIAL, next_update=NEXT_UPDATE + hours(1))
    await ask(store, again)
    assert again == kept(store)


async def test_the_same_moment_does_not_take_a_revocation_back(store: Store) -> None:
    """Of two answers as new, `revoked` counts: it cannot be replayed away within its second."""
    revoked, good = SUB.ocsp(SERIAL, status="revoked"), SUB.ocsp(SERIAL)
    await ask(store, revoked)
    await ask(store, good)
    assert revoked == kept(store)


async def test_the_same_moment_may_revoke(store: Store) -> None:
    """The other way round it replaces."""
    revoked, good = SUB.ocsp(SERIAL, status="revoked"), SUB.ocsp(SERIAL)
    await ask(store, good)
    await ask(store, revoked)
    assert revoked == kept(store)


@pytest.mark.parametrize("first", ["SUB", "NO_CHECK", "OTHER", "DELEGATE"])
async def test_a_delegate_takes_no_revocation_back(store: Store, first: str) -> None:
    """Nobody here knows whether it is revoked itself: if so, what came before could be replayed."""
    revoked = by(SIGNERS[first], "revoked", THIS_UPDATE)
    await ask(store, revoked)
    outcome = await ask(store, by(DELEGATE, "good", NOW))
    assert (True, revoked) == (outcome.finding is not None, kept(store))


@pytest.mark.parametrize("first", ["SUB", "NO_CHECK", "OTHER"])
async def test_a_delegate_takes_no_place_of_another_revocation(store: Store, first: str) -> None:
    """Its own `revoked` would be worth nothing where it is revoked, and the other one be gone."""
    revoked = by(SIGNERS[first], "revoked", THIS_UPDATE)
    await ask(store, revoked)
    await ask(store, by(DELEGATE, "revoked", NOW))
    assert revoked == kept(store)


async def test_a_delegate_renews_its_own_revocation(store: Store) -> None:
    """What is worth nothing then was worth nothing before; an older one does not."""
    older, newer = (by(DELEGATE, "revoked", moment) for moment in (THIS_UPDATE, NOW))
    await ask(store, older)
    await ask(store, newer)
    await ask(store, older)
    assert newer == kept(store)


async def test_a_delegate_replaces_a_revocation_by_nobody(store: Store) -> None:
    """What is held and signed by nobody who may does not keep its place; to be taken back it is no revocation."""
    await hold(store, SUB.ocsp(SERIAL, status="revoked", corrupt_signature=True))
    revoked = by(DELEGATE, "revoked", NOW)
    await ask(store, revoked)
    assert revoked == kept(store)


@pytest.mark.parametrize("signer", ["SUB", "NO_CHECK", "TRUSTED"])
async def test_who_may_take_a_revocation_back(store: Store, signer: str) -> None:
    """Whose own revocation nobody asks about: the issuer, a trusted responder, a delegate with nocheck."""
    good = by(SIGNERS[signer], "good", NOW)
    policy = Policy(trusted_responders=(read(TRUSTED),))
    await ask(store, SUB.ocsp(SERIAL, status="revoked"), policy)
    await ask(store, good, policy)
    assert good == kept(store)


@pytest.mark.parametrize("status", ["good", "revoked"])
@pytest.mark.parametrize("second", ["SUB", "NO_CHECK"])
async def test_a_delegate_keeps_no_revocation_out(
    store: Store, status: Literal["good", "revoked"], second: str
) -> None:
    """However new its answer is: a delegate that is revoked says what it likes."""
    await ask(store, by(DELEGATE, status, NOW))
    revoked = by(SIGNERS[second], "revoked", THIS_UPDATE)
    await ask(store, revoked)
    assert revoked == kept(store)


@pytest.mark.parametrize("first", ["DELEGATE", "SUB", "NO_CHECK"])
async def test_a_newer_good_stays_against_an_older_revocation(store: Store, first: str) -> None:
    """The certificate was on hold: by the same signer, or by one that is not asked about, the newer counts."""
    good = by(SIGNERS[first], "good", NOW)
    await ask(store, good)
    await ask(store, by(DELEGATE, "revoked", THIS_UPDATE))
    assert good == kept(store)


async def test_a_delegate_otherwise_replaces_what_is_older(store: Store) -> None:
    """Good by good, and good by revoked."""
    await ask(store, SUB.ocsp(SERIAL, this_update=NOW - hours(3)))
    for status, moment in (("good", NOW - hours(2)), ("revoked", NOW - hours(1))):
        answer = by(DELEGATE, "good" if status == "good" else "revoked", moment)
        await ask(store, answer)
        assert answer == kept(store)


async def test_a_signer_that_costs_too_much(store: Store) -> None:
    """Whether a held answer counts for nothing is not known then: it stays."""
    delegates = [SUB.issue("OCSP", extended_key_usage="OCSPSigning", serial=serial) for serial in range(1, 9)]
    held = SUB.ocsp(
        SERIAL, status="revoked", responder=OTHER, certificates=[*delegates, OTHER], this_update=THIS_UPDATE
    )
    await hold(store, held)
    await ask(store, by(DELEGATE, "revoked", NOW), Policy(limits=replace(Limits(), signatures=4)))
    assert held == kept(store)


async def test_an_answer_from_the_future_is_not_kept(store: Store) -> None:
    """It would hold its place against every answer until then; the request is shown it, and the core says why not."""
    policy = Policy(clock_skew=timedelta(seconds=60))
    outcome = await ask(store, SUB.ocsp(SERIAL, this_update=NOW + timedelta(seconds=61)), policy)
    assert (True, None) == (outcome.finding is not None, kept(store))


async def test_clocks_differ_a_little(store: Store) -> None:
    """Within the skew there is no future."""
    answer = SUB.ocsp(SERIAL, this_update=NOW + timedelta(seconds=60))
    await ask(store, answer, Policy(clock_skew=timedelta(seconds=60)))
    assert answer == kept(store)


@pytest.mark.parametrize(
    "answer",
    [
        SUB.ocsp(SERIAL, produced_at=NOW + days(1)),
        SUB.ocsp(SERIAL, this_update=NOW, next_update=NOW - SECOND),
        SUB.ocsp(SERIAL, extensions=[Extension("1.2.3.4", b"", critical=True)]),
        SUB.ocsp(SERIAL, produced_at=LEAF.not_before - days(1)),
    ],
    ids=["signed in the future", "ends before it begins", "not understood", "from before the certificate"],
)
async def test_what_serves_nobody_is_not_kept(store: Store, answer: bytes) -> None:
    """It would take the place of what does; the request is shown it, or told why not."""
    outcome = await ask(store, answer)
    assert (None, True) == (kept(store), outcome.finding is not None or bool(outcome.attempts))


async def test_what_contradicts_itself_revokes(store: Store) -> None:
    """Good and revoked in one response is kept as revoked, as old as that says."""
    both = SUB.ocsp(Answer(SERIAL, status="revoked", this_update=NOW - hours(2)), Answer(SERIAL, this_update=NOW))
    between = SUB.ocsp(SERIAL, this_update=NOW - hours(1))
    await ask(store, both)
    await ask(store, SUB.ocsp(SERIAL, this_update=NOW - hours(3)))
    assert both == kept(store)
    await ask(store, between)
    assert between == kept(store)


@pytest.mark.parametrize(
    ("not_after", "next_update", "end"),
    [
        (NOW + days(30), NEXT_UPDATE, NOW + days(30)),
        (NOW + days(30), None, NOW + days(30)),
        (NOW + hours(1), NEXT_UPDATE, NEXT_UPDATE),
        (NOW + days(9999), NEXT_UPDATE, THIS_UPDATE + REVOKED_KEPT),
        (NOW + days(9999), NOW + days(999), NOW + days(999)),
    ],
    ids=["the certificate", "without nextUpdate", "nextUpdate is later", "a year", "nextUpdate is later than that"],
)
async def test_until_when_a_revocation_is_kept(
    store: Store, not_after: datetime, next_update: datetime | None, end: datetime
) -> None:
    """Until nothing from before it can be brought back: the certificate has expired, or a year has passed."""
    certificate = leaf(ocsp_urls=OCSP_URL, not_after=not_after)
    await ask(store, SUB.ocsp(certificate.serial_number, status="revoked", next_update=next_update), about=certificate)
    held = store.find_ocsp(store_key(certificate, read(SUB)))
    assert held is not None
    assert end + Policy().clock_skew + SECOND == held.expires_at


async def test_a_revocation_outlives_what_is_swept(store: Store) -> None:
    """Other answers come and go: an old good one cannot be brought back when the revocation's own time is over."""
    revoked = SUB.ocsp(SERIAL, status="revoked", next_update=NOW + hours(1))
    await ask(store, revoked)
    for number in range(20):
        held = HeldOcsp(b"", OCSP_URL, NOW + days(20), NOW + days(20 + number))
        await store.put_ocsp(number.to_bytes(32, "big"), held)
    clock = ManualClock()
    clock.advance(days(21).total_seconds())
    await ask(store, SUB.ocsp(SERIAL, this_update=THIS_UPDATE - hours(1), next_update=NOW + days(30)), clock=clock)
    assert revoked == kept(store)


async def test_of_two_processes_the_later_answer_stays(store: Store) -> None:
    """What another process held while this one was fetching is seen: it is looked at in the transaction that writes."""
    revoked = SUB.ocsp(SERIAL, status="revoked")
    origin = ScriptedOrigin({OCSP_URL: SUB.ocsp(SERIAL, this_update=THIS_UPDATE - hours(1))})
    late = LateStore(store, HeldOcsp(revoked, OCSP_URL, NOW, NOW + days(1)))
    client = OcspClient(origin, late, ManualClock(), NullObserver(), OcspRules(Policy(), 1.0), RandomNonces())
    await client.ask(LEAF, read(SUB))
    assert revoked == kept(store)


@pytest.mark.parametrize(
    "unusable",
    [b"garbage", ocsp_error("tryLater"), SUB.ocsp(SERIAL + 1, this_update=NOW), NAMESAKE.ocsp(SERIAL, this_update=NOW)],
    ids=["garbage", "error", "another certificate", "another issuer"],
)
async def test_what_is_held_and_cannot_be_used_is_replaced(store: Store, unusable: bytes) -> None:
    """A damaged row does not keep its place."""
    await hold(store, unusable)
    answer = SUB.ocsp(SERIAL)
    await ask(store, answer)
    assert answer == kept(store)


async def test_several_answers_about_one_certificate(store: Store) -> None:
    """The newest of them is the age of the whole, held or new."""
    two = SUB.ocsp(Answer(SERIAL, this_update=NOW - days(2)), Answer(SERIAL, this_update=NOW - hours(2)))
    older = SUB.ocsp(SERIAL, this_update=NOW - hours(3))
    await ask(store, older)
    await ask(store, two)
    await ask(store, older)
    assert two == kept(store)


async def test_other_answers_in_it_do_not_make_it_newer(store: Store) -> None:
    """Only what it says about this certificate counts."""
    stale = SUB.ocsp(Answer(SERIAL, this_update=NOW - days(2)), Answer(SERIAL + 1, this_update=NOW))
    fresh = SUB.ocsp(SERIAL, this_update=NOW - hours(2))
    await ask(store, stale)
    await ask(store, fresh)
    assert fresh == kept(store)
    await ask(store, stale)
    assert fresh == kept(store)


@pytest.mark.parametrize(
    ("next_update", "end"),
    [
        (NEXT_UPDATE, NEXT_UPDATE + timedelta(seconds=60 + 3600) + SECOND),
        (None, THIS_UPDATE + DEFAULT_OCSP_AGE + timedelta(seconds=60 + 3600) + SECOND),
        (datetime(9999, 12, 31, 23, 59, 59, tzinfo=NOW.tzinfo), LAST_MOMENT),
    ],
    ids=["nextUpdate", "none", "never"],
)
async def test_until_when_it_is_kept(store: Store, next_update: datetime | None, end: datetime) -> None:
    """As long as it can serve anybody under the operator's policy: grace and skew after nextUpdate."""
    policy = Policy(clock_skew=timedelta(seconds=60), grace=hours(1))
    await ask(store, SUB.ocsp(SERIAL, next_update=next_update), policy)
    held = store.find_ocsp(KEY)
    assert held is not None
    assert end == held.expires_at
