"""Whom to ask first, and whom not to ask now.

Rules it keeps: hosts that failed last come after all others, those that failed most often in a row at the end; of the
others, who answered comes before who was never asked, and that one before who was slower than another; of those who
answered, the fastest first; otherwise the certificate's order. A host whose breaker is open is not asked before its
time. What a responder refused to say a moment ago is not asked again (`ocsp_failures`). Responders remembered are
bounded in number.

What it does not do: ask. It is told how it went.
"""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, IntEnum
from typing import Final, Protocol

from service.application.breaker import BreakerReport, BreakerState, host_of
from service.application.clock import Clock
from service.application.ocsp_failures import OcspFailures
from service.application.origin import OriginError
from service.core.model.attempt import Attempt, Problem

MOST_RESPONDERS: Final = 512
"""Responders whose health is remembered. Certificate authorities have one or two each; the world has some hundred."""

WEIGHT: Final = 0.3
"""How much the last answer's time counts beside those before it: one slow answer in a row of quick ones changes
nothing, three do."""

SERVER_ERROR: Final = 500
"""Statuses from here on say that the server fails (RFC 9110 §15.6), whatever it is asked."""

TOO_MANY_REQUESTS: Final = 429
"""So does this one: it asks to be left alone (RFC 6585 §4)."""


class Reached(Enum):
    """What a fetch says of a host."""

    ANSWERED = "answered"
    """It is there, whatever it said."""
    DOWN = "down"
    """It did not answer, or says that it cannot."""
    NOT_ASKED = "not asked"
    """Nothing: we did not get as far, for reasons of our own."""


_DOWN: Final = frozenset({Problem.UNREACHABLE, Problem.TIMED_OUT})
_NOT_ASKED: Final = frozenset({Problem.EGRESS_REFUSED, Problem.UNSUPPORTED_SCHEME, Problem.INTERNAL})

_FORGOTTEN: Final = frozenset({
    Problem.INTERNAL,
    Problem.SIGNER_BLOCKED,
    Problem.WEAK_ALGORITHM,
    Problem.STALE,
    Problem.NOT_YET_VALID,
    Problem.INCONSISTENT,
    Problem.NONCE_MISMATCH,
    Problem.NONCE_MISSING,
})  # fmt: skip
"""What is not remembered of one question: our own faults, blocks, which an operator may remove at any moment, and
answers that a request is shown although the operator refuses them, since it may accept them, or they revoke."""


class HostBreakers(Protocol):
    """A circuit breaker for each host (`application.breaker.Breakers`)."""

    def allows(self, host: str) -> bool:
        """Whether to ask a host now; whoever gets a yes says later how it went."""

    def succeeded(self, host: str) -> None:
        """The host answered."""

    def failed(self, host: str) -> None:
        """The host did not answer."""

    def failures(self, host: str) -> int:
        """How often in a row a host failed."""

    def report(self) -> tuple[BreakerReport, ...]:
        """The hosts that failed last."""


class _Health(IntEnum):
    """How it went last, the best first."""

    ANSWERED = 0
    NEVER_ASKED = 1
    FAILED = 2


@dataclass(frozen=True, slots=True)
class _Responder:
    """What is known of a responder.

    Attributes:
        seconds: How long an answer takes, the last ones counting most; 0 before there was one.
        answered_at: When it answered last; None for never.
    """

    health: _Health
    seconds: float = 0.0
    answered_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ResponderReport:
    """A host that was asked.

    Attributes:
        host: As `host_of` writes it.
        state: Of its breaker.
        failures: In a row.
        answered_at: When it gave a usable answer last; None for never.
    """

    host: str
    state: BreakerState
    failures: int
    answered_at: datetime | None


_UNKNOWN: Final = _Responder(_Health.NEVER_ASKED)


