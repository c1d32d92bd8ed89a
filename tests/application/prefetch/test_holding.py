"""Whether everything that was configured was held once: what readiness asks."""

from pathlib import Path

import pytest

from service.application.origin import OriginError
from service.application.places import parse_place
from service.application.prefetch.desk import Waiting
from service.application.prefetch.holding import MAX_NAMED, in_words, missing, waiting
from service.application.prefetch.source_record import PlaceRecord, SourceRecord
from service.core.model.attempt import Problem
from tests.application.chain import STRANGER
from tests.application.prefetch.world import Setup, VersionedOrigin, World, begun, crl, place, world
from tests.pki import pem

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("sub_known")]

URL = "https://ca.internal/sub.crl"


def lacking(service: World, *sources: str) -> tuple[str, ...]:
    """What is missing of these."""
    return missing(service.store, tuple(map(parse_place, sources)))


async def test_nothing_configured(service: World) -> None:
    """Nothing is missing, whatever was uploaded."""
    place(service.uploads, "a.crl", b"<html>")
    await begun(service)
    assert () == lacking(service)


async def test_each_step_towards_a_held_directory(store_directory: Path, crls: Path) -> None:
    """Not looked at, empty, garbage, unknown issuer, held; and held it stays when the file goes."""
    source, seen = str(crls), []
    with world(store_directory, Setup((source,))) as service:
        seen.append(lacking(service, source))
        await begun(service)
        seen.append(lacking(service, source))
        for content in (b"<html>", STRANGER.crl()):
            place(crls, "a.crl", content)
            await service.go(1)
            seen.append(lacking(service, source))
        place(crls, "a.crl", crl(1))
        await service.go(1)
        seen.append(lacking(service, source))
    uri = crls.as_uri()
    assert [
        (f"{uri} was not looked at yet",),
        (f"{uri} has no CRL in it",),
        (f"{uri}/a.crl: malformed (truncated DER)",),
        (),
        (),
    ] == seen


async def test_what_waits_for_its_issuer(store_directory: Path, crls: Path) -> None:
    """It keeps nobody from serving: the first request that brings its issuer has it held."""
    source = str(crls)
    with world(store_directory, Setup((source,))) as service:
        place(crls, "a.crl", STRANGER.crl())
        await begun(service)
        await service.go(1)
        assert () == lacking(service, source)
        assert (f"{crls.as_uri()}/a.crl: wrong_issuer (CN=Stranger)",) == waiting(service.store)
        place(crls, "a.crl", crl(1))
        await service.go(1)
        assert () == waiting(service.store)


@pytest.mark.usefixtures("crls")
async def test_a_part_that_was_never_held(store_directory: Path) -> None:
    """One that waits impairs, and one that nobody can use is missing, through failures too, until all of it is held."""
    good, waits = (pem(one, "X509 CRL").encode() for one in (crl(1), STRANGER.crl(number=9)))
    origin, seen = VersionedOrigin(), []
    with world(store_directory, Setup((URL,)), origin) as service:
        await begun(service)
        for content in (good + waits, good + b"\n-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n", b"", good):
            origin.answers = {URL: content} if content else {}
            await service.desk.refresh(None, Waiting.DONE)
            seen.append((bool(lacking(service, URL)), bool(waiting(service.store))))
    assert [(False, True), (True, False), (True, False), (False, False)] == seen


async def test_a_place_that_was_never_listed(store_directory: Path, crls: Path) -> None:
    """It says why; listed once, later trouble is none of readiness."""
    source = str(crls)
    with world(store_directory, Setup((source,))) as service:
        service.failing_places.add(crls.as_uri())
        place(crls, "a.crl", crl(1))
        await begun(service)
        assert (f"{crls.as_uri()}: unreachable: somebody unplugged it",) == lacking(service, source)
        service.failing_places.clear()
        await service.go(1)
        service.failing_places.add(crls.as_uri())
        await service.go(1)
        assert () == lacking(service, source)


@pytest.mark.usefixtures("crls")
async def test_an_url(store_directory: Path) -> None:
    """It is held when it was fetched, and through failures afterwards."""
    origin = VersionedOrigin({URL: OriginError(Problem.HTTP_STATUS, "404")})
    with world(store_directory, Setup((URL,)), origin) as service:
        await begun(service)
        assert (f"{URL}: http_status (404)",) == lacking(service, URL)
        origin.answers = {URL: crl(1)}
        await service.go(5)
        assert () == lacking(service, URL)
        origin.answers = {}
        await service.go(3600)
        assert () == lacking(service, URL)


class Watched:
    """A store that looks whether readiness would pass each time that something is written."""

    def __init__(self, service: World, source: str) -> None:
        """Watch one."""
        self._service = service
        self._source = source
        self.passed: list[bool] = []

    def sources(self) -> tuple[SourceRecord, ...]:
        """Those of the store."""
        return self._service.store.sources()

    def places(self) -> tuple[PlaceRecord, ...]:
        """Those of the store."""
        return self._service.store.places()

    async def put_sources(self, records: tuple[SourceRecord, ...]) -> None:
        """Write them, and look."""
        await self._service.store.put_sources(records)
        self.passed.append(not lacking(self._service, self._source))

    async def forget_sources(self, keys: tuple[str, ...]) -> None:
        """Forget them, and look."""
        await self._service.store.forget_sources(keys)
        self.passed.append(not lacking(self._service, self._source))

    async def put_places(self, records: tuple[PlaceRecord, ...]) -> None:
        """Write them, and look."""
        await self._service.store.put_places(records)
        self.passed.append(not lacking(self._service, self._source))


async def test_it_passes_at_no_moment_before_everything_is_held(
    store_directory: Path, crls: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever looks between two writes is not told that all is held: he would remember it for good."""
    place(crls, "a.crl", b"<html>")
    with world(store_directory, Setup((str(crls),))) as service:
        watched = Watched(service, str(crls))
        monkeypatch.setattr(service.inventory, "_store", watched)
        await begun(service)
        assert len(watched.passed) > 1
        assert {False} == set(watched.passed)


def test_in_words() -> None:
    """The first are named, and the others counted."""
    assert "" == in_words(())
    assert "1; 2" == in_words(("1", "2"))
    names = tuple(map(str, range(MAX_NAMED + 2)))
    assert "; ".join((*names[:MAX_NAMED], "and 2 more")) == in_words(names)
