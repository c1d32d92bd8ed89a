"""Bringing CRLs in: what is read, verified and held, and what never gets that far."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import pytest

from service.adapters.lmdb.role import Role
from service.adapters.lmdb.store import Store
from service.adapters.spool import FileSpool
from service.application.crl_fetcher import CrlOrder
from service.application.evidence_store import CrlWriter
from service.application.ingest import Ingester, IngestRules
from service.application.observer import FetchDetails
from service.application.origin import OriginError, UrlTrust
from service.application.spool import Spool
from service.core.model.attempt import Attempt, Problem
from service.core.model.policy import Policy
from service.core.names.comparison import canonical
from tests.application.chain import CRL_URL, NAMESAKE, SUB
from tests.application.fakes import BrokenStore, Failing, Recorder, ScriptedOrigin
from tests.application.manual_clock import ManualClock
from tests.pki import (
    NOW,
    THIS_UPDATE,
    Authority,
    IssuingDistributionPoint,
    PrivateKey,
    der,
    hours,
    key,
    pem,
    public_key,
)
from tests.pki.keys import spki

pytestmark = pytest.mark.anyio

SPKI: Final = SUB.issued.spki
SECOND_URL: Final = "http://mirror.example/sub.crl"
SKEW: Final = timedelta(seconds=60)
RULES: Final = IngestRules(1 << 20, 2.5, Policy(clock_skew=SKEW))


class FullDisk:
    """A spool without space."""

    async def collect(self, chunks: AsyncIterator[bytes]) -> memoryview:
        """Take one piece, and fail.

        Raises:
            OSError: always.
        """
        await anext(chunks)
        raise OSError(28, "No space left on device")


def ingester(
    origin: ScriptedOrigin,
    writer: CrlWriter,
    directory: Path,
    recorder: Recorder | None = None,
    spool: Spool | None = None,
) -> Ingester:
    """An ingesting process."""
    return Ingester(origin, writer, spool or FileSpool(directory), ManualClock(), recorder or Recorder(), RULES)


async def ingest(
    answer: bytes | OriginError, store: CrlWriter, directory: Path, signer_spki: bytes = SPKI
) -> tuple[Attempt, ...]:
    """Order the one CRL there is; each time by another process, which remembers nothing."""
    origin = ScriptedOrigin({CRL_URL: answer})
    return await ingester(origin, store, directory).fetch(CrlOrder((CRL_URL,), signer_spki))


def held(store: Store) -> list[tuple[int | None, datetime]]:
    """Number and thisUpdate of what is held."""
    return [(one.meta.crl_number, one.meta.this_update) for one in store.held()]


def names_in(directory: Path) -> list[str]:
    """The files of a directory."""
    return [file.name for file in directory.iterdir()]


async def test_a_crl_is_held(store: Store, tmp_path: Path) -> None:
    """With its entries, the key under which it verified, its URL and the moment."""
    assert () == await ingest(SUB.crl(revoked={5: "superseded"}, number=7), store, tmp_path)
    (one,) = store.held()
    assert (7, SPKI, CRL_URL, NOW) == (one.meta.crl_number, one.signer_spki, one.source, one.fetched_at)
    issuer = canonical(one.meta.issuer.der)
    assert [True, False] == [
        store.find(issuer, frozenset(), serial)[0].entry is not None for serial in (b"\x05", b"\x06")
    ]


async def test_it_is_asked_for_within_limits(store: Store, tmp_path: Path) -> None:
    """A certificate named the URL; size and time are those of the rules."""
    origin = ScriptedOrigin({CRL_URL: SUB.crl()})
    await ingester(origin, store, tmp_path).fetch(CrlOrder((CRL_URL,), SPKI))
    (request,) = origin.requests
    assert (UrlTrust.CERTIFICATE, 1 << 20, 2.5, None) == (
        request.trust,
        request.max_bytes,
        request.timeout_s,
        request.body,
    )


async def test_pem(store: Store, tmp_path: Path) -> None:
    """Some publish CRLs in armour."""
    assert () == await ingest(pem(SUB.crl(number=7), "X509 CRL").encode(), store, tmp_path)
    assert [(7, THIS_UPDATE)] == held(store)


@pytest.mark.parametrize(
    ("answer", "signer_spki", "problem"),
    [
        (SUB.crl(corrupt_signature=True), SPKI, Problem.BAD_SIGNATURE),
        (NAMESAKE.crl(), SPKI, Problem.BAD_SIGNATURE),
        (SUB.crl(), NAMESAKE.issued.spki, Problem.BAD_SIGNATURE),
        (SUB.crl(), spki(public_key("rsa2048")), Problem.BAD_SIGNATURE),
        (SUB.crl(), spki(public_key("p384")), Problem.BAD_SIGNATURE),
        (b"", SPKI, Problem.MALFORMED),
        (b"<html>", SPKI, Problem.MALFORMED),
        (SUB.crl()[:-1], SPKI, Problem.MALFORMED),
        (SUB.crl() + b"\x00", SPKI, Problem.MALFORMED),
        (SUB.der, SPKI, Problem.MALFORMED),
        (b"-----BEGIN X509 CRL-----\nAAAA\n", SPKI, Problem.MALFORMED),
        (pem(SUB.der).encode(), SPKI, Problem.MALFORMED),
        (SUB.crl(), b"no key", Problem.MALFORMED),
        (OriginError(Problem.HTTP_STATUS, "404"), SPKI, Problem.HTTP_STATUS),
        (OriginError(Problem.TOO_LARGE, "more than 1048576 octets"), SPKI, Problem.TOO_LARGE),
    ],
    ids=[
        "corrupt",
        "signed by a namesake",
        "ordered for a namesake",
        "ordered for a key of another kind",
        "ordered for a key of another curve",
        "empty",
        "html",
        "truncated",
        "longer",
        "a certificate",
        "half a PEM",
        "PEM of a certificate",
        "ordered for no key",
        "not found",
        "oversize",
    ],
)
async def test_what_is_no_crl_of_this_key_is_not_held(
    store: Store, tmp_path: Path, answer: bytes | OriginError, signer_spki: bytes, problem: Problem
) -> None:
    """It is an attempt, and the store stays as it was."""
    (attempt,) = await ingest(answer, store, tmp_path, signer_spki)
    assert (CRL_URL, problem) == (attempt.source, attempt.problem)
    assert [] == held(store)


async def test_an_unsupported_algorithm(store: Store, tmp_path: Path) -> None:
    """What nothing here verifies is not held, and said to be unsupported rather than forged."""
    unknown = der.seq(der.oid("1.2.3.4"))
    attempts = await ingest(SUB.crl(inner_algorithm=unknown, outer_algorithm=unknown), store, tmp_path)
    assert (Attempt(CRL_URL, Problem.UNSUPPORTED, "signature algorithm"),) == attempts
    assert [] == held(store)


@pytest.mark.parametrize("own", [key("rsa2048"), key("ed25519"), key("mldsa65")], ids=["RSA", "Ed25519", "ML-DSA"])
async def test_keys_of_any_kind(store: Store, tmp_path: Path, own: PrivateKey) -> None:
    """What certificates are signed with, CRLs are too."""
    authority = Authority.root("Other", key=own)
    assert () == await ingest(authority.crl(number=7), store, tmp_path, authority.issued.spki)
    assert [(7, THIS_UPDATE)] == held(store)


async def test_what_the_origin_says_is_said(store: Store, tmp_path: Path) -> None:
    """The detail is for a person."""
    attempts = await ingest(OriginError(Problem.HTTP_STATUS, "crl.example:80 answered 404"), store, tmp_path)
    assert (Attempt(CRL_URL, Problem.HTTP_STATUS, "crl.example:80 answered 404"),) == attempts


@pytest.mark.parametrize("failing", [Failing.WATERMARK, Failing.PUBLISH])
async def test_a_store_that_fails(tmp_path: Path, failing: Failing) -> None:
    """It is ours that is broken."""
    attempts = await ingest(SUB.crl(), BrokenStore(failing), tmp_path)
    assert (Attempt(CRL_URL, Problem.INTERNAL, "the disk is gone"),) == attempts


async def test_a_full_disk(store: Store, tmp_path: Path) -> None:
    """Where the download cannot be kept, the CRL cannot be had."""
    origin = ScriptedOrigin({CRL_URL: SUB.crl()})
    order = CrlOrder((CRL_URL,), SPKI)
    (attempt,) = await ingester(origin, store, tmp_path, spool=FullDisk()).fetch(order)
    assert (Problem.INTERNAL, True) == (attempt.problem, "No space left" in attempt.detail)


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
    assert () == await ingest(NAMESAKE.crl(number=1), store, tmp_path, NAMESAKE.issued.spki)
    assert {SPKI, NAMESAKE.issued.spki} == {one.signer_spki for one in store.held()}


async def test_the_next_url(store: Store, tmp_path: Path) -> None:
    """What fails is an attempt and leads to the next; the first that gives a CRL ends it."""
    origin = ScriptedOrigin({CRL_URL: b"<html>", SECOND_URL: SUB.crl(number=7)})
    order = CrlOrder(("http://dead.example/", CRL_URL, SECOND_URL, "http://never.example/"), SPKI)
    attempts = await ingester(origin, store, tmp_path).fetch(order)
    assert [("http://dead.example/", Problem.UNREACHABLE), (CRL_URL, Problem.MALFORMED)] == [
        (attempt.source, attempt.problem) for attempt in attempts
    ]
    assert [SECOND_URL] == [one.source for one in store.held()]
    assert 3 == len(origin.requests)


async def test_the_next_url_after_a_crl_that_is_out_of_date(store: Store, tmp_path: Path) -> None:
    """Whoever replays an old list at the first URL cannot keep us from the second one, the second time neither."""
    old = SUB.crl(number=4, this_update=NOW - hours(30), next_update=NOW - hours(6))
    order = CrlOrder((CRL_URL, SECOND_URL), SPKI)
    for problem in (Problem.STALE, Problem.ROLLED_BACK):
        origin = ScriptedOrigin({CRL_URL: old, SECOND_URL: SUB.crl(number=5)})
        attempts = await ingester(origin, store, tmp_path).fetch(order)
        assert (Attempt(CRL_URL, problem),) == attempts
        assert [(5, THIS_UPDATE)] == held(store)


async def test_an_order_for_nothing(store: Store, tmp_path: Path) -> None:
    """It says that the process is there."""
    assert () == await ingester(ScriptedOrigin(), store, tmp_path).fetch(CrlOrder((), b""))


async def test_every_fetch_is_told(store: Store, tmp_path: Path) -> None:
    """With what was wrong with it."""
    recorder = Recorder()
    origin = ScriptedOrigin({CRL_URL: OriginError(Problem.HTTP_STATUS, "404"), SECOND_URL: SUB.crl()})
    await ingester(origin, store, tmp_path, recorder).fetch(CrlOrder((CRL_URL, SECOND_URL), SPKI))
    assert [
        FetchDetails("crl", CRL_URL, Problem.HTTP_STATUS, "404", 0.0),
        FetchDetails("crl", SECOND_URL, None, "", 0.0),
    ] == recorder.fetches


async def test_a_download_leaves_nothing_behind(store: Store, tmp_path: Path) -> None:
    """Neither a CRL that was held nor one that was not."""
    for answer in (SUB.crl(), b"<html>"):
        await ingest(answer, store, tmp_path)
        assert [] == names_in(tmp_path)
