"""Whatever is in the directory, there is a whole PKI afterwards; and what is not the demonstration's is left alone."""

import json
import socket
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from service.demo import files
from service.demo.errors import UsageError
from service.demo.layout import Layout
from service.demo.opening import open_pki, own_directory
from service.demo.pki import DemoPki
from service.demo.ports import Listeners
from service.demo.state import FORMAT
from tests.demo.conftest import CLOCK


class Interrupted(BaseException):
    """What Ctrl-C, or worse, does in the middle of making a PKI."""


def opened(directory: Path) -> tuple[DemoPki, list[str]]:
    """Open a PKI, and give it with what the user was told."""
    said: list[str] = []
    with own_directory(directory):
        pki, listeners = open_pki(directory, CLOCK.now(), said.append)
        listeners.close()
    assert pki == DemoPki.load(directory, CLOCK.now())
    return pki, said


def contents(directory: Path) -> dict[Path, bytes]:
    """Every file below a directory."""
    return {path.relative_to(directory): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def rewrite(path: Path, state: object) -> None:
    """Put JSON into a file."""
    path.write_text(json.dumps(state))


def damage(path: Path) -> None:
    """Cut a file in the middle."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def replace_by_file(path: Path) -> None:
    """Put a file where a directory was."""
    files.remove(path)
    path.write_text("")


def test_first_time(tmp_path: Path) -> None:
    """The directory and all above it are made."""
    directory = tmp_path / "a" / "b"

    _, said = opened(directory)

    assert 1 == len(said)
    assert said[0].startswith(f"Making a demonstration PKI in {directory}:")


def test_second_time(tmp_path: Path) -> None:
    """What is complete is used as it is, ports included, and nothing is said."""
    pki, _ = opened(tmp_path)
    before = contents(tmp_path)

    again, said = opened(tmp_path)

    assert (pki, []) == (again, said)
    assert before == contents(tmp_path)


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda layout: layout.state.unlink(), "Making a demonstration PKI"),
        (lambda layout: layout.state.write_text("{"), "demo.json is damaged"),
        (lambda layout: layout.state.write_bytes(b"\xff"), "demo.json is damaged"),
        (lambda layout: rewrite(layout.state, []), "demo.json is damaged"),
        (
            lambda layout: rewrite(layout.state, {"format": FORMAT, "complete": True, "ports": {}}),
            "demo.json is damaged",
        ),
        (lambda layout: rewrite(layout.state, {"format": FORMAT, "complete": False}), "its making was interrupted"),
        (lambda layout: rewrite(layout.state, {"format": FORMAT - 1, "complete": True}), "another version made it"),
        (lambda layout: layout.certificate("good").unlink(), "good.pem is missing"),
        (lambda layout: damage(layout.certificate("expired")), "expired.pem is damaged"),
        (lambda layout: damage(layout.key("revoked")), "revoked.key is damaged"),
        (lambda layout: damage(layout.request("good")), "good.json is damaged"),
        (lambda layout: damage(layout.authority("sub").crl), "sub.crl is damaged"),
        (lambda layout: layout.authority("sub").index.write_text(""), "index.txt is damaged"),
        (lambda layout: damage(layout.authority("root").index), "index.txt is damaged"),
        (lambda layout: damage(layout.authority("root").responder_key), "responder.key is damaged"),
        (
            lambda layout: layout.authority("root").key.write_bytes(layout.key("ed25519").read_bytes()),
            "certificate.key is damaged",
        ),
        (lambda layout: replace_by_file(layout.directory / "crl"), "cannot be read"),
        (lambda layout: files.remove(layout.directory / "requests"), "is missing"),
    ],
)
def test_spoilt(tmp_path: Path, spoil: Callable[[Layout], object], reason: str) -> None:
    """Whatever is missing or damaged, everything is made anew, and the user is told why."""
    directory = tmp_path / "demo"
    opened(directory)
    spoil(Layout(directory))

    _, said = opened(directory)

    assert 1 == len(said)
    assert reason in said[0]


def test_interrupted_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever was in place when the making was interrupted, the next one makes a whole PKI of it.

    Everything is interrupted that the directory shows, and one of the many files that are written aside.
    """
    rename, replace = Path.rename, Path.replace
    steps = 0

    def counted(original: Callable[[Path, Path], Path]) -> Callable[[Path, Path], Path]:
        def step(self: Path, target: Path) -> Path:
            nonlocal steps
            steps -= original is rename or target.name in {"demo.json", "good.pem"}
            if steps < 0:
                raise Interrupted
            return original(self, target)

        return step

    monkeypatch.setattr(Path, "rename", counted(rename))
    monkeypatch.setattr(Path, "replace", counted(replace))
    interruptions = 0
    while True:
        directory = tmp_path / str(interruptions)
        steps = interruptions
        try:
            opened(directory)
        except Interrupted:
            interruptions += 1
            steps = 1_000
            opened(directory)
        else:
            break
    assert 8 == interruptions  # beginning, a file, five directories, end


def test_killed_while_the_first_file_was_written(tmp_path: Path) -> None:
    """What is left then is known to be the demonstration's own."""
    (tmp_path / ".demo.json.x7").write_text("")

    opened(tmp_path)


def test_about_to_expire(tmp_path: Path) -> None:
    """A PKI that is a year old is replaced, with the service's data, which is about the old one."""
    with Listeners.anywhere() as listeners:
        old = DemoPki.create(tmp_path, listeners.ports, CLOCK.now() - timedelta(days=330))
    old.layout.data.mkdir()
    before = old.layout.certificate("good").read_bytes()

    pki, said = opened(tmp_path)

    assert "expires on" in said[0]
    assert before != pki.layout.certificate("good").read_bytes()
    assert not pki.layout.data.exists()


def test_port_taken(tmp_path: Path) -> None:
    """Where another program has taken a port, a PKI with other ports is made, and the user is told."""
    pki, _ = opened(tmp_path)
    with socket.create_server(("127.0.0.1", pki.ports.ocsp)):
        again, said = opened(tmp_path)

    assert 1 == len(said)
    assert f"port {pki.ports.ocsp} on 127.0.0.1 is taken by another program" in said[0]
    assert pki.ports.ocsp not in {again.ports.crl, again.ports.ocsp}


@pytest.mark.parametrize("name", ["notes.txt", "certificates.bak"])
def test_directory_of_somebody_else(tmp_path: Path, name: str) -> None:
    """A directory that holds something else is not touched."""
    (tmp_path / name).write_text("mine")
    (tmp_path / "certificates").mkdir()

    with pytest.raises(UsageError, match="holds something else"), own_directory(tmp_path):
        pass

    assert {name, "certificates"} == {path.name for path in tmp_path.iterdir()}


def test_a_note_among_the_files(tmp_path: Path) -> None:
    """What somebody has put into a demonstration's directory survives a new PKI."""
    opened(tmp_path)
    (tmp_path / "notes.txt").write_text("mine")
    Layout(tmp_path).certificate("good").unlink()

    opened(tmp_path)

    assert "mine" == (tmp_path / "notes.txt").read_text()


def test_links_are_not_followed(tmp_path: Path) -> None:
    """Where a part is a link to somewhere else, the link is replaced, not what it leads to."""
    directory, elsewhere = tmp_path / "demo", tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "mine").write_text("")
    directory.mkdir()
    (directory / "certificates").symlink_to(elsewhere)

    opened(directory)

    assert (elsewhere / "mine").exists()
    assert ["mine"] == [path.name for path in elsewhere.iterdir()]


def test_two_in_one_directory(tmp_path: Path) -> None:
    """One demonstration at a time."""
    with (
        own_directory(tmp_path),
        pytest.raises(UsageError, match="another demonstration uses"),
        own_directory(tmp_path),
    ):
        pass


def test_no_directory_at_all(tmp_path: Path) -> None:
    """A file where the directory should be is said to be in the way."""
    (tmp_path / "demo").write_text("")

    with pytest.raises(UsageError, match="cannot be used"), own_directory(tmp_path / "demo"):
        pass
