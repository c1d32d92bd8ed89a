"""Files that hold settings: read once, before anything starts."""

import tomllib
from pathlib import Path
from typing import Final

MAX_FILE_BYTES: Final = 2**20
"""Of a file of settings or tokens: a thousand times the longest of either that makes sense."""


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


def _text(path: Path) -> str:
    try:
        if not path.is_file():
            raise ValueError("this is not a file" if path.exists() else "it does not exist")
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise ValueError(f"it cannot be read: {error.strerror}") from None
    if len(content) > MAX_FILE_BYTES:
        raise ValueError(f"it has more than {MAX_FILE_BYTES} bytes")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError("this is not UTF-8 text") from None
