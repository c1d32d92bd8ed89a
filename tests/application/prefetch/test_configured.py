"""The operator's places: every CRL in them is held without anybody having asked about a certificate."""

from pathlib import Path
from typing import Final

import pytest

from service.application.crl_delivery import CrlDownload, Delivery
from service.application.crl_fetcher import CrlOrder, CrlSigner
from service.application.origin import OriginError, UrlTrust
from service.core.model.attempt import Problem
from service.core.prefetch.inventory import SourceKind
from tests.application.chain import CRL_URL, ROOT, STRANGER, SUB, leaf, order, read
from tests.application.prefetch.world import HOUR, Setup, VersionedOrigin, World, crl, world
from tests.application.world import ALLOWED, REVOKED
from tests.pki import IssuingDistributionPoint, bundle, pem

pytestmark = pytest.mark.anyio

LEAF: Final = leaf()
"""It names no distribution point: what is held for its issuer counts."""


def place(directory: Path, name: str, content: bytes) -> Path:
    """Put a file there whole, as publishers do."""
    part = directory / f".{name}"
    part.write_bytes(content)
    part.rename(directory / name)
    return directory / name


def trusting_sub(directory: Path) -> None:
    """Root and Sub are known."""
    (directory / "stores").mkdir()
    (directory / "stores" / "default.pem").write_text(bundle([ROOT, SUB]))


@pytest.fixture
def crls(store_directory: Path) -> Path:
    """A directory of CRLs; Sub is known."""
    trusting_sub(store_directory)
    directory = store_directory / "crls"
    directory.mkdir()
    return directory


async def begun(service: World) -> World:
    """The service after its start."""
    await service.loops.begin()
    await service.go()
    return service


async def test_a_directory(store_directory: Path, crls: Path) -> None:
    """Each file is a source; a newer version is held as soon as it is seen, and denies what it revokes."""
    file = place(crls, "sub.crl", crl(1))
    place(crls, "root.crl", ROOT.crl(number=9))
    with world(store_directory, Setup((str(crls),))) as service:
        await begun(service)
        assert ({1, 9}, 2) == (service.numbers, len(service.store.sources()))
        assert {SourceKind.CONFIGURED} == {one.source.kind for one in service.store.sources()}
        assert ALLOWED == await service.ask(LEAF)
        place(crls, "sub.crl", crl(2, revoked=[LEAF.serial_number]))
        await service.go(1)
        assert REVOKED == await service.ask(LEAF)
        assert [2] == [one.crl_number for one in service.record(file.as_uri()).given]


async def test_a_file_that_is_gone_is_forgotten_and_stays_held(store_directory: Path, crls: Path) -> None:
    """Removing a file takes nothing back."""
    file = place(crls, "sub.crl", crl(1, revoked=[LEAF.serial_number]))
    with world(store_directory, Setup((str(crls),))) as service:
        await begun(service)
        file.unlink()
        await service.go(1)
        assert () == service.store.sources()
        assert REVOKED == await service.ask(LEAF)


async def test_a_file_that_is_named_itself(store_directory: Path, crls: Path) -> None:
    """Whatever it is called; its changes are seen as soon."""
    file = place(crls, "whatever", crl(1))
    with world(store_directory, Setup((str(file),))) as service:
        await begun(service)
        assert {1} == service.numbers
        place(crls, "whatever", crl(2))
        await service.go(1)
        assert {2} == service.numbers


async def test_nothing_is_read_again_without_a_change(store_directory: Path, crls: Path) -> None:
    """After a restart too: the stamp is that of the version that is held."""
    place(crls, "sub.crl", crl(1))
    setup = Setup((str(crls),))
    with world(store_directory, setup) as service:
        await begun(service)
        clock = service.clock
    with world(store_directory, setup, clock=clock) as again:
        await begun(again)
        await again.go(HOUR)
        assert ["unchanged"] == [one.outcome.value for one in again.recorder.ingestions]


async def test_a_place_that_is_configured_no_more(store_directory: Path, crls: Path) -> None:
    """Its sources are forgotten at the next start."""
    place(crls, "sub.crl", crl(1))
    with world(store_directory, Setup((str(crls),))) as service:
        await begun(service)
    with world(store_directory) as after:
        await begun(after)
        assert () == after.store.sources()
        assert [(store_directory / "uploads").as_uri()] == [one.place for one in after.store.places()]


async def test_a_place_that_cannot_be_listed_keeps_its_sources(store_directory: Path, crls: Path) -> None:
    """It is told once, and again when it is back."""
    place(crls, "sub.crl", crl(1))
    prefix = f"{crls.as_uri()}/"
    with world(store_directory, Setup((str(crls),))) as service:
        await begun(service)
        service.failing_places.add(str(crls.as_uri()))
        for _ in range(2):
            await service.go(1)
        assert [f"{prefix}sub.crl"] == [one.source.key for one in service.store.sources()]
        (listed,) = (one for one in service.store.places() if one.place == crls.as_uri())
        assert (1, "unreachable: somebody unplugged it") == (listed.objects, listed.problem)
        service.failing_places.clear()
        await service.go(1)
        told = [one.problem for one in service.told.places if one.place == crls.as_uri()]
        assert ["", "unreachable: somebody unplugged it", ""] == told


