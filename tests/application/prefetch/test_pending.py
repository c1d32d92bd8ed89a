"""What waits, and until when: through failures and restarts, and no longer than a source has it."""

from hashlib import sha256
from pathlib import Path

import pytest

from service.application.origin import OriginError
from service.application.prefetch.pending import IndexedShelf
from service.core.model.attempt import Problem
from tests.application.chain import STRANGER
from tests.application.prefetch.world import (
    HOUR,
    LEAF,
    UNANSWERED,
    Setup,
    VersionedOrigin,
    begun,
    crl,
    place,
    serving,
    world,
)
from tests.application.world import ALLOWED, UNAVAILABLE

pytestmark = pytest.mark.anyio


async def test_what_a_source_has_no_more_waits_no_longer(crls: Path) -> None:
    """A newer version that waits as well takes its place; with its file it goes, since nobody has verified it."""
    place(crls, "sub.crl", crl(1))
    with serving(crls) as service:
        await begun(service)
        first = service.pending.digests()
        place(crls, "sub.crl", crl(2, age=1))
        await service.go(1)
        assert (1, 1, False) == (
            len(service.pending.digests()),
            len(service.store.waiting_index.digests()),
            bool(service.pending.digests() & first),
        )
        (crls / "sub.crl").unlink()
        await service.go(1)
        assert UNANSWERED == await service.ask(LEAF)
        assert (frozenset(), frozenset()) == (service.pending.digests(), service.store.waiting_index.digests())


async def test_a_failure_leaves_what_waits(crls: Path) -> None:
    """Nothing newer came."""
    url = "https://ca.internal/sub.crl"
    origin = VersionedOrigin({url: crl(1)})
    with world(crls.parent, Setup((url,)), origin) as service:
        await begun(service)
        origin.answers = {url: b"<html>"}
        await service.go(HOUR)
        assert (Problem.MALFORMED, 1) == (service.record(url).problem, len(service.pending.digests()))
        assert ALLOWED == await service.ask(LEAF)


async def test_a_restart(crls: Path) -> None:
    """What waits waits on, kept or not, as long as its source has it."""
    place(crls, "sub.crl", crl(1))
    with serving(crls) as service:
        await begun(service)
    with serving(crls) as service:
        await begun(service)
        assert 1 == len(service.store.waiting_index.digests())
    for file in (crls.parent / "pending").iterdir():
        file.unlink()
    with serving(crls) as service:
        await service.loops.begin()
        assert UNAVAILABLE == await service.ask(LEAF)
    (crls / "sub.crl").unlink()
    with serving(crls) as service:
        await begun(service)
        await service.go(1)
        assert frozenset() == service.store.waiting_index.digests()
        assert UNANSWERED == await service.ask(LEAF)


async def test_what_found_no_room_survives_a_restart(crls: Path) -> None:
    """Its name, while its source fails: what it revokes is never allowed; each version takes the place of the last."""
    url = "https://ca.internal/sub.crl"
    origin, setup = VersionedOrigin({url: crl(1, revoked=[LEAF.serial_number])}), Setup((url,), pending_octets=10)
    with world(crls.parent, setup, origin) as service:
        await begun(service)
        for number in range(2, 5):
            origin.answers = {url: crl(number, age=60 * number, revoked=[LEAF.serial_number])}
            await service.go(HOUR)
            assert 1 == len(service.store.waiting_index.digests())
    origin.answers = {url: OriginError(Problem.UNREACHABLE, "down")}
    with world(crls.parent, setup, origin, service.clock) as service:
        await service.loops.begin()
        assert UNAVAILABLE == await service.ask(LEAF)
        await service.live(HOUR)
        assert (Problem.UNREACHABLE, UNAVAILABLE) == (service.record(url).problem, await service.ask(LEAF))


