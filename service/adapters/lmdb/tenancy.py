"""Who may have the store open at the same time.

Rules it keeps: a process opens a store once, and a child that inherited an open store by fork opens none (LMDB's locks
belong to a process and a file; a second opening shares and then drops them); all processes that have it open are of one
PID namespace (LMDB tells readers apart by process number, and two containers both have a process 1); one process at a
time publishes CRLs.

What it does not do: wait for another process to go away. The kernel drops the locks of a process that died.
"""

import fcntl
import os
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

import structlog

from service.adapters.lmdb.errors import Translating
from service.application.evidence_store import StoreError

NAMESPACE = Path("/proc/self/ns/pid")

NAMESPACE_LOCK = "namespace.lock"
INGESTER_LOCK = "ingester.lock"
SERVICE_LOCK = "service.lock"

NAMESPACE_OCTETS = 64
"""Room for `pid:[4026531836]`."""

SETTLING_S = 2.0
"""How long a namespace file names another namespace before that is believed; processes that start together agree
within milliseconds."""

WRITING_S = 60.0
"""How long one process may take to write the namespace file: a disk that has much to write lets it wait for seconds,
and whoever gives up ends the service with a code after which nobody starts it again. As long as a child may take until
it is heard first."""

SETTLING_STEP_S = 0.005

LEAVING_S = 600.0
"""How long the processes of a service that was killed may take to end. They hear of it at once, but for the one that
looks at the store: it reads up to `MAP_OCTETS`, 512 MiB, and a disk that gives a MiB a second is as slow as any that is
used. Whoever gives up ends with a code after which nobody starts it again, and this passes by itself. Another service
is no case for it: `only_service` refuses that at once."""

WAITING_IS_SAID_S = 5.0
"""After how long it is said that they are waited for."""

_opened: set[tuple[int, int]] = set()
"""Stores that this process, or the one it was forked from, has open: device and inode of their directories."""
_opened_lock = Lock()


@contextmanager
def alone_in_process(path: Path) -> Generator[None]:
    """Hold a store for this process.

    Raises:
        StoreError: this process has it open already.
    """
    with Translating(f"cannot use the store's directory {path}"):
        status = path.stat()
    identity, owner = (status.st_dev, status.st_ino), os.getpid()
    with _opened_lock:
        if identity in _opened:
            raise StoreError(f"the store at {path} is open in this process, or was when it was forked: open it once")
        _opened.add(identity)
    try:
        yield
    finally:
        # A forked child lets go of nothing: what it inherited is still open.
        if os.getpid() == owner:
            with _opened_lock:
                _opened.discard(identity)


@contextmanager
def same_pid_namespace(path: Path) -> Generator[None]:
    """Hold a store together with the processes of this PID namespace.

    Raises:
        StoreError: a process of another PID namespace has it open.
    """
    with _lock_file(path / NAMESPACE_LOCK) as descriptor:
        with Translating(f"cannot lock the store at {path}"):
            _agree(descriptor, _pid_namespace(), path)
        yield


@contextmanager
def only_ingester(path: Path) -> Generator[None]:
    """Hold the right to publish CRLs.

    Raises:
        StoreError: another process has it.
    """
    taken = f"another process publishes CRLs into the store at {path}: there is one ingester"
    with _only_holder(path, INGESTER_LOCK, taken):
        yield


@contextmanager
def only_service(path: Path) -> Generator[None]:
    """Hold the directory for one service, from before its first process is started until after its last one has ended.

    Raises:
        StoreError: another service has it.
    """
    taken = f"another service uses the store at {path}: give each service a directory of its own"
    with _only_holder(path, SERVICE_LOCK, taken):
        yield


@contextmanager
def nobody_has_it_open(path: Path) -> Generator[int]:
    """Hold the store while no process has it open: those of a service that was killed are on their way out.

    Yields:
        The descriptor that the lock belongs to; a process that inherits it holds the store as well.

    Raises:
        StoreError: some process has it open.
    """
    with _lock_file(path / NAMESPACE_LOCK) as descriptor:
        begun, is_said = time.monotonic(), False
        with Translating(f"cannot lock the store at {path}"):
            while not _try_lock(descriptor, fcntl.LOCK_EX):
                waited_s = time.monotonic() - begun
                if waited_s > WAITING_IS_SAID_S and not is_said:
                    structlog.get_logger("revet").warning(
                        "store_waited_for", store=os.fspath(path), at_most_s=LEAVING_S
                    )
                    is_said = True
                if waited_s > LEAVING_S:
                    raise StoreError(
                        f"processes of another service, or of another container, have the store at {path} open: give "
                        "each service a directory of its own, or wait until they have ended"
                    )
                time.sleep(SETTLING_STEP_S)
        yield descriptor


def _pid_namespace() -> bytes:
    try:
        return os.fsencode(NAMESPACE.readlink())
    except OSError:
        return b"unknown"


@contextmanager
def _only_holder(path: Path, lock: str, taken: str) -> Generator[None]:
    """Hold a lock of the store's that nobody else has, or say that it is taken."""
    with _lock_file(path / lock) as descriptor:
        with Translating(f"cannot lock the store at {path}"):
            is_alone = _try_lock(descriptor, fcntl.LOCK_EX)
        if not is_alone:
            raise StoreError(taken)
        yield


@contextmanager
def _lock_file(path: Path) -> Generator[int]:
    """An open file to lock; closing it drops the lock."""
    with Translating(f"cannot open {path}"):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _try_lock(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _agree(descriptor: int, own: bytes, path: Path) -> None:
    """End with a shared lock on a file that names this process' namespace.

    Whoever finds nobody else there writes its namespace down. Changing an exclusive lock into a shared one is not
    atomic (flock(2)), and so the file is read again afterwards.
    """
    begun = time.monotonic()
    while True:
        if _try_lock(descriptor, fcntl.LOCK_EX) and os.pread(descriptor, NAMESPACE_OCTETS, 0) != own:
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, own, 0)
        found = b""
        if _try_lock(descriptor, fcntl.LOCK_SH):
            found = os.pread(descriptor, NAMESPACE_OCTETS, 0)
            if found == own:
                return
            fcntl.flock(descriptor, fcntl.LOCK_UN)
        waited_s = time.monotonic() - begun
        if waited_s > WRITING_S and not found:
            raise StoreError(f"a process holds {path / NAMESPACE_LOCK} and does not write: wait until it has ended")
        if waited_s > SETTLING_S and found:
            raise StoreError(
                f"the store at {path} is open in another PID namespace ({found.decode(errors='replace')}, this one is "
                f"{own.decode(errors='replace')}): give each container a directory of its own"
            )
        time.sleep(SETTLING_STEP_S)
