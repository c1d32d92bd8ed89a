"""Files that hold settings, read before anything starts; and whether those are looked at that are replaced later.

A certificate, its key, a client CA and files of tokens are replaced while the service runs. Whoever starts it wants
them to be good. A worker that takes another's place must not fail for one that is just being written, and has it looked
at by `application.rotation`.
"""

import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from enum import Enum
from pathlib import Path
from typing import Final

MAX_FILE_BYTES: Final = 2**20
"""Of a file of settings or tokens: a thousand times the longest of either that makes sense."""


class Files(Enum):
    """What becomes of files that are replaced while the service runs, when settings are read."""

    CHECKED = "checked"
    """They are read, and have to be good."""
    LEFT_ALONE = "left-alone"
    """They are not looked at."""


# Not pydantic's own context: settings classes lose it on the way to their fields.
_FILES: Final[ContextVar[Files]] = ContextVar("files", default=Files.CHECKED)


@contextmanager
def having(files: Files) -> Iterator[None]:
    """Check the files of settings that are made in the block, or leave them alone."""
    token = _FILES.set(files)
    try:
        yield
    finally:
        _FILES.reset(token)


def are_checked() -> bool:
    """Whether files that are replaced later have to be good now."""
    return _FILES.get() is Files.CHECKED


def read_toml(path: Path) -> dict[str, object]:
    """Read a TOML file.

    Raises:
        ValueError: it cannot be read, or is none.
    """
    try:
        return tomllib.loads(_text(path))
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"this is not TOML: {error}") from None


def read_tokens(path: Path) -> tuple[str, ...]:
    """Read a file with one token a line; empty lines do not count.

    Raises:
        ValueError: it cannot be read, or is no text.
    """
    return tuple(token for line in _text(path).splitlines() if (token := line.strip()))


def read_one(path: Path) -> str:
    """Read a file with one line; empty lines do not count.

    Raises:
        ValueError: it cannot be read, is no text, or has more lines or none.
    """
    lines = read_tokens(path)
    if len(lines) != 1:
        raise ValueError(f"it has {len(lines)} lines, and one is needed" if lines else "there is nothing in it")
    return lines[0]


def read_whole(path: Path) -> bytes:
    """Read a file of settings, tokens, a key or certificates.

    Raises:
        ValueError: it cannot be read, is too long, or is no file.
    """
    try:
        if not path.is_file():
            raise ValueError("this is not a file" if path.exists() else "it does not exist")
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise ValueError(f"it cannot be read: {error.strerror}") from None
    if len(content) > MAX_FILE_BYTES:
        raise ValueError(f"it has more than {MAX_FILE_BYTES} bytes")
    return content


def _text(path: Path) -> str:
    try:
        return read_whole(path).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError("this is not UTF-8 text") from None
