"""The client: `curl`, run once for each request, in a directory where certificates have short names.

The line that is shown is the line that is run. Nothing of the user's own changes it: no `.curlrc`, no proxy.
Certificates of servers are verified, always.
"""

import re
import shlex
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

from service.demo.story.errors import StoryError
from service.demo.story.programs import Programs

PATIENCE_S: Final = 10.0
"""How long one request may take: a hundred times what it needs, since other things run on the machine too."""

OPTIONS: Final = ("-isS",)
"""Show the answer's status and headers, no progress, and complaints all the same."""

CLOSED: Final = frozenset({35, 52, 55, 56})
"""What curl ends with when the server ends TLS instead of answering: in the handshake (35), before it has sent anything
(52), while the request is sent (55), or while the answer is awaited (56). In TLS 1.3 the client learns after the
handshake, from its side, that its certificate was not wanted (RFC 8446 §4.4.2.4 and appendix E.1.2)."""

_STATUS: Final = re.compile(r"HTTP/[0-9.]+ ([0-9]{3})")


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer to a request.

    Attributes:
        status: Of HTTP.
        headers: Name in lower case and value, in their order.
        body: As text.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    body: str

    def header(self, name: str) -> str | None:
        """The first value of a header, in whatever case of letters; None where it is not there."""
        return next((value for found, value in self.headers if found == name.lower()), None)


@dataclass(frozen=True, slots=True)
class Closed:
    """There was no answer: the server has ended the connection.

    Attributes:
        complaint: What curl says of it.
    """

    complaint: str


Outcome: TypeAlias = Answer | Closed


class Curl:
    """Runs `curl`."""

    def __init__(self, programs: Programs, directory: Path) -> None:
        """Take what is run, and the directory in which its arguments are names of files."""
        self._program = programs.curl
        self._directory = directory
        # All of its environment: no proxy, and a home directory without a .curlrc.
        self._environment = {"PATH": programs.search_path, "HOME": str(directory), "LC_ALL": "C"}

    @staticmethod
    def line(arguments: Sequence[str]) -> str:
        """What one would type."""
        return shlex.join(("curl", *OPTIONS, *arguments))

    def ask(self, arguments: Sequence[str]) -> Outcome:
        """Send one request.

        Raises:
            StoryError: curl failed for another reason than that the server has refused.
        """
        try:
            done = subprocess.run(  # noqa: S603 - the arguments are our own
                (self._program, *OPTIONS, *arguments),
                cwd=self._directory,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=PATIENCE_S,
                check=False,
                start_new_session=True,  # a Ctrl-C is ours: it must not look like a refusal
            )
        except subprocess.TimeoutExpired:
            raise StoryError(f"no answer within {PATIENCE_S:.0f} s: {self.line(arguments)}") from None
        if done.returncode == 0:
            return read_answer(done.stdout)
        complaint = done.stderr.decode("utf-8", "replace").strip()
        if done.returncode in CLOSED:
            return Closed(complaint)
        raise StoryError(f"{complaint or f'curl ended with {done.returncode}'}: {self.line(arguments)}")


def read_answer(printed: bytes) -> Answer:
    """What `curl -i` has printed, interim answers left out.

    Raises:
        StoryError: it is no answer of HTTP.
    """
    head, _, body = printed.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    found = _STATUS.match(first)
    if found is None:
        raise StoryError(f"curl printed something that is no answer: {first[:80]!r}")
    if found[1].startswith("1"):
        return read_answer(body)
    fields = (line.partition(":") for line in lines)
    headers = tuple((name.lower(), value.strip()) for name, _, value in fields)
    return Answer(int(found[1]), headers, body.decode("utf-8", "replace"))
