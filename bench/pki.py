"""What is judged: a root, an authority below it and a leaf, and CRLs of any length; all keys are of one kind."""

import random
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from tests.pki import NEXT_UPDATE, REVOKED_AT, THIS_UPDATE, Authority, Extension, Issued, algorithm_identifier, der, key
from tests.pki import sign as signature
from tests.pki.extensions import encoded_list
from tests.pki.keys import CurveKind, PrivateKey

ROOT_CRL_URL: Final = "http://crl.example/root.crl"
SUB_CRL_URL: Final = "http://crl.example/sub.crl"

SERIAL_OCTETS: Final = 16
"""What CAs use: 127 random bits."""


@dataclass(frozen=True, slots=True)
class Chain:
    """Three certificates, and the CRLs of the two authorities.

    Attributes:
        kind: The kind of all keys.
    """

    kind: str
    root: Authority
    sub: Authority
    leaf: Issued
    root_crl: bytes
    sub_crl: bytes


def chain(kind: str, entries: int) -> Chain:
    """The chain with RSA (2048) or P-256 keys, and `entries` revoked certificates in each CRL, none of them its own."""
    keys: list[PrivateKey] = [key("rsa2048", number) if kind == "RSA" else key(_P256, number) for number in range(3)]
    root = Authority.root("Bench Root", key=keys[0])
    sub = root.subordinate("Bench Sub", key=keys[1], path_length=0, crl_urls=ROOT_CRL_URL)
    leaf = sub.issue("leaf", key=keys[2], san="DNS:client.example", crl_urls=SUB_CRL_URL)
    return Chain(kind, root, sub, leaf, crl(root, entries, seed=1), crl(sub, entries, seed=2))


_P256: Final[CurveKind] = "p256"


def serials(entries: int, seed: int) -> list[int]:
    """Serial numbers as CAs make them: random, the same on every run."""
    source = random.Random(seed)
    return [source.getrandbits(8 * SERIAL_OCTETS - 1) for _ in range(entries)]


def crl(
    issuer: Authority,
    entries: int,
    seed: int,
    this_update: datetime = THIS_UPDATE,
    next_update: datetime = NEXT_UPDATE,
) -> bytes:
    """A CRL with many entries, each with a reason code: written by hand, a million take a second."""
    reason = encoded_list([Extension("2.5.29.21", der.enumerated(1))], {})
    rest = der.time(REVOKED_AT) + reason
    listed = der.seq(*(der.seq(der.integer(serial), rest) for serial in serials(entries, seed)))
    algorithm = algorithm_identifier(issuer.key, "sha256", None)
    number = encoded_list([Extension("2.5.29.20", der.integer(1))], {})
    signed = der.seq(
        der.integer(1),
        algorithm,
        issuer.subject,
        der.time(this_update),
        der.time(next_update),
        listed,
        der.explicit(0, number),
    )
    return der.seq(signed, algorithm, der.bit_string(signature(issuer.key, signed)))
