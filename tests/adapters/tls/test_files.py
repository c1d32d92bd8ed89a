"""The files of the service's TLS: what is taken from them, and what changes nothing."""

import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from service.adapters.kept_memory import KeptMemory
from service.adapters.tls.contexts import Pair
from service.adapters.tls.files import (
    CERTIFICATE,
    CLIENT_CA,
    FRESH_EVERY_S,
    KEY,
    NothingInForceError,
    TlsFiles,
    TlsPaths,
)
from service.settings.files import read_whole
from tests.adapters.tls.materials import NEW_CA, OLD_CA, server_pair, write
from tests.application.manual_clock import ManualClock
from tests.pki import Issued

FIRST: Final = server_pair("first")
SECOND: Final = server_pair("second")


def paths_in(directory: Path, *, with_ca: bool = False) -> TlsPaths:
    """Where the files are that a test writes."""
    return TlsPaths(directory / "tls.crt", directory / "tls.key", directory / "ca.crt" if with_ca else None)


def put(directory: Path, pair: Pair, *authorities: Issued) -> None:
    """Write the files."""
    write(directory / "tls.crt", pair.certificate)
    write(directory / "tls.key", pair.key)
    if authorities:
        write(directory / "ca.crt", "".join(one.pem for one in authorities).encode())


def in_force(files: TlsFiles) -> tuple[ssl.SSLContext, set[bytes]]:
    """The context that connections are made with now, and the client CAs in it."""
    context = files.context._in_force  # noqa: SLF001 - what connections show is tested with connections
    return context, set(context.get_ca_certs(binary_form=True))


@pytest.fixture
def kept() -> Iterator[KeptMemory]:
    """What workers share."""
    memory = KeptMemory.make("test")
    yield memory
    memory.close()


def test_what_is_there_at_first(tmp_path: Path) -> None:
    """Everything is taken."""
    put(tmp_path, FIRST, OLD_CA.issued)
    files = TlsFiles(paths_in(tmp_path, with_ca=True), read_whole, ManualClock())
    assert ({}, {OLD_CA.issued.der}, (CERTIFICATE, KEY, CLIENT_CA)) == (
        files.first_look.problems,
        in_force(files)[1],
        files.settings(),
    )


def test_nothing_new(tmp_path: Path) -> None:
    """The same content makes no other context, whatever the date of the file."""
    put(tmp_path, FIRST)
    files = TlsFiles(paths_in(tmp_path), read_whole, ManualClock())
    before = in_force(files)
    put(tmp_path, FIRST)
    look = files.look()
    assert ((), {}, before) == (look.taken, look.problems, in_force(files))


@pytest.mark.parametrize(("seconds", "is_fresh"), [(FRESH_EVERY_S - 1, False), (FRESH_EVERY_S, True)])
def test_no_session_is_resumed_for_long(seconds: float, is_fresh: bool, tmp_path: Path) -> None:
    """A context has keys of its own for sessions; every five minutes there is another one, of the same files."""
    put(tmp_path, FIRST, OLD_CA.issued)
    clock = ManualClock()
    files = TlsFiles(paths_in(tmp_path, with_ca=True), read_whole, clock)
    before = in_force(files)
    clock.advance(seconds)
    look, after = files.look(), in_force(files)
    assert ((), {}, before[1]) == (look.taken, look.problems, after[1])
    assert is_fresh is (before[0] is not after[0])


def test_another_pair(tmp_path: Path) -> None:
    """It is in force, and its end is told."""
    put(tmp_path, FIRST)
    files = TlsFiles(paths_in(tmp_path), read_whole, ManualClock())
    context, ends = in_force(files)[0], files.not_after()
    put(tmp_path, server_pair("second", not_after=ends.replace(year=2099)) if ends else SECOND)
    look = files.look()
    assert ((CERTIFICATE, KEY), {}) == (look.taken, look.problems)
    assert in_force(files)[0] is not context
    assert 2099 == getattr(files.not_after(), "year", None)


def test_links_are_swapped(tmp_path: Path) -> None:
    """A volume of Kubernetes: the files are links into `..data`, which is a link itself and is replaced."""
    for name, pair in (("..one", FIRST), ("..two", SECOND)):
        (tmp_path / name).mkdir()
        put(tmp_path / name, pair)
    (tmp_path / "..data").symlink_to("..one")
    for file in ("tls.crt", "tls.key"):
        (tmp_path / file).symlink_to(f"..data/{file}")
    files = TlsFiles(paths_in(tmp_path), read_whole, ManualClock())
    (tmp_path / "..data_tmp").symlink_to("..two")
    (tmp_path / "..data_tmp").rename(tmp_path / "..data")
    assert (CERTIFICATE, KEY) == files.look().taken