async def test_uploads(service: World) -> None:
    """What is put into the directory of uploads is a source like any other."""
    place(service.uploads, "root.crl", ROOT.crl(number=9))
    await begun(service)
    assert {9} == service.numbers


async def test_a_bundle(store_directory: Path, crls: Path) -> None:
    """Every CRL of a file in PEM is held; the worst of them is what is said of the file."""
    good = [pem(one, "X509 CRL") for one in (crl(1), ROOT.crl(number=9))]
    bad = pem(SUB.crl(number=2, corrupt_signature=True), "X509 CRL")
    place(crls, "all.pem", "".join([*good, bad]).encode())
    with world(store_directory, Setup((str(crls),))) as service:
        await begun(service)
        record = service.record((crls / "all.pem").as_uri())
        assert ({1, 9}, Problem.BAD_SIGNATURE) == (service.numbers, record.problem)
        assert [1, 9] == [one.crl_number for one in record.given]


async def test_garbage_is_a_problem_and_does_not_wait(store_directory: Path, crls: Path) -> None:
    """A file that is no CRL is named; the others are held."""
    place(crls, "a.crl", b"<html>")
    place(crls, "b.crl", crl(1))
    with world(store_directory, Setup((str(crls),))) as service:
        await begun(service)
        record = service.record((crls / "a.crl").as_uri())
        assert (Problem.MALFORMED, (), 1) == (record.problem, record.pending, record.state.failures)
        assert {1} == service.numbers


@pytest.mark.usefixtures("crls")
async def test_an_url_of_the_operators(store_directory: Path) -> None:
    """It is fetched with the operator's word, and refreshed."""
    url = "https://ca.internal/sub.crl"
    origin = VersionedOrigin({url: crl(1)})
    with world(store_directory, Setup((url,)), origin) as service:
        await begun(service)
        await service.go(HOUR)
        assert ({1}, 1) == (service.numbers, origin.not_modified)
        assert {UrlTrust.OPERATOR} == {one.trust for one in origin.requests}
        assert {url} == {one.source.key for one in service.store.sources()}


@pytest.mark.usefixtures("crls")
async def test_what_is_learned_and_configured_is_the_operators(store_directory: Path) -> None:
    """An order for the operator's own URL is carried out with his word; any other is not."""
    origin = VersionedOrigin({CRL_URL: crl(1), "http://other.example/": crl(1)})
    with world(store_directory, Setup((CRL_URL,)), origin) as service:
        await service.loops.begin()
        await service.prefetcher.fetch(order(CRL_URL))
        await service.prefetcher.fetch(order("http://other.example/sub.crl"))
        assert [UrlTrust.OPERATOR, UrlTrust.CERTIFICATE] == [one.trust for one in origin.requests]
        await service.go()
        assert SourceKind.CONFIGURED is service.record(CRL_URL).source.kind


@pytest.mark.usefixtures("crls")
async def test_a_failing_place_is_tried_again(store_directory: Path) -> None:
    """And is fine as soon as it answers."""
    url = "https://ca.internal/sub.crl"
    origin = VersionedOrigin({url: OriginError(Problem.HTTP_STATUS, "503")})
    with world(store_directory, Setup((url,)), origin) as service:
        await begun(service)
        assert (Problem.HTTP_STATUS, 1) == (service.record(url).problem, service.record(url).state.failures)
        origin.answers = {url: crl(1)}
        await service.go(5)
        assert (None, 0, {1}) == (service.record(url).problem, service.record(url).state.failures, service.numbers)


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


@pytest.mark.usefixtures("crls")
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


async def test_a_mapped_url_is_fetched_from_its_place(store_directory: Path, crls: Path) -> None:
    """A certificate's http URL leads to a directory, in orders and refreshes, and nobody asks the URL itself.

    The CRL of a partition bears the certificate's URL as its critical scope, as AWS Private CA writes it.
    """
    url = "http://crl.private/crl/0001.crl"
    certificate = leaf(crl_urls=[url])
    place(crls, "0001.crl", partition(1, url))
    with world(store_directory, Setup(url_map=(("http://crl.private/crl/", f"{crls}/"),))) as service:
        await service.loops.begin()
        assert ALLOWED == await service.ask(certificate)
        place(crls, "0001.crl", partition(2, url, certificate.serial_number))
        await service.go(HOUR)
        assert REVOKED == await service.ask(certificate)
        assert [] == service.origin.requests


def partition(number: int, url: str, *revoked: int) -> bytes:
    """A CRL of one partition."""
    return crl(number, idp=IssuingDistributionPoint([url]), revoked=list(revoked))


