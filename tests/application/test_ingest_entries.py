"""The list of a CRL: who signed it is asked before anybody walks over it, and how far it is in the index is told."""

from itertools import pairwise
from pathlib import Path
from typing import Final

import pytest

from service.adapters.lmdb.store import Store
from service.adapters.spool import FileSpool
from service.application.crl_delivery import CrlDownload, Delivery, Indexed, OrderedSigners
from service.application.crl_fetcher import CrlSigner
from service.application.ingest import Ingester, IngestRules
from service.application.origin import UrlTrust
from service.core.crl import entries
from service.core.der import signature
from service.core.model.attempt import Problem
from service.core.model.policy import Policy
from tests.application.chain import CRL_URL, STRANGER, SUB, read
from tests.application.fakes import Recorder, ScriptedOrigin
from tests.application.manual_clock import ManualClock
from tests.pki import Authority, CrlOverrides, Entry, hours, key

pytestmark = pytest.mark.anyio

BROKEN: Final = Entry(5, 7)
"""Reason 7 was never given out: a list with such an entry is not read."""


class Progress:
    """Notes what it is told."""

    def __init__(self) -> None:
        self.told: list[Indexed] = []

    def __call__(self, indexed: Indexed) -> None:
        """Note it."""
        self.told.append(indexed)

    @property
    def counted(self) -> list[Indexed]:
        """What it was told of lists that somebody has walked over."""
        return [one for one in self.told if one.of_entries is not None]


async def bring(
    crl: bytes, store: Store, directory: Path, by: Authority = SUB, told: Progress | None = None
) -> Delivery:
    """Take one CRL in, as the prefetcher does."""
    origin, clock = ScriptedOrigin({CRL_URL: crl}), ManualClock()
    ingester = Ingester(origin, store, FileSpool(directory), clock, Recorder(), IngestRules(len(crl), 2.5, Policy()))
    signers = OrderedSigners((CrlSigner.of(read(by)),))
    return await ingester.bring(CrlDownload(CRL_URL, UrlTrust.CERTIFICATE, signers, indexing=told or Progress()))


@pytest.mark.parametrize(
    ("crl", "by", "problem"),
    [
        ({"revoked": [BROKEN]}, SUB, Problem.MALFORMED),
        ({"revoked": [BROKEN], "corrupt_signature": True}, SUB, Problem.BAD_SIGNATURE),
        ({"revoked": [BROKEN]}, STRANGER, Problem.WRONG_ISSUER),
        ({"revoked": [BROKEN], "this_update": read(SUB).not_before + hours(24 * 3650)}, SUB, Problem.NOT_YET_VALID),
    ],
    ids=["signed", "forged", "a stranger's", "from the future"],
)
async def test_who_signed_it_is_asked_first(
    store: Store, tmp_path: Path, crl: CrlOverrides, by: Authority, problem: Problem
) -> None:
    """What is wrong with the list is found out only of one that would be held."""
    told = Progress()
    delivery = await bring(SUB.crl(**crl), store, tmp_path, by, told)
    assert (problem, [], ()) == (delivery.problem, told.counted, store.held())


async def test_a_rollback_is_not_walked_over(store: Store, tmp_path: Path) -> None:
    """Nor is a list that is older than the one held."""
    assert None is (await bring(SUB.crl(number=8), store, tmp_path)).problem
    assert Problem.ROLLED_BACK is (await bring(SUB.crl(number=7, revoked=[BROKEN]), store, tmp_path)).problem


async def test_progress(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told that it begins, then now and then, always more, and at the end that all is read."""
    monkeypatch.setattr(entries, "PROGRESS_OCTETS", 20_000)
    told, crl = Progress(), SUB.crl(revoked=range(1, 10_001))
    assert None is (await bring(crl, store, tmp_path, told=told)).problem
    assert [Indexed(0, len(crl))] == [one for one in told.told if one.of_entries is None] == told.told[:1]
    counted = told.counted
    assert {(10_000, counted[-1].octets)} == {(one.of_entries, one.of_octets) for one in counted}
    assert (0, 0, 10_000) == (counted[0].octets, counted[0].entries, counted[-1].entries)
    assert len(counted) > 4
    assert all(after.octets - before.octets >= 20_000 for before, after in pairwise(counted[:-1]))
    assert all(0 < after.entries - before.entries < 10_000 for before, after in pairwise(counted))


async def test_an_empty_list_makes_no_progress(store: Store, tmp_path: Path) -> None:
    """There is nothing to count."""
    told = Progress()
    assert None is (await bring(SUB.crl(), store, tmp_path, told=told)).problem
    assert [Indexed(0, 0, 0, 0)] == told.counted


@pytest.mark.parametrize(
    ("kind", "problem", "detail"),
    [("ed25519", Problem.TOO_LARGE, "for Ed25519, which signs all of it at once"), ("p256", None, None)],
)
async def test_a_list_too_large_for_its_algorithm(
    store: Store,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    problem: Problem | None,
    detail: str | None,
) -> None:
    """It is refused by that name, and not as forged; one that can be hashed in pieces is not."""
    monkeypatch.setattr(signature, "MAX_WHOLE_OCTETS", 10_000)
    authority = Authority.root("Other", key=key("ed25519") if kind == "ed25519" else key("p256"))
    delivery = await bring(authority.crl(revoked=range(1, 1000)), store, tmp_path, authority)
    assert (problem, detail) == (delivery.problem, None if delivery.attempt is None else delivery.attempt.detail)
