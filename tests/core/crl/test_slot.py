"""Which CRL replaces which, and the watermark that lets nobody go back."""

from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import combinations
from typing import Final, Unpack

import pytest
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from service.core.crl.slot import advance, repeats_number, slot_of, ties, twin
from service.core.model.attempt import Problem
from service.core.model.crl import CrlMeta, CrlSlot, Watermark
from service.core.model.policy import Policy
from service.core.model.reason import Reasons
from service.core.names.comparison import canonical
from tests.core.crl.findings import DEFAULT, ROOT, SUB, URL, meta, read
from tests.pki import NOW, THIS_UPDATE, CrlOverrides, IssuingDistributionPoint, hours, key

ANOTHER_URL: Final = "http://crl.example/another.crl"


def slot(**overrides: Unpack[CrlOverrides]) -> CrlSlot:
    """The slot of a CRL under the key of `SUB`."""
    return slot_of(meta(**overrides), SUB.issued.spki)


# --- slots -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "overrides",
    [
        CrlOverrides(number=2, this_update=NOW, next_update=None),
        CrlOverrides(number=None, revoked=[7]),
        CrlOverrides(version=1),
        CrlOverrides(issuer_name="SUB"),
        CrlOverrides(idp=IssuingDistributionPoint()),
        CrlOverrides(signature_hash="sha512", authority_key_identifier=None),
    ],
)
def test_what_makes_no_other_slot(overrides: CrlOverrides) -> None:
    """A CRL replaces another one whatever its number, times, entries, digest, and the spelling of its issuer's name."""
    assert slot() == slot(**overrides)


def test_the_names_of_a_point_have_no_order() -> None:
    """The same names in another order, and a directory name in another spelling, are the same scope."""
    entry, shouted = (x509.DirectoryName(x509.Name.from_rfc4514_string(f"CN={name}")) for name in ("shard", "SHARD"))
    other = slot(idp=IssuingDistributionPoint([shouted, ANOTHER_URL, URL]))
    assert slot(idp=IssuingDistributionPoint([URL, ANOTHER_URL, entry])) == other


def test_what_makes_another_slot() -> None:
    """Signer key, issuer, each part of the scope, and being a delta: any two of them are different slots."""
    overrides = [
        CrlOverrides(),
        CrlOverrides(issuer_name="Other"),
        CrlOverrides(delta_base=1),
        CrlOverrides(idp=IssuingDistributionPoint([URL])),
        CrlOverrides(idp=IssuingDistributionPoint([ANOTHER_URL])),
        CrlOverrides(idp=IssuingDistributionPoint([URL, ANOTHER_URL])),
        CrlOverrides(idp=IssuingDistributionPoint([f"{ANOTHER_URL}\x06{URL}"])),  # one name that looks like two
        CrlOverrides(idp=IssuingDistributionPoint([x509.DNSName(URL)])),
        CrlOverrides(idp=IssuingDistributionPoint(only_user=True)),
        CrlOverrides(idp=IssuingDistributionPoint(only_ca=True)),
        CrlOverrides(idp=IssuingDistributionPoint(only_attribute=True)),
        CrlOverrides(idp=IssuingDistributionPoint(indirect=True)),
        CrlOverrides(idp=IssuingDistributionPoint(only_user=True), delta_base=1),
        CrlOverrides(idp=IssuingDistributionPoint(only_some_reasons={"keyCompromise"})),
        CrlOverrides(idp=IssuingDistributionPoint(only_some_reasons={"cACompromise"})),
        CrlOverrides(idp=IssuingDistributionPoint(only_some_reasons=set())),
    ]
    slots = [slot(**one) for one in overrides]
    slots.append(slot_of(meta(), ROOT.issued.spki))
    assert [] == [pair for pair in combinations(slots, 2) if pair[0].key == pair[1].key]


def test_a_rolled_key_starts_a_slot_of_its_own() -> None:
    """Under a new key an authority numbers its CRLs anew, and nothing that the old key signed is replaced."""
    rolled = SUB.reissue(key=key("p384"))
    assert slot() != slot_of(meta(rolled), rolled.issued.spki)


def test_what_a_slot_tells() -> None:
    """CRLs are found by their issuer and by the names of their point."""
    found = slot(idp=IssuingDistributionPoint([URL]))
    assert canonical(read(SUB).subject.der) == found.issuer
    assert {b"\x06" + URL.encode()} == found.points
    assert frozenset() == slot().points


