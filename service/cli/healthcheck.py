"""`revet healthcheck`: whether the service of this container lives, for `HEALTHCHECK` and its like.

Rules it keeps:

- It asks where the service listens by its settings, on loopback where that is everywhere.
- It reads the few settings that say so, and no others: what was written wrong since the start is no reason to have a
  service restarted that goes on with what it had, and would not come back.
- It ends within its time, and is quick: a container runtime starts it every few seconds. So it imports neither the
  settings nor the other commands (`service.__main__`).
- It sends no token, for `/healthz` asks for none. Over TLS it believes only the certificate of `REVET_TLS_CERT`, as
  long as the files are such that the service can show that; where they are not, it says so and compares nothing
  (`Target.ask`).
- Where the first process of the container is `revet prefetch`, which listens nowhere, nobody is asked: what counts is
  whether that process moves (`_look_at_fetcher`).

What it does not do: show a certificate. Where callers must present one, `REVET_MANAGEMENT_PORT` is needed.
"""

import os
import socket
import ssl
import time
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Final, Self

import typer

from service.adapters.tls.contexts import Pair, make_context
from service.application.tls_material import TlsMaterialError

LIVES: Final = "/healthz"
READY: Final = "/readyz"

EXIT_UNHEALTHY: Final = 1
"""The one code of failure: container runtimes keep 2 for themselves."""

TIMEOUT_S: Final = 3.0
"""Seconds for everything after the settings are read: less than the image's HEALTHCHECK allows."""

_LOOK_S: Final = 0.05
"""Seconds between two looks at a process."""

_AGAIN_S: Final = 0.25
"""Seconds between two looks at a certificate that is not that of the file: the service takes a new one within 2."""

_FIRST_PROCESS: Final = Path("/proc/1")
"""Of the container that this runs in; on a machine without containers its init, which is never ours."""

_ENOUGH_S: Final = 1.0
"""Seconds for one look: where fewer are left, what was seen last counts."""

_LONGEST_STATUS_LINE: Final = 256
"""Octets: five times what ours has."""

_DEFAULT_PORT: Final = 8080
_MAX_PORT: Final = 65_535

_REQUEST: Final = "GET {} HTTP/1.1\r\nHost: localhost\r\nUser-Agent: revet-healthcheck\r\nConnection: close\r\n\r\n"

_EVERYWHERE: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - what is listened at, and where to ask then

_BEGIN_OF_LEAF: Final = b"-----BEGIN CERTIFICATE-----"
_END_OF_LEAF: Final = b"-----END CERTIFICATE-----"

ConfigOption = Annotated[Path | None, typer.Option("--config", help="TOML file with settings (REVET_CONFIG).")]
ReadyOption = Annotated[
    bool, typer.Option("--ready", help="Ask whether it decides (/readyz): for who waits for it, not who restarts it.")
]
TimeoutOption = Annotated[float, typer.Option("--timeout", min=0.1, max=60.0, help="Seconds to wait at most.")]


class UnhealthyError(Exception):
    """The service did not say that it lives. The message says what it did."""


class ShownAnotherError(UnhealthyError):
    """Whoever listens there has another certificate than the file."""


