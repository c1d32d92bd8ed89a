"""Finds a demonstration that can be used, or makes one: whatever is in the directory, there is a whole one afterwards.

Rules: one demonstration at a time uses a directory; what is not the demonstration's own is never touched.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from service.demo.errors import NoPkiError, PortTakenError, UnusablePkiError, UsageError
from service.demo.files import Patience, locked
from service.demo.layout import KNOWN, STATE
from service.demo.pki import DemoPki
from service.demo.ports import Listeners

Say = Callable[[str], None]
"""Tells the user something, a line."""


@contextmanager
def own_directory(directory: Path) -> Iterator[None]:
    """Have a directory to oneself; it is made where there is none.

    Raises:
        UsageError: it cannot be written, holds something else, or another demonstration uses it.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        names = {path.name for path in directory.iterdir()}
    except OSError as error:
        raise UsageError(f"{directory} cannot be used: {error.strerror}") from error
    if STATE not in names and not all(_is_ours(name) for name in names):
        raise UsageError(f"{directory} holds something else than a demonstration; name another with --directory")
    try:
        with locked(directory, Patience.GIVE_UP):
            yield
    except BlockingIOError:
        raise UsageError(
            f"another demonstration uses {directory}: stop it, or name another directory with --directory"
        ) from None


def open_pki(directory: Path, at: datetime, say: Say) -> tuple[DemoPki, Listeners]:
    """A complete PKI that does not expire soon, and listeners at the ports that its certificates name.

    Args:
        directory: Where it is, or will be.
        at: The moment.
        say: Is told when a PKI is made, and why.

    Raises:
        PortTakenError: no ports are free.
        UsageError: the directory cannot be written.
    """
    try:
        return _open(directory, at)
    except NoPkiError:
        say(f"Making a demonstration PKI in {directory}: authorities, client certificates, CRLs, OCSP responders.")
    except UnusablePkiError as error:
        say(f"Making the demonstration PKI in {directory} anew: {error.reason}.")
    except PortTakenError as error:
        say(f"Making the demonstration PKI in {directory} anew, with other ports: {error.reason}.")
    listeners = Listeners.anywhere()
    try:
        return DemoPki.create(directory, listeners.ports, at), listeners
    except OSError as error:
        listeners.close()
        raise UsageError(f"{directory} cannot be written: {error}") from error
    except BaseException:
        listeners.close()
        raise


def _open(directory: Path, at: datetime) -> tuple[DemoPki, Listeners]:
    try:
        pki = DemoPki.load(directory, at)
    except OSError as error:
        raise UnusablePkiError(f"{error.filename} cannot be read ({error.strerror})") from error
    return pki, Listeners.at(pki.ports)


def _is_ours(name: str) -> bool:
    # The state file is the first that is written: killed in the middle of it, a demonstration leaves this.
    return name in KNOWN or name.startswith(f".{STATE}.")