def test_hosts_find_again_what_they_hold() -> None:
    """The key of a slot is written to stores, so that it is the same in every release."""
    scope = IssuingDistributionPoint([URL], only_user=True, only_some_reasons={"keyCompromise"})
    issuer, reasons = canonical(read(SUB).subject.der), Reasons.KEY_COMPROMISE.value
    for overrides, point, flags, code in (
        (CrlOverrides(), (), bytes(5), -1),
        (CrlOverrides(idp=scope, delta_base=1), (b"\x06" + URL.encode(),), bytes((1, 0, 0, 0, 1)), reasons),
    ):
        parts = (b"key", issuer, *point, flags, code.to_bytes(4, "big", signed=True))
        octets = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
        assert sha256(octets).digest() == slot_of(meta(**overrides), b"key").key


# --- watermarks ------------------------------------------------------------------------------------------------------

SKEW: Final = timedelta(seconds=60)
SECOND: Final = timedelta(seconds=1)
OTHER: Final = b"another CRL"


def mark(number: int | None, this_update: datetime, of: CrlMeta) -> Watermark:
    """The watermark that a CRL leaves."""
    return Watermark(number, this_update, of.digest)


SEEN: Final = Watermark(7, THIS_UPDATE, OTHER)


def crl(number: int | None, this_update: datetime = THIS_UPDATE) -> CrlMeta:
    """A CRL of this number and age."""
    return meta(number=number, this_update=this_update)


@pytest.mark.parametrize("number", [None, 0, 7])
def test_the_first_crl(number: int | None) -> None:
    """Whatever a slot sees first is its watermark."""
    assert mark(number, THIS_UPDATE, crl(number)) == advance(crl(number), None, DEFAULT, NOW)


@pytest.mark.parametrize(
    ("number", "later", "expected"),
    [
        (8, timedelta(0), (8, THIS_UPDATE)),
        (8, SECOND, (8, THIS_UPDATE + SECOND)),
        (7, SECOND, (7, THIS_UPDATE + SECOND)),  # published again without a change
        (None, SECOND, (7, THIS_UPDATE + SECOND)),  # an authority that stopped counting
        (7, timedelta(0), None),  # which of the two is the later one, nothing says
        (None, timedelta(0), None),
        (6, SECOND, None),
        (6, timedelta(0), None),
        (7, -SECOND, None),
        (8, -SECOND, None),
        (None, -SECOND, None),
    ],
)
def test_the_next_crl(number: int | None, later: timedelta, expected: tuple[int, datetime] | None) -> None:
    """Neither a lower number nor an older thisUpdate than the slot has seen is accepted."""
    offered = crl(number, THIS_UPDATE + later)
    outcome = Problem.ROLLED_BACK if expected is None else mark(*expected, offered)
    assert outcome == advance(offered, SEEN, DEFAULT, NOW)


def test_the_same_crl_again() -> None:
    """What was accepted last is accepted again, and changes nothing."""
    for number in (7, None):
        seen = mark(number, THIS_UPDATE, crl(number))
        assert seen == advance(crl(number), seen, DEFAULT, NOW)


def test_a_number_that_was_forgotten_stays_forgotten() -> None:
    """After a reset, what is held already is read again and brings its number back no more."""
    forgotten = mark(None, THIS_UPDATE, crl(7))
    assert forgotten == advance(crl(7), forgotten, DEFAULT, NOW)
    assert mark(6, THIS_UPDATE + SECOND, rebuilt := crl(6, THIS_UPDATE + SECOND)) == advance(
        rebuilt, forgotten, DEFAULT, NOW
    )


def test_an_authority_that_begins_to_count() -> None:
    """A number after CRLs without one is accepted; of the same moment nothing says which is the later one."""
    uncounted = Watermark(None, THIS_UPDATE, OTHER)
    later = crl(7, THIS_UPDATE + SECOND)
    assert mark(7, THIS_UPDATE + SECOND, later) == advance(later, uncounted, DEFAULT, NOW)
    assert (True, Problem.ROLLED_BACK) == (ties(crl(7), uncounted), advance(crl(7), uncounted, DEFAULT, NOW))
    assert advance(crl(7, THIS_UPDATE - SECOND), uncounted, DEFAULT, NOW) is Problem.ROLLED_BACK


@pytest.mark.parametrize("seen", [None, SEEN])
def test_a_crl_from_the_future(seen: Watermark | None) -> None:
    """Beyond the skew a CRL is never held: it would keep out every honest one until its time comes."""
    assert mark(8, NOW + SKEW, crl(8, NOW + SKEW)) == advance(crl(8, NOW + SKEW), seen, DEFAULT, NOW)
    assert advance(crl(8, NOW + SKEW + SECOND), seen, DEFAULT, NOW) is Problem.NOT_YET_VALID
    strict = Policy(clock_skew=timedelta(0))
    assert advance(crl(8, NOW + SECOND), seen, strict, NOW) is Problem.NOT_YET_VALID


