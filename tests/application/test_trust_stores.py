"""Trust stores by name: what is in force, and what becomes of it when files change."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from service.adapters.trust_store_files import TrustStoreFiles
from service.application import trust_store_loading
from service.application.observer import TrustStoreChange, TrustStoreDetails
from service.application.trust_store_source import Scan, SourceFile, TrustStoreSourceError
from service.application.trust_stores import TrustStores, UnknownTrustStoreError
from tests.application.manual_clock import ManualClock
from tests.application.trust_store_parts import BROKEN, OTHER, ROOT, STRAY, SUB, Changes, subjects, whole
from tests.pki.authority import bundle

pytestmark = pytest.mark.anyio


@pytest.fixture
def clock() -> ManualClock:
    """Time that passes when somebody sleeps."""
    return ManualClock()


@pytest.fixture
def changes() -> Changes:
    """What is told of trust stores."""
    return Changes()


@pytest.fixture
def stores(tmp_path: Path, clock: ManualClock, changes: Changes) -> TrustStores:
    """A default store, a directory of named ones, and intermediates; in files that a test changes."""
    (tmp_path / "stores").mkdir()
    (tmp_path / "default.pem").write_text(ROOT.pem)
    (tmp_path / "stores" / "clients.pem").write_text(ROOT.pem)
    (tmp_path / "stores" / "devices.pem").write_text(OTHER.pem)
    (tmp_path / "intermediates.pem").write_text(SUB.pem)
    files = TrustStoreFiles(tmp_path / "default.pem", tmp_path / "stores", (tmp_path / "intermediates.pem",))
    loaded = TrustStores(files, clock, changes)
    loaded.load()
    changes.take()
    return loaded


def test_what_is_loaded(stores: TrustStores) -> None:
    """Every store by its name, without a problem."""
    assert ("clients", "default", "devices") == stores.names()
    assert ({}, {}) == (stores.problems(), stores.warnings())


async def test_a_store_by_name(stores: TrustStores) -> None:
    """Its own certificates, and the intermediates of the settings."""
    assert [({"CN=Root"}, {"CN=Sub"}), ({"CN=Root"}, {"CN=Sub"}), ({"CN=Other"}, {"CN=Sub"})] == [
        whole(await stores.get(name)) for name in ("default", "clients", "devices")
    ]


async def test_another_content(tmp_path: Path, stores: TrustStores, changes: Changes) -> None:
    """The next look puts it into force, and tells."""
    before = await stores.get("clients")
    (tmp_path / "stores" / "clients.pem").write_text(bundle([ROOT, SUB]))
    await stores.reload()
    after = await stores.get("clients")
    assert before.version != after.version or before.certificates != after.certificates
    assert {"CN=Root", "CN=Sub"} == subjects(after.certificates)
    assert [TrustStoreDetails("clients", TrustStoreChange.LOADED, certificates=2)] == changes.take()


async def test_since_when_and_what_from(tmp_path: Path, stores: TrustStores, clock: ManualClock) -> None:
    """A version is in force since it was read; one that cannot be used leaves what is in force and its moment."""
    loaded_at = clock.now()
    clock.advance(60)
    (tmp_path / "stores" / "clients.pem").write_text(bundle([ROOT, SUB]))
    (tmp_path / "stores" / "devices.pem").write_text(BROKEN)
    (tmp_path / "stores" / "new.pem").write_text(BROKEN)
    await stores.reload()
    found = {one.name: (one.sources, one.since) for one in stores.report()}
    assert {
        "clients": ((str(tmp_path / "stores" / "clients.pem"),), clock.now()),
        "default": ((str(tmp_path / "default.pem"),), loaded_at),
        "devices": ((str(tmp_path / "stores" / "devices.pem"),), loaded_at),
        "new": ((str(tmp_path / "stores" / "new.pem"),), None),
    } == found


async def test_no_other_content(tmp_path: Path, stores: TrustStores, changes: Changes) -> None:
    """A file that was written again with the same certificates changes nothing."""
    before = await stores.get("clients")
    (tmp_path / "stores" / "clients.pem").write_text(f"# the same\n{ROOT.pem}{ROOT.pem}")
    await stores.reload()
    assert before is await stores.get("clients")
    assert [] == changes.take()


async def test_nothing_is_read_again_without_a_change(tmp_path: Path, clock: ManualClock) -> None:
    """A look costs no reading while the files stay as they are, even those that cannot be used."""
    reads: list[str] = []

    class Counting(TrustStoreFiles):
        def read(self, name: str) -> tuple[SourceFile, ...]:
            reads.append(name)
            return super().read(name)

        def read_intermediates(self) -> tuple[SourceFile, ...]:
            reads.append("intermediates")
            return super().read_intermediates()

    (tmp_path / "good.pem").write_text(ROOT.pem)
    (tmp_path / "bad.pem").write_text(BROKEN)
    stores = TrustStores(Counting(None, tmp_path, (tmp_path / "good.pem",)), clock)
    stores.load()
    await stores.reload()
    await stores.reload()
    assert ["bad", "good", "intermediates"] == sorted(reads)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (BROKEN, "PEM block 1 does not hold base64"),
        (OTHER.pem + BROKEN, "PEM block 2 does not hold base64"),
        ("", "no PEM block"),
        (OTHER.pem[:200], "PEM block 1 does not end"),
        ("-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n", "certificate 1: "),
    ],
)
async def test_a_file_that_does_not_parse_is_refused_whole(
    tmp_path: Path, stores: TrustStores, changes: Changes, content: str, problem: str
) -> None:
    """The last good version stays in force; the problem is named once, and goes away with its cause."""
    path = tmp_path / "stores" / "clients.pem"
    path.write_text(content)
    await stores.reload()
    await stores.reload()
    assert {"CN=Root"} == subjects((await stores.get("clients")).anchors)
    assert stores.problems()["clients"].startswith(f"{path}: {problem}")
    assert [(TrustStoreChange.REFUSED, 1)] == [(told.change, told.certificates) for told in changes.take()]
    path.write_text(ROOT.pem)
    await stores.reload()
    assert {} == stores.problems()
    assert [TrustStoreDetails("clients", TrustStoreChange.LOADED, certificates=1)] == changes.take()


async def test_a_store_that_never_parsed(tmp_path: Path, stores: TrustStores) -> None:
    """It is unknown, and the error knows why."""
    (tmp_path / "stores" / "new.pem").write_text(BROKEN)
    with pytest.raises(UnknownTrustStoreError) as caught:
        await stores.get("new")
    assert f"{tmp_path}/stores/new.pem: PEM block 1 does not hold base64" == caught.value.problem
    assert ["new"] == list(stores.problems())


def test_nothing_can_be_read_at_the_start(tmp_path: Path, clock: ManualClock) -> None:
    """The service starts, says that it is not ready, and waits for its files."""
    stores = TrustStores(TrustStoreFiles(tmp_path / "nowhere.pem", None), clock)
    stores.load()
    assert ((), ["default"]) == (stores.names(), list(stores.problems()))


async def test_a_deleted_file_removes_its_store(tmp_path: Path, stores: TrustStores, changes: Changes) -> None:
    """Whoever deletes it wants it gone; the others stay."""
    (tmp_path / "stores" / "clients.pem").unlink()
    await stores.reload()
    assert ("default", "devices") == stores.names()
    assert [TrustStoreDetails("clients", TrustStoreChange.REMOVED)] == changes.take()
    with pytest.raises(UnknownTrustStoreError, match="no trust store 'clients'"):
        await stores.get("clients")


async def test_the_default_store_is_never_removed(tmp_path: Path, stores: TrustStores) -> None:
    """The settings name it: that its file is gone is a problem, and the last good version stays."""
    (tmp_path / "default.pem").unlink()
    await stores.reload()
    assert {"CN=Root"} == subjects((await stores.get("default")).anchors)
    assert ["default"] == list(stores.problems())
    (tmp_path / "default.pem").write_text(OTHER.pem)
    await stores.reload()
    assert {"CN=Other"} == subjects((await stores.get("default")).anchors)
    assert {} == stores.problems()


async def test_a_directory_that_is_emptied_keeps_its_stores(tmp_path: Path, stores: TrustStores) -> None:
    """A volume that comes unmounted looks like this; a new default store is still taken."""
    for path in (tmp_path / "stores").iterdir():
        path.unlink()
    (tmp_path / "default.pem").write_text(OTHER.pem)
    await stores.reload()
    assert ("clients", "default", "devices") == stores.names()
    assert {str(tmp_path / "stores"): f"there is no NAME.pem in {tmp_path / 'stores'}"} == stores.problems()
    assert {"CN=Other"} == subjects((await stores.get("default")).anchors)


async def test_a_file_that_can_be_read_again(tmp_path: Path, stores: TrustStores) -> None:
    """What was not the content's fault is tried again, whether or not anything has changed."""
    clients = tmp_path / "stores" / "clients.pem"
    clients.unlink()
    clients.symlink_to(tmp_path / "later.pem")
    await stores.reload()
    assert {"CN=Root"} == subjects((await stores.get("clients")).anchors)
    assert ["clients"] == list(stores.problems())
    (tmp_path / "later.pem").write_text(OTHER.pem)
    await stores.reload()
    assert {"CN=Other"} == subjects((await stores.get("clients")).anchors)
    assert {} == stores.problems()