class OcspResponders:
    """The responders that were asked, and how it went. For one event loop."""

    def __init__(self, breakers: HostBreakers, clock: Clock) -> None:
        """Nobody was asked."""
        self._breakers = breakers
        self._clock = clock
        self._failures = OcspFailures(clock)
        self._known: OrderedDict[str, _Responder] = OrderedDict()

    def ordered(self, urls: Iterable[str]) -> tuple[str, ...]:
        """The responders of a certificate, in the order in which to ask them."""

        def standing(url: str) -> tuple[int, _Health, float]:
            known = self._known.get(url, _UNKNOWN)
            return self._breakers.failures(host_of(url)), known.health, known.seconds

        return tuple(sorted(urls, key=standing))

    def refusal(self, url: str, question: bytes) -> Attempt | None:
        """Why not to ask a responder now; None to ask it, and to say then how it went."""
        remembered = self._failures.recall(url, question)
        if remembered is not None:
            return remembered
        if self._breakers.allows(host_of(url)):
            return None
        return Attempt(url, Problem.NOT_TRIED)

    def leaves_alone(self, url: str, question: bytes) -> bool:
        """Whether a responder would be refused to whoever asked now; asking this lets nobody through."""
        if self._failures.recall(url, question) is not None:
            return True
        host = host_of(url)
        return self._breakers.failures(host) > 0 and any(
            one.host == host and one.state is BreakerState.OPEN for one in self._breakers.report()
        )

    def answered(self, url: str, question: bytes, seconds: float) -> None:
        """A responder gave an answer that serves."""
        self._breakers.succeeded(host_of(url))
        self._failures.ended(url, question)
        before = self._known.get(url, _UNKNOWN)
        usual = seconds if before.answered_at is None else before.seconds + WEIGHT * (seconds - before.seconds)
        self._note(url, _Responder(_Health.ANSWERED, usual, self._clock.now()))

    def refused(self, question: bytes, attempt: Attempt, reached: Reached) -> None:
        """A responder gave nothing that serves.

        Args:
            question: What it was asked.
            attempt: Which responder, and why.
            reached: What that says of its host.
        """
        url = attempt.source
        match reached:
            case Reached.DOWN:
                self._breakers.failed(host_of(url))
                self._demote(url)
                return
            case Reached.ANSWERED:
                self._breakers.succeeded(host_of(url))
            case Reached.NOT_ASKED:
                pass
        if attempt.problem not in _FORGOTTEN:
            self._failures.failed(url, question, attempt)

    def pardoned(self, url: str, question: bytes) -> None:
        """What a responder said to a question is not remembered: the next request asks it again."""
        self._failures.ended(url, question)

    def overtaken(self, url: str) -> None:
        """Another responder answered before this one did: that one is asked first the next time."""
        self._demote(url)

    def forget(self) -> None:
        """Ask everybody everything that their breakers allow."""
        self._failures.forget()

    def close_breakers(self) -> None:
        """Ask every host: an operator says that it is worth a try."""
        for one in self._breakers.report():
            self._breakers.succeeded(one.host)

    def remembered(self) -> int:
        """How many questions are not asked now, since their answer was none a moment ago."""
        return self._failures.remembered()

    def report(self) -> tuple[ResponderReport, ...]:
        """Every host that was asked, by name."""
        broken = {one.host: one for one in self._breakers.report()}
        answered: dict[str, datetime | None] = {}
        for url, known in self._known.items():
            host, at = host_of(url), known.answered_at
            before = answered.get(host)
            answered[host] = at if before is None or (at is not None and at > before) else before
        return tuple(
            _reported(host, broken.get(host), answered.get(host)) for host in sorted(answered.keys() | broken.keys())
        )

    def _demote(self, url: str) -> None:
        before = self._known.get(url, _UNKNOWN)
        self._note(url, _Responder(_Health.FAILED, before.seconds, before.answered_at))

    def _note(self, url: str, responder: _Responder) -> None:
        self._known[url] = responder
        self._known.move_to_end(url)
        if len(self._known) > MOST_RESPONDERS:
            self._known.popitem(last=False)


def reached(error: OriginError) -> Reached:
    """What a failed fetch says of the host that was asked."""
    if error.problem in _NOT_ASKED:
        return Reached.NOT_ASKED
    if error.problem in _DOWN:
        return Reached.DOWN
    if error.problem is not Problem.HTTP_STATUS:
        return Reached.ANSWERED
    is_client_error = error.status is not None and error.status < SERVER_ERROR and error.status != TOO_MANY_REQUESTS
    return Reached.ANSWERED if is_client_error else Reached.DOWN


def _reported(host: str, broken: BreakerReport | None, answered_at: datetime | None) -> ResponderReport:
    if broken is None:
        return ResponderReport(host, BreakerState.CLOSED, 0, answered_at)
    return ResponderReport(host, broken.state, broken.failures, answered_at)
