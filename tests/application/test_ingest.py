"""Bringing CRLs in: what is read, verified and held, and what never gets that far."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import pytest

from service.adapters.lmdb.store import Store
from service.adapters.spool import FileSpool
from service.application.crl_fetcher import CrlOrder, CrlSigner
from service.application.evidence_store import CrlWriter
from service.application.ingest import Ingester, IngestRules
from service.application.observer import FetchDetails
from service.application.origin import OriginError, UrlTrust
from service.application.spool import Spool
from service.core.crl.entries import entry_key
from service.core.der.crl import read_crl
from service.core.model.attempt import Attempt, Problem
from service.core.model.policy import IssuerMatch, IssuerRule, Policy, Urls
from service.core.names.comparison import canonical
from tests.application.chain import CRL_URL, NAMESAKE, ROOT, STRANGER, SUB, order, read
from tests.application.fakes import BrokenStore, Failing, Recorder, ScriptedOrigin
from tests.application.manual_clock import ManualClock
from tests.pki import (
    NOW,
    THIS_UPDATE,
    Authority,
    DistributionPoint,
    Entry,
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
OF_SUB: Final = CrlSigner.of(read(SUB))
OF_NAMESAKE: Final = CrlSigner.of(read(NAMESAKE))
RSA_SUB: Final = Authority.root("Sub", key=key("rsa2048"))
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
    answer: bytes | OriginError, store: CrlWriter, directory: Path, *signers: CrlSigner
) -> tuple[Attempt, ...]:
    """Order the one CRL there is, of Sub unless told; each time by another process, which remembers nothing."""
    origin = ScriptedOrigin({CRL_URL: answer})
    return await ingester(origin, store, directory).fetch(CrlOrder((CRL_URL,), signers or (OF_SUB,)))


def held(store: Store) -> list[tuple[int | None, datetime]]:
    """Number and thisUpdate of what is held."""
    return [(one.meta.crl_number, one.meta.this_update) for one in store.held()]


def names_in(directory: Path) -> list[str]:
    """The files of a directory."""
    return [file.name for file in directory.iterdir()]


def listed(store: Store, key: bytes) -> bool:
    """Whether Sub's CRL has an entry under a key."""
    (found,) = store.find(canonical(read(SUB).subject.der), frozenset(), frozenset({SPKI}), key)
    return found.entry is not None


async def test_a_crl_is_held(store: Store, tmp_path: Path) -> None:
    """With its entries, the key under which it verified, its URL and the moment."""
    assert () == await ingest(SUB.crl(revoked={5: "superseded"}, number=7), store, tmp_path)
    (one,) = store.held()
    assert (7, SPKI, CRL_URL, NOW) == (one.meta.crl_number, one.signer_spki, one.source, one.fetched_at)
    assert [True, False] == [listed(store, serial) for serial in (b"\x05", b"\x06")]


async def test_it_is_asked_for_within_limits(store: Store, tmp_path: Path) -> None:
    """A certificate named the URL; size and time are those of the rules."""
    origin = ScriptedOrigin({CRL_URL: SUB.crl()})
    await ingester(origin, store, tmp_path).fetch(order(CRL_URL))
    (request,) = origin.requests
    assert (UrlTrust.CERTIFICATE, 1 << 20, 2.5, None) == (
        request.trust,
        request.max_bytes,
        request.timeout_s,
        request.body,
    )


@pytest.mark.parametrize(
    "before",
    [
        b"",
        b"\n",
        b"\r\n \t",
        b"\xef\xbb\xbf",
        b"Certificate Revocation List (CRL):\n    Version 2\n",
        b"0 of 1\n",
        b"0",
    ],
)
async def test_pem(before: bytes, store: Store, tmp_path: Path) -> None:
    """Some publish CRLs in armour, and text may stand before it."""
    assert () == await ingest(before + pem(SUB.crl(number=7), "X509 CRL").encode(), store, tmp_path)
    assert [(7, THIS_UPDATE)] == held(store)


