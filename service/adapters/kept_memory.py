"""What outlives a worker: the last good version of something, in memory that the processes of one service share.

A worker that is replaced while a file is broken begins with what the others have in force, instead of not at all.

Rules it keeps: it is memory without a name, which only processes have that inherited it, and it ends with them: nothing
is written to a disk; a version is there whole or not at all, whoever is killed while writing it.

What it does not do: know what it keeps.
"""

import fcntl
import os
from hashlib import sha256
from typing import Final, Self

_DIGEST_OCTETS: Final = 32


class KeptMemory:
    """One place for one version. Owns its descriptor."""

    def __init__(self, descriptor: int) -> None:
        """Take the descriptor of one that was made, here or by the process that started this one."""
        self._descriptor = descriptor

    @classmethod
    def make(cls, name: str) -> Self:
        """Make one that keeps nothing yet.

        Args:
            name: For people who look at the descriptors of a process.

        Raises:
            OSError: there are too many descriptors.
        """
        return cls(os.memfd_create(name))

    def fileno(self) -> int:
        """Give the descriptor, to be passed on."""
        return self._descriptor

    def close(self) -> None:
        """Let go of it."""
        os.close(self._descriptor)

    def read(self) -> bytes | None:
        """What is kept; None where nothing is, or not all of it."""
        kept = os.pread(self._descriptor, os.fstat(self._descriptor).st_size, 0)
        digest, content = kept[:_DIGEST_OCTETS], kept[_DIGEST_OCTETS:]
        return content if digest == sha256(content).digest() else None

    def write(self, content: bytes) -> None:
        """Keep this instead of what is kept; nothing happens while another process does the same.

        Nobody is waited for: a process that was stopped in the middle would stop all others.
        """
        try:
            # A lock of POSIX: it belongs to a process, and all of them have one and the same open file.
            fcntl.lockf(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        try:
            kept = sha256(content).digest() + content
            os.ftruncate(self._descriptor, 0)
            written = 0
            while written < len(kept):
                written += os.pwrite(self._descriptor, kept[written:], written)
        finally:
            fcntl.lockf(self._descriptor, fcntl.LOCK_UN)
