"""The files that `check` and `explain` are about: names, directories, patterns.

Rules it keeps:

- A name that exists is what it says, whatever characters are in it; only what does not exist may be a pattern.
- Of a directory, and of what lies below it, the files count whose names end as those of certificates do; links to
  directories are not followed, so that the walk ends.
- The order is that of the arguments, and by name within each: two runs over the same files give the same lines.
- What cannot be read is not skipped: its name stays, and reading it says why.
"""

import glob
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

SUFFIXES: Final = (".pem", ".crt", ".cer", ".der")
"""What the name of a certificate's file ends with, in any case; other files of a directory are left alone."""

MAX_FILE_BYTES: Final = 2**20
"""Octets of one file: what a service takes for one question, and a thousand times what a certificate has."""


class UnreadError(Exception):
    """A file cannot be read. The message says why, without its name."""


def find_files(names: Iterable[str]) -> Iterator[str]:
    """Each file that is meant, directories and patterns replaced by what is in them."""
    for name in names:
        if os.path.isdir(name):  # noqa: PTH112 - names stay as they were typed
            yield from _below(name)
        elif os.path.lexists(name) or not glob.has_magic(name):
            yield name
        else:
            yield from sorted(one for one in glob.glob(name, recursive=True) if not Path(one).is_dir()) or (name,)  # noqa: PTH207


def read_certificate(name: str) -> bytes:
    """What is in a file.

    Raises:
        UnreadError: it cannot be read, or is larger than any certificate with its intermediates.
    """
    if not name:  # a variable of a script that is not set; for `Path` it is the directory that one is in
        raise UnreadError("a name without a character")
    try:
        with Path(name).open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except IsADirectoryError as error:
        raise UnreadError(f"a directory without a file that ends with {', '.join(SUFFIXES)}") from error
    except OSError as error:
        raise UnreadError(error.strerror or type(error).__name__) from error
    except ValueError as error:  # a name with a null character
        raise UnreadError(str(error)) from error
    if len(content) > MAX_FILE_BYTES:
        raise UnreadError(f"larger than {MAX_FILE_BYTES:,} bytes")
    return content


def _below(directory: str) -> Iterator[str]:
    """The certificates of a directory and of those below it; its own name where it has none."""
    unlisted: list[OSError] = []
    found = False
    for path, directories, files in os.walk(directory, onerror=unlisted.append):
        directories.sort()
        names = [os.path.join(path, file) for file in sorted(files) if file.lower().endswith(SUFFIXES)]  # noqa: PTH118
        for name in (*(str(error.filename) for error in unlisted), *filter(_is_plain, names)):
            found = True
            yield name
        unlisted.clear()
    yield from (str(error.filename) for error in unlisted)
    if not found and not unlisted:
        yield directory


def _is_plain(name: str) -> bool:
    """Whether it is no pipe and no device, which may never end; what is not there is for the reader to tell."""
    try:
        return stat.S_ISREG(os.stat(name).st_mode)  # noqa: PTH116 - likewise
    except OSError:
        return True
