"""The generation of the decisions: one number that every change raises on which a verdict may depend.

A CRL that is published, a block that is added or removed, a purge, an OCSP answer that newly says revoked: whoever
keeps verdicts keeps them with the number that was read **before** the evidence was, and forgets those of another. The
number is raised in the transaction of the change, so that nobody who sees the one misses the other.

What it does not do: tell what changed, or count. Numbers are equal or they are not.
"""

from typing import Protocol


class Generations(Protocol):
    """Reading the number, and raising it where the change has no transaction of its own."""

    def generation(self) -> int:
        """The number as it stands, of all processes that share the store; read at every request, a microsecond or two.

        Raises:
            StoreError: it cannot be read.
        """

    async def bump_generation(self) -> None:
        """Raise it, off the event loop: verdicts kept until now are not used again, in any process.

        Raises:
            StoreError: it could not be written.
        """
