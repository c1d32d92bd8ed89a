"""Held CRLs as the application sees them: which are found, what they say, and what takes the place of what."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from service.adapters.lmdb.role import Role
from service.adapters.lmdb.store import Store
from service.adapters.lmdb.store_parts import StoreLimits
from service.core.model.crl import CrlFinding
from service.core.model.evidence_tier import Tier
from service.core.model.reason import Reason
from tests.adapters.lmdb.files import generations
from tests.adapters.lmdb.values import (
    AT,
    ISSUER,
    KEY,
    NOWHERE,
    SIGNERS,
    SOURCE,
    entry,
    held,
    octets,
    row,
    slot,
    watermark,
)


def test_empty(store: Store) -> None:
    """A new store holds nothing."""
    assert () == store.find(ISSUER, NOWHERE, SIGNERS, octets(1))
    assert () == store.held()
    assert not store.holds_issuer(ISSUER, SIGNERS)
    assert store.watermark(slot()) is None
    assert store.find_ocsp(KEY) is None


@pytest.mark.parametrize("serial", [0, 1, 127, 128, -1, -129, 1 << 159, (1 << 504) - 1])
def test_listed(store: Store, serial: int) -> None:
    """A listed serial number is found with its entry, and with all that is known of the CRL."""
    listed = entry(5)
    crl = held(7)
    store.publish(crl, [row(serial + 1), row(serial, 5)], watermark(7))

    found = store.find(ISSUER, NOWHERE, SIGNERS, octets(serial))

    assert (CrlFinding(crl.meta, listed, b"signer", SOURCE, Tier.HOST),) == found


def test_not_listed(store: Store) -> None:
    """A CRL that does not list a serial number is found too, without an entry."""
    crl = held(7)
    store.publish(crl, [row(1)], watermark(7))

    assert (CrlFinding(crl.meta, None, b"signer", SOURCE, Tier.HOST),) == store.find(
        ISSUER, NOWHERE, SIGNERS, octets(2)
    )


@pytest.mark.parametrize("reason", [None, *Reason])
def test_duplicates(store: Store, reason: Reason | None) -> None:
    """Of entries under one key the last one counts, but no removal over a revocation."""
    store.publish(held(7), [row(1, 9, Reason.SUPERSEDED), row(1, 5, reason)], watermark(7))

    (found,) = store.find(ISSUER, NOWHERE, SIGNERS, octets(1))

    assert (entry(9, Reason.SUPERSEDED) if reason is Reason.REMOVE_FROM_CRL else entry(5, reason)) == found.entry


@pytest.mark.parametrize(
    ("asked", "expected"),
    [(set(), {1}), ({b"a"}, {1, 2, 4}), ({b"b"}, {1, 3, 4}), ({b"a", b"b"}, {1, 2, 3, 4}), ({b"c"}, {1})],
)
def test_which_crls_are_asked(store: Store, asked: set[bytes], expected: set[int]) -> None:
    """CRLs that name a point of the certificate and those that name none, each once, of this issuer alone."""
    for number, points in [(1, ()), (2, (b"a",)), (3, (b"b",)), (4, (b"a", b"b"))]:
        store.publish(held(number, slot(*points)), [], watermark(number))
    store.publish(held(5, slot(issuer=b"another")), [], watermark(5))

    found = store.find(ISSUER, frozenset(asked), SIGNERS, octets(1))

    assert sorted(expected) == sorted(finding.meta.crl_number or 0 for finding in found)


@pytest.mark.parametrize("others", [0, 1, 3, 300])
def test_a_certificate_that_names_many_points(store: Store, others: int) -> None:
    """However many points there are on either side, those that both name count, and nothing below another key."""
    points = [b"point %d" % number for number in range(100)]
    named = points[7:57:5]
    for number, point in enumerate(named, 1):
        store.publish(held(number, slot(point, b"shared")), [], watermark(number))
    store.publish(held(99), [], watermark(99))
    for number in range(others):
        where = slot(points[number % 100], kind=b"%d" % number)
        store.publish(replace(held(100 + number, where), signer_spki=b"stranger"), [], watermark(1))
        if number < 100:
            store.publish(held(500 + number, slot(b"elsewhere %d" % number)), [], watermark(1))

    found = store.find(ISSUER, frozenset(points), SIGNERS, octets(1))
    assert [*range(1, 11), 99] == sorted(finding.meta.crl_number or 0 for finding in found)
    assert 11 == len(store.find(ISSUER, frozenset({*points, b"shared"}), SIGNERS, octets(1)))


def test_base_and_delta(store: Store) -> None:
    """Two slots of one scope are two findings."""
    store.publish(held(1), [row(1)], watermark(1))
    store.publish(held(2, slot(kind=b"delta")), [], watermark(2))

    found = store.find(ISSUER, NOWHERE, SIGNERS, octets(1))

    assert [(1, True), (2, False)] == sorted((f.meta.crl_number or 0, f.entry is not None) for f in found)


def test_holds_issuer(store: Store) -> None:
    """An issuer is held whatever the scope of its CRL; another one is not."""
    store.publish(held(1, slot(b"a")), [], watermark(1))

    assert store.holds_issuer(ISSUER, SIGNERS)
    assert [False] * 200 == [store.holds_issuer(b"another %d" % number, SIGNERS) for number in range(200)]


def test_holds_issuer_under_one_of_the_keys(store: Store) -> None:
    """Each CRL of the issuer is looked at, and what other keys signed in its name does not count."""
    for number, points in enumerate([(), (b"a",), (b"b", b"c"), (b"d",)]):
        store.publish(replace(held(number, slot(*points)), signer_spki=b"stranger"), [], watermark(number))
    strangers = store.holds_issuer(ISSUER, SIGNERS)
    store.publish(held(9, slot(b"e")), [], watermark(9))

    assert (False, True) == (strangers, store.holds_issuer(ISSUER, frozenset({b"another", b"signer"})))
    assert not store.holds_issuer(ISSUER, frozenset())


def test_holds_issuer_sees_a_new_signer(store: Store) -> None:
    """What a slot holds now counts, not what it held when it was looked at before."""
    store.publish(replace(held(1), signer_spki=b"stranger"), [], watermark(1))
    before = store.holds_issuer(ISSUER, SIGNERS)
    store.publish(held(2), [], watermark(2))

    assert (False, True) == (before, store.holds_issuer(ISSUER, SIGNERS))


def test_inventory(store: Store) -> None:
    """Every CRL held is listed, as it was given."""
    crls = [held(1), held(2, slot(b"a")), held(3, slot(issuer=b"another"))]
    for crl in crls:
        store.publish(crl, [row(1)], watermark(1))

    assert crls == sorted(store.held(), key=lambda crl: crl.meta.crl_number or 0)


def test_replaced(store: Store, path: Path) -> None:
    """A newer CRL of a slot takes the place of the older one, whose file goes; the other slots stay."""
    store.publish(held(1), [row(1)], watermark(1))
    store.publish(held(5, slot(b"a")), [row(1)], watermark(5))
    store.find(ISSUER, frozenset({b"a"}), SIGNERS, octets(1))

    store.publish(held(2), [row(2)], watermark(2))

    found = store.find(ISSUER, frozenset({b"a"}), SIGNERS, octets(1))
    assert [(2, False), (5, True)] == sorted((f.meta.crl_number or 0, f.entry is not None) for f in found)
    assert 2 == len(generations(path))


def test_watermark_of_each_slot(store: Store) -> None:
    """A slot's watermark is the one that came with its last CRL."""
    for number, where in [(1, slot()), (9, slot(b"a")), (2, slot())]:
        store.publish(held(number, where), [], watermark(number))

    assert (watermark(2), watermark(9)) == (store.watermark(slot()), store.watermark(slot(b"a")))


