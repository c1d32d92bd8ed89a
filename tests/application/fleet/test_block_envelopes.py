"""What may stand in the fleet's hash: whatever it is, it is read or refused, and nothing else happens."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.application.block_text import write_block, write_tombstone
from service.application.fleet.block_envelopes import (
    LIST_NAME,
    MAX_BLOCK_OCTETS,
    ListNote,
    ListState,
    Member,
    is_sealed_anew,
    is_sharable,
    open_member,
    seal_event,
    seal_member,
)
from service.application.fleet.cache import SharedCache
from service.application.fleet.envelope import Envelope, EnvelopeKind, FleetKeys, Refusal
from service.application.fleet.names import FleetNames
from service.application.fleet.parts import FleetParts, FleetRules
from service.core.model.block import Block, IssuerSerialMatch, SpkiMatch, Tombstone
from service.core.names.rfc4514 import canonical_of_text
from tests.application.fleet.block_replicas import KEY, KEYED, KEYLESS, OTHER_KEY, Listener, match
from tests.application.manual_clock import ManualClock
from tests.pki.moments import NOW

BLOCK: Final = Block("b1", match(1), "stolen", NOW, "admin")
TOMBSTONE: Final = Tombstone("b1", NOW, "admin")
MAX_EVENT_OCTETS: Final = 64 * 1024


def parts(keys: FleetKeys = KEYED) -> FleetParts:
    """Nobody asks the cache."""
    rules = FleetRules("one", keys, timedelta(hours=1), timedelta(seconds=60))
    return FleetParts(cast("SharedCache", None), FleetNames(), rules, ManualClock(), Listener())


def refusals(of: FleetParts) -> list[Refusal]:
    """What was told."""
    return [told.refusal for told in cast("Listener", of.observer).refusals]


@pytest.mark.parametrize("member", [BLOCK, TOMBSTONE, *(ListNote(state, "me") for state in ListState)])
def test_what_was_sealed_is_opened(member: Member) -> None:
    """With the same key, under its own name, whenever that was."""
    one = parts()
    name, envelope = seal_member(one, member)
    assert member == open_member(one, name, envelope)
    late = replace(one, clock=ManualClock())
    cast("ManualClock", late.clock).advance(10 * 365 * 86_400)
    assert member == open_member(late, name, envelope)
    assert [Refusal.MISPLACED, Refusal.UNAUTHENTIC] == [
        open_member(one, "b2", envelope),
        open_member(parts(KEYLESS), name, envelope),
    ]
    assert [Refusal.MISPLACED] == refusals(one)


def test_a_tombstone_without_a_key() -> None:
    """Anybody can have made it; blocks are believed."""
    one = parts(KEYLESS)
    assert BLOCK == open_member(one, *seal_member(one, BLOCK))
    assert Refusal.UNAUTHENTIC is open_member(one, *seal_member(one, TOMBSTONE))
    assert [Refusal.UNAUTHENTIC] == refusals(one)


@pytest.mark.parametrize(
    ("keys", "is_anew"),
    [
        (KEYED, True),
        (FleetKeys((KEY, OTHER_KEY)), True),
        (FleetKeys((OTHER_KEY, KEY)), False),
        (KEYLESS, True),
    ],
)
@pytest.mark.parametrize("member", [BLOCK, TOMBSTONE])
def test_with_which_key(keys: FleetKeys, member: Member, *, is_anew: bool) -> None:
    """Only the first one lasts."""
    assert is_anew == is_sealed_anew(parts(keys), seal_member(parts(), member)[1])


JSON: Final = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)
FIELDS: Final = ("fingerprint", "spki", "issuer", "serial", "reason", "created_at", "created_by", "until", "removed_at")
MOMENTS: Final = ("2026-01-01T00:00:00+00:00", "0001-01-01T00:00:00+23:00", "9999-12-31T23:59:59-23:00", "2026-01-01")
VALUES: Final = JSON | st.sampled_from((*MOMENTS, "ff" * 32, "CN=a", "CN=\\", "-1", "\ud800"))


@given(
    st.sampled_from([EnvelopeKind.BLOCK, EnvelopeKind.TOMBSTONE, EnvelopeKind.EVENT]),
    st.sampled_from(["b1", LIST_NAME, "", "a/b", "b" * 65]),
    st.binary(max_size=64)
    | st.sampled_from([b"whole", b"whole x", b"wanted \xff", b"gone x", b""])
    | st.dictionaries(st.sampled_from(FIELDS), VALUES).map(lambda found: json.dumps(found).encode()),
)
def test_whatever_somebody_with_the_key_writes(kind: EnvelopeKind, name: str, content: bytes) -> None:
    """Is read, and can then be written again, or is refused by name."""
    one = parts()
    found = open_member(one, name, KEYED.seal(Envelope(kind, name, NOW, content)))
    assert isinstance(found, Refusal) == (len(refusals(one)) == 1)
    match found:
        case Block():
            assert found == open_member(one, name, one.seal(EnvelopeKind.BLOCK, name, write_block(found)))
            assert found.stands(NOW) in {True, False}
        case Tombstone():
            assert found == open_member(one, name, one.seal(EnvelopeKind.TOMBSTONE, name, write_tombstone(found)))
        case ListNote():
            assert found == open_member(one, *seal_member(one, found))
        case Refusal():
            pass


@given(st.binary(max_size=200), st.text(max_size=20))
def test_whatever_anybody_writes(octets: bytes, name: str) -> None:
    """Is refused."""
    one = parts()
    for found in (octets, b"revet1\n" + octets):
        assert isinstance(open_member(one, name, found), Refusal)
    assert 2 == len(refusals(one))


def test_what_is_too_long() -> None:
    """Is not even hashed; of its name no more is told than can be looked at."""
    one = parts()
    assert Refusal.MALFORMED is open_member(one, "x" * 100_000, b"revet1\n" + bytes(2 * MAX_BLOCK_OCTETS))
    (told,) = cast("Listener", one.observer).refusals
    assert (Refusal.MALFORMED, 64) == (told.refusal, len(told.about))


def written(reason: int, issuer: str, serial: int) -> Block:
    """A block as long as may be asked for."""
    named: Any = IssuerSerialMatch(issuer, canonical_of_text(issuer), serial)
    return Block("b" * 32, named, "\N{SNOWMAN}" * reason, NOW, "admin token 01234567", NOW)


def test_how_long_a_block_may_be() -> None:
    """The longest that anybody may ask for can be shared, and its event is no longer than events may be."""
    one = parts()
    longest = written(500, "CN=" + "\\," * 8000, 1 << (8 * 1023))
    assert is_sharable(longest)
    name, envelope = seal_member(one, longest)
    assert longest == open_member(one, name, envelope)
    assert len(seal_event(one, name, envelope)) <= MAX_EVENT_OCTETS
    assert not is_sharable(written(10_000, "CN=a", 1))
    assert not is_sharable(replace(longest, id="a/b", match=SpkiMatch(bytes(32))))


def test_the_longest_that_is_shared_fits_an_event() -> None:
    """Whatever is in it."""
    one = parts()
    content = len(write_block(replace(BLOCK, reason="")))
    name, envelope = seal_member(one, replace(BLOCK, reason="x" * (MAX_BLOCK_OCTETS - content)))
    assert isinstance(open_member(one, name, envelope), Block)
    assert len(seal_event(one, name, envelope)) <= MAX_EVENT_OCTETS
