"""The port that makes nonces for OCSP requests."""

from typing import Protocol


class Nonces(Protocol):
    """Makes octets that nobody can guess and that never come again."""

    def new(self) -> bytes:
        """As many octets as `service.core.ocsp.nonce.NONCE_OCTETS`."""
