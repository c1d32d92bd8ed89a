"""What operators change in the store: watermarks and the numbers of purges."""

from dataclasses import replace
from pathlib import Path

import pytest

from service.adapters.lmdb.role import Role
from service.adapters.lmdb.store import Store
from service.application.evidence_store import StoreError
from service.application.operating.purging import CacheKind
from service.core.crl.slot import advance
from service.core.model.attempt import Problem
from service.core.model.crl import Watermark
from service.core.model.policy import Policy
from tests.adapters.lmdb.values import held, slot, watermark

pytestmark = pytest.mark.anyio

LATER = held(1000).meta.this_update


def accepts(store: Store, number: int, days: int) -> Watermark | Problem:
    """What becomes of a CRL with this number, that many days after number 0."""
    meta = replace(held(number).meta, this_update=held(days).meta.this_update, digest=b"%d %d" % (number, days))
    return advance(meta, store.watermark(slot()), Policy(), LATER)


async def test_a_lower_number_is_accepted_after_a_reset(store: Store) -> None:
    """Any; what is held stays, even where it arrives once more, and verdicts are decided anew."""
    store.publish(held(7), (), watermark(7))
    before = store.generation()
    assert Problem.ROLLED_BACK is accepts(store, 1, days=8)
    await store.forget_watermarks((slot().key,))
    assert isinstance(accepts(store, 1, days=8), Watermark)
    assert (before + 1, [7]) == (store.generation(), [one.meta.crl_number for one in store.held()])
    again = advance(held(7).meta, store.watermark(slot()), Policy(), LATER)
    assert isinstance(again, Watermark)
    store.publish(held(7), (), again)
    assert isinstance(accepts(store, 1, days=8), Watermark)


@pytest.mark.parametrize("days", [6, 7])
@pytest.mark.parametrize("number", [6, 8])
async def test_nothing_older_is_accepted_after_a_reset(store: Store, number: int, days: int) -> None:
    """A CRL from before the one that is held may lie beside it, and would unsay it; of the same moment, likewise."""
    store.publish(held(7), (), watermark(7))
    for _ in range(2):  # however often somebody asks for it
        await store.forget_watermarks((slot().key,))
        assert Problem.ROLLED_BACK is accepts(store, number, days)


async def test_after_a_reset_there_is_a_watermark_again(store: Store) -> None:
    """That of the first other CRL."""
    store.publish(held(7), (), watermark(7))
    await store.forget_watermarks((slot().key,))
    accepted = accepts(store, 3, days=8)
    assert isinstance(accepted, Watermark)
    store.publish(held(3), (), accepted)
    assert Problem.ROLLED_BACK is accepts(store, 2, days=9)


async def test_other_slots_are_left_alone(store: Store) -> None:
    """And what is no slot is nothing."""
    store.publish(held(7), (), watermark(7))
    await store.forget_watermarks((slot(b"another").key, bytes(32)))
    assert Problem.ROLLED_BACK is accepts(store, 6, days=8)


async def test_a_worker_resets_nothing(path: Path) -> None:
    """That is the prefetcher's."""
    with Store.open(path, Role.WORKER) as store, pytest.raises(StoreError):
        await store.forget_watermarks((slot().key,))


async def test_purges_are_counted(store: Store) -> None:
    """Each kind by itself, in one transaction with the generation."""
    before = store.generation()
    await store.purge(("ocsp", "negative"))
    await store.purge(("ocsp",))
    assert {CacheKind.VERDICTS: 0, CacheKind.OCSP: 2, CacheKind.NEGATIVE: 1} == store.purges()
    assert before + 2 == store.generation()