@pytest.mark.parametrize(
    ("answer", "signer", "problem"),
    [
        (SUB.crl(corrupt_signature=True), OF_SUB, Problem.BAD_SIGNATURE),
        (NAMESAKE.crl(), OF_SUB, Problem.BAD_SIGNATURE),
        (SUB.crl(), OF_NAMESAKE, Problem.BAD_SIGNATURE),
        (SUB.crl(), replace(OF_SUB, spki=spki(public_key("rsa2048"))), Problem.BAD_SIGNATURE),
        (SUB.crl(), replace(OF_SUB, spki=spki(public_key("p384"))), Problem.BAD_SIGNATURE),
        (SUB.crl(), CrlSigner.of(read(ROOT)), Problem.WRONG_ISSUER),
        (STRANGER.crl(), OF_SUB, Problem.WRONG_ISSUER),
        (SUB.crl(issuer_name="Stranger"), OF_SUB, Problem.WRONG_ISSUER),
        (b"", OF_SUB, Problem.MALFORMED),
        (b"<html>", OF_SUB, Problem.MALFORMED),
        (SUB.crl()[:-1], OF_SUB, Problem.MALFORMED),
        (SUB.crl() + b"\x00", OF_SUB, Problem.MALFORMED),
        (SUB.der, OF_SUB, Problem.MALFORMED),
        (b"-----BEGIN X509 CRL-----\nAAAA\n", OF_SUB, Problem.MALFORMED),
        (pem(SUB.der).encode(), OF_SUB, Problem.MALFORMED),
        (SUB.crl(), replace(OF_SUB, spki=b"no key"), Problem.UNSUPPORTED),
        (RSA_SUB.crl(), replace(OF_SUB, spki=spki(public_key("rsa4096"))), Problem.BAD_SIGNATURE),
        (RSA_SUB.crl(), replace(OF_SUB, spki=spki(public_key("rsa16384"))), Problem.UNSUPPORTED),
        (OriginError(Problem.HTTP_STATUS, "404"), OF_SUB, Problem.HTTP_STATUS),
        (OriginError(Problem.TOO_LARGE, "more than 1048576 octets"), OF_SUB, Problem.TOO_LARGE),
    ],
    ids=[
        "corrupt",
        "signed by a namesake",
        "ordered for a namesake",
        "ordered for a key of another kind",
        "ordered for a key of another curve",
        "ordered for another name",
        "of another authority",
        "in another's name",
        "empty",
        "html",
        "truncated",
        "longer",
        "a certificate",
        "half a PEM",
        "PEM of a certificate",
        "ordered for no key",
        "ordered for a long key",
        "ordered for a key that is too long",
        "not found",
        "oversize",
    ],
)
async def test_what_is_no_crl_of_this_key_is_not_held(
    store: Store, tmp_path: Path, answer: bytes | OriginError, signer: CrlSigner, problem: Problem
) -> None:
    """It is an attempt, and the store stays as it was."""
    (attempt,) = await ingest(answer, store, tmp_path, signer)
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
    assert () == await ingest(authority.crl(number=7), store, tmp_path, CrlSigner.of(read(authority)))
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
    (attempt,) = await ingester(origin, store, tmp_path, spool=FullDisk()).fetch(order(CRL_URL))
    assert (Problem.INTERNAL, True) == (attempt.problem, "No space left" in attempt.detail)


@pytest.mark.parametrize("signers", [(SUB, NAMESAKE), (NAMESAKE, SUB), (ROOT, STRANGER, SUB)])
async def test_several_who_may_have_signed(store: Store, tmp_path: Path, signers: tuple[Authority, ...]) -> None:
    """It is held under the key that signed it, and in whose name, wherever that stands."""
    assert () == await ingester(ScriptedOrigin({CRL_URL: SUB.crl()}), store, tmp_path).fetch(
        order(CRL_URL, signers=signers)
    )
    assert [SPKI] == [one.signer_spki for one in store.held()]


async def test_a_key_is_tried_for_its_own_name_alone(store: Store, tmp_path: Path) -> None:
    """What somebody signs in another's name is not held, although that other may sign too."""
    forged = STRANGER.crl(issuer_name="Sub")
    origin = ScriptedOrigin({CRL_URL: forged})
    (attempt,) = await ingester(origin, store, tmp_path).fetch(order(CRL_URL, signers=(SUB, STRANGER)))
    assert (Problem.BAD_SIGNATURE, []) == (attempt.problem, held(store))


async def test_names_are_compared_as_names(store: Store, tmp_path: Path) -> None:
    """Case and white space are none of a name's (RFC 5280 §7.1)."""
    origin = ScriptedOrigin({CRL_URL: SUB.crl(issuer_name="  SUB ")})
    assert () == await ingester(origin, store, tmp_path).fetch(order(CRL_URL))


