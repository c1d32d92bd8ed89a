"""What is told of each download, and that nobody writes the same CRL twice."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest

from service.adapters.lmdb.role import Role
from service.adapters.lmdb.store import Store
from service.adapters.spool import FileSpool
from service.application.evidence_store import CrlWriter
from service.application.ingest import Ingester, IngestRules
from service.application.observer import FetchDetails, IngestDetails, Ingested
from service.application.origin import OriginError
from service.application.settled import SETTLED_S
from service.core.der.crl import read_crl
from service.core.model.attempt import Attempt, Problem
from service.core.model.policy import Policy
from service.core.names.comparison import canonical
from tests.application.chain import CRL_URL, NAMESAKE, SUB, order, read
from tests.application.fakes import BrokenStore, Failing, Recorder, ScriptedOrigin
from tests.application.manual_clock import ManualClock
from tests.pki import NOW, THIS_UPDATE, Authority, der, hours, pem

pytestmark = pytest.mark.anyio

CRL: Final = SUB.crl(revoked=[1, 2, 3], number=7)
UNKNOWN_ALGORITHM: Final = der.seq(der.oid("1.2.3.4"))


@dataclass(slots=True)
class Process:
    """An ingesting process with one URL, asked so that no outcome is remembered."""

    clock: ManualClock
    origin: ScriptedOrigin
    recorder: Recorder
    ingester: Ingester

    async def take(self, answer: bytes | OriginError, signer: Authority = SUB) -> tuple[Attempt, ...]:
        """Fetch what the URL has now."""
        self.clock.advance(SETTLED_S)
        self.origin.answers = {CRL_URL: answer}
        return await self.ingester.fetch(order(CRL_URL, signers=(signer,)))

    @property
    def outcomes(self) -> list[Ingested | Problem]:
        """What became of each download."""
        return [details.outcome for details in self.recorder.ingestions]


def process(writer: CrlWriter, directory: Path) -> Process:
    """An ingesting process over a store."""
    clock, origin, recorder = ManualClock(), ScriptedOrigin(), Recorder()
    rules = IngestRules(1 << 20, 1.0, Policy())
    return Process(clock, origin, recorder, Ingester(origin, writer, FileSpool(directory), clock, recorder, rules))


async def test_a_crl_that_is_new(store: Store, tmp_path: Path) -> None:
    """Its size and its entries are told, and that it was fetched."""
    ingesting = process(store, tmp_path)
    await ingesting.take(CRL)
    assert [IngestDetails(CRL_URL, Ingested.STORED, 3, len(CRL), 0.0)] == ingesting.recorder.ingestions
    assert [FetchDetails("crl", CRL_URL, None, "", 0.0)] == ingesting.recorder.fetches


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (b"<html>", Problem.MALFORMED),
        (b"", Problem.MALFORMED),
        (SUB.crl(revoked=[1, 2], corrupt_signature=True), Problem.BAD_SIGNATURE),
        (
            SUB.crl(revoked=[1, 2], inner_algorithm=UNKNOWN_ALGORITHM, outer_algorithm=UNKNOWN_ALGORITHM),
            Problem.UNSUPPORTED,
        ),
        (SUB.crl(revoked=[1], this_update=NOW + hours(1)), Problem.NOT_YET_VALID),
    ],
    ids=["html", "empty", "forged", "unsupported", "future"],
)
async def test_a_crl_that_is_refused(store: Store, tmp_path: Path, answer: bytes, problem: Problem) -> None:
    """The download was all right, and what came was not; nobody has counted its entries."""
    ingesting = process(store, tmp_path)
    (attempt,) = await ingesting.take(answer)
    assert problem is attempt.problem
    assert [IngestDetails(CRL_URL, problem, 0, len(answer), 0.0)] == ingesting.recorder.ingestions
    assert [None] == [details.problem for details in ingesting.recorder.fetches]


async def test_a_download_that_fails(store: Store, tmp_path: Path) -> None:
    """There is nothing to hold or to refuse."""
    ingesting = process(store, tmp_path)
    await ingesting.take(OriginError(Problem.HTTP_STATUS, "404"))
    assert ([], 1) == (ingesting.recorder.ingestions, len(ingesting.recorder.fetches))


async def test_a_store_that_fails(tmp_path: Path) -> None:
    """It is told like a refusal."""
    ingesting = process(BrokenStore(Failing.PUBLISH), tmp_path)
    assert (Attempt(CRL_URL, Problem.INTERNAL, "the disk is gone"),) == await ingesting.take(CRL)
    assert [Problem.INTERNAL] == ingesting.outcomes


async def test_a_rollback(store: Store, tmp_path: Path) -> None:
    """It is reported each time."""
    ingesting = process(store, tmp_path)
    for answer in (CRL, SUB.crl(number=6), SUB.crl(number=6)):
        await ingesting.take(answer)
    assert [Ingested.STORED, Problem.ROLLED_BACK, Problem.ROLLED_BACK] == ingesting.outcomes


async def test_the_same_number_again(store: Store, tmp_path: Path) -> None:
    """A newer CRL that bears the number of the last is held, and its issuer should be told."""
    ingesting = process(store, tmp_path)
    newer = SUB.crl(number=7, this_update=THIS_UPDATE + hours(0.5))
    for answer in (CRL, newer):
        assert () == await ingesting.take(answer)
    assert [Ingested.STORED, Ingested.SAME_NUMBER] == ingesting.outcomes


@pytest.mark.parametrize(
    ("first", "second", "later"),
    [(7, 8, hours(0.5)), (7, 8, hours(0)), (None, None, hours(0.5)), (None, 7, hours(0.5)), (7, None, hours(0.5))],
    ids=["higher", "as old", "never a number", "its first number", "its last number"],
)
async def test_what_does_not_repeat_a_number(
    store: Store, tmp_path: Path, first: int | None, second: int | None, later: timedelta
) -> None:
    """There is nothing to report of it."""
    ingesting = process(store, tmp_path)
    await ingesting.take(SUB.crl(number=first))
    await ingesting.take(SUB.crl(number=second, revoked=[5], this_update=THIS_UPDATE + later))
    assert [Ingested.STORED, Ingested.STORED] == ingesting.outcomes


async def test_the_same_crl_again_is_not_written(store: Store, tmp_path: Path) -> None:
    """It is told as what it is, and the store is left alone."""
    ingesting = process(store, tmp_path)
    await ingesting.take(CRL)
    (first,) = store.held()
    assert () == await ingesting.take(CRL)
    assert [Ingested.STORED, Ingested.UNCHANGED] == ingesting.outcomes
    assert [first.fetched_at] == [one.fetched_at for one in store.held()]


@pytest.mark.parametrize(
    "between",
    [SUB.crl(number=8), b"<html>", OriginError(Problem.HTTP_STATUS, "404")],
    ids=["another", "garbage", "failure"],
)
async def test_what_comes_back_is_looked_at_again(store: Store, tmp_path: Path, between: bytes | OriginError) -> None:
    """Only what was stored last is known to be stored: an older one that comes back is a rollback."""
    ingesting = process(store, tmp_path)
    for answer in (CRL, between):
        await ingesting.take(answer)
    await ingesting.take(CRL)
    expected = Problem.ROLLED_BACK if between == SUB.crl(number=8) else Ingested.STORED
    assert expected is ingesting.outcomes[-1]


async def test_what_was_refused_is_refused_again(store: Store, tmp_path: Path) -> None:
    """The same garbage twice does not make it a CRL that is held."""
    ingesting = process(store, tmp_path)
    for _ in range(2):
        (attempt,) = await ingesting.take(NAMESAKE.crl())
        assert Problem.BAD_SIGNATURE is attempt.problem


async def test_the_same_crl_for_another_key_is_another(store: Store, tmp_path: Path) -> None:
    """Having it under one key says nothing about another."""
    ingesting = process(store, tmp_path)
    assert () == await ingesting.take(CRL)
    (attempt,) = await ingesting.take(CRL, NAMESAKE)
    assert Problem.BAD_SIGNATURE is attempt.problem
    assert [Ingested.STORED, Problem.BAD_SIGNATURE] == ingesting.outcomes


@pytest.mark.parametrize("number", [7, None])
async def test_two_of_one_age(store: Store, tmp_path: Path, number: int | None) -> None:
    """Which of two different CRLs with the same number and thisUpdate is the later one, nothing says: both are held.

    Whichever came first, what the other revokes is not passed over. A third one is refused, and all are told from each
    other after a restart too.
    """
    ingesting = process(store, tmp_path)
    first, second, third = (SUB.crl(number=number, revoked=revoked) for revoked in ([5], [], [6, 7]))
    for answer in (first, second, third, first):
        await ingesting.take(answer)
    assert [Ingested.STORED, Ingested.STORED, Problem.ROLLED_BACK, Ingested.STORED] == ingesting.outcomes
    restarted = process(store, tmp_path)
    for answer in (third, second, first):
        await restarted.take(answer)
    assert [Problem.ROLLED_BACK, Ingested.STORED, Ingested.STORED] == restarted.outcomes
    assert [0, 1] == sorted(one.meta.entries for one in store.held())


async def test_the_second_of_an_age_is_overtaken(store: Store, tmp_path: Path) -> None:
    """A newer CRL ends both: neither is heard any longer."""
    ingesting = process(store, tmp_path)
    for answer in (SUB.crl(revoked=[5]), SUB.crl(revoked=[6])):
        await ingesting.take(answer)
    newer = SUB.crl(number=99, this_update=THIS_UPDATE + hours(1))
    await ingesting.take(newer)
    assert Ingested.STORED is ingesting.outcomes[-1]
    assert [0, 1] == sorted(one.meta.entries for one in store.held())


async def test_a_store_that_was_emptied(store_directory: Path, tmp_path: Path) -> None:
    """What was stored from there last is read again where the store does not hold it any more."""
    with Store.open(store_directory / "emptied", Role.INGESTER) as store:
        ingesting = process(store, tmp_path)
        await ingesting.take(CRL)
        for file in (store_directory / "emptied" / "generations").iterdir():
            file.unlink()
        for _ in range(2):
            assert () == await ingesting.take(CRL)
        assert [Ingested.STORED, Ingested.STORED, Ingested.UNCHANGED] == ingesting.outcomes
        issuer = canonical(read_crl(CRL).meta.issuer.der)
        found = store.find(issuer, frozenset(), frozenset({read(SUB).public_key.spki}), b"\x01")
        assert [True] == [finding.entry is not None for finding in found]


async def test_a_store_that_cannot_say_what_it_holds(tmp_path: Path) -> None:
    """It is ours that is broken."""
    ingesting = process(BrokenStore(Failing.HOLDS), tmp_path)
    assert () == await ingesting.take(CRL)
    assert (Attempt(CRL_URL, Problem.INTERNAL, "the disk is gone"),) == await ingesting.take(CRL)


async def test_armour_is_another_form_of_the_same(store: Store, tmp_path: Path) -> None:
    """It has other octets, and is held in place of what it says again."""
    ingesting = process(store, tmp_path)
    for answer in (CRL, pem(CRL, "X509 CRL").encode()):
        assert () == await ingesting.take(answer)
    assert [Ingested.STORED, Ingested.STORED] == ingesting.outcomes
    assert 1 == len(store.held())
