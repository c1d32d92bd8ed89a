"""In whose names configured sources have CRLs is not forgotten when they are held, whoever showed under whose key."""

from pathlib import Path
from typing import Final

import pytest

from service.adapters.lmdb.crl_publisher import CrlPublisher
from service.application.crl_fetcher import CrlOrder
from service.application.evidence_store import StoreError
from service.application.gather import WAITING
from service.application.prefetch.holding import waiting
from service.application.prefetch.pending import IndexedShelf
from service.core.model.attempt import Problem
from tests.application.chain import ROOT, STRANGER, SUB, leaf, read
from tests.application.prefetch.world import (
    DAY,
    HOUR,
    LEAF,
    UNANSWERED,
    Setup,
    VersionedOrigin,
    World,
    begun,
    crl,
    place,
    serving,
    signer,
    world,
)
from tests.application.world import ALLOWED, REVOKED, UNAVAILABLE, request
from tests.pki import NOW, bundle, days, key, pem

pytestmark = pytest.mark.anyio

URL: Final = "https://ca.internal/sub.crl"

RENEWED: Final = ROOT.subordinate("Sub", key=STRANGER.key)
"""Sub, which has renewed its key and signs its CRLs with the new one alone."""

EVIL: Final = ROOT.subordinate("Evil")
CROSS: Final = EVIL.subordinate("Sub", key=STRANGER.key)
"""Somebody's certificate for Sub's new key."""
EVILS_SUB: Final = EVIL.subordinate("Sub", key=key("p256", 2))


def renewed_crl(number: int, age: int = 0) -> bytes:
    """What Sub publishes: the leaf is revoked."""
    moment = NOW + days(age / DAY)
    return RENEWED.crl(number=number, revoked=[LEAF.serial_number], this_update=moment, next_update=moment + days(9))


async def claimed_by_evil(service: World) -> World:
    """Begin, and let a stranger show the key under which what waits verifies."""
    await begun(service)
    assert UNAVAILABLE == await service.ask(LEAF)
    theirs = EVILS_SUB.issue("theirs")
    assert ALLOWED == await service.ask(read(theirs), EVILS_SUB, CROSS, EVIL)
    assert ({1}, frozenset()) == (service.numbers, service.store.waiting_index.digests())
    return service


async def test_a_stranger_claims_it(crls: Path) -> None:
    """An answer is needed as before, and who has shown that the key is Sub's gets it."""
    place(crls, "sub.crl", renewed_crl(1))
    with serving(crls) as service:
        await claimed_by_evil(service)
        assert UNAVAILABLE == await service.ask(LEAF)
        (leaf_alone, *_) = (await service.validator.validate(request(LEAF))).verdict.path
        assert [(WAITING, Problem.WRONG_SCOPE)] == [(one.source, one.problem) for one in leaf_alone.revocation.attempts]
        assert () == waiting(service.store)
        assert REVOKED == await service.ask(LEAF, SUB, RENEWED)


async def test_as_long_as_the_source_has_it(crls: Path) -> None:
    """Through restarts and newer versions, which do not wait; with the file it goes."""
    place(crls, "sub.crl", renewed_crl(1))
    with serving(crls) as service:
        await claimed_by_evil(service)
        await service.go(HOUR)
    with serving(crls) as service:
        await begun(service)
        await service.live(2 * HOUR, HOUR)
        assert UNAVAILABLE == await service.ask(LEAF)
        place(crls, "sub.crl", renewed_crl(2, age=1))
        await service.go(1)
        assert ({2}, frozenset(), 1) == (
            service.numbers,
            service.pending.digests(),
            len(service.store.waiting_index.named()),
        )
        assert UNAVAILABLE == await service.ask(LEAF)
        (crls / "sub.crl").unlink()
        await service.go(1)
        assert ({2}, frozenset()) == (service.numbers, service.store.waiting_index.named())
        assert UNANSWERED == await service.ask(LEAF)


async def test_of_what_was_not_modified(crls: Path) -> None:
    """The source has it still."""
    origin = VersionedOrigin({URL: renewed_crl(1)})
    with world(crls.parent, Setup((URL,)), origin) as service:
        await claimed_by_evil(service)
        await service.live(DAY, HOUR)
        assert 0 < origin.not_modified
        assert UNAVAILABLE == await service.ask(LEAF)


async def test_another_trust_store_has_its_signer(crls: Path) -> None:
    """It never waited: it is held with the keys of that store, and these requests have another."""
    stores = crls.parent / "stores"
    stores.mkdir()
    (stores / "other.pem").write_text(bundle((STRANGER, STRANGER.subordinate("Sub", key=key("p256", 3)))))
    their = STRANGER.subordinate("Sub", key=key("p256", 3))
    place(crls, "sub.crl", their.crl(number=1, revoked=[LEAF.serial_number], next_update=NOW + days(9)))
    with serving(crls) as service:
        await begun(service)
        assert ({1}, frozenset()) == (service.numbers, service.store.waiting_index.digests())
        assert UNAVAILABLE == await service.ask(LEAF)


async def order_of_evil(service: World) -> None:
    """A stranger's certificate names the configured place, and a worker has it fetched with his keys."""
    await service.prefetcher.fetch(CrlOrder((URL,), (signer(EVILS_SUB), signer(CROSS))))
    assert {1} == service.numbers


async def test_a_stranger_orders_it(crls: Path) -> None:
    """What waited is held by his order, and waits no longer; the name stays."""
    with world(crls.parent, Setup((URL,)), VersionedOrigin({URL: renewed_crl(1)})) as service:
        await begun(service)
        assert 1 == len(service.pending.digests())
        service.clock.advance(5)
        await order_of_evil(service)
        assert ((), frozenset(), frozenset()) == (
            service.record(URL).pending,
            service.pending.digests(),
            service.store.waiting_index.digests(),
        )
        assert UNAVAILABLE == await service.ask(LEAF)