@dataclass(frozen=True, slots=True)
class Target:
    """Who is asked.

    Attributes:
        host: An address or a name.
        port: Of the management interface where there is one, of the API otherwise.
        certificate: The file of what is shown there; None for plain HTTP.
        key: That of its key; None where no setting names one, with which no service has started.
        path: What is asked for.
    """

    host: str
    port: int
    certificate: Path | None = None
    key: Path | None = None
    path: str = LIVES

    @classmethod
    def of(cls, config: Path | None, environment: Mapping[str, str]) -> Self:
        """Where the service listens by its settings.

        Args:
            config: The TOML file; None for the one of `REVET_CONFIG`, if any.
            environment: `os.environ`.

        Raises:
            UnhealthyError: they do not tell, or it cannot be asked there.
        """
        settings = _Settings.read(config, environment)
        management = settings.port("management_port")
        host = settings.text("host") or "127.0.0.1"
        if management is not None:
            host, certificate = settings.text("management_host") or host, ""
        else:
            certificate = settings.text("tls_cert")
            if certificate and settings.text("tls_client_ca"):
                raise UnhealthyError(
                    "REVET_TLS_CLIENT_CA has callers present a certificate, and this has none: "
                    "give REVET_MANAGEMENT_PORT"
                )
        port = management or settings.port("port") or _DEFAULT_PORT
        key = settings.text("tls_key")
        return cls(
            _EVERYWHERE.get(host, host),
            port,
            Path(certificate) if certificate else None,
            Path(key) if certificate and key else None,
        )

    @property
    def url(self) -> str:
        """For messages."""
        scheme = "http" if self.certificate is None else "https"
        return f"{scheme}://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}{self.path}"

    def ask(self, timeout_s: float = TIMEOUT_S) -> str:
        """Ask until it is answered, or somebody else has answered for as long as the service takes to read its files.

        A service whose files were spoiled, or replaced by half, goes on with what it had, and nobody but its processes
        has that any more. If it were called dead for it, it would be replaced by one that cannot start. So nothing is
        compared then. That risks no more than a wrong answer to this question, at an address of this machine: there
        is nothing secret in what is sent, and nothing but a status is read of what comes back.

        Args:
            timeout_s: Seconds for all of it.

        Returns:
            What somebody should be told although it lives; empty for nothing.

        Raises:
            UnhealthyError: it did not answer 200.
        """
        give_up_at = time.monotonic() + timeout_s
        if self.certificate is None:
            self._ask_once(None, give_up_at, timeout_s)
            return ""
        while True:
            unusable = "" if self.key is None else _what_is_wrong(self.certificate, self.key)
            context = _comparing_nothing() if unusable else _believing(self.certificate)
            try:
                self._ask_once(context, give_up_at, timeout_s)
            except ShownAnotherError:
                # The files may have been replaced a moment ago.
                if time.monotonic() + _ENOUGH_S > give_up_at:
                    raise
                time.sleep(_AGAIN_S)
            else:
                return unusable and (
                    f"{self.url} lives, and a new start would fail: REVET_TLS_CERT and REVET_TLS_KEY cannot be used "
                    f"({unusable}), so that its certificate could not be compared"
                )

    def _ask_once(self, context: ssl.SSLContext | None, give_up_at: float, timeout_s: float) -> None:
        try:
            with socket.create_connection((self.host, self.port), _left(give_up_at)) as plain:
                _wait_until(give_up_at, plain)
                with plain if context is None else context.wrap_socket(plain) as connection:
                    connection.sendall(_REQUEST.format(self.path).encode())
                    status = _status(connection, give_up_at)
        except TimeoutError:
            raise UnhealthyError(f"{self.url} did not answer within {timeout_s:g} s") from None
        except ssl.SSLCertVerificationError as error:
            raise ShownAnotherError(
                f"{self.url} does not show what REVET_TLS_CERT has: {error.verify_message}"
            ) from None
        except OSError as error:
            raise UnhealthyError(f"{self.url} could not be asked: {error.strerror or error}") from None
        if status != "200":
            raise UnhealthyError(f"{self.url} answered {status or 'with nothing that is HTTP'}")


@dataclass(frozen=True, slots=True)
class _Settings:
    """The settings as they are written: the environment, and below it the file."""

    environment: Mapping[str, str]
    file: Mapping[str, object]

    @classmethod
    def read(cls, config: Path | None, environment: Mapping[str, str]) -> Self:
        named = config or environment.get("REVET_CONFIG")
        try:
            file = tomllib.loads(Path(named).read_text("utf-8-sig")) if named else {}
        except (OSError, ValueError):
            file = {}  # The service said so when it read it. What the environment says holds all the same.
        return cls(environment, file)

    def text(self, name: str) -> str:
        """Write a setting as text; empty where it is absent."""
        given = self.environment.get(f"REVET_{name.upper()}", "").strip()
        return given or str(self.file.get(name, "")).strip()

    def port(self, name: str) -> int | None:
        """Take a port; None where it is absent.

        Raises:
            UnhealthyError: it is none, or nobody knows which.
        """
        variable = f"REVET_{name.upper()}"
        given = self.text(name)
        if given.startswith(("tcp://", "udp://", "sctp://")):  # what Kubernetes writes for a Service called `revet`
            given = str(self.file.get(name, ""))
        if not given:
            return None
        if not given.isdecimal() or not 0 <= int(given) <= _MAX_PORT:
            raise UnhealthyError(f"{variable} is no port")
        if int(given) == 0:
            raise UnhealthyError(f"{variable} is 0: only the service's log tells which port the kernel has chosen")
        return int(given)


