"""What a CRL is held against that comes later: nobody goes back, and every scope and key has a history of its own."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from service.adapters.lmdb.role import Role
from service.adapters.lmdb.store import Store
from service.core.model.attempt import Attempt, Problem
from tests.application.chain import CRL_URL, NAMESAKE, SUB
from tests.application.test_ingest import OF_NAMESAKE, SKEW, SPKI, held, ingest
from tests.pki import (
    NOW,
    THIS_UPDATE,
    IssuingDistributionPoint,
    hours,
)

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("first", "second", "problem"),
    [
        ((5, THIS_UPDATE), (4, THIS_UPDATE + hours(0.5)), Problem.ROLLED_BACK),
        ((5, THIS_UPDATE), (6, THIS_UPDATE - hours(1)), Problem.ROLLED_BACK),
        ((5, THIS_UPDATE), (None, THIS_UPDATE - hours(1)), Problem.ROLLED_BACK),
        ((None, THIS_UPDATE), (None, THIS_UPDATE - hours(1)), Problem.ROLLED_BACK),
        ((5, THIS_UPDATE), (5, THIS_UPDATE + hours(0.5)), None),
        ((5, THIS_UPDATE), (6, THIS_UPDATE + hours(0.5)), None),
        ((5, THIS_UPDATE), (5, THIS_UPDATE), None),
        ((5, THIS_UPDATE), (6, NOW + SKEW + timedelta(seconds=1)), Problem.NOT_YET_VALID),
        ((5, THIS_UPDATE), (6, NOW + SKEW), None),
    ],
    ids=[
        "lower number",
        "older",
        "older without number",
        "older, never a number",
        "same number",
        "newer",
        "same",
        "future",
        "skew",
    ],
)
async def test_nobody_goes_back(
    store: Store,
    tmp_path: Path,
    first: tuple[int | None, datetime],
    second: tuple[int | None, datetime],
    problem: Problem | None,
) -> None:
    """A lower number, an older thisUpdate and one from the future are refused, and what is held stays."""
    (number, this_update), (next_number, next_this_update) = first, second
    await ingest(SUB.crl(number=number, this_update=this_update), store, tmp_path)
    attempts = await ingest(SUB.crl(number=next_number, this_update=next_this_update), store, tmp_path)
    assert ([] if problem is None else [Attempt(CRL_URL, problem)]) == list(attempts)
    assert [second if problem is None else first] == held(store)


async def test_nobody_goes_back_by_dropping_the_number(store: Store, tmp_path: Path) -> None:
    """A CRL without a number does not take the number away that was seen."""
    for number, this_update in [(5, THIS_UPDATE - hours(3)), (None, THIS_UPDATE - hours(2))]:
        assert () == await ingest(SUB.crl(number=number, this_update=this_update), store, tmp_path)
    (attempt,) = await ingest(SUB.crl(number=4, this_update=THIS_UPDATE - hours(1)), store, tmp_path)
    assert Problem.ROLLED_BACK is attempt.problem


async def test_a_new_process_does_not_forget(store_directory: Path, tmp_path: Path) -> None:
    """What was seen is on the disk, with the CRL."""
    with Store.open(store_directory / "lasting", Role.INGESTER) as store:
        await ingest(SUB.crl(number=5), store, tmp_path)
    with Store.open(store_directory / "lasting", Role.INGESTER) as store:
        (attempt,) = await ingest(SUB.crl(number=4), store, tmp_path)
        assert (Problem.ROLLED_BACK, [(5, THIS_UPDATE)]) == (attempt.problem, held(store))


async def test_the_first_crl_from_the_future(store: Store, tmp_path: Path) -> None:
    """It is not held even where there is nothing else: its number would lock out the right ones."""
    (attempt,) = await ingest(SUB.crl(this_update=NOW + hours(1), next_update=NOW + hours(2)), store, tmp_path)
    assert (Problem.NOT_YET_VALID, []) == (attempt.problem, held(store))


async def test_an_expired_crl_is_held(store: Store, tmp_path: Path) -> None:
    """It is authentic; whether it is of use is decided each time, under the policy that asks."""
    crl = SUB.crl(this_update=NOW - hours(30), next_update=NOW - hours(6))
    assert [Problem.STALE] == [attempt.problem for attempt in await ingest(crl, store, tmp_path)]
    assert 1 == len(held(store))


@pytest.mark.parametrize(
    "other",
    [SUB.crl(number=1, idp=IssuingDistributionPoint([CRL_URL])), SUB.crl(number=1, delta_base=1)],
    ids=["partition", "delta"],
)
async def test_another_scope_has_its_own_history(store: Store, tmp_path: Path, other: bytes) -> None:
    """A partition or a delta with a lower number is no way back."""
    assert () == await ingest(SUB.crl(number=5), store, tmp_path)
    assert () == await ingest(other, store, tmp_path)
    assert 2 == len(held(store))


async def test_another_key_has_its_own_history(store: Store, tmp_path: Path) -> None:
    """A namesake, or a CA with a new key, begins anew."""
    assert () == await ingest(SUB.crl(number=5), store, tmp_path)
    assert () == await ingest(NAMESAKE.crl(number=1), store, tmp_path, OF_NAMESAKE)
    assert {SPKI, NAMESAKE.issued.spki} == {one.signer_spki for one in store.held()}
