"""Envelopes: what opens is what a replica of the fleet has sealed, and nothing else."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.application.fleet.envelope import (
    MAGIC,
    MAX_HEADER_OCTETS,
    Envelope,
    EnvelopeError,
    EnvelopeKind,
    FleetKeys,
    Refusal,
    Times,
)

NOW: Final = datetime(2026, 11, 22, 12, tzinfo=UTC)
KEYS: Final = FleetKeys((b"a key of the fleet's own", b"the one before"))
SEALED: Final = Envelope(EnvelopeKind.CRL, "http://crl.example/1.crl", NOW, b"what it has in it")
TIMES: Final = Times(NOW, timedelta(hours=1), timedelta(minutes=1))


def refusal(octets: bytes, keys: FleetKeys = KEYS, times: Times = TIMES, about: str | None = SEALED.about) -> Refusal:
    """Why it is refused."""
    with pytest.raises(EnvelopeError) as caught:
        keys.open(octets, EnvelopeKind.CRL, about, times)
    return caught.value.refusal


def test_what_was_sealed_is_opened() -> None:
    """Whoever has the key reads what was written."""
    assert KEYS.open(KEYS.seal(SEALED), EnvelopeKind.CRL, SEALED.about, TIMES) == SEALED


def test_what_it_is_about_may_be_learned() -> None:
    """Nobody has to know beforehand what it is about."""
    assert KEYS.open(KEYS.seal(SEALED), EnvelopeKind.CRL, None, TIMES) == SEALED


@given(st.data())
def test_no_octet_can_be_changed(data: st.DataObject) -> None:
    """Whichever octet is changed, it does not open."""
    octets = bytearray(KEYS.seal(SEALED))
    at = data.draw(st.integers(0, len(octets) - 1))
    octets[at] ^= data.draw(st.integers(1, 255))
    assert refusal(bytes(octets)) in {Refusal.MALFORMED, Refusal.UNAUTHENTIC}


@given(st.data())
def test_no_octet_can_be_left_out(data: st.DataObject) -> None:
    """However much of it is left, it does not open."""
    octets = KEYS.seal(SEALED)
    kept = data.draw(st.integers(0, len(octets) - 1))
    assert refusal(octets[:kept]) in {Refusal.MALFORMED, Refusal.UNAUTHENTIC}


@given(st.binary())
def test_nothing_else_opens(octets: bytes) -> None:
    """Octets that nobody sealed are refused and nothing worse, with a key and without."""
    assert refusal(octets) is Refusal.MALFORMED
    assert refusal(MAGIC + octets) in {Refusal.MALFORMED, Refusal.UNAUTHENTIC}


@given(st.binary(max_size=200))
def test_whatever_is_authentic_and_no_envelope_is_refused(body: bytes) -> None:
    """A body that somebody with the key made by mistake is malformed."""
    keys = FleetKeys()
    octets = MAGIC + keys._mac(b"", body) + body  # noqa: SLF001 - what nobody seals has to be made
    assert refusal(octets, keys) is Refusal.MALFORMED


@pytest.mark.parametrize(
    "header",
    [
        {},
        {"kind": "crl", "about": "x"},
        {"kind": "none", "about": "x", "at": NOW.isoformat()},
        {"kind": "crl", "about": 1, "at": NOW.isoformat()},
        {"kind": "crl", "about": "x", "at": 1},
        {"kind": "crl", "about": "x", "at": "2026-11-22T12:00:00"},
        ["kind", "about", "at"],
    ],
)
def test_a_header_of_another_shape_is_refused(header: object) -> None:
    """Fields that are missing, of another type, or without an offset from UTC."""
    keys, text = FleetKeys(), json.dumps(header).encode()
    body = len(text).to_bytes(2) + text
    octets = MAGIC + keys._mac(b"", body) + body  # noqa: SLF001 - what nobody seals has to be made
    assert refusal(octets, keys, about=None) is Refusal.MALFORMED


def test_the_key_before_still_opens() -> None:
    """While keys are changed, both count."""
    before = FleetKeys(KEYS.keys[1:])
    assert KEYS.open(before.seal(SEALED), EnvelopeKind.CRL, SEALED.about, TIMES) == SEALED


def test_the_first_key_seals() -> None:
    """Whoever has the second key alone does not open what is sealed with both."""
    assert refusal(KEYS.seal(SEALED), FleetKeys(KEYS.keys[1:])) is Refusal.UNAUTHENTIC


def test_another_fleets_key_opens_nothing() -> None:
    """What others seal is refused."""
    assert refusal(FleetKeys((b"the key of somebody else",)).seal(SEALED)) is Refusal.UNAUTHENTIC


def test_what_has_no_key_opens_nothing_that_has_one() -> None:
    """Leaving the key out is no way around it, in neither direction."""
    assert refusal(FleetKeys().seal(SEALED)) is Refusal.UNAUTHENTIC
    assert refusal(KEYS.seal(SEALED), FleetKeys()) is Refusal.UNAUTHENTIC


def test_an_empty_key_authenticates_nothing() -> None:
    """Only what has keys says that it authenticates."""
    assert (KEYS.authenticate, FleetKeys().authenticate) == (True, False)


def test_another_kind_is_refused() -> None:
    """An OCSP answer's envelope is none of a CRL."""
    assert refusal(KEYS.seal(replace(SEALED, kind=EnvelopeKind.OCSP))) is Refusal.MISPLACED


def test_about_something_else_is_refused() -> None:
    """An envelope that was copied to another name is refused there."""
    assert refusal(KEYS.seal(SEALED), about="http://crl.example/2.crl") is Refusal.MISPLACED


def test_a_moment_too_old_is_refused() -> None:
    """Up to the limit it is taken, and not after it."""
    octets = KEYS.seal(replace(SEALED, at=NOW - timedelta(hours=1)))
    assert KEYS.open(octets, EnvelopeKind.CRL, SEALED.about, TIMES).content == SEALED.content
    assert refusal(KEYS.seal(replace(SEALED, at=NOW - timedelta(hours=1, microseconds=1)))) is Refusal.TOO_OLD


def test_what_lasts_has_no_age() -> None:
    """Without a limit it may be as old as it likes."""
    octets = KEYS.seal(replace(SEALED, at=NOW - timedelta(days=3000)))
    assert KEYS.open(octets, EnvelopeKind.CRL, None, replace(TIMES, longest=None)).content == SEALED.content


def test_the_future_is_refused() -> None:
    """As far as clocks may be apart it is taken, and not beyond."""
    octets = KEYS.seal(replace(SEALED, at=NOW + timedelta(minutes=1)))
    assert KEYS.open(octets, EnvelopeKind.CRL, SEALED.about, TIMES).content == SEALED.content
    later = KEYS.seal(replace(SEALED, at=NOW + timedelta(minutes=1, microseconds=1)))
    assert refusal(later) is Refusal.FUTURE
    assert refusal(later, times=replace(TIMES, longest=None)) is Refusal.FUTURE


def test_what_is_about_too_much_is_not_sealed() -> None:
    """What could not be read again is not written."""
    with pytest.raises(ValueError, match=str(MAX_HEADER_OCTETS)):
        KEYS.seal(replace(SEALED, about="x" * MAX_HEADER_OCTETS))


def test_no_key_is_shown() -> None:
    """A key never reaches a log by way of its owner's text."""
    assert "fleet's own" not in repr(KEYS)
