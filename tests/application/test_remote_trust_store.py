"""A trust store that is written down elsewhere: what is put into force, and what stays there."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from service.application import remote_trust_store
from service.application.evidence_store import StoreError
from service.application.observer import TrustStoreChange
from service.application.places import FilePlace, S3Place, UrlPlace
from service.application.remote_trust_store import FIRST_RETRY_S, POLL_S, WANTED_EVERY_S, RemoteTrustStore, shown
from service.application.trust_stores import TrustStores, UnknownTrustStoreError
from tests.application.manual_clock import ManualClock
from tests.application.remote_parts import host
from tests.application.trust_store_parts import BROKEN, OTHER, ROOT, subjects

pytestmark = pytest.mark.anyio

GOOD = ROOT.pem.encode()
NEWER = (ROOT.pem + OTHER.pem).encode()


def in_force(stores: TrustStores) -> set[str]:
    """Whom the default store trusts; nobody where there is none."""
    store = stores.in_force("default")
    return set() if store is None else subjects(store.anchors)


async def looked(remote: RemoteTrustStore, stores: TrustStores) -> dict[str, str]:
    """Look, reload, and say what is wrong."""
    await remote.look()
    await stores.reload()
    return dict(stores.problems())


async def test_what_is_published_is_in_force(tmp_path: Path) -> None:
    """After one look and one reload, and newer versions likewise."""
    async with host(GOOD, tmp_path) as one:
        remote, stores = one.start()
        assert {} == await looked(remote, stores)
        assert {"CN=Root"} == in_force(stores)
        one.published.content = NEWER
        assert {} == await looked(remote, stores)
    assert {"CN=Root", "CN=Other"} == in_force(stores)


async def test_what_has_not_changed_is_not_sent_again(tmp_path: Path) -> None:
    """A look at an unchanged store costs a request without a body."""
    async with host(GOOD, tmp_path) as one:
        remote, stores = one.start()
        for _ in range(3):
            assert {} == await looked(remote, stores)
    assert (3, 1) == (one.published.asked, one.published.sent)
    assert [TrustStoreChange.REFUSED, TrustStoreChange.LOADED] == [told.change for told in one.changes.take()]


async def test_nothing_has_come_yet(tmp_path: Path) -> None:
    """Without any version there is no store, and who asks for it learns why."""
    async with host(503, tmp_path) as one:
        remote, stores = one.start()
        assert {"default": f"{one.shown}: it has not been read since the start"} == dict(stores.problems())
        problem = f"{one.shown}: http_status: inside.example:{one.published.port} answered 503"
        assert {"default": problem} == await looked(remote, stores)
        with pytest.raises(UnknownTrustStoreError) as caught:
            await stores.get("default")
        assert problem == caught.value.problem
        one.published.content = GOOD
        assert {} == await looked(remote, stores)
    assert {"CN=Root"} == in_force(stores)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (404, "http_status: inside.example:{port} answered 404"),
        (BROKEN.encode(), "what is there: PEM block 1 does not hold base64"),
        (b"", "what is there: "),
        (bytes(17 * 2**20), "too_large: the body is said to have 17825792 bytes, the limit is 16777216 bytes"),
    ],
)
async def test_the_last_good_version_stays(tmp_path: Path, content: bytes | int, reason: str) -> None:
    """Whatever comes of a look, a store that was good stays in force, and the problem is named until it is gone."""
    async with host(GOOD, tmp_path) as one:
        remote, stores = one.start()
        await looked(remote, stores)
        one.published.content = content
        for _ in range(2):  # the second time, it has not changed
            problems = await looked(remote, stores)
            assert ["default"] == list(problems)
            assert problems["default"].startswith(f"{one.shown}: {reason.format(port=one.published.port)}")
            assert problems["default"].endswith("; the last good version stays in force")
            assert {"CN=Root"} == in_force(stores)
        one.published.content = GOOD
        assert {} == await looked(remote, stores)
    assert {"CN=Root"} == in_force(stores)


async def test_what_was_refused_is_not_sent_again(tmp_path: Path) -> None:
    """It is refused until it changes."""
    async with host(BROKEN.encode(), tmp_path) as one:
        remote, stores = one.start()
        first, second = await looked(remote, stores), await looked(remote, stores)
    assert first == second != {}
    assert 1 == one.published.sent


async def test_a_pin_that_fits(tmp_path: Path) -> None:
    """What has the digest is taken."""
    async with host(GOOD, tmp_path) as one:
        remote, stores = one.start(sha256(GOOD).digest())
        assert {} == await looked(remote, stores)
    assert {"CN=Root"} == in_force(stores)


async def test_a_pin_that_does_not_fit(tmp_path: Path) -> None:
    """Another content is refused, be it ever so good a trust store, at the start and later."""
    async with host(NEWER, tmp_path) as one:
        remote, stores = one.start(sha256(GOOD).digest())
        problem = f"its SHA-256 is {sha256(NEWER).hexdigest()} and not the pinned {sha256(GOOD).hexdigest()}"
        for _ in range(2):
            assert {"default": f"{one.shown}: {problem}"} == await looked(remote, stores)
        assert set() == in_force(stores)
        one.published.content = GOOD
        assert {} == await looked(remote, stores)
        one.published.content = NEWER
        problem = f"{one.shown}: {problem}; the last good version stays in force"
        assert {"default": problem} == await looked(remote, stores)
    assert {"CN=Root"} == in_force(stores)


async def test_a_start_while_it_cannot_be_reached(tmp_path: Path) -> None:
    """The copy of the last time serves, and that it does is said."""
    async with host(NEWER, tmp_path) as one:
        remote, stores = one.start()
        await looked(remote, stores)
        one.published.content = 500
        remote, stores = one.start()
        assert {"CN=Root", "CN=Other"} == in_force(stores)
        kept = "the copy that this host kept stays in force"
        assert {"default": f"{one.shown}: it has not been read since the start; {kept}"} == dict(stores.problems())
        status = f"http_status: inside.example:{one.published.port} answered 500"
        assert {"default": f"{one.shown}: {status}; {kept}"} == await looked(remote, stores)
        one.published.content = NEWER
        assert {} == await looked(remote, stores)
        assert {"CN=Root", "CN=Other"} == in_force(stores)
        one.published.content = 500  # by now, the place itself has said that this is its version
        assert "the last good version stays in force" in (await looked(remote, stores))["default"]


async def test_a_copy_is_written_once(tmp_path: Path) -> None:
    """Looks that find nothing new leave the disk alone, and so does a start that finds what is kept."""
    async with host(GOOD, tmp_path) as one:
        written = set()
        for _ in range(2):
            remote, stores = one.start()
            for _ in range(2):
                await looked(remote, stores)
                (copy,) = (tmp_path / "trust-stores").iterdir()
                written.add(copy.stat().st_ino)
    assert 1 == len(written)


async def test_only_what_is_good_is_kept(tmp_path: Path) -> None:
    """A start after a bad version serves with the good one before it."""
    async with host(GOOD, tmp_path) as one:
        remote, stores = one.start()
        await looked(remote, stores)
        one.published.content = BROKEN.encode()
        await looked(remote, stores)
        _, stores = one.start()
    assert {"CN=Root"} == in_force(stores)


async def test_a_copy_is_judged_as_well(tmp_path: Path) -> None:
    """By the pin of today, and whether it is a trust store."""
    async with host(GOOD, tmp_path) as one:
        remote, stores = one.start()
        await looked(remote, stores)
        _, stores = one.start(sha256(NEWER).digest())
        assert set() == in_force(stores)
        (copy,) = (tmp_path / "trust-stores").iterdir()
        copy.write_bytes(BROKEN.encode())
        _, stores = one.start()
        assert set() == in_force(stores)


async def test_a_disk_without_room(tmp_path: Path) -> None:
    """What cannot be kept is in force all the same, the problem is named, and it is kept once it can be."""
    async with host(GOOD, tmp_path) as one:
        remote, stores = one.start()
        (tmp_path / "trust-stores").rename(tmp_path / "elsewhere")
        problem = "no copy can be kept on this host: No such file or directory; the last good version stays in force"
        for _ in range(2):
            assert {"default": f"{one.shown}: {problem}"} == await looked(remote, stores)
            assert {"CN=Root"} == in_force(stores)
        (tmp_path / "elsewhere").rename(tmp_path / "trust-stores")
        assert {} == await looked(remote, stores)
        one.published.content = 500
        _, stores = one.start()
    assert {"CN=Root"} == in_force(stores)


async def test_other_stores_do_not_wait(tmp_path: Path) -> None:
    """While the remote place keeps us waiting, local files are reloaded as ever."""
    async with host(GOOD, tmp_path) as one:
        directory = tmp_path / "stores"
        directory.mkdir()
        (directory / "local.pem").write_text(ROOT.pem)
        remote, stores = one.start(directory=directory)
        one.published.gate.clear()
        looking = asyncio.create_task(remote.look())
        (directory / "local.pem").write_text(OTHER.pem)
        await asyncio.wait_for(stores.reload(), 20)
        local = stores.in_force("local")
        assert local is not None
        assert {"CN=Other"} == subjects(local.anchors)
        assert not looking.done()
        one.published.gate.set()
        await looking
        await stores.reload()
    assert {"CN=Root"} == in_force(stores)


async def test_a_local_default_is_passed_over(tmp_path: Path) -> None:
    """There is one default store, and whoever wrote down a second learns that it is not used."""
    async with host(GOOD, tmp_path) as one:
        directory = tmp_path / "stores"
        directory.mkdir()
        (directory / "default.pem").write_text(OTHER.pem)
        remote, stores = one.start(directory=directory)
        file = f"{directory}/default.pem"
        assert {file: f"{file} is passed over: the store default is {one.shown}"} == await looked(remote, stores)
    assert {"CN=Root"} == in_force(stores)


class Scripted(ManualClock):
    """A clock that does something when it is slept for so many times, and ends whoever sleeps too often."""

    def __init__(self, script: Mapping[int, Callable[[], None]], times: int) -> None:
        """Take what to do after which sleep."""
        super().__init__()
        self._script = script
        self._times = times

    async def sleep(self, seconds: float) -> None:
        """Let that much time pass, and do what is to be done then."""
        await super().sleep(seconds)
        self._script.get(len(self.slept), lambda: None)()
        if len(self.slept) >= self._times:
            raise asyncio.CancelledError


async def test_the_interval(tmp_path: Path) -> None:
    """Failures are followed soon and then less and less soon, up to the interval; after a success it begins anew."""
    async with host(500, tmp_path) as one:

        def publish() -> None:
            one.published.content = GOOD

        def fail() -> None:
            one.published.content = 500

        clock = Scripted({7: publish, 9: fail}, 11)
        remote, _ = replace(one, clock=clock).start()
        with pytest.raises(asyncio.CancelledError):
            await remote.run()
    failing = [FIRST_RETRY_S * factor for factor in (1, 2, 4, 8, 16)]
    assert [*failing, POLL_S, POLL_S, POLL_S, POLL_S, *failing[:2]] == clock.slept


class Wanted:
    """A number that a test raises, or that cannot be read."""

    def __init__(self) -> None:
        """Nobody wants anything."""
        self.number = 0
        self.broken = False

    def __call__(self) -> int:
        """The number."""
        if self.broken:
            raise StoreError("it cannot be read")
        return self.number


async def test_somebody_wants_a_look_sooner(tmp_path: Path) -> None:
    """Within a second of a raised number it is looked, once; otherwise when it is time, in the same interval."""
    async with host(GOOD, tmp_path) as one:
        wanted = Wanted()

        def want() -> None:
            wanted.number += 1

        clock = Scripted({3: want}, 4 + round(POLL_S / WANTED_EVERY_S))
        remote, _ = replace(one, clock=clock).start(wanted=wanted)
        with pytest.raises(asyncio.CancelledError):
            await remote.run()
    # At the start, after the third second, and after an interval that begins then.
    assert 3 == one.published.asked
    assert {WANTED_EVERY_S} == set(clock.slept)


async def test_what_is_wanted_while_it_looks(tmp_path: Path) -> None:
    """Whoever wants a look while one is under way may know of something newer: it is looked again."""
    async with host(GOOD, tmp_path) as one:
        wanted = Wanted()
        one.published.gate.clear()
        remote, _ = replace(one, clock=Scripted({}, 1)).start(wanted=wanted)
        running = asyncio.create_task(remote.run())
        while not one.published.asked:  # noqa: ASYNC110 - what is asked is counted, and tells nobody
            await asyncio.sleep(0)
        wanted.number += 1
        one.published.gate.set()
        await asyncio.gather(running, return_exceptions=True)
    assert 2 == one.published.asked


async def test_a_number_that_cannot_be_read(tmp_path: Path) -> None:
    """Then it looks when it is time."""
    async with host(GOOD, tmp_path) as one:
        wanted = Wanted()
        wanted.broken = True
        clock = Scripted({}, 1 + round(POLL_S / WANTED_EVERY_S))
        remote, _ = replace(one, clock=clock).start(wanted=wanted)
        with pytest.raises(asyncio.CancelledError):
            await remote.run()
    assert 2 == one.published.asked


async def test_waiting_for_the_first_look(tmp_path: Path) -> None:
    """Whoever waits for it waits no longer than it takes, and no longer than is allowed."""
    async with host(GOOD, tmp_path) as one:
        remote, stores = one.start()
        await remote.looked(0.01)
        assert {} != stores.problems()
        running = asyncio.create_task(remote.run())
        await remote.looked(20)
        running.cancel()
        await stores.reload()
        assert {} == stores.problems()


def test_what_is_shown() -> None:
    """The query of a URL, which may be what lets one in, is left out; a version of an object is not."""
    assert "https://ca.example/cas.pem" == shown(UrlPlace("https://ca.example/cas.pem?X-Amz-Signature=secret"))
    assert "s3://bucket/cas.pem?versionId=1" == shown(S3Place("bucket", "cas.pem", "1"))
    assert "file:///cas.pem" == shown(FilePlace(Path("/cas.pem")))


async def test_what_is_told(tmp_path: Path) -> None:
    """A problem is told once, with what is in force, and so is its end."""
    async with host(GOOD, tmp_path) as one:
        remote, stores = one.start()
        await looked(remote, stores)
        one.changes.take()
        for content in (500, 500, GOOD, GOOD):
            one.published.content = content
            await looked(remote, stores)
    told = [(details.change, details.name, details.certificates) for details in one.changes.take()]
    assert [(TrustStoreChange.REFUSED, "default", 1), (TrustStoreChange.LOADED, "default", 1)] == told


async def test_a_fault_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What nobody has thought of is named, and does not end the looking."""

    def fail(_files: object) -> None:
        raise RuntimeError("a fault")

    async with host(GOOD, tmp_path) as one:
        remote, stores = one.start()
        with monkeypatch.context() as patch:
            patch.setattr(remote_trust_store, "certificates_in", fail)
            assert {"default": f"{one.shown}: internal: RuntimeError"} == await looked(remote, stores)
        assert {} == await looked(remote, stores)
    assert {"CN=Root"} == in_force(stores)