def healthcheck(config: ConfigOption = None, timeout: TimeoutOption = TIMEOUT_S, *, ready: ReadyOption = False) -> None:
    """Ask the service that has these settings whether it lives. Exit code 0: yes, 1: no, or nobody can tell."""
    try:
        if _prefetches(_FIRST_PROCESS):
            _look_at_fetcher(_FIRST_PROCESS, timeout, ready=ready)
            return
        target = Target.of(config, os.environ)
        warning = replace(target, path=READY if ready else LIVES).ask(timeout)
    except UnhealthyError as error:
        typer.echo(f"revet: {error}", err=True)
        raise typer.Exit(EXIT_UNHEALTHY) from None
    if warning:
        typer.echo(f"revet: {warning}", err=True)


def _prefetches(process: Path) -> bool:
    """Whether a process is `revet prefetch`, by its directory below /proc."""
    try:
        words = (process / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return any(first.endswith(b"/revet") and second == b"prefetch" for first, second in pairwise(words))


def _look_at_fetcher(process: Path, timeout_s: float, *, ready: bool) -> None:
    """Wait until its main thread has been on a processor: one that lives looks after its fleet every two seconds.

    Args:
        process: Its directory below /proc.
        timeout_s: Seconds to wait at most.
        ready: Whether it is asked for what it never does.

    Raises:
        UnhealthyError: it does not move, or is to answer.
    """
    if ready:
        raise UnhealthyError("this is `revet prefetch`, which answers nobody: it is never ready to")
    give_up_at = time.monotonic() + timeout_s
    before = _time_on_processor(process)
    while before and _time_on_processor(process) == before:
        if time.monotonic() > give_up_at:
            raise UnhealthyError(f"`revet prefetch` has not moved for {timeout_s:g} s")
        time.sleep(_LOOK_S)


def _time_on_processor(process: Path) -> bytes:
    """How long its main thread has been on one, in nanoseconds; empty where the kernel does not tell (proc(5))."""
    try:
        return (process / "schedstat").read_bytes().split(b" ")[0]
    except OSError:
        return b""


def _believing(file: Path) -> ssl.SSLContext:
    """Believe the first certificate of a file, and nobody else.

    Raises:
        UnhealthyError: the file cannot be used.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # It is asked by an address of this machine, which no certificate has to name: instead of a name, the whole
    # certificate is compared, since none but the one of the file is an anchor.
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    try:
        leaf, end, _ = file.read_bytes().partition(_END_OF_LEAF)
        begun = max(leaf.rfind(_BEGIN_OF_LEAF), 0)  # what is before it may be in any language
        context.load_verify_locations(cadata=(leaf[begun:] + end).decode("ascii"))
    except (OSError, ValueError) as error:
        raise UnhealthyError(f"REVET_TLS_CERT cannot be used: {getattr(error, 'strerror', None) or error}") from None
    return context


def _what_is_wrong(certificate: Path, key: Path) -> str:
    """Why a service cannot take this pair; empty where it can."""
    try:
        make_context(Pair(certificate.read_bytes(), key.read_bytes()), None)
    except OSError as error:
        return f"{error.filename}: {error.strerror}"
    except TlsMaterialError as error:
        return str(error)
    return ""


def _comparing_nothing() -> ssl.SSLContext:
    """Shake hands with anybody: for a question without a secret to an address of this machine (`Target.ask`)."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _status(connection: socket.socket, give_up_at: float) -> str:
    """The status of the answer as text; empty where it is not HTTP.

    Raises:
        OSError: the connection broke, or time is up.
    """
    line = b""
    while b"\n" not in line and len(line) < _LONGEST_STATUS_LINE:
        _wait_until(give_up_at, connection)
        received = connection.recv(_LONGEST_STATUS_LINE - len(line))
        if not received:
            break
        line += received
    words = line.partition(b"\r\n")[0].split(b" ")
    return words[1].decode("ascii", "replace") if words[0].startswith(b"HTTP/1.") and words[1:] else ""


def _wait_until(moment: float, connection: socket.socket) -> None:
    """Have the connection wait no longer than until then.

    Raises:
        TimeoutError: that is over.
    """
    connection.settimeout(_left(moment))


def _left(moment: float) -> float:
    """Seconds until then.

    Raises:
        TimeoutError: that is over.
    """
    left = moment - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left