async def test_what_an_ended_process_left_behind_goes(crls: Path) -> None:
    """No source names it: it goes once every source was tried, and what one of them has stays."""
    place(crls, "sub.crl", crl(1))
    with serving(crls) as service:
        await begun(service)
        place(crls, "stranger.crl", STRANGER.crl(number=9))
        await service.go(1)
        kept = service.pending.digests()
        (other,) = kept - set(service.record((crls / "sub.crl").as_uri()).pending)
        await service.store.forget_sources(((crls / "stranger.crl").as_uri(),))
        (crls / "stranger.crl").unlink()
    with serving(crls) as service:
        await service.loops.begin()
        assert kept == service.store.waiting_index.digests()
        await service.go(1)
        assert kept - {other} == service.store.waiting_index.digests() == service.pending.digests()


async def test_what_an_attempt_has_just_left_is_not_let_go_of(crls: Path) -> None:
    """Until its end, when its source names it."""
    place(crls, "sub.crl", crl(1))
    with serving(crls) as service:
        await begun(service)
        shelf = IndexedShelf(service.pending, service.store.waiting_index)
        (digest,) = service.pending.digests()
        with shelf.attempt() as brought:
            assert brought.keep(digest, crl(1))
            shelf.let_go(frozenset((digest,)), frozenset)
            assert {digest} == service.store.waiting_index.digests() == service.pending.digests()
        shelf.let_go(frozenset((digest,)), frozenset)
        assert frozenset() == service.store.waiting_index.digests() == service.pending.digests()


async def test_what_is_taken_up_while_its_source_lets_go_of_it(crls: Path) -> None:
    """Its name goes as well, unless an attempt has just left it, or found it held."""
    place(crls, "sub.crl", crl(1))
    with serving(crls) as service:
        await begun(service)
        index = service.store.waiting_index
        shelf = IndexedShelf(service.pending, index)
        (digest,) = service.pending.digests()
        with shelf.attempt() as brought:
            brought.hold(digest, crl(1))
            shelf.take_up(digest, memoryview(crl(1)), frozenset)
            assert [set(), {digest}] == [index.digests(), index.named()]
        shelf.take_up(digest, memoryview(crl(1)), frozenset)
        assert frozenset() == index.named()


async def test_what_an_ended_process_had_found_held_goes(crls: Path) -> None:
    """With what it left waiting, and does not wait again before that."""
    with serving(crls) as service:
        await begun(service)
        index, digest = service.store.waiting_index, sha256(crl(1)).digest()
        shelf = IndexedShelf(service.pending, index)
        shelf.hold(digest, crl(1))
        service.pending.keep(digest, crl(1))
        shelf.begin()
        assert [set(), {digest}] == [index.digests(), index.named()]
        service.pending.remove(digest)
        shelf.sweep(frozenset)
        assert frozenset() == index.named()


async def test_the_shelf_of_an_earlier_version(crls: Path) -> None:
    """Its CRLs were kept and nowhere written down."""
    place(crls, "sub.crl", crl(1))
    with serving(crls) as service:
        await begun(service)
        service.store.waiting_index.remove(service.pending.digests())
        await service.loops.begin()
        assert service.pending.digests() == service.store.waiting_index.digests() != frozenset()
        assert ALLOWED == await service.ask(LEAF)


async def test_each_change_ends_the_kept_verdicts(crls: Path) -> None:
    """When a CRL begins to wait, and when it is held; a look without a change ends nothing."""
    with serving(crls) as service:
        await begun(service)
        seen = [service.store.generation()]
        place(crls, "sub.crl", crl(1))
        await service.go(1)
        seen.append(service.store.generation())
        await service.go(1)
        seen.append(service.store.generation())
        await service.ask(LEAF)
        seen.append(service.store.generation())
        first, waiting, same, held = seen
        assert first < waiting == same < held


async def test_two_places_with_the_same_crl(crls: Path) -> None:
    """One of them is refreshed, and the other's goes on waiting."""
    one, other = (place(crls, name, crl(1)) for name in ("1.crl", "2.crl"))
    with serving(crls) as service:
        await begun(service)
        place(crls, "1.crl", STRANGER.crl(number=9))
        await service.go(1)
        assert {len(service.record(file.as_uri()).pending) for file in (one, other)} == {1}
        assert ALLOWED == await service.ask(LEAF)