def test_what_a_slot_holds(store: Store, path: Path) -> None:
    """It is one CRL, by its digest, and only while its slot can be read and its entries are there."""
    crl, another = held(1), held(2)
    assert not store.holds(slot(), crl.meta.digest)

    store.publish(crl, [row(1)], watermark(1))
    assert [True, False, False] == [
        store.holds(slot(), crl.meta.digest),
        store.holds(slot(), another.meta.digest),
        store.holds(slot(b"a"), crl.meta.digest),
    ]

    (file,) = generations(path)
    file.rename(path / "elsewhere")
    assert not store.holds(slot(), crl.meta.digest)
    (path / "elsewhere").rename(file)
    assert store.holds(slot(), crl.meta.digest)


def test_fetched_at_is_kept(store: Store) -> None:
    """When a CRL was fetched is kept to the microsecond."""
    crl = replace(held(1), fetched_at=AT + timedelta(microseconds=1))
    store.publish(crl, [], watermark(1))

    assert (crl,) == store.held()


def test_many_slots_with_few_files(path: Path) -> None:
    """More CRLs than files may be open are all asked, again and again."""
    with Store.open(path, Role.INGESTER, StoreLimits(open_generations=2)) as store:
        for number in range(5):
            store.publish(held(number, slot(b"%d" % number)), [row(number, number)], watermark(number))

        for number in [0, 1, 2, 3, 4, 4, 0, 2]:
            (found,) = store.find(ISSUER, frozenset({b"%d" % number}), SIGNERS, octets(number))
            assert entry(number) == found.entry
