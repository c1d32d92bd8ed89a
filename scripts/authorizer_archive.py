"""Writes the archive that Lambda takes.

    python3 scripts/authorizer_archive.py ARCHIVE [FILE ...]

It holds authorizer/lambda_function.py, and the files that are named (a CA bundle, say), all at its root, where the
function finds them under /var/task/. Rules: the same files give the same octets, whoever packs them, when, and with
which umask: their order, times and permissions are fixed, and nothing is compressed, since that differs from one zlib
to the next.
"""

import sys
import zipfile
from pathlib import Path

FUNCTION = Path(__file__).parents[1] / "authorizer" / "lambda_function.py"
LONG_AGO = (1980, 1, 1, 0, 0, 0)  # the first moment that the format knows
READABLE_BY_ALL = 0o100644 << 16  # Lambda runs the function as a user of its own
UNIX = 3


def pack(archive: Path, files: list[Path]) -> None:
    """Write an archive of files, under their names alone.

    Raises:
        ValueError: two have the same name.
        OSError: one cannot be read, or the archive not be written.
    """
    contents = {file.name: file.read_bytes() for file in files}
    if len(contents) < len(files):
        raise ValueError("two of the files have the same name")
    archive.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as packed:
        for name in sorted(contents):
            entry = zipfile.ZipInfo(name, LONG_AGO)
            entry.create_system, entry.external_attr = UNIX, READABLE_BY_ALL
            packed.writestr(entry, contents[name])


def main() -> int:
    """Read the command line, and pack what it names."""
    if len(sys.argv) == 1:
        print(__doc__, file=sys.stderr)
        return 2
    archive, *more = map(Path, sys.argv[1:])
    try:
        pack(archive, [FUNCTION, *more])
    except (OSError, ValueError) as error:
        print(f"not packed: {error}", file=sys.stderr)
        return 1
    print(f"written: {archive}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
