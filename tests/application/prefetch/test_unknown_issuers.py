"""CRLs of the operator's whose issuer is known later: they wait, and are held then."""

from pathlib import Path

import pytest

from service.core.model.attempt import Problem
from tests.application.chain import CRL_URL, ROOT, STRANGER, SUB, order
from tests.application.prefetch.world import HOUR, Setup, VersionedOrigin, begun, crl, place, serving, trust, world
from tests.pki import bundle, pem

pytestmark = pytest.mark.anyio


async def test_an_issuer_nobody_knows(store_directory: Path, crls: Path) -> None:
    """Its CRL waits as it came, and is held as soon as a trust store has its issuer, without a download."""
    url = "https://ca.internal/stranger.crl"
    origin = VersionedOrigin({url: STRANGER.crl(number=5)})
    with world(store_directory, Setup((url, str(crls))), origin) as service:
        await begun(service)
        record = service.record(url)
        assert (Problem.WRONG_ISSUER, 1, 0) == (record.problem, len(record.pending), record.state.failures)
        assert (set(), record.pending) == (service.numbers, tuple(service.pending.digests()))
        (store_directory / "stores" / "other.pem").write_text(STRANGER.pem)
        await service.go(1)
        record = service.record(url)
        assert ({5}, None, ()) == (service.numbers, record.problem, record.pending)
        assert ([url], frozenset()) == (origin.urls, service.pending.digests())
        assert [5] == [one.crl_number for one in record.given]


async def test_what_waits_is_not_sent_again(store_directory: Path) -> None:
    """While it is kept, its version is asked about; dropped, it is downloaded anew."""
    url = "https://ca.internal/stranger.crl"
    origin = VersionedOrigin({url: STRANGER.crl(number=5)})
    with world(store_directory, Setup((url,)), origin) as service:
        await begun(service)
        await service.go(HOUR)
        assert (2, 1) == (len(origin.requests), origin.not_modified)
        for digest in service.pending.digests():
            service.pending.remove(digest)
        await service.go(HOUR)
        assert (3, 1) == (len(origin.requests), origin.not_modified)


async def test_what_found_no_room_is_downloaded_when_its_issuer_is_known(store_directory: Path, crls: Path) -> None:
    """It is dropped with an event, and asked for again."""
    file = place(crls, "stranger.crl", STRANGER.crl(number=5))
    with world(store_directory, Setup((str(crls),), pending_octets=0)) as service:
        await begun(service)
        record = service.record(file.as_uri())
        assert (Problem.WRONG_ISSUER, (), 1) == (record.problem, record.pending, len(service.told.dropped))
        (store_directory / "stores" / "other.pem").write_text(STRANGER.pem)
        await service.go(1)
        assert {5} == service.numbers


async def test_an_issuer_that_a_worker_learns(store_directory: Path) -> None:
    """The signers of learned sources are known too."""
    with world(store_directory) as service:
        file = place(service.uploads, "sub.crl", crl(1))
        await begun(service)
        assert set() == service.numbers
        await service.prefetcher.fetch(order(CRL_URL))
        await service.go(1)
        assert ({1}, None) == (service.numbers, service.record(file.as_uri()).problem)


@pytest.mark.usefixtures("sub_known")
async def test_a_key_that_is_known_later(store_directory: Path, crls: Path) -> None:
    """A CRL under an unknown key of a known name is refused, and read again when that key is known."""
    renewed = ROOT.subordinate("Sub", key=STRANGER.key)
    file = place(crls, "sub.crl", renewed.crl(number=4))
    with world(store_directory, Setup((str(crls),))) as service:
        await begun(service)
        assert Problem.BAD_SIGNATURE is service.record(file.as_uri()).problem
        (store_directory / "stores" / "default.pem").write_text(bundle([ROOT, SUB, renewed]))
        await service.go(1)
        assert {4} == service.numbers


async def test_nothing_is_tried_again_without_a_reason(store_directory: Path, crls: Path) -> None:
    """While nobody new is known, what waits is left alone."""
    place(crls, "stranger.crl", STRANGER.crl(number=5, issuer_name="Sub"))
    with world(store_directory, Setup((str(crls),))) as service:
        await begun(service)
        before = len(service.recorder.ingestions)
        for _ in range(3):
            await service.go(1)
        assert before == len(service.recorder.ingestions)


@pytest.mark.parametrize("content", [crl(1), pem(crl(1), "X509 CRL").encode()], ids=["DER", "PEM"])
async def test_its_trust_store_takes_it_up(crls: Path, content: bytes) -> None:
    """As it came, in armour or without; nobody has to ask."""
    place(crls, "sub.crl", content)
    with serving(crls) as service:
        await begun(service)
        assert (set(), 1) == (service.numbers, len(service.pending.digests()))
        trust(service.directory, ROOT, SUB)
        for _ in range(3):
            await service.go(2)
        assert ({1}, frozenset()) == (service.numbers, service.pending.digests())