async def test_a_disk_that_recovers(tmp_path: Path, clock: ManualClock) -> None:
    """What could not be read is tried again although the file is the same as before."""
    (tmp_path / "clients.pem").write_text(ROOT.pem)

    class Recovering(TrustStoreFiles):
        broken = True

        def read(self, name: str) -> tuple[SourceFile, ...]:
            if self.broken:
                raise TrustStoreSourceError("Input/output error")
            return super().read(name)

    files = Recovering(None, tmp_path)
    stores = TrustStores(files, clock)
    stores.load()
    assert {"clients": "Input/output error"} == stores.problems()
    files.broken = False
    await stores.reload()
    assert (("clients",), {}) == (stores.names(), stores.problems())


async def test_other_intermediates(tmp_path: Path, stores: TrustStores) -> None:
    """All stores have them at once, those of a directory that cannot be seen included."""
    for path in (tmp_path / "stores").iterdir():
        path.unlink()
    (tmp_path / "intermediates.pem").write_text(STRAY.pem)
    await stores.reload()
    assert [{"CN=Stray"}] * 3 == [
        subjects((await stores.get(name)).intermediates) for name in ("clients", "default", "devices")
    ]


async def test_other_intermediates_under_a_broken_store(tmp_path: Path, stores: TrustStores) -> None:
    """Its last good version has them too, and its problem stays."""
    (tmp_path / "stores" / "clients.pem").write_text(BROKEN)
    await stores.reload()
    (tmp_path / "intermediates.pem").write_text(STRAY.pem)
    await stores.reload()
    assert ({"CN=Root"}, {"CN=Stray"}) == whole(await stores.get("clients"))
    assert ["clients"] == list(stores.problems())