def test_half_of_a_pair(tmp_path: Path) -> None:
    """The certificate comes before its key: the last good pair serves, and the new one once its key is there."""
    put(tmp_path, FIRST)
    files = TlsFiles(paths_in(tmp_path), read_whole, ManualClock())
    before = in_force(files)
    write(tmp_path / "tls.crt", SECOND.certificate)
    half = files.look()
    during = in_force(files)
    write(tmp_path / "tls.key", SECOND.key)
    whole = files.look()
    problem = f"{tmp_path}/tls.crt cannot be used with {tmp_path}/tls.key: key values mismatch"
    assert ({CERTIFICATE: problem}, (), before) == (half.problems, half.taken, during)
    assert ({}, (CERTIFICATE, KEY)) == (whole.problems, whole.taken)
    assert before != in_force(files)


@pytest.mark.parametrize(
    ("name", "content", "setting"),
    [
        ("tls.crt", None, CERTIFICATE),
        ("tls.key", None, KEY),
        ("ca.crt", None, CLIENT_CA),
        ("tls.crt", b"", CERTIFICATE),
        ("ca.crt", b"", CLIENT_CA),
        ("ca.crt", SECOND.key, CLIENT_CA),
        ("tls.crt", FIRST.certificate[:-30], CERTIFICATE),
        ("tls.crt", b"x" * (2**20 + 1), CERTIFICATE),
    ],
)
def test_what_cannot_be_used_changes_nothing(name: str, content: bytes | None, setting: str, tmp_path: Path) -> None:
    """A file that is gone, empty, cut off, too long or something else: its setting is named."""
    put(tmp_path, FIRST, OLD_CA.issued)
    files = TlsFiles(paths_in(tmp_path, with_ca=True), read_whole, ManualClock())
    before = in_force(files)
    if content is None:
        (tmp_path / name).unlink()
    else:
        write(tmp_path / name, content)
    look = files.look()
    assert ((), {setting}, before) == (look.taken, set(look.problems), in_force(files))
    assert str(tmp_path / name) in look.problems[setting]


def test_a_removed_ca_is_gone_while_the_certificate_is_broken(tmp_path: Path) -> None:
    """What cannot be used keeps nobody from being shut out."""
    put(tmp_path, FIRST, OLD_CA.issued, NEW_CA.issued)
    files = TlsFiles(paths_in(tmp_path, with_ca=True), read_whole, ManualClock())
    (tmp_path / "tls.key").unlink()
    write(tmp_path / "ca.crt", NEW_CA.issued.pem.encode())
    look = files.look()
    assert ((CLIENT_CA,), {KEY}, {NEW_CA.issued.der}) == (look.taken, set(look.problems), in_force(files)[1])


def test_a_worker_that_begins_while_a_file_is_broken(kept: KeptMemory, tmp_path: Path) -> None:
    """It begins with what another one had in force last, and says what is wrong."""
    put(tmp_path, FIRST, OLD_CA.issued)
    paths = paths_in(tmp_path, with_ca=True)
    other = TlsFiles(paths, read_whole, ManualClock(), kept)
    write(tmp_path / "ca.crt", NEW_CA.issued.pem.encode())
    other.look()
    write(tmp_path / "ca.crt", b"")
    (tmp_path / "tls.key").unlink()
    files = TlsFiles(paths, read_whole, ManualClock(), kept)
    assert ({KEY, CLIENT_CA}, {NEW_CA.issued.der}) == (set(files.first_look.problems), in_force(files)[1])


def test_a_worker_that_was_late(kept: KeptMemory, tmp_path: Path) -> None:
    """The files were good for a moment that only another worker saw: this one follows it, and undoes nothing."""
    put(tmp_path, FIRST, OLD_CA.issued)
    paths = paths_in(tmp_path, with_ca=True)
    other, late = (TlsFiles(paths, read_whole, ManualClock(), kept) for _ in range(2))
    put(tmp_path, SECOND, NEW_CA.issued)
    other.look()
    write(tmp_path / "ca.crt", b"")
    (tmp_path / "tls.key").unlink()
    first, second = late.look(), late.look()
    other.look()
    assert ((CERTIFICATE, KEY, CLIENT_CA), {KEY, CLIENT_CA}) == (first.taken, set(first.problems))
    assert ((), {NEW_CA.issued.der}) == (second.taken, in_force(late)[1])
    assert {NEW_CA.issued.der} == in_force(other)[1]


@pytest.mark.parametrize("gone", ["tls.crt", "tls.key", "ca.crt"])
def test_nobody_serves_with_less(gone: str, kept: KeptMemory, tmp_path: Path) -> None:
    """Without a certificate, and without the client CA that was asked for, there is nothing to begin with."""
    put(tmp_path, FIRST, OLD_CA.issued)
    (tmp_path / gone).unlink()
    with pytest.raises(NothingInForceError, match="does not exist"):
        TlsFiles(paths_in(tmp_path, with_ca=True), read_whole, ManualClock(), kept)
    assert kept.read() is None


def test_what_is_kept_of_other_files_is_nobodys(kept: KeptMemory, tmp_path: Path) -> None:
    """Settings that name other files do not begin with those of before."""
    put(tmp_path, FIRST)
    TlsFiles(paths_in(tmp_path), read_whole, ManualClock(), kept)
    with pytest.raises(NothingInForceError):
        TlsFiles(paths_in(tmp_path, with_ca=True), read_whole, ManualClock(), kept)