def test_a_stale_crl_advances_all_the_same() -> None:
    """Freshness is not the business of the watermark: an old list is better than a list that is older."""
    stale = meta(number=8, this_update=THIS_UPDATE, next_update=THIS_UPDATE + SECOND)
    assert mark(8, THIS_UPDATE, stale) == advance(stale, SEEN, DEFAULT, NOW + hours(24 * 365))


EMPTY: Final = meta()
LISTS: Final = st.lists(
    st.builds(
        lambda number, seconds, content: replace(
            EMPTY,
            crl_number=number,
            this_update=NOW + timedelta(seconds=seconds),
            digest=repr((number, seconds, content)).encode(),
        ),
        st.none() | st.integers(0, 5),
        st.integers(-5, 65),
        st.integers(0, 2),
    ),
    max_size=12,
)


@given(LISTS)
def test_nobody_goes_back(offered: list[CrlMeta]) -> None:
    """However CRLs are offered, the watermark's number and time never fall, and no accepted one lies below it."""
    seen: Watermark | None = None
    for one in offered:
        outcome = advance(one, seen, DEFAULT, NOW)
        if isinstance(outcome, Problem):
            continue
        assert one.this_update == outcome.this_update <= NOW + SKEW
        assert one.crl_number in (None, outcome.crl_number)
        if seen is not None:
            assert seen.this_update <= outcome.this_update
            assert seen.crl_number is None or (outcome.crl_number is not None and seen.crl_number <= outcome.crl_number)
        seen = outcome


@given(LISTS)
def test_only_what_is_older_is_refused(offered: list[CrlMeta]) -> None:
    """A CRL is accepted exactly where its number and time are not below the watermark, and not ahead of the clock.

    Another CRL of the watermark's own time needs another number than it has, and it has one.
    """
    seen: Watermark | None = None
    for one in offered:
        outcome = advance(one, seen, DEFAULT, NOW)
        not_older = seen is None or (
            one.this_update >= seen.this_update
            and (one.crl_number is None or seen.crl_number is None or one.crl_number >= seen.crl_number)
            and not (one.this_update == seen.this_update and one.crl_number in (None, seen.crl_number))
            and not (one.this_update == seen.this_update and seen.crl_number is None)
        )
        not_older = not_older or (seen is not None and one.digest == seen.digest)
        assert (not_older and one.this_update <= NOW + SKEW) == isinstance(outcome, Watermark)
        if isinstance(outcome, Watermark):
            seen = outcome


# --- two of one age --------------------------------------------------------------------------------------------------


def test_the_twin_of_a_slot() -> None:
    """It is another slot of the same issuer and the same points, always the same one."""
    own = slot(idp=IssuingDistributionPoint([URL]))
    other = twin(own)
    assert (own.issuer, own.points) == (other.issuer, other.points)
    assert own.key != other.key
    assert other == twin(own)


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        (CrlOverrides(number=7, revoked=[5]), True),
        (CrlOverrides(number=None, revoked=[5]), True),
        (CrlOverrides(number=7), False),
        (CrlOverrides(number=8, revoked=[5]), False),
        (CrlOverrides(number=7, revoked=[5], this_update=THIS_UPDATE + hours(1)), False),
    ],
)
def test_when_two_are_of_one_age(overrides: CrlOverrides, expected: bool) -> None:
    """Another CRL, of which nothing says that it is later or earlier."""
    first = meta(number=7)
    accepted = Watermark(first.crl_number, first.this_update, first.digest)
    assert expected is ties(meta(**overrides), accepted)


@pytest.mark.parametrize(
    ("number", "seen", "expected"),
    [
        (7, Watermark(7, NOW - hours(1), b""), True),
        (7, Watermark(7, NOW, b""), False),
        (8, Watermark(7, NOW - hours(1), b""), False),
    ],
    ids=["newer", "as old", "another number"],
)
def test_a_number_that_is_repeated(number: int, seen: Watermark, expected: bool) -> None:
    """By a CRL that is newer: what its issuer should hear of; nothing is repeated where nothing was seen or counted."""
    repeating = meta(number=number, this_update=NOW)
    assert expected == repeats_number(repeating, seen)
    assert not repeats_number(repeating, None)
    assert not repeats_number(replace(repeating, crl_number=None), seen)
