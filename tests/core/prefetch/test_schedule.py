"""The schedule: what it refuses, and whose rhythm a source has."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from service.core.prefetch.inventory import Source, SourceKind
from service.core.prefetch.schedule import LONGEST_DURATION, Override, Rhythm, Schedule
from tests.core.prefetch.sources import NOTHING, TICK, configured, hours, seconds


@pytest.mark.parametrize(
    ("make", "numbers"),
    [
        (lambda: Schedule(fraction=0), "is 0, not between 0 and 1"),
        (lambda: Schedule(fraction=1), "is 1, not between 0 and 1"),
        (lambda: Schedule(fraction=float("nan")), "is nan, not between 0 and 1"),
        (lambda: Schedule(minimum=NOTHING), "from 0 s to 3600 s"),
        (lambda: Schedule(minimum=seconds(11), maximum=seconds(10)), "from 11 s to 10 s"),
        (lambda: Schedule(maximum=LONGEST_DURATION + TICK), "from 60 s to 3.16224e.08 s"),
        (lambda: Schedule(retry_first=NOTHING), "from 0 s to 60 s"),
        (lambda: Schedule(retry_first=seconds(61)), "from 61 s to 60 s"),
        (lambda: Schedule(retry_longest=LONGEST_DURATION + TICK), "from 5 s to 3.16224e.08 s"),
        (lambda: Schedule(first_delay=-TICK), "first delay of -1e-06 s"),
        (lambda: Schedule(first_delay=LONGEST_DURATION + TICK), "first delay of 3.16224e.08 s"),
        (lambda: Schedule(forget_after=-TICK), "time to forget of -1e-06 s"),
        (lambda: Schedule(forget_after=LONGEST_DURATION + TICK), "time to forget of 3.16224e.08 s"),
        (lambda: Schedule(jitter=-0.1), "is -0.1, not from 0 to below 1"),
        (lambda: Schedule(jitter=1), "is 1, not from 0 to below 1"),
        (lambda: Schedule(most_learned=-1), "-1 learned sources"),
        (lambda: Schedule(overrides=(Override("s3:", minimum=hours(2)),)), "'s3:', intervals from 7200 s to 3600 s"),
        (lambda: Schedule(overrides=(Override("", fraction=0.1),)), "'' of an override is empty"),
        (lambda: Schedule(overrides=(Override("s3:"), Override("s3:"))), "'s3:' of an override .* given before"),
    ],
)
def test_contradictions(make: Callable[[], Schedule], numbers: str) -> None:
    """A schedule that contradicts itself is not made, and the message has the numbers."""
    with pytest.raises(ValueError, match=numbers):
        make()


@pytest.mark.parametrize(
    "make",
    [
        lambda: Schedule(fraction=0.001),
        lambda: Schedule(fraction=0.999),
        lambda: Schedule(minimum=TICK, maximum=TICK),
        lambda: Schedule(maximum=LONGEST_DURATION, retry_longest=LONGEST_DURATION),
        lambda: Schedule(retry_first=seconds(60)),
        lambda: Schedule(first_delay=NOTHING, forget_after=NOTHING, jitter=0, most_learned=0),
        lambda: Schedule(first_delay=LONGEST_DURATION, forget_after=LONGEST_DURATION, jitter=0.999),
        lambda: Schedule(overrides=(Override("s3:", minimum=hours(2), maximum=hours(2)),)),
    ],
)
def test_extremes(make: Callable[[], Schedule]) -> None:
    """Every limit may be reached."""
    assert make() == make()


def test_defaults() -> None:
    """What stands in the documentation."""
    schedule = Schedule()
    assert Rhythm(0.5, seconds(60), seconds(3600)) == schedule.rhythm(configured())
    assert (seconds(5), seconds(60), seconds(2)) == (
        schedule.retry_first,
        schedule.retry_longest,
        schedule.first_delay,
    )
    assert (0.1, 4096, timedelta(days=30)) == (schedule.jitter, schedule.most_learned, schedule.forget_after)


FOLDER = Override("https://crl.example/fast/", 0.1, seconds(1), seconds(10))
HOST = Override("https://crl.example/", maximum=hours(2))
OVERRIDES = (HOST, FOLDER, Override("s3://", fraction=0.9))


@pytest.mark.parametrize(
    ("places", "rhythm"),
    [
        (("https://crl.example/fast/a",), Rhythm(0.1, seconds(1), seconds(10))),
        (("https://crl.example/slow",), Rhythm(0.5, seconds(60), hours(2))),
        (("https://crl.example.org/fast/a",), Rhythm(0.5, seconds(60), hours(1))),
        (("http://other.example/", "s3://bucket/a"), Rhythm(0.9, seconds(60), hours(1))),
        (("s3://bucket/a", "https://crl.example/b"), Rhythm(0.5, seconds(60), hours(2))),
        (("HTTPS://crl.example/fast/a",), Rhythm(0.5, seconds(60), hours(1))),
    ],
)
@pytest.mark.parametrize("overrides", [OVERRIDES, OVERRIDES[::-1]])
def test_longest_prefix(overrides: tuple[Override, ...], places: tuple[str, ...], rhythm: Rhythm) -> None:
    """Of all overrides that any place of a source begins with, the longest counts, in whatever order they are given."""
    source = Source(places[0], places, SourceKind.LEARNED)
    assert rhythm == Schedule(overrides=overrides).rhythm(source)


@pytest.mark.parametrize("order", [1, -1])
def test_prefixes_of_one_length(order: int) -> None:
    """Each counts for its own; of a source that has a place below both, the first in the order of text."""
    schedule = Schedule(overrides=(Override("s3://a/", 0.9), Override("s3://b/", 0.1))[::order])
    sources = [Source(places[0], places, SourceKind.LEARNED) for places in (("s3://a/x",), ("s3://b/x",))]
    both = Source("s3://b/x", ("s3://b/x", "s3://a/x"), SourceKind.LEARNED)
    assert [0.9, 0.1, 0.9] == [schedule.rhythm(one).fraction for one in (*sources, both)]


def test_salt_is_no_secret_of_logs() -> None:
    """The salt does not appear where a schedule is written down."""
    assert "salty" not in repr(Schedule(salt=b"salty"))
