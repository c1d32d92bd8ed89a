"""What happens, as events of the log."""

import json
from collections.abc import Callable
from io import StringIO

import pytest

from service.adapters.clock import SystemClock
from service.adapters.log_observer import MAX_UNCHAINED, MOST_DENIALS_PER_S, LogObserver
from service.adapters.logs import configure_logs
from service.application.clock import Clock
from service.application.log_options import LogFormat, LogLevel
from service.application.observer import (
    AuthorizedDetails,
    BlockChange,
    BlockDetails,
    DecisionDetails,
    FetchDetails,
    IgnoredDetails,
    IngestDetails,
    Ingested,
    Observer,
    ShadowDetails,
    TrustStoreChange,
    TrustStoreDetails,
)
from service.core.model.attempt import Problem
from service.core.model.failure import Code
from service.core.model.verdict import Decision, Status
from tests.application.manual_clock import ManualClock

pytestmark = pytest.mark.usefixtures("untouched_logging")

ALLOW = DecisionDetails("id-1", Decision.ALLOW, Code.OK, "default", "api", 0.00012345678, Status.GOOD)
AGAIN = DecisionDetails("id-3", Decision.ALLOW, Code.OK, "default", "api", None, Status.GOOD)
DENY = DecisionDetails("id-2", Decision.DENY, Code.REVOKED, "devices", "nginx", 0.5, Status.REVOKED)
FETCHED = FetchDetails("crl", "http://ca.example/crl", None, "", 0.25)
FAILED = FetchDetails("ocsp", "http://ca.example/ocsp", Problem.TIMED_OUT, "2 s", 2.0)
STRAYS = tuple(f"CN={number}" for number in range(MAX_UNCHAINED + 1))


def ingested(outcome: Ingested | Problem) -> IngestDetails:
    """A CRL with that outcome."""
    return IngestDetails("http://ca.example/crl", outcome, entries=3, size=500, duration_s=0.125)


def written(
    level: LogLevel, tell: Callable[[Observer], None], clock: Clock | None = None, allows_per_s: float = 1.0
) -> list[dict[str, object]]:
    """The events of a log at that level, without their time and logger."""
    stream = StringIO()
    configure_logs(level, LogFormat.JSON, stream)
    tell(LogObserver(SystemClock() if clock is None else clock, allows_per_s))
    events = [json.loads(line) for line in stream.getvalue().splitlines()]
    return [{name: value for name, value in event.items() if name not in {"time", "logger"}} for event in events]


def test_decisions() -> None:
    """Each denial is information; so is the first allow of a second, which says that others have none."""

    def tell(observer: Observer) -> None:
        observer.decided(DENY)
        observer.decided(ALLOW)
        observer.decided(AGAIN)

    deny = {
        "level": "info",
        "event": "decision_made",
        "decision_id": "id-2",
        "decision": "deny",
        "code": "revoked",
        "status": "revoked",
        "trust_store": "devices",
        "front": "nginx",
        "cache": "miss",
        "duration_s": 0.5,
    }
    allow = {
        "level": "info",
        "event": "decision_made",
        "decision_id": "id-1",
        "decision": "allow",
        "code": "ok",
        "status": "good",
        "trust_store": "default",
        "front": "api",
        "cache": "miss",
        "duration_s": 0.000123,
        "sampled": True,
        "left_out": 0,
    }
    assert [deny, allow] == written(LogLevel.INFO, tell, ManualClock())


def test_every_allow_for_whoever_looks_for_a_mistake() -> None:
    """None of them is a sample then."""

    def tell(observer: Observer) -> None:
        observer.decided(ALLOW)
        observer.decided(AGAIN)

    events = written(LogLevel.DEBUG, tell, ManualClock())
    assert [("debug", "id-1", "miss"), ("debug", "id-3", "hit")] == [
        (event["level"], event["decision_id"], event["cache"]) for event in events
    ]
    assert all("sampled" not in event for event in events)


