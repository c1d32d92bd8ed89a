"""How an authorizer is asked, and for how long and for whom what it says is kept."""

from typing import Any

import pytest

from service.demo.gateway.authorization import Authorizer, Permission
from service.demo.gateway.model import AnswerForm, Api, AuthorizerSettings, Event, Kind
from service.demo.gateway.replies import Refusal
from service.demo.gateway.resources import Match
from tests.application.manual_clock import ManualClock
from tests.demo.gateway.clients import a_request, policy

ROOT = Match("/", {})
BY_SERIAL = ("context.identity.clientCert.serialNumber",)


class Recording:
    """A function that writes down its events, and answers or raises what it is told."""

    def __init__(self, answer: object) -> None:
        """Take what to answer, or to raise."""
        self.answer = answer
        self.events: list[Event] = []

    def __call__(self, event: Event, context: Any) -> object:  # noqa: ANN401 - as Lambda calls it
        """Do what was told."""
        assert context.get_remaining_time_in_millis() > 0
        self.events.append(event)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def authorizer(function: Recording, settings: AuthorizerSettings, kind: Kind = Kind.REST) -> Authorizer:
    """An authorizer whose clock stands still."""
    return Authorizer(Api(kind), settings, function, ManualClock().monotonic)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (policy("Allow", context={"code": "ok"}), Permission({"code": "ok"})),
        (policy("Deny"), Refusal.EXPLICIT_DENY),
        (policy("Allow", "arn:aws:execute-api:*/other"), Refusal.IMPLICIT_DENY),
        ("garbage", Refusal.AUTHORIZER_FAILED),
        (policy("Allow", context={"nested": {}}), Refusal.AUTHORIZER_FAILED),
        (policy("Allow", context=[]), Refusal.AUTHORIZER_FAILED),
        ({1, 2}, Refusal.AUTHORIZER_FAILED),
        (RuntimeError("no"), Refusal.AUTHORIZER_FAILED),
        (RuntimeError("Unauthorized"), Refusal.NO_IDENTITY),
    ],
)
def test_what_becomes_of_answers(answer: object, said: Permission | Refusal) -> None:
    """A policy is evaluated; what is none, and what raises, refuses."""
    assert said == authorizer(Recording(answer), AuthorizerSettings()).ask(a_request(), ROOT)


def test_without_a_time_to_live_every_request_is_asked_about() -> None:
    """A time to live of 0 keeps nothing."""
    function = Recording(policy("Allow"))
    asked = authorizer(function, AuthorizerSettings(BY_SERIAL))

    asked.ask(a_request(), ROOT)
    asked.ask(a_request(), ROOT)

    assert 2 == len(function.events) == asked.calls


async def slept(clock: ManualClock, seconds: float) -> None:
    """Let time pass."""
    await clock.sleep(seconds)


@pytest.mark.anyio
async def test_results_are_kept_for_their_time() -> None:
    """What was said is said again until its time is over, also where it is no longer so: that is the hazard."""
    clock, function = ManualClock(), Recording(policy("Allow"))
    asked = Authorizer(Api(), AuthorizerSettings(BY_SERIAL, 60), function, clock.monotonic)

    assert isinstance(asked.ask(a_request(), ROOT), Permission)
    function.answer = policy("Deny")
    await slept(clock, 59)
    assert isinstance(asked.ask(a_request(), ROOT), Permission)
    await slept(clock, 2)
    assert Refusal.EXPLICIT_DENY is asked.ask(a_request(), ROOT)


def test_results_are_kept_by_identity_source_alone() -> None:
    """Who has the same values as another one gets the other one's result."""
    function = Recording(policy("Allow"))
    asked = authorizer(function, AuthorizerSettings(("method.request.header.x-device",), 60))

    asked.ask(a_request("/", "", ("X-Device", "1")), ROOT)
    asked.ask(a_request("/", "", ("X-Device", "1")), ROOT)
    asked.ask(a_request("/", "", ("X-Device", "2")), ROOT)

    assert ["1", "2"] == [event["headers"]["X-Device"] for event in function.events]


def test_a_kept_policy_is_evaluated_for_each_method() -> None:
    """A policy for one method, kept, refuses the next one: whoever keeps results needs a policy for the stage."""
    function = Recording(policy("Allow", Api().arn("GET", "/one")))
    asked = authorizer(function, AuthorizerSettings(BY_SERIAL, 60))

    assert isinstance(asked.ask(a_request("/one"), ROOT), Permission)
    assert Refusal.IMPLICIT_DENY is asked.ask(a_request("/two"), ROOT)
    assert 1 == asked.calls


@pytest.mark.parametrize("failure", [RuntimeError("away"), "garbage"])
def test_failures_are_not_kept(failure: object) -> None:
    """After a failure the next request is asked about."""
    function = Recording(failure)
    asked = authorizer(function, AuthorizerSettings(BY_SERIAL, 60))

    assert Refusal.AUTHORIZER_FAILED is asked.ask(a_request(), ROOT)
    function.answer = policy("Allow")
    assert isinstance(asked.ask(a_request(), ROOT), Permission)


def test_what_is_kept_can_be_dropped() -> None:
    """A flushed cache asks again."""
    function = Recording(policy("Allow"))
    asked = authorizer(function, AuthorizerSettings(BY_SERIAL, 60))
    asked.ask(a_request(), ROOT)

    asked.forget()
    asked.ask(a_request(), ROOT)

    assert 2 == asked.calls


def test_a_missing_identity_source_never_asks() -> None:
    """The function is not called for a request without its identity source."""
    function = Recording(policy("Allow"))

    rest = AuthorizerSettings(("method.request.header.x-device",), 60)
    http = AuthorizerSettings(("$request.header.x-device",))

    assert Refusal.NO_IDENTITY is authorizer(function, rest).ask(a_request(), ROOT)
    assert Refusal.NO_IDENTITY is authorizer(function, http, Kind.HTTP).ask(a_request(), ROOT)
    assert [] == function.events


def test_a_rest_api_that_keeps_nothing_looks_for_no_identity_source() -> None:
    """Without a time to live the authorizer of a REST API is asked whatever is missing."""
    function = Recording(policy("Allow"))

    said = authorizer(function, AuthorizerSettings(("method.request.header.x-device",))).ask(a_request(), ROOT)

    assert Permission({}) == said


def test_simple_answers_of_http_apis() -> None:
    """An HTTP API takes a simple answer where it is set to, and only there."""
    simple = AuthorizerSettings(form=AnswerForm.SIMPLE)
    yes, no = Recording({"isAuthorized": True, "context": {"a": {"b": 1}}}), Recording({"isAuthorized": False})

    assert Permission({"a": {"b": 1}}) == authorizer(yes, simple, Kind.HTTP).ask(a_request(), ROOT)
    assert Refusal.EXPLICIT_DENY is authorizer(no, simple, Kind.HTTP).ask(a_request(), ROOT)
    assert Refusal.AUTHORIZER_FAILED is authorizer(yes, AuthorizerSettings(), Kind.HTTP).ask(a_request(), ROOT)


@pytest.mark.parametrize(("sources", "ttl"), [((), 60), (BY_SERIAL, 3601), (BY_SERIAL, -1)])
def test_settings_that_api_gateway_refuses(sources: tuple[str, ...], ttl: float) -> None:
    """Results are kept by something, and for an hour at most."""
    with pytest.raises(ValueError, match=r"results|identity source"):
        AuthorizerSettings(sources, ttl)
