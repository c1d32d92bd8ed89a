"""The client: real curl against real sockets."""

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from service.demo.ports import LOOPBACK
from service.demo.story import curl as curl_module
from service.demo.story.curl import Answer, Closed, Curl, read_answer
from service.demo.story.errors import StoryError
from service.demo.story.programs import Programs

PATIENCE_S: Final = 10.0
"""How long a server waits for a curl that may never come."""


@contextmanager
def server(answer: bytes | None, seen: list[bytes] | None = None) -> Iterator[str]:
    """Somebody who reads one request, answers with these octets, and closes; None: waits until curl is gone."""
    with socket.create_server((LOOPBACK, 0)) as listener:
        listener.settimeout(PATIENCE_S)

        def serve() -> None:
            connection, _ = listener.accept()
            connection.settimeout(PATIENCE_S)
            with connection:
                request = connection.recv(65_536)
                if seen is not None:
                    seen.append(request)
                if answer is None:
                    connection.recv(1)
                else:
                    connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://{LOOPBACK}:{listener.getsockname()[1]}/"
        thread.join()


def test_answer(curl: Curl) -> None:
    """Status, headers and body are those that came."""
    with server(b"HTTP/1.1 403 Forbidden\r\nX-One: a: b\r\nX-Two:c\r\nX-One: d\r\n\r\n{}\r\n\r\nmore") as url:
        answer = curl.ask((url,))

    assert Answer(403, (("x-one", "a: b"), ("x-two", "c"), ("x-one", "d")), "{}\r\n\r\nmore") == answer
    assert "a: b" == answer.header("X-One")
    assert answer.header("x-three") is None


@pytest.mark.parametrize(
    ("printed", "status"),
    [
        (b"HTTP/2 204 \r\n\r\n", 204),
        (b"HTTP/1.0 200 OK\r\n\r\nbody", 200),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nA: b\r\n\r\n", 201),
    ],
)
def test_forms_of_answers(printed: bytes, status: int) -> None:
    """Every version of HTTP, and the last of several answers."""
    assert status == read_answer(printed).status


@pytest.mark.parametrize("printed", [b"", b"hello", b"HTTP/1.1 OK\r\n\r\n"])
def test_no_answer(printed: bytes) -> None:
    """What has no status is not taken for an answer."""
    with pytest.raises(StoryError, match="no answer"):
        read_answer(printed)


def test_closed(curl: Curl) -> None:
    """A server that closes without a word has refused."""
    with server(b"") as url:
        outcome = curl.ask((url,))

    assert isinstance(outcome, Closed)
    assert outcome.complaint.startswith("curl: (52)")


def test_nobody_there_is_no_refusal(curl: Curl) -> None:
    """A port at which nobody listens is a failure of the story, and must not look like a door that is shut."""
    with socket.socket() as unused:
        unused.bind((LOOPBACK, 0))
        url = f"http://{LOOPBACK}:{unused.getsockname()[1]}/"
        with pytest.raises(StoryError, match=rf"\(7\).*curl -isS {url}"):
            curl.ask((url,))


def test_wrong_arguments_are_no_refusal(curl: Curl) -> None:
    """Neither is a certificate that is not there."""
    with pytest.raises(StoryError, match=r"none\.pem"):
        curl.ask(("--cert", "none.pem", f"https://{LOOPBACK}:1/"))


def test_silence_is_no_refusal(curl: Curl, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither is a server that says nothing."""
    monkeypatch.setattr(curl_module, "PATIENCE_S", 0.2)
    with server(None) as url, pytest.raises(StoryError, match="no answer within"):
        curl.ask((url,))


def test_the_users_own_settings_do_not_count(
    programs: Programs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No proxy, and no .curlrc: what is shown is what is run."""
    home = tmp_path / "home"
    home.mkdir()
    (home / ".curlrc").write_text('header = "X-Mine: yes"\n')
    for name in ("HOME", "CURL_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(home))
    monkeypatch.setenv("http_proxy", f"http://{LOOPBACK}:1")
    seen: list[bytes] = []

    with server(b"HTTP/1.1 204 No Content\r\n\r\n", seen) as url:
        answer = Curl(programs, tmp_path).ask((url,))

    assert Answer(204, (), "") == answer
    assert b"X-Mine" not in seen[0]
    assert os.environ["HOME"] == str(home)


def test_files_are_found_by_their_short_names(curl: Curl, tmp_path: Path) -> None:
    """Names are those of the directory."""
    (tmp_path / "body.json").write_text('{"a": 1}')
    seen: list[bytes] = []
    with server(b"HTTP/1.1 201 Created\r\n\r\n", seen) as url:
        curl.ask(("-d", "@body.json", url))

    assert seen[0].endswith(b'\r\n\r\n{"a": 1}')


def test_line() -> None:
    """What is shown can be pasted."""
    assert "curl -isS -H 'A: b c' https://127.0.0.1:1/" == Curl.line(("-H", "A: b c", "https://127.0.0.1:1/"))
