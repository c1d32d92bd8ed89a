"""The operator's places: what is in them becomes sources, and goes with them."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.application.crl_delivery import CrlDownload, Delivery
from service.application.prefetch.watching import is_at, names_of_places
from service.core.prefetch.inventory import SourceKind
from tests.application.chain import ROOT
from tests.application.prefetch.world import HOUR, LEAF, Setup, VersionedOrigin, World, begun, crl, place, world
from tests.application.world import ALLOWED, REVOKED

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("sub_known")]


@given(st.text("ab/", max_size=12))
def test_what_places_a_source_may_be_in(key: str) -> None:
    """They are found by name, and are those that any comparison with each of them would find."""
    assert {key[:end] for end in range(len(key) + 1) if is_at(key, key[:end])} == set(names_of_places(key))


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


async def test_each_place_answers_for_its_own_sources_after_a_restart(store_directory: Path, crls: Path) -> None:
    """While one cannot be listed its sources stay; what is configured no more, or gone from another, does not."""
    old, other, within = (crls.with_name("crls-old"), crls.with_name("other"), crls / "within")
    for directory, name in ((crls, "a.crl"), (old, "b.crl"), (other, "c.crl"), (other, "d.crl"), (within, "e.crl")):
        directory.mkdir(exist_ok=True)
        place(directory, name, crl(1))
    every = tuple(map(str, (crls, old, other, within)))
    with world(store_directory, Setup(every)) as service:
        await begun(service)
        assert ["a.crl", "b.crl", "c.crl", "d.crl", "e.crl"] == names(service)
    (other / "d.crl").unlink()
    with world(store_directory, Setup((str(crls), str(other), str(within))), clock=service.clock) as service:
        service.failing_places |= {crls.as_uri(), within.as_uri()}
        await service.loops.begin()
        assert ["a.crl", "c.crl", "d.crl", "e.crl"] == names(service)
        await service.go()
        assert ["a.crl", "c.crl", "e.crl"] == names(service)
        service.failing_places.remove(crls.as_uri())
        (crls / "a.crl").unlink()
        await service.go(1)
        assert ["c.crl", "e.crl"] == names(service)  # e.crl is below both, and one of them cannot be listed yet
        (within / "e.crl").unlink()
        service.failing_places.clear()
        await service.go(1)
        assert ["c.crl"] == names(service)


def names(service: World) -> list[str]:
    """What the sources are called."""
    return sorted(one.source.key.rpartition("/")[2] for one in service.store.sources())


@pytest.mark.usefixtures("crls")
async def test_an_url_that_is_configured_no_more_is_not_fetched(store_directory: Path) -> None:
    """Not even while another place cannot be listed; a longer one that begins like it is another."""
    urls = tuple(f"https://ca.internal/{name}" for name in ("sub", "sub.crl", "sub/1.crl"))
    origin = VersionedOrigin({"https://ca.internal/": crl(1)})
    with world(store_directory, Setup(urls), origin) as service:
        await begun(service)
    origin.requests.clear()
    setup = Setup((urls[1], "/nowhere"))
    with world(store_directory, setup, origin, service.clock) as service:
        service.failing_places.add("file:///nowhere")
        await begun(service)
        await service.go(HOUR)
        assert {urls[1]} == set(origin.urls)


async def test_uploads(service: World) -> None:
    """What is put into the directory of uploads is a source like any other."""
    place(service.uploads, "root.crl", ROOT.crl(number=9))
    await begun(service)
    assert {9} == service.numbers


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
