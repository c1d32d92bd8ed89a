"""A heartbeat: what is written is read, and nothing else is."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.application.fleet.envelope import Envelope, EnvelopeKind, FleetKeys
from service.application.fleet.heartbeat import (
    MAX_COUNT,
    MAX_NAME,
    MAX_OCTETS,
    MAX_REASON,
    MAX_TEXT,
    MOST_CODES,
    Heartbeat,
    HeartbeatError,
    Held,
    Hits,
    Role,
    Tallies,
    decode_heartbeat,
    encode_heartbeat,
)
from service.application.fleet.standing import Standing
from service.core.model.failure import Code
from tests.pki import NOW

COUNTS: Final = st.integers(0, MAX_COUNT)
HITS: Final = st.builds(Hits, COUNTS, COUNTS)
WORDS: Final = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=MAX_TEXT)
DECISIONS: Final = st.dictionaries(st.tuples(st.sampled_from(["allow", "deny"]), WORDS), COUNTS, max_size=MOST_CODES)
HEARTBEATS: Final = st.builds(
    Heartbeat,
    name=WORDS,
    at=st.datetimes(timezones=st.just(UTC)),
    instance=WORDS,
    version=WORDS,
    role=st.sampled_from(Role),
    started_at=st.datetimes(timezones=st.just(UTC)),
    workers=st.none() | COUNTS,
    held=st.none() | st.builds(Held, COUNTS, COUNTS, WORDS, COUNTS),
    standing=st.sampled_from(Standing),
    reason=WORDS,
    leases_held=COUNTS,
    name_taken=st.booleans(),
    tallies=st.builds(Tallies, HITS, HITS, HITS, COUNTS, COUNTS, st.none() | DECISIONS),
)
USUAL: Final = Heartbeat(
    name="pod-1",
    at=NOW,
    instance="0011",
    version="1.2.3",
    role=Role.SERVICE,
    started_at=NOW - timedelta(hours=1),
    workers=2,
    held=Held(7, 3, "a1c03ef09b52", 2),
    standing=Standing.BEHIND,
    reason="TimeoutError",
    leases_held=1,
    name_taken=False,
    tallies=Tallies(Hits(1, 2), Hits(3, 4), Hits(5, 6), 7, 8),
)


def read(content: bytes, name: str = "pod-1", at: datetime = NOW) -> Heartbeat:
    """What is in an envelope that has just been made."""
    return decode_heartbeat(name, at, content)


@given(HEARTBEATS)
def test_what_is_written_is_read(heartbeat: Heartbeat) -> None:
    """All of it."""
    assert heartbeat == read(encode_heartbeat(heartbeat), heartbeat.name, heartbeat.at)


def changed(*path: str, to: object) -> bytes:
    """A usual one with another value somewhere."""
    document: dict[str, Any] = json.loads(encode_heartbeat(USUAL))
    inner = document
    for name in path[:-1]:
        inner = inner[name]
    inner[path[-1]] = to
    return json.dumps(document).encode()


def test_what_is_not_known_is_passed_over() -> None:
    """A newer version says more."""
    assert USUAL == read(changed("mood", to="good"))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("instance",), None),
        (("instance",), "x" * (MAX_TEXT + 1)),
        (("version",), 7),
        (("version",), "x" * 1_000_000),
        (("version",), "1.2.3\x1b[31m"),
        (("version",), "\ud800"),
        (("version",), "\u202e"),
        (("role",), "king"),
        (("role",), ["service"]),
        (("started_at",), "yesterday"),
        (("started_at",), "2026-01-01T00:00:00"),
        (("started_at",), "0001-01-01T00:00:00+23:59"),
        (("started_at",), 0),
        (("workers",), -1),
        (("workers",), True),
        (("workers",), 1.5),
        (("workers",), MAX_COUNT + 1),
        (("workers",), "2"),
        (("held",), 1),
        (("held",), []),
        (("held",), {}),
        (("held", "blocks"), None),
        (("held", "crls_digest"), 5),
        (("standing",), "lying"),
        (("reason",), "x" * (MAX_REASON + 1)),
        (("leases_held",), None),
        (("name_taken",), 0),
        (("tallies",), None),
        (("tallies", "redis"), 5),
        (("tallies", "redis", "hits"), "many"),
        (("tallies", "refused"), -1),
        (("tallies", "decisions"), None),
        (("tallies", "decisions"), []),
        (("tallies", "decisions"), {}),
        (("tallies", "decisions"), {"allow": {}}),
        (("tallies", "decisions"), {"allow": {"ok": "many"}, "deny": {}}),
        (("tallies", "decisions"), {"allow": {}, "deny": {"x" * (MAX_TEXT + 1): 1}}),
        (("tallies", "decisions"), {"allow": {}, "deny": {"\x1b": 1}}),
    ],
)
def test_a_member_that_is_something_else(path: tuple[str, ...], value: object) -> None:
    """Of another type, too long, or of no meaning: nothing of it is taken."""
    with pytest.raises(HeartbeatError):
        read(changed(*path, to=value))


@pytest.mark.parametrize("name", list(json.loads(encode_heartbeat(USUAL))))
def test_a_member_that_is_missing(name: str) -> None:
    """Nothing is made up, null included."""
    document = json.loads(encode_heartbeat(USUAL))
    del document[name]
    with pytest.raises(HeartbeatError):
        read(json.dumps(document).encode())


@pytest.mark.parametrize(
    "content", [b"", b"null", b"[]", b"7", b'"x"', b"{", b"\xff", b"[" * 100_000, b'{"workers":' + b"9" * 10_000 + b"}"]
)
def test_what_is_no_heartbeat(content: bytes) -> None:
    """However it is broken."""
    with pytest.raises(HeartbeatError):
        read(content)


@given(st.binary(max_size=200) | st.recursive(st.none() | st.booleans() | st.text(), st.lists).map(json.dumps))
def test_anything_else(content: bytes | str) -> None:
    """Is refused, and raises nothing else."""
    with pytest.raises(HeartbeatError):
        read(content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"))


@pytest.mark.parametrize("name", ["x" * (MAX_NAME + 1), "a\nb", "\x1b"])
def test_a_name_that_is_none(name: str) -> None:
    """Whoever has no key may write under any name."""
    with pytest.raises(HeartbeatError):
        read(encode_heartbeat(USUAL), name)


def test_a_moment_that_is_none() -> None:
    """The first year has no moment there in UTC."""
    with pytest.raises(HeartbeatError):
        read(encode_heartbeat(USUAL), at=datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=1))))


def test_decisions_of_another_version() -> None:
    """An older one says none; a newer one may have codes that are not known here."""
    document = json.loads(encode_heartbeat(USUAL))
    assert None is read(json.dumps(document).encode()).tallies.decisions
    document["tallies"]["decisions"] = {"allow": {"ok": 1}, "deny": {"moonstruck": 2}, "ask": {"somebody": 3}}
    expected = {("allow", "ok"): 1, ("deny", "moonstruck"): 2}
    assert expected == read(json.dumps(document).encode()).tallies.decisions


def test_most_codes() -> None:
    """There is room for all; of more, those go that were given least often."""
    assert len(Code) <= MOST_CODES
    codes = {("deny", f"{number}"): number for number in range(1, MOST_CODES + 3)}
    counted = replace(USUAL.tallies, decisions=codes)
    found = read(encode_heartbeat(replace(USUAL, tallies=counted))).tallies.decisions
    assert {key: count for key, count in codes.items() if count > 2} == found


def test_a_reason_is_cut_by_whoever_writes() -> None:
    """It comes from a library, and may have anything in it."""
    found = read(encode_heartbeat(replace(USUAL, reason="no\n" + "\x1b" * 1000)))
    assert "no " + " " * (MAX_REASON - 3) == found.reason


def test_the_longest_one_is_read() -> None:
    """In its envelope it stays below what readers look into."""
    most = Hits(MAX_COUNT, MAX_COUNT)
    codes = {("deny", f"{max(Code, key=len)}{number:02}"): MAX_COUNT for number in range(MOST_CODES)}
    longest = replace(
        USUAL,
        name="\U0001f600" * MAX_NAME,
        instance="\U0001f600" * MAX_TEXT,
        version="\U0001f600" * MAX_TEXT,
        reason="\U0001f600" * MAX_REASON,
        workers=MAX_COUNT,
        held=Held(MAX_COUNT, MAX_COUNT, "x" * MAX_TEXT, MAX_COUNT),
        leases_held=MAX_COUNT,
        tallies=Tallies(most, most, most, MAX_COUNT, MAX_COUNT, codes),
    )
    content = encode_heartbeat(longest)
    envelope = FleetKeys((b"k" * 32,)).seal(Envelope(EnvelopeKind.HEARTBEAT, longest.name, NOW, content))
    assert (longest, True) == (read(content, longest.name), len(envelope) <= MAX_OCTETS)
