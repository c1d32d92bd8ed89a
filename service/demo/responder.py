"""The OCSP responder: `openssl ocsp`, an implementation that nobody here wrote.

Left to itself (`-port`), OpenSSL's responder listens on every address of the machine, and one client that connects
and says nothing keeps all others waiting. So it is run once for each request (5 ms), without a socket, and ends after
its answer: it reads its index afresh each time, and nothing of it can be left behind.
"""

import shutil
import subprocess
import threading
from typing import Final

from service.demo.errors import UsageError
from service.demo.layout import AuthorityFiles

ANSWER_MINUTES: Final = 5
"""How long an answer is good for: a revocation at the responder alone is to be seen while one watches."""

PROCESSES: Final = 4
"""How many may answer at once."""

PATIENCE_S: Final = 5.0
"""How long one may take: a thousand times what it needs."""


def find_openssl() -> str:
    """Path of the `openssl` command.

    Raises:
        UsageError: there is none.
    """
    path = shutil.which("openssl")
    if path is None:
        raise UsageError(
            "the command openssl is needed for the OCSP responder, and is not there; "
            "on Debian and Ubuntu: apt-get install openssl"
        )
    return path


class NoAnswerError(Exception):
    """`openssl ocsp` has not answered."""


class Responder:
    """Answers OCSP requests for any authority whose files it is shown."""

    def __init__(self, openssl: str) -> None:
        """Take the path of the `openssl` command."""
        self._openssl = openssl
        self._free = threading.Semaphore(PROCESSES)

    def answer(self, request: bytes, authority: AuthorityFiles) -> bytes:
        """The answer to a request, both as DER.

        Raises:
            NoAnswerError: the request is none, or there is something wrong with the files.
        """
        with self._free:
            try:
                done = subprocess.run(  # noqa: S603 - the arguments are our own
                    self._command(authority), input=request, capture_output=True, timeout=PATIENCE_S, check=False
                )
            except (OSError, subprocess.TimeoutExpired) as error:
                raise NoAnswerError(str(error)) from error
        if done.returncode != 0 or not done.stdout:
            raise NoAnswerError(done.stderr.decode("utf-8", "replace"))
        return done.stdout

    def close(self) -> None:
        """Wait for the requests under way, and start no others. None takes longer than `PATIENCE_S`."""
        for _ in range(PROCESSES):
            self._free.acquire(timeout=PATIENCE_S)

    def _command(self, authority: AuthorityFiles) -> tuple[str, ...]:
        return (
            *(self._openssl, "ocsp"),
            *("-index", str(authority.index), "-CA", str(authority.certificate)),
            *("-rsigner", str(authority.responder), "-rkey", str(authority.responder_key)),
            *("-nmin", str(ANSWER_MINUTES)),
            *("-reqin", "-", "-respout", "-"),
        )
