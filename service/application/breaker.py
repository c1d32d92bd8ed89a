"""Circuit breakers: who failed several times in a row is left alone for a while, each host by itself.

A host whose breaker is open costs nobody a time-out. When the time is over, one request is let through; what comes of
it decides. Only hosts that failed are remembered, a bounded number of them. Nothing is fetched here, and time is the
injected clock's: `allows`, `succeeded` and `failed` are told what happens elsewhere, in one event loop.
"""

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from urllib.parse import urlsplit

from service.application.clock import Clock

FAILURES = 3
"""In a row, before the breaker opens: one lost packet and the retry that met the same restart are no outage."""

OPEN_S = 5.0
"""Seconds for which it opens first: a restarting responder is back by then, and ten requests of half a second are
spared."""

LONGEST_OPEN_S = 60.0
"""Seconds at which doubling ends: within a minute of its return a host is asked again."""

MOST_HOSTS = 4096
"""Failing hosts that are remembered, some hundred octets each. Who is pushed out is merely asked once more."""

_UNREADABLE = "unreadable"
_DEFAULT_PORTS = {"http": 80, "https": 443}


class BreakerState(StrEnum):
    """Whether a host is asked."""

    CLOSED = "closed"
    """It is."""
    OPEN = "open"
    """It is not."""
    HALF_OPEN = "half-open"
    """It has been left alone for long enough: one request is let through, or is on its way."""


@dataclass(frozen=True, slots=True)
class BreakerRules:
    """When a breaker opens, and for how long.

    Attributes:
        failures: In a row, that open it; at least 1.
        open_s: Seconds for which it opens first; doubled each time that the one request let through fails.
        longest_open_s: Seconds at which doubling ends.
        most_hosts: Failing hosts that are remembered; the one not heard of for longest is forgotten first.
    """

    failures: int = FAILURES
    open_s: float = OPEN_S
    longest_open_s: float = LONGEST_OPEN_S
    most_hosts: int = MOST_HOSTS

    def __post_init__(self) -> None:
        """Refuse what contradicts itself.

        Raises:
            ValueError: a number is out of its range.
        """
        if self.failures < 1 or self.most_hosts < 1:
            raise ValueError(
                f"a breaker that opens after {self.failures} failures, for {self.most_hosts} hosts, is none"
            )
        if not 0 < self.open_s <= self.longest_open_s:
            raise ValueError(
                f"a breaker opens for {self.open_s:g} s to {self.longest_open_s:g} s: the first is above 0 and not "
                "above the longest"
            )


@dataclass(frozen=True, slots=True)
class BreakerReport:
    """A host that failed last.

    Attributes:
        host: As `host_of` writes it.
        state: Whether it is asked.
        failures: In a row.
        until: When the next request is let through; None where nothing holds it up.
    """

    host: str
    state: BreakerState
    failures: int
    until: datetime | None


@dataclass(slots=True)
class _Host:
    """A host that failed last: how often, how often its breaker opened, and until when requests are held up."""

    failures: int = 0
    openings: int = 0
    until: float = 0.0
    probing: bool = False


def host_of(url: str) -> str:
    """Which host a URL leads to: scheme, host and port, without credentials; a bucket is one, and so are all files.

    URLs that cannot be read are one host: they reach none.
    """
    try:
        parts = urlsplit(url)
        name, port = parts.hostname or "", parts.port
    except ValueError:
        return _UNREADABLE
    if port is None:
        port = _DEFAULT_PORTS.get(parts.scheme)
    if ":" in name:
        name = f"[{name}]"
    return f"{parts.scheme}://{name}" if port is None else f"{parts.scheme}://{name}:{port}"


class Breakers:
    """A circuit breaker for each host."""

    def __init__(self, clock: Clock, rules: BreakerRules | None = None) -> None:
        """Every breaker is closed."""
        self._clock = clock
        self._rules = BreakerRules() if rules is None else rules
        self._hosts: OrderedDict[str, _Host] = OrderedDict()

    def allows(self, host: str) -> bool:
        """Whether to ask a host now; whoever gets a yes says later how it went.

        Of those who ask when its time is over, one gets a yes. Should that one never say how it went, another gets one
        when as much time has passed again.
        """
        state = self._hosts.get(host)
        if state is None or not state.openings:
            return True
        now = self._clock.monotonic()
        if now < state.until:
            return False
        state.probing = True
        state.until = now + self._open_s(state)
        return True

    def succeeded(self, host: str) -> None:
        """The host answered: its breaker is closed, and what was before is forgotten."""
        self._hosts.pop(host, None)

    def failed(self, host: str) -> None:
        """The host did not answer, or with what is no answer.

        While the breaker is open, requests that were under way when it opened change nothing but the count.
        """
        state = self._hosts.setdefault(host, _Host())
        self._hosts.move_to_end(host)
        state.failures += 1
        now = self._clock.monotonic()
        if self._opens(state, now):
            state.openings += 1
            state.probing = False
            state.until = now + self._open_s(state)
        if len(self._hosts) > self._rules.most_hosts:
            self._hosts.popitem(last=False)

    def failures(self, host: str) -> int:
        """How often in a row a host failed: what to sort responders by."""
        state = self._hosts.get(host)
        return 0 if state is None else state.failures

    def report(self) -> tuple[BreakerReport, ...]:
        """The hosts that failed last, the one heard of most recently at the end."""
        now, moment = self._clock.monotonic(), self._clock.now()
        return tuple(_reported(name, state, now, moment) for name, state in self._hosts.items())

    def _opens(self, state: _Host, now: float) -> bool:
        """Whether a failure opens the breaker, for the first time or anew."""
        if state.openings:
            return state.probing or now >= state.until
        return state.failures >= self._rules.failures

    def _open_s(self, state: _Host) -> float:
        seconds = self._rules.open_s
        for _ in range(state.openings - 1):
            if seconds >= self._rules.longest_open_s:
                break
            seconds *= 2
        return min(seconds, self._rules.longest_open_s)


def _reported(name: str, host: _Host, now: float, moment: datetime) -> BreakerReport:
    if not host.openings:
        state = BreakerState.CLOSED
    elif host.probing or now >= host.until:
        state = BreakerState.HALF_OPEN
    else:
        state = BreakerState.OPEN
    left = host.until - now if host.openings else 0.0
    return BreakerReport(name, state, host.failures, moment + timedelta(seconds=left) if left > 0 else None)