@pytest.mark.parametrize(("allows_per_s", "expected"), [(1.0, [0, 3, 3]), (2.0, [0, 1, 1, 1, 1]), (0.0, [])])
def test_a_sample_of_allows(allows_per_s: float, expected: list[int]) -> None:
    """So many a second get a line, which says how many had none since the last one."""
    clock = ManualClock()

    def tell(observer: Observer) -> None:
        for _ in range(9):
            observer.decided(AGAIN)
            clock.advance(0.25)

    assert expected == [event["left_out"] for event in written(LogLevel.INFO, tell, clock, allows_per_s)]


def test_no_sample_where_information_is_not_written() -> None:
    """Nobody would read it."""
    assert [] == written(LogLevel.WARNING, lambda observer: observer.decided(ALLOW))


@pytest.mark.parametrize(
    ("event", "one"),
    [
        ("decision_made", lambda observer: observer.decided(DENY)),
        ("authorize_refused", lambda observer: observer.authorized(AuthorizedDetails("nginx", "bad_request", "id-1"))),
        ("would_deny", lambda observer: observer.would_deny(ShadowDetails("id-1", Code.REVOKED, "devices"))),
    ],
)
def test_a_flood(event: str, one: Callable[[Observer], None]) -> None:
    """Up to a rate each denial has its line; the first one after the flood says how many had none."""
    clock = ManualClock()

    def tell(observer: Observer) -> None:
        for _ in range(MOST_DENIALS_PER_S + 7):
            one(observer)
        clock.advance(1.0)
        one(observer)
        one(observer)

    events = written(LogLevel.INFO, tell, clock)
    assert {event} == {told["event"] for told in events}
    assert [None] * MOST_DENIALS_PER_S + [7, None] == [told.get("left_out") for told in events]


def test_answers_to_proxies() -> None:
    """What got no decision is information; decisions are told of as such."""

    def tell(observer: Observer) -> None:
        observer.authorized(AuthorizedDetails("nginx", "ok", "id-1"))
        observer.authorized(AuthorizedDetails("nginx", "revoked", "id-2"))
        observer.authorized(AuthorizedDetails("(unknown)", "bad_request", "id-3"))

    refused = {
        "level": "info",
        "event": "authorize_refused",
        "front": "(unknown)",
        "code": "bad_request",
        "decision_id": "id-3",
    }
    assert [refused] == written(LogLevel.INFO, tell)
    everything = written(LogLevel.DEBUG, tell)
    assert ["id-1", "id-2", "id-3"] == [event["decision_id"] for event in everything]
    assert ["authorize_answered", "authorize_answered", "authorize_refused"] == [one["event"] for one in everything]


def test_denials_in_shadow() -> None:
    """Each is to be looked into; the certificate is known by the decision's id alone."""
    details = ShadowDetails("id-1", Code.REVOKED, "devices")
    event = {
        "level": "info",
        "event": "would_deny",
        "decision_id": "id-1",
        "code": "revoked",
        "trust_store": "devices",
    }
    assert [event] == written(LogLevel.INFO, lambda observer: observer.would_deny(details))


def test_what_was_ignored() -> None:
    """Written for whoever is looking for a mistake."""
    details = IgnoredDetails("id-1", ("intermediate 1: not DER",))
    event = {
        "level": "debug",
        "event": "submission_ignored",
        "decision_id": "id-1",
        "reasons": ["intermediate 1: not DER"],
    }
    assert [event] == written(LogLevel.DEBUG, lambda observer: observer.ignored(details))
    assert [] == written(LogLevel.INFO, lambda observer: observer.ignored(details))


