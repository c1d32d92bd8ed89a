"""What this process has open, as the kernel says."""

from contextlib import suppress
from pathlib import Path


def open_below(path: Path) -> list[Path]:
    """Every file below a directory that is open."""
    found = []
    for descriptor in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):  # the one that lists
            found.append(descriptor.readlink())
    return [file for file in found if file.is_relative_to(path)]