async def test_an_indirect_crl(store: Store, tmp_path: Path) -> None:
    """Its entries are found under the issuers that they name, and under its own where they name none."""
    crl = SUB.crl(
        idp=IssuingDistributionPoint(indirect=True),
        revoked=[Entry(5), Entry(6, certificate_issuer="Root"), Entry(7)],
    )
    assert () == await ingest(crl, store, tmp_path)
    issuer = canonical(read(SUB).subject.der)
    own = [listed(store, bytes([serial])) for serial in (5, 6, 7)]
    certificates = [read(ROOT.issue("somebody", serial=serial)) for serial in (5, 6, 7)]
    roots = [listed(store, entry_key(issuer, one)) for one in certificates]
    assert ([True, False, False], [False, True, True]) == (own, roots)


async def test_where_deltas_are_is_kept(store: Store, tmp_path: Path) -> None:
    """The deltas of a held CRL are looked for where it says."""
    crl = SUB.crl(freshest_crl_urls=["http://crl.example/delta", DistributionPoint(["http://d.example/"])])
    assert () == await ingest(crl, store, tmp_path)
    assert [read_crl(crl).meta.freshest_crl] == [one.meta.freshest_crl for one in store.held()]
    assert 2 == len(store.held()[0].meta.freshest_crl)


async def test_the_next_url(store: Store, tmp_path: Path) -> None:
    """What fails is an attempt and leads to the next; the first that gives a CRL ends it."""
    origin = ScriptedOrigin({CRL_URL: b"<html>", SECOND_URL: SUB.crl(number=7)})
    urls = ("http://dead.example/", CRL_URL, SECOND_URL, "http://never.example/")
    attempts = await ingester(origin, store, tmp_path).fetch(order(*urls))
    assert [("http://dead.example/", Problem.UNREACHABLE), (CRL_URL, Problem.MALFORMED)] == [
        (attempt.source, attempt.problem) for attempt in attempts
    ]
    assert [SECOND_URL] == [one.source for one in store.held()]
    assert 3 == len(origin.requests)


async def test_the_next_url_after_a_crl_that_is_out_of_date(store: Store, tmp_path: Path) -> None:
    """Whoever replays an old list at the first URL cannot keep us from the second one, the second time neither."""
    old = SUB.crl(number=4, this_update=NOW - hours(30), next_update=NOW - hours(6))
    for problem in (Problem.STALE, Problem.ROLLED_BACK):
        origin = ScriptedOrigin({CRL_URL: old, SECOND_URL: SUB.crl(number=5)})
        attempts = await ingester(origin, store, tmp_path).fetch(order(CRL_URL, SECOND_URL))
        assert (Attempt(CRL_URL, problem),) == attempts
        assert [(5, THIS_UPDATE)] == held(store)


async def test_an_order_for_nothing(store: Store, tmp_path: Path) -> None:
    """It says that the process is there."""
    assert () == await ingester(ScriptedOrigin(), store, tmp_path).fetch(CrlOrder((), ()))


async def test_every_fetch_is_told(store: Store, tmp_path: Path) -> None:
    """With what was wrong with it."""
    recorder = Recorder()
    origin = ScriptedOrigin({CRL_URL: OriginError(Problem.HTTP_STATUS, "404"), SECOND_URL: SUB.crl()})
    await ingester(origin, store, tmp_path, recorder).fetch(order(CRL_URL, SECOND_URL))
    assert [
        FetchDetails("crl", CRL_URL, Problem.HTTP_STATUS, "404", 0.0),
        FetchDetails("crl", SECOND_URL, None, "", 0.0),
    ] == recorder.fetches


async def test_a_download_leaves_nothing_behind(store: Store, tmp_path: Path) -> None:
    """Neither a CRL that was held nor one that was not."""
    for answer in (SUB.crl(), b"<html>"):
        await ingest(answer, store, tmp_path)
        assert [] == names_in(tmp_path)


@pytest.mark.parametrize(("url", "trust"), [(CRL_URL, UrlTrust.OPERATOR), (SECOND_URL, UrlTrust.CERTIFICATE)])
async def test_a_url_that_the_operator_names_for_an_issuer(
    store: Store, tmp_path: Path, url: str, trust: UrlTrust
) -> None:
    """It may lead anywhere; others are held to the rules for certificates."""
    rules = replace(RULES, policy=Policy(issuer_rules=(IssuerRule(IssuerMatch(), crl_urls=Urls((CRL_URL,))),)))
    origin = ScriptedOrigin({url: SUB.crl()})
    bringing = Ingester(origin, store, FileSpool(tmp_path), ManualClock(), Recorder(), rules)
    await bringing.fetch(order(url))
    await bringing.aclose()
    assert [trust] == [one.trust for one in origin.requests]
