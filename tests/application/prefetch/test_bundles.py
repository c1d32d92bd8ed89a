"""Files with several CRLs, and with none."""

from itertools import permutations
from pathlib import Path
from typing import Final

import pytest

from service.application.places import parse_place
from service.application.prefetch.holding import missing
from service.core.model.attempt import Problem
from tests.application.chain import ROOT, STRANGER, SUB, order
from tests.application.prefetch.world import Setup, VersionedOrigin, begun, crl, place, trust, world
from tests.pki import Authority, pem

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("sub_known")]


GOOD: Final = crl(1)
WAITS: Final = STRANGER.crl(number=5)
ANOTHER: Final = Authority.root("Another")
LARGE: Final = ANOTHER.crl(number=6, revoked=[*range(1, 100)])
UNDER_ANOTHER_KEY: Final = SUB.crl(number=2, corrupt_signature=True)
BAD: Final = b"\x00\x00\x00"
"""It bears no name in which it could wait."""


def armoured(*crls: bytes) -> bytes:
    """A file that has all of them."""
    return "".join(pem(one, "X509 CRL") for one in crls).encode()


async def test_a_bundle(store_directory: Path, crls: Path) -> None:
    """Every CRL of a file in PEM is held."""
    place(crls, "all.pem", armoured(GOOD, ROOT.crl(number=9)))
    with world(store_directory, Setup((str(crls),))) as service:
        await begun(service)
        record = service.record((crls / "all.pem").as_uri())
        assert ({1, 9}, None, False) == (service.numbers, record.problem, record.is_partial)
        assert [1, 9] == [one.crl_number for one in record.given]


@pytest.mark.parametrize("standing", list(permutations(range(4))))
async def test_the_worst_is_what_is_said_of_a_file(
    store_directory: Path, crls: Path, standing: tuple[int, ...]
) -> None:
    """Wherever it stands: what is lost goes before what waits, and an unknown issuer is the least."""
    contents = (GOOD, WAITS, UNDER_ANOTHER_KEY, BAD)
    said = []
    with world(store_directory, Setup((str(crls),))) as service:
        await begun(service)
        for worst in range(4):
            place(crls, "all.pem", armoured(*(contents[one] for one in standing if one <= worst)))
            await service.go(1)
            record = service.record((crls / "all.pem").as_uri())
            said.append((record.problem, len(record.pending), record.is_partial))
        assert {1} == service.numbers
    assert [
        (None, 0, False),
        (Problem.WRONG_ISSUER, 1, False),
        (Problem.BAD_SIGNATURE, 2, False),
        (Problem.MALFORMED, 2, True),
    ] == said


@pytest.mark.parametrize("parts", [(WAITS, BAD), (BAD, WAITS), (GOOD, WAITS, BAD), (GOOD, BAD, WAITS)])
async def test_a_lost_part_is_missing_beside_one_that_waits(
    store_directory: Path, crls: Path, parts: tuple[bytes, ...]
) -> None:
    """In either order; when the other one is held, too, and until a version comes that has nothing of it."""
    missing_each_time, places = [], (parse_place(str(crls)),)
    place(crls, "all.pem", armoured(*parts))
    with world(store_directory, Setup((str(crls),))) as service:
        await begun(service)
        missing_each_time.append(bool(missing(service.store, places)))
        trust(store_directory, ROOT, SUB, STRANGER)
        await service.go(1)
        assert 5 in service.numbers
        missing_each_time.append(bool(missing(service.store, places)))
        place(crls, "all.pem", armoured(*(one for one in parts if one is not BAD)))
        await service.go(1)
        missing_each_time.append(bool(missing(service.store, places)))
    assert [True, True, False] == missing_each_time


@pytest.mark.parametrize("parts", [(GOOD, WAITS), (WAITS, GOOD)])
async def test_a_part_that_finds_no_room_is_missing(
    store_directory: Path, crls: Path, parts: tuple[bytes, ...]
) -> None:
    """It does not wait; as soon as its issuer is known it is read again."""
    place(crls, "all.pem", armoured(*parts))
    with world(store_directory, Setup((str(crls),), pending_octets=0)) as service:
        await begun(service)
        file = (crls / "all.pem").as_uri()
        assert (Problem.WRONG_ISSUER, True) == (service.record(file).problem, service.record(file).is_partial)
        trust(store_directory, ROOT, SUB, STRANGER)
        await service.go(1)
        assert (None, False, {1, 5}) == (
            service.record(file).problem,
            service.record(file).is_partial,
            service.numbers,
        )


@pytest.mark.parametrize("parts", [(WAITS, LARGE), (LARGE, WAITS)])
async def test_a_part_that_finds_no_room_is_missing_beside_one_that_waits(
    store_directory: Path, crls: Path, parts: tuple[bytes, ...]
) -> None:
    """The source has failed, and what is wrong is said after the other one is held, too."""
    place(crls, "all.pem", armoured(*parts))
    file, seen = (crls / "all.pem").as_uri(), []
    with world(store_directory, Setup((str(crls),), pending_octets=len(WAITS))) as service:
        await begun(service)
        for known in (SUB, STRANGER):
            trust(store_directory, ROOT, known)
            await service.loops.tick()
            record = service.record(file)
            seen.append((record.problem, record.is_partial, bool(record.state.failures), service.numbers))
    assert [(Problem.WRONG_ISSUER, True, True, set()), (Problem.WRONG_ISSUER, True, True, {5})] == seen


async def test_what_found_no_room_is_read_again_while_another_part_waits(store_directory: Path, crls: Path) -> None:
    """As soon as its issuer is known."""
    file = place(crls, "all.pem", armoured(GOOD, WAITS, LARGE)).as_uri()
    with world(store_directory, Setup((str(crls),), pending_octets=len(WAITS))) as service:
        await begun(service)
        assert {1} == service.numbers
        trust(store_directory, ROOT, SUB, ANOTHER)
        await service.go(1)
        assert ({1, 6}, False) == (service.numbers, service.record(file).is_partial)


@pytest.mark.parametrize("before", [False, True])
async def test_an_order_has_not_the_keys_of_everything_in_a_file(store_directory: Path, before: bool) -> None:
    """What it does not verify is no problem of the source: an attempt of its own says what there is."""
    url = "https://ca.internal/all.pem"
    origin = VersionedOrigin({url: armoured(GOOD, ROOT.crl(number=9))})
    with world(store_directory, Setup((url,)), origin) as service:
        await service.loops.begin()
        await service.loops.tick()
        if before:
            await service.prefetcher.settle()
            origin.answers = {url: armoured(crl(2), ROOT.crl(number=9))}
            service.clock.advance(1)
        assert () == await service.prefetcher.fetch(order(url))
        await service.prefetcher.settle()
        record = service.record(url)
        assert (None, False, [1 + before, 9]) == (
            record.problem,
            record.is_partial,
            [one.crl_number for one in record.given],
        )


async def test_garbage_is_a_problem_and_does_not_wait(store_directory: Path, crls: Path) -> None:
    """A file that is no CRL is named; the others are held."""
    place(crls, "a.crl", b"<html>")
    place(crls, "b.crl", crl(1))
    with world(store_directory, Setup((str(crls),))) as service:
        await begun(service)
        record = service.record((crls / "a.crl").as_uri())
        assert (Problem.MALFORMED, (), 1) == (record.problem, record.pending, record.state.failures)
        assert {1} == service.numbers
