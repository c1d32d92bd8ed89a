"""Nonces are as long as they should be, and never the same."""

from service.adapters.nonces import RandomNonces
from service.core.ocsp.nonce import NONCE_OCTETS


def test_nonces_differ() -> None:
    """Of 32 octets each, no two are the same, and no octet of them stands still."""
    nonces = RandomNonces()
    made = [nonces.new() for _ in range(200)]
    assert {NONCE_OCTETS} == {len(nonce) for nonce in made}
    assert 200 == len(set(made))
    assert all(len({nonce[position] for nonce in made}) > 1 for position in range(NONCE_OCTETS))
