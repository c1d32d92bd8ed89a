"""Making a store ready, before any process of a service opens it: looked at, brought forward, or made.

Rules it keeps: it is done by whoever holds the directory for its service, while nobody has the store open; a store that
is not what it should be is refused, with a message, and left as it is; where there is none, one is made, unless
anything shows that there was one (`_TRACES`): what was blocked is not forgotten silently.

LMDB may end the process that reads a damaged file, by a signal. So it is done by a process of its own
(`python -m service.adapters.lmdb.readying`), which also holds the lock: if whoever started it is killed meanwhile, the
next service waits until it has ended.

What it does not do: read what rows say. Whoever uses them does, and never takes a damaged one for none.
"""

import json
import os
import signal
import subprocess
import sys
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Final

import lmdb

from service.adapters.lmdb.directory import OWNER_ONLY
from service.adapters.lmdb.environment import (
    ABOUT,
    FORMAT_KEY,
    MAP_OCTETS,
    make_environment,
    open_untouched,
    remove_unfinished,
    reserve_locks,
)
from service.adapters.lmdb.errors import room_left
from service.adapters.lmdb.layout import BUILDING, GENERATIONS, HOT
from service.adapters.lmdb.migration import BroughtForward, bring_forward, steps_from
from service.adapters.lmdb.tenancy import INGESTER_LOCK, nobody_has_it_open
from service.application.evidence_store import StoreError

_REFUSED: Final = 78
"""Exit code of the process that looks: what it has written says why."""

_TRACES: Final = (GENERATIONS, BUILDING, INGESTER_LOCK)
"""What every store has that a process of a service has opened, whatever it held: each of them is made by whoever opens
it, and so after the environment was whole and on the disk. A start that was cut off earlier has left none of them, and
nothing can have been blocked before. The other locks are taken earlier, and what is beside the store's directory stays
where that is removed on purpose: neither shows anything."""

WHAT_TO_DO: Final = (
    "Nothing was changed. Restore it, or remove the directory of the store: CRLs and OCSP answers are fetched again, "
    "but blocks, and the newest CRL numbers seen, are forgotten"
)


def ready_store(path: Path) -> BroughtForward | None:
    """Make a store ready to be opened.

    Args:
        path: Its directory, which this process holds for its service.

    Returns:
        What became of an older store; None where there was none.

    Raises:
        StoreError: it cannot be used; says why.
    """
    with nobody_has_it_open(path) as lock:
        try:
            # Not waited for with a limit: a slow disk is no reason to begin without what is on it.
            done = subprocess.run(  # noqa: S603 - the program comes from this service, not from outside
                (sys.executable, "-m", __name__, os.fspath(path)),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                pass_fds=(lock,),
                check=False,
            )
        except OSError as error:
            raise StoreError(f"nobody can look at the store at {path}: {error}") from error
    if done.returncode < 0:
        raise StoreError(
            f"the store at {path} is damaged: {signal.Signals(-done.returncode).name} ended the process that read it. "
            f"{WHAT_TO_DO}"
        )
    answer = _answer(done.stdout)
    if done.returncode == _REFUSED and isinstance(answer, str):
        raise StoreError(f"the store at {path} cannot be used: {answer}")
    if done.returncode != 0:
        raise StoreError(f"nobody could look at the store at {path}: exit code {done.returncode}")
    return BroughtForward(**answer) if isinstance(answer, dict) else None


def _answer(written: bytes) -> object:
    try:
        return json.loads(written)
    except ValueError:
        return None


def look_and_bring_forward(path: Path) -> BroughtForward | None:
    """What the process of its own does.

    Raises:
        StoreError: the store cannot be used.
        OSError: likewise.
        lmdb.Error: likewise.
    """
    hot = path / HOT
    remove_unfinished(hot)
    if _is_new(path):
        make_environment(hot, MAP_OCTETS)
        return None
    with closing(open_untouched(hot)) as environment:
        _check_whole(environment)
        is_older = bool(steps_from(_format(environment)))
    reserve_locks(hot)
    return bring_forward(hot) if is_older else None


def _is_new(path: Path) -> bool:
    """Whether there was never a store.

    Raises:
        StoreError: there was one, and it is lost.
    """
    hot = path / HOT
    if hot.is_symlink() or (hot.exists() and not hot.is_dir()):
        raise StoreError(f"{hot} is not a directory")
    if hot.exists() and any(hot.iterdir()):
        return False
    traces = [name for name in _TRACES if os.path.lexists(path / name)]
    if traces:
        raise StoreError(
            f"{hot} is {'empty' if hot.exists() else 'missing'}, and there was a store ({', '.join(traces)}): what it "
            f"held is lost. {WHAT_TO_DO}"
        )
    return True


def _format(environment: lmdb.Environment) -> bytes | None:
    try:
        about = environment.open_db(ABOUT, create=False)
    except lmdb.Error:
        return None
    with environment.begin() as transaction:
        found: bytes | None = transaction.get(FORMAT_KEY, db=about)
    return found


def _check_whole(environment: lmdb.Environment) -> None:
    """Walk through every key: each database has as many as it says, and in order.

    Raises:
        StoreError: one does not.
        lmdb.Error: a page is none.
    """
    with environment.begin() as transaction, transaction.cursor() as cursor:
        names = [bytes(name) for name in cursor.iternext(values=False)]
    for name in names:
        try:
            database = environment.open_db(name, create=False)
        except lmdb.IncompatibleError:
            raise StoreError(f"it is not one of Revet's: {ascii(name)[2:-1]} is no database") from None
        with environment.begin() as transaction, transaction.cursor(db=database) as cursor:
            rows, last = 0, b""
            for key in cursor.iternext(values=False):
                if key < last:
                    raise _damaged(name, "keys are not in order")
                rows, last = rows + 1, key
            if rows != transaction.stat(database)["entries"]:
                raise _damaged(name, f"{rows} of {transaction.stat(database)['entries']} rows can be found")


def _damaged(name: bytes, what: str) -> StoreError:
    return StoreError(f"{ascii(name)[2:-1]} is damaged: {what}. {WHAT_TO_DO}")


def main(path: Path) -> int:
    """Do it, write down what became of it, and give the exit code."""
    os.umask(0o777 & ~OWNER_ONLY)
    try:
        done = look_and_bring_forward(path)
    except StoreError as error:
        answer: object = str(error)
    except (lmdb.CorruptedError, lmdb.InvalidError, lmdb.PageNotFoundError, lmdb.VersionMismatchError) as error:
        answer = f"it is damaged, or not one of Revet's: {error}. {WHAT_TO_DO}"
    except (lmdb.Error, OSError) as error:
        answer = f"{error}{room_left(path)}"
    else:
        sys.stdout.write(json.dumps(None if done is None else asdict(done)))
        return 0
    sys.stdout.write(json.dumps(answer))
    return _REFUSED


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