async def test_a_stranger_orders_it_first(crls: Path) -> None:
    """Before anybody else has tried the source: the first attempt does not take his version for known."""
    origin = VersionedOrigin({URL: renewed_crl(1)})
    with world(crls.parent, Setup((URL,)), origin) as service:
        await service.loops.begin()
        await service.loops.tick()
        await order_of_evil(service)
        service.clock.advance(5)
        await service.loops.tick()  # his keys are known now
        await service.prefetcher.refresh((URL,))
        assert 0 == origin.not_modified
        assert UNAVAILABLE == await service.ask(LEAF)


async def test_an_older_one(crls: Path) -> None:
    """A newer is held, and not by a source: the configured one is refused, and its name counts as well."""
    named = "http://crl.example/newer.crl"
    with world(crls.parent, Setup((str(crls),)), VersionedOrigin({named: renewed_crl(2, age=1)})) as service:
        await service.loops.begin()
        service.clock.advance(60)
        await service.prefetcher.fetch(CrlOrder((named,), (signer(EVILS_SUB), signer(CROSS))))
        assert UNANSWERED == await service.ask(LEAF)
        place(crls, "sub.crl", renewed_crl(1))
        await service.go(1)
        assert ({2}, frozenset()) == (service.numbers, service.pending.digests())
        assert UNAVAILABLE == await service.ask(LEAF)


async def test_what_waits_beside_an_older_one(crls: Path) -> None:
    """A source that goes back to what was overtaken lets go of nothing that nobody has verified."""
    place(crls, "new.crl", crl(7, age=60))
    place(crls, "sub.crl", renewed_crl(1))
    with serving(crls) as service:
        service.clock.advance(60)
        await begun(service)
        assert ALLOWED == await service.ask(leaf("another"))
        (waits,) = service.pending.digests()
        place(crls, "sub.crl", crl(1))
        await service.go(1)
        record = service.record((crls / "sub.crl").as_uri())
        assert (frozenset((waits,)), 2) == (service.pending.digests(), len(record.named))
        assert (waits,) == record.pending


async def test_several_sources_have_it(crls: Path) -> None:
    """It waits in none of them any more, and its name stays until the last one lets go of it."""
    files = [place(crls, name, renewed_crl(1)) for name in ("1.crl", "2.crl")]
    with serving(crls) as service:
        await claimed_by_evil(service)
        assert [(), ()] == [service.record(file.as_uri()).pending for file in files]
        for file, expected in zip(files, (UNAVAILABLE, UNANSWERED), strict=True):
            file.unlink()
            await service.go(1)
            assert expected == await service.ask(LEAF)


async def test_what_cannot_be_stored(crls: Path, store_directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk is full, say: in whose name it is can be written down all the same, and an answer is needed."""
    revoked = read(ROOT.issue("revoked"))
    place(crls, "root.crl", ROOT.crl(number=1, revoked=[revoked.serial_number], next_update=NOW + days(7)))
    with world(store_directory, Setup((str(crls),))) as service:
        with monkeypatch.context() as full:
            full.setattr(CrlPublisher, "publish", no_room)
            await begun(service)
            assert UNAVAILABLE == await service.ask(revoked)
            assert {Problem.INTERNAL} == {one.problem for one in service.store.sources()}
        await service.go(HOUR)
        assert REVOKED == await service.ask(revoked)


def no_room(*_: object) -> None:
    """Publish nothing.

    Raises:
        StoreError: always.
    """
    raise StoreError("no room")


async def test_a_part_of_a_newer_version_that_cannot_be_stored(
    crls: Path, store_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the source had before it still has, as far as anybody knows."""
    place(crls, "both.pem", both(1))
    with world(store_directory, Setup((str(crls),))) as service:
        await claimed_by_evil_beside(service)
        place(crls, "both.pem", both(2))
        with monkeypatch.context() as full:
            full.setattr(CrlPublisher, "publish", no_room)
            full.setattr(IndexedShelf, "hold", no_room)
            await service.go(HOUR)
        assert UNAVAILABLE == await service.ask(LEAF)


def both(number: int) -> bytes:
    """A file with Sub's CRL, and one of Root's."""
    crls = (renewed_crl(number), ROOT.crl(number=number, next_update=NOW + days(7)))
    return "".join(pem(one, "X509 CRL") for one in crls).encode()


async def claimed_by_evil_beside(service: World) -> None:
    """As `claimed_by_evil`, where another CRL is in the same file."""
    await begun(service)
    assert ALLOWED == await service.ask(read(EVILS_SUB.issue("theirs")), EVILS_SUB, CROSS, EVIL)
    assert frozenset() == service.store.waiting_index.digests()
    assert UNAVAILABLE == await service.ask(LEAF)


async def test_a_learned_source_that_the_operator_names_now(store_directory: Path) -> None:
    """It is fetched at once, and all of it: nobody has written down yet in whose name it is."""
    origin = VersionedOrigin({URL: renewed_crl(1)})
    with world(store_directory, origin=origin) as service:
        await begun(service)
        await service.ask(read(EVILS_SUB.issue("theirs", crl_urls=[URL])), EVILS_SUB, CROSS, EVIL)
        assert {1} == service.numbers
        assert UNANSWERED == await service.ask(LEAF)
    with world(store_directory, Setup((URL,)), origin) as service:
        await begun(service)
        assert (2, 0) == (len(origin.requests), origin.not_modified)
        assert UNAVAILABLE == await service.ask(LEAF)