@pytest.mark.parametrize("spoil", [lambda path: path.write_text(BROKEN), Path.unlink])
async def test_intermediates_that_cannot_be_used(
    tmp_path: Path, stores: TrustStores, changes: Changes, spoil: Callable[[Path], object]
) -> None:
    """The last good ones stay; the problem is told once, under the name of the setting."""
    spoil(tmp_path / "intermediates.pem")
    await stores.reload()
    await stores.reload()
    assert {"CN=Sub"} == subjects((await stores.get("default")).intermediates)
    assert ["REVET_INTERMEDIATES"] == list(stores.problems())
    assert [("REVET_INTERMEDIATES", TrustStoreChange.REFUSED)] == [(told.name, told.change) for told in changes.take()]


async def test_a_warning_about_an_intermediate_that_leads_nowhere(
    tmp_path: Path, stores: TrustStores, changes: Changes
) -> None:
    """It is loaded all the same, and named by its subject."""
    (tmp_path / "stores" / "clients.pem").write_text(bundle([ROOT, STRAY]))
    await stores.reload()
    assert ({"clients": ("CN=Stray",)}, {}) == (stores.warnings(), stores.problems())
    assert [("CN=Stray",)] == [told.unchained for told in changes.take()]


async def test_too_many_certificates(tmp_path: Path, stores: TrustStores, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store has a limit, all its files together."""
    monkeypatch.setattr(trust_store_loading, "MAX_CERTIFICATES", 2)
    clients = tmp_path / "stores" / "clients.pem"
    clients.write_text(bundle([ROOT, SUB]))
    await stores.reload()
    assert {} == stores.problems()
    clients.write_text(bundle([ROOT, SUB, OTHER]))
    await stores.reload()
    assert {"clients": f"{clients}: more than 2 certificates"} == stores.problems()


async def test_a_certificate_in_der(tmp_path: Path, stores: TrustStores) -> None:
    """One without armour is a store as well."""
    (tmp_path / "default.pem").write_bytes(OTHER.der)
    await stores.reload()
    assert {"CN=Other"} == subjects((await stores.get("default")).anchors)


async def test_a_new_store_is_found_when_it_is_asked_for(tmp_path: Path, stores: TrustStores) -> None:
    """Nobody waits for the next second to be told of it."""
    (tmp_path / "stores" / "new.pem").write_text(OTHER.pem)
    assert {"CN=Other"} == subjects((await stores.get("new")).anchors)


async def test_a_partial_chain_may_end_at_every_certificate(tmp_path: Path, stores: TrustStores) -> None:
    """Made once for each version, and of the store's own certificates only."""
    (tmp_path / "stores" / "clients.pem").write_text(bundle([OTHER, STRAY]))
    await stores.reload()
    partial = await stores.partial("clients")
    assert ({"CN=Other", "CN=Stray"}, {"CN=Sub"}) == whole(partial)
    assert partial is await stores.partial("clients")
    (tmp_path / "stores" / "clients.pem").write_text(STRAY.pem)
    await stores.reload()
    assert ({"CN=Stray"}, {"CN=Sub"}) == whole(await stores.partial("clients"))


async def test_partial_chains_of_equal_stores(stores: TrustStores) -> None:
    """Two stores with the same content keep their names."""
    assert ["clients", "default", "clients"] == [
        (await stores.partial(name)).name for name in ("clients", "default", "clients")
    ]


async def test_files_exchanged_while_they_are_read(tmp_path: Path, clock: ManualClock) -> None:
    """A store of several files is never half of one version and half of the next."""
    (tmp_path / "a.pem").write_text(ROOT.pem)
    (tmp_path / "b.pem").write_text(SUB.pem)

    class Exchanged(TrustStoreFiles):
        def read(self, name: str) -> tuple[SourceFile, ...]:
            first, second = super().read(name)
            if first.content == ROOT.pem.encode():
                (tmp_path / "a.pem").write_text(OTHER.pem)
                (tmp_path / "b.pem").write_text(STRAY.pem)
                second = super().read(name)[1]
            return first, second

    stores = TrustStores(Exchanged(tmp_path, None), clock)
    stores.load()
    assert ({"CN=Other"}, {"CN=Stray"}) == whole(await stores.get("default"))


async def test_files_that_never_stay(tmp_path: Path, clock: ManualClock) -> None:
    """Somebody who writes all the time does not keep the service from starting."""
    (tmp_path / "default.pem").write_text(ROOT.pem)
    numbers: Iterator[int] = iter(range(1000))

    class Restless(TrustStoreFiles):
        def scan(self) -> Scan:
            (tmp_path / "default.pem").write_text(ROOT.pem + "#" * next(numbers))
            return super().scan()

    stores = TrustStores(Restless(tmp_path / "default.pem", None), clock)
    stores.load()
    assert {"CN=Root"} == subjects((await stores.get("default")).anchors)


def test_reports_name_every_store_and_place(tmp_path: Path, clock: ManualClock) -> None:
    """Operations see what is in force and what should be."""
    (tmp_path / "default.pem").write_text(ROOT.pem)
    files = TrustStoreFiles(tmp_path / "default.pem", tmp_path / "nowhere", (tmp_path / "nothing.pem",))
    stores = TrustStores(files, clock)
    stores.load()
    assert [
        ("default", True, False),
        (str(tmp_path / "nowhere"), False, True),
        ("REVET_INTERMEDIATES", False, True),
    ] == [(report.name, report.store is not None, report.problem is not None) for report in stores.report()]
