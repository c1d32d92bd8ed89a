"""How often sources are refreshed: the operator's wishes as a value.

A schedule is checked when it is made, so that the plan never meets one that contradicts itself. Which source is how
urgent, and when it is due, is the plan's business.
"""

from dataclasses import dataclass, field
from datetime import timedelta

from service.core.prefetch.inventory import Source

LONGEST_DURATION = timedelta(days=3660)
"""Ten years: no duration of a schedule is longer, so that every sum of one and a moment is a date of the calendar."""

DEFAULT_FRACTION = 0.5
"""AWS Private CA publishes the next CRL when half of the validity has passed; for others it leaves as much time for
retries as has passed."""

DEFAULT_MINIMUM = timedelta(seconds=60)
"""No origin is asked more often than once a minute for as long as it answers."""

DEFAULT_MAXIMUM = timedelta(hours=1)
"""CRLs are published before their time when something was revoked: this is how long that may go unnoticed."""

DEFAULT_RETRY_FIRST = timedelta(seconds=5)
"""As long as a circuit breaker stays open for the first time: an earlier retry would not be let through."""

DEFAULT_RETRY_LONGEST = timedelta(seconds=60)
"""An origin that is back is noticed within a minute, however long it was away."""

DEFAULT_FIRST_DELAY = timedelta(seconds=2)
"""Spreads what many replicas learn in the same moment, and holds up nobody: who needs it now asks for it."""

DEFAULT_JITTER = 0.1
"""Two thousand sources that were fetched together are spread over six minutes of the hour."""

DEFAULT_MOST_LEARNED = 4096
"""Twice the 2,000 partitions of one large AWS Private CA."""

DEFAULT_FORGET_AFTER = timedelta(days=30)
"""A certificate that nobody showed for a month is not worth an hourly request to its authority."""


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How often one source is refreshed.

    Attributes:
        fraction: Of the validity (nextUpdate - thisUpdate), after which a newer CRL is looked for; between 0 and 1.
        minimum: Between a success and the next attempt, at least.
        maximum: Between a success and the next attempt, at most.
    """

    fraction: float
    minimum: timedelta
    maximum: timedelta

    def __post_init__(self) -> None:
        """Refuse what contradicts itself.

        Raises:
            ValueError: a part is out of its range; the message has the numbers.
        """
        if not 0 < self.fraction < 1:
            raise ValueError(f"the fraction of the validity is {self.fraction}, not between 0 and 1")
        if not timedelta(0) < self.minimum <= self.maximum <= LONGEST_DURATION:
            raise ValueError(
                f"intervals from {self.minimum.total_seconds():g} s to {self.maximum.total_seconds():g} s: the minimum "
                f"is above 0 and not above the maximum, which is {LONGEST_DURATION.total_seconds():g} s at most"
            )


@dataclass(frozen=True, slots=True)
class Override:
    """Another rhythm for the sources that have a place that begins so.

    Attributes:
        prefix: Compared octet by octet; one that ends in `/` names a host or a folder and nothing that is called alike.
        fraction: As in `Rhythm`; None leaves it as it is for all.
        minimum: As `fraction`.
        maximum: As `fraction`.
    """

    prefix: str
    fraction: float | None = None
    minimum: timedelta | None = None
    maximum: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Schedule:
    """When sources are refreshed, retried and forgotten.

    Attributes:
        fraction: As in `Rhythm`, of every source that has no override.
        minimum: As in `Rhythm`.
        maximum: As in `Rhythm`.
        retry_first: After the first failure; doubled by each further one in a row.
        retry_longest: Where doubling ends; and how long before nextUpdate a refresh is due at the latest, which leaves
            time for a retry.
        first_delay: Before the first attempt, at most.
        jitter: Share of an interval by which an attempt may come earlier; none comes later for its sake.
        most_learned: Learned sources that are kept.
        forget_after: For how long a learned source is kept that is not used.
        overrides: Rhythms of some sources: of those that match, the one with the longest prefix counts alone.
        salt: What tells this replica from the others, so that they do not all come at once.
    """

    fraction: float = DEFAULT_FRACTION
    minimum: timedelta = DEFAULT_MINIMUM
    maximum: timedelta = DEFAULT_MAXIMUM
    retry_first: timedelta = DEFAULT_RETRY_FIRST
    retry_longest: timedelta = DEFAULT_RETRY_LONGEST
    first_delay: timedelta = DEFAULT_FIRST_DELAY
    jitter: float = DEFAULT_JITTER
    most_learned: int = DEFAULT_MOST_LEARNED
    forget_after: timedelta = DEFAULT_FORGET_AFTER
    overrides: tuple[Override, ...] = ()
    salt: bytes = field(default=b"", repr=False)
    _rhythms: tuple[tuple[str, Rhythm], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Refuse what contradicts itself, and look the overrides over once.

        Raises:
            ValueError: a part is out of its range, or an override makes a rhythm that is; the message has the numbers.
        """
        if not timedelta(0) < self.retry_first <= self.retry_longest <= LONGEST_DURATION:
            raise ValueError(
                f"retries from {self.retry_first.total_seconds():g} s to {self.retry_longest.total_seconds():g} s: the "
                f"first is above 0 and not above the longest, which is {LONGEST_DURATION.total_seconds():g} s at most"
            )
        if not 0 <= self.jitter < 1:
            raise ValueError(f"the share of jitter is {self.jitter}, not from 0 to below 1")
        if self.most_learned < 0:
            raise ValueError(f"{self.most_learned} learned sources are less than none")
        for name, duration in (("first delay", self.first_delay), ("time to forget", self.forget_after)):
            if not timedelta(0) <= duration <= LONGEST_DURATION:
                raise ValueError(
                    f"the {name} of {duration.total_seconds():g} s is not from 0 to "
                    f"{LONGEST_DURATION.total_seconds():g} s"
                )
        object.__setattr__(self, "_rhythms", self._looked_over())

    def _looked_over(self) -> tuple[tuple[str, Rhythm], ...]:
        """The rhythm of each prefix, the longest first, and that of all others, whose prefix is empty, last."""
        rhythms = {"": Rhythm(self.fraction, self.minimum, self.maximum)}
        for override in self.overrides:
            if not override.prefix or override.prefix in rhythms:
                raise ValueError(f"the prefix {override.prefix!r} of an override is empty or was given before")
            try:
                rhythms[override.prefix] = Rhythm(
                    self.fraction if override.fraction is None else override.fraction,
                    self.minimum if override.minimum is None else override.minimum,
                    self.maximum if override.maximum is None else override.maximum,
                )
            except ValueError as error:
                raise ValueError(f"for {override.prefix!r}, {error}") from error
        return tuple(sorted(rhythms.items(), key=lambda item: (-len(item[0]), item[0])))

    def rhythm(self, source: Source) -> Rhythm:
        """How often a source is refreshed: by the longest prefix that any of its places begins with."""
        if not self.overrides:
            return self._rhythms[0][1]
        return next(
            rhythm for prefix, rhythm in self._rhythms if any(place.startswith(prefix) for place in source.places)
        )