@pytest.mark.usefixtures("crls")
async def test_a_mapped_url_has_no_other_place(store_directory: Path) -> None:
    """What is not there is nowhere, and a URL that leads out of the directory leads nowhere."""
    (store_directory / "secret.crl").write_bytes(crl(1))
    prefix = "http://crl.private/"
    origin = VersionedOrigin({prefix: crl(1)})
    with world(store_directory, Setup(url_map=((prefix, f"{crls}/"),)), origin) as service:
        problems = [
            (await service.prefetcher.fetch(order(f"{prefix}{rest}")))[0].problem
            for rest in ("absent.crl", "../secret.crl", "%2e%2e/secret.crl", "..%2Fsecret.crl", "a?b", "%00")
        ]
        assert [Problem.UNREACHABLE, *[Problem.EGRESS_REFUSED] * 5] == problems
        assert ([], set()) == (origin.requests, service.numbers)


async def test_files_that_are_absent_open_no_breaker(store_directory: Path, crls: Path) -> None:
    """One file says nothing about another."""
    prefix = "http://crl.private/"
    with world(store_directory, Setup(url_map=((prefix, f"{crls}/"),))) as service:
        for number in range(5):
            await service.prefetcher.fetch(order(f"{prefix}{number}.crl"))
        place(crls, "sub.crl", crl(1))
        assert () == await service.prefetcher.fetch(order(f"{prefix}sub.crl"))


async def test_nothing_is_tried_again_without_a_reason(store_directory: Path, crls: Path) -> None:
    """While nobody new is known, what waits is left alone."""
    place(crls, "stranger.crl", STRANGER.crl(number=5, issuer_name="Sub"))
    with world(store_directory, Setup((str(crls),))) as service:
        await begun(service)
        before = len(service.recorder.ingestions)
        for _ in range(3):
            await service.go(1)
        assert before == len(service.recorder.ingestions)


async def test_only_the_operator_names_files(store_directory: Path, crls: Path) -> None:
    """A certificate that names a file gets nothing."""
    file = place(crls, "sub.crl", crl(1))
    with world(store_directory) as service:
        (attempt,) = await service.prefetcher.fetch(order(file.as_uri()))
        assert (file.as_uri(), set()) == (attempt.source, service.numbers)


def unmount(directory: Path, aside: Path) -> None:
    """Let it be somewhere else."""
    directory.rename(aside)


def empty(directory: Path) -> None:
    """Remove what is in it."""
    for file in directory.iterdir():
        file.unlink()


async def test_a_directory_that_is_gone_for_a_moment(store_directory: Path, crls: Path) -> None:
    """It cannot be listed, and keeps its sources; one that is there and empty has none."""
    file, aside = place(crls, "sub.crl", crl(1)), crls.with_name("aside")
    with world(store_directory, Setup((str(crls),))) as service:
        await begun(service)
        unmount(crls, aside)
        await service.go(1)
        assert [file.as_uri()] == [one.source.key for one in service.store.sources()]
        unmount(aside, crls)
        empty(crls)
        await service.go(1)
        assert () == service.store.sources()


async def test_a_file_that_is_removed_during_its_attempt(store_directory: Path, crls: Path) -> None:
    """It does not come back as a source, and what came of it does not wait."""
    with world(store_directory, Setup((str(crls),))) as service:
        await begun(service)
        place(crls, "kept.crl", crl(1))
        file, bring = place(crls, "gone.crl", crl(2, corrupt_signature=True)), service.ingester.bring

        async def bring_and_remove(download: CrlDownload) -> Delivery:
            delivery = await bring(download)
            if download.url == file.as_uri():
                file.unlink()
                await service.loops.tick()
            return delivery

        service.ingester.bring = bring_and_remove  # type: ignore[method-assign]  # nothing else ends in between
        await service.go(1)
        assert ["kept.crl"] == [one.source.key.rpartition("/")[2] for one in service.store.sources()]
        assert (frozenset(), frozenset()) == (service.pending.digests(), service.store.waiting_index.digests())


@pytest.mark.usefixtures("crls")
@pytest.mark.parametrize("is_order", [False, True])
async def test_whoever_answers_a_refresh_or_an_order_is_asked_for_the_others(
    store_directory: Path, is_order: bool
) -> None:
    """As after any attempt; where he does not answer, the others wait for their turn."""
    urls = ("https://h.example/1.crl", "https://h.example/2.crl")
    origin = VersionedOrigin()
    with world(store_directory, Setup(urls), origin) as service:
        await begun(service)
        origin.answers = {url: OriginError(Problem.UNREACHABLE, "down") for url in urls}
        await service.live(HOUR)

        async def ask() -> None:
            if is_order:
                await service.prefetcher.fetch(CrlOrder(urls[:1], (CrlSigner.of(read(SUB)),)))
            else:
                await service.prefetcher.refresh(urls[:1])

        seen = []
        for answer in (OriginError(Problem.UNREACHABLE, "down"), crl(1)):
            await service.live(HOUR)
            service.clock.advance(HOUR)  # the breaker lets an order through
            origin.answers = {**origin.answers, urls[0]: answer}
            await ask()
            asked_at = service.inventory[urls[1]].state.asked_at
            seen.append(asked_at == service.clock.now())
        assert [False, True] == seen
