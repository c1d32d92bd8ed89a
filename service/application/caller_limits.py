"""How often one caller may ask, and how many of his requests are worked on at once.

A caller is a token, or, where none counts, the address that a request comes from. How often is counted for all workers
of the host together (`Arrivals`), how many at once by each of them.

Rules it keeps: what one token asks makes nobody else wait; tokens that nobody gave out are counted by the address that
they come from, and make nobody wait who has a right one; nothing here grows with the number of callers. Two workers
that look at the same moment may let one request more through: nobody waits for a lock.

That a right token is always looked at lets a guesser know at once when he has found one. What keeps him from that is
how long tokens are (`tokens.MIN_TOKEN_LENGTH`), not how fast he may try.

What it does not do: say who somebody is, or decide what he is told. Values are named tuples, since they are made for
every request that is limited, and cost half as much as dataclasses.
"""

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple, Protocol, TypeAlias

from service.application.clock import Clock
from service.application.rate import Rate

NAME_DIGITS: Final = 8
"""Hexadecimal digits of a token's digest that tell it from others, and give nothing away."""


class Limited(StrEnum):
    """Why a request was refused before anybody has looked at what it asks."""

    RATE = "rate"
    """The caller has asked too often."""
    ATTEMPTS = "attempts"
    """Too many requests without a token that is known have come from this address."""
    CONCURRENCY = "concurrency"
    """Too many of the caller's requests are being worked on."""


class Caller(NamedTuple):
    """Who asks.

    Attributes:
        address: That a request has come from (`network_of`).
        token: The digest of the token; None where none counts.
    """

    address: str
    token: bytes | None = None

    @property
    def key(self) -> bytes | str:
        """What tells callers apart."""
        return self.address if self.token is None else self.token

    @property
    def name(self) -> str:
        """For people."""
        return f"address {self.address}" if self.token is None else f"token {self.token.hex()[:NAME_DIGITS]}"


class LimitedError(Exception):
    """A request that is refused since its caller has asked enough.

    Attributes:
        why: Which limit it is.
        wait_s: Seconds after which the next one may be answered.
    """

    def __init__(self, why: Limited, wait_s: float) -> None:
        """Keep both."""
        super().__init__(why.value)
        self.why = why
        self.wait_s = wait_s


class Stranger(NamedTuple):
    """Whoever sends no token that is known from an address."""

    address: str

    @property
    def name(self) -> str:
        """For people."""
        return f"address {self.address}"


class Times(NamedTuple):
    """The moments between which a number means something.

    Attributes:
        now: Earlier ones have passed, and say nothing.
        last: Nobody who asks under the rules of today can have made a later one.
    """

    now: float
    last: float


Places: TypeAlias = tuple[int, ...]
"""Where somebody is counted; good for one request."""


class Arrivals(Protocol):
    """When the next request of each caller is due in theory, for all workers of this host; never waits."""

    def find(self, who: Caller | Stranger, times: Times) -> Places:
        """Where he is counted."""

    def due(self, places: Places, times: Times) -> float:
        """When his next request is due; a moment that has passed where nothing is known of him."""

    def put(self, places: Places, due: float, times: Times) -> None:
        """Set it."""


class LimitObserver(Protocol):
    """Is told of requests that are refused; must not raise and must not wait."""

    def limited(self, why: Limited, caller: str) -> None:
        """One was.

        Args:
            why: Which limit it was.
            caller: His name. For logs alone.
        """


@dataclass(frozen=True, slots=True)
class LimitRules:
    """What the operator allows each caller.

    Attributes:
        rate: How often he may ask; None for as often as he likes.
        at_once: How many of his requests one worker works on at once; None for as many as there are.
        most_counted: How many requests one of them may count as.
    """

    rate: Rate | None = None
    at_once: int | None = None
    most_counted: int = 1_000


RETRY_S: Final = 1.0
"""Seconds after which one with too many requests at once may try again: they last half a second by default."""


class CallerLimits:
    """Counts what callers ask, and refuses what is too much. One in a worker."""

    def __init__(self, rules: LimitRules, arrivals: Arrivals, clock: Clock, observer: LimitObserver) -> None:
        """Take what is allowed, what is counted in, time, and who is told."""
        self._rate = rules.rate
        self._at_once = rules.at_once
        self._longest_s = 0.0 if rules.rate is None else rules.rate.window_s + rules.most_counted / rules.rate.per_s
        self._arrivals = arrivals
        self._clock = clock
        self._observer = observer
        self._under_way: Counter[bytes | str] = Counter()

    def attempt(self, address: str) -> None:
        """A request without a token that is known comes from an address.

        Raises:
            LimitedError: too many have, and nobody is to look at this one; otherwise it is counted.
        """
        if self._rate is None:
            return
        stranger, times = Stranger(address), self._times()
        places = self._arrivals.find(stranger, times)
        due = self._arrivals.due(places, times)
        wait_s = self._rate.wait_s(due, times.now)
        if wait_s:
            raise self._refused(Limited.ATTEMPTS, stranger.name, wait_s)
        self._arrivals.put(places, self._rate.spend(due, times.now), times)

    def enter(self, caller: Caller) -> None:
        """Somebody asks who is let in. `leave` is due afterwards.

        Raises:
            LimitedError: he has asked enough; `leave` is not due.
        """
        if self._at_once is not None and self._under_way[caller.key] >= self._at_once:
            raise self._refused(Limited.CONCURRENCY, caller.name, RETRY_S)
        if self._rate is not None:
            self._spend(caller, self._rate, self._times(), 1, 0)
        if self._at_once is not None:
            self._under_way[caller.key] += 1

    def count(self, caller: Caller, requests: int, counted: int) -> None:
        """So many requests more are to be answered.

        Args:
            caller: Who asks.
            requests: How many.
            counted: How many that belong to them were counted already.

        Raises:
            LimitedError: they are too many, and none is counted.
        """
        if self._rate is not None:
            self._spend(caller, self._rate, self._times(), requests, counted)

    def _spend(self, caller: Caller, rate: Rate, times: Times, requests: int, counted: int) -> None:
        places = self._arrivals.find(caller, times)
        due = self._arrivals.due(places, times)
        wait_s = rate.wait_s(due, times.now, requests, counted)
        if wait_s:
            raise self._refused(Limited.RATE, caller.name, wait_s)
        self._arrivals.put(places, rate.spend(due, times.now, requests), times)

    def leave(self, caller: Caller) -> None:
        """A request that was entered has its answer."""
        if self._at_once is None:
            return
        self._under_way[caller.key] -= 1
        if not self._under_way[caller.key]:
            del self._under_way[caller.key]

    def _times(self) -> Times:
        now = self._clock.monotonic()
        return Times(now, now + self._longest_s)

    def _refused(self, why: Limited, name: str, wait_s: float) -> LimitedError:
        self._observer.limited(why, name)
        return LimitedError(why, wait_s)