def test_fetches() -> None:
    """A failure is a warning with its reason; a success is not written."""

    def tell(observer: Observer) -> None:
        observer.fetched(FETCHED)
        observer.fetched(FAILED)

    failed = {
        "level": "warning",
        "event": "fetch_failed",
        "problem": "timed_out",
        "detail": "2 s",
        "kind": "ocsp",
        "url": "http://ca.example/ocsp",
        "duration_s": 2.0,
    }
    assert [failed] == written(LogLevel.INFO, tell)
    assert ["fetched", "fetch_failed"] == [event["event"] for event in written(LogLevel.DEBUG, tell)]


@pytest.mark.parametrize(
    ("outcome", "level", "event"),
    [
        (Ingested.UNCHANGED, "debug", "crl_unchanged"),
        (Ingested.STORED, "info", "crl_stored"),
        (Ingested.SAME_NUMBER, "warning", "crl_stored_with_the_same_number"),
        (Problem.ROLLED_BACK, "warning", "crl_refused"),
    ],
)
def test_crls(outcome: Ingested | Problem, level: str, event: str) -> None:
    """As loud as somebody has something to repair."""
    (told,) = written(LogLevel.DEBUG, lambda observer: observer.ingested(ingested(outcome)))
    assert (level, event, 3, 500) == (told["level"], told["event"], told["entries"], told["bytes"])
    assert (outcome.value if isinstance(outcome, Problem) else None) == told.get("problem")


@pytest.mark.parametrize(
    ("details", "expected"),
    [
        (
            TrustStoreDetails("clients", TrustStoreChange.LOADED, 3),
            [{"level": "info", "event": "trust_store_loaded", "name": "clients", "held": 3}],
        ),
        (
            TrustStoreDetails("clients", TrustStoreChange.LOADED, 30, unchained=STRAYS),
            [
                {"level": "info", "event": "trust_store_loaded", "name": "clients", "held": 30},
                {
                    "level": "warning",
                    "event": "intermediates_unchained",
                    "name": "clients",
                    "subjects": list(STRAYS[:MAX_UNCHAINED]),
                    "count": MAX_UNCHAINED + 1,
                },
            ],
        ),
        (
            TrustStoreDetails("clients", TrustStoreChange.REFUSED, 3, "no PEM block"),
            [
                {
                    "level": "warning",
                    "event": "trust_store_refused",
                    "name": "clients",
                    "problem": "no PEM block",
                    "last_kept": True,
                }
            ],
        ),
        (
            TrustStoreDetails("clients", TrustStoreChange.REMOVED),
            [{"level": "info", "event": "trust_store_removed", "name": "clients"}],
        ),
    ],
)
def test_trust_stores(details: TrustStoreDetails, expected: list[dict[str, object]]) -> None:
    """What is in force now, and what should be."""
    assert expected == written(LogLevel.INFO, lambda observer: observer.trust_store_changed(details))


@pytest.mark.parametrize(
    ("details", "expected"),
    [
        (
            BlockDetails(BlockChange.ADDED, "b1", "admin token 01234567", "stolen"),
            {
                "level": "warning",
                "event": "block_added",
                "block": "b1",
                "by": "admin token 01234567",
                "reason": "stolen",
            },
        ),
        (
            BlockDetails(BlockChange.REMOVED, "b1", "anonymous"),
            {"level": "warning", "event": "block_removed", "block": "b1", "by": "anonymous"},
        ),
        (
            BlockDetails(BlockChange.UNREADABLE, reason="block b1 is damaged"),
            {"level": "error", "event": "blocks_unreadable", "problem": "block b1 is damaged"},
        ),
        (
            BlockDetails(BlockChange.NOT_WRITTEN, by="anonymous", reason="the disk is full"),
            {"level": "error", "event": "block_not_written", "by": "anonymous", "problem": "the disk is full"},
        ),
    ],
)
def test_blocks(details: BlockDetails, expected: dict[str, object]) -> None:
    """Who, what and why; and that nobody can say."""
    assert [expected] == written(LogLevel.WARNING, lambda observer: observer.blocks_changed(details))
