"""Nonces of the kernel's random numbers."""

import secrets

from service.core.ocsp.nonce import NONCE_OCTETS


class RandomNonces:
    """Implements `service.application.nonces.Nonces` (RFC 9654 §2.1: a cryptographically strong generator)."""

    def new(self) -> bytes:
        """Fresh octets."""
        return secrets.token_bytes(NONCE_OCTETS)
