"""Who there is: a root, a few subordinate authorities, their CRLs in partitions, and certificates that name these.

Keys are those of `tests.pki`, the same on every run, so that whoever is told how many there are, and where they are
published, makes the same again: the process that is the authority has to be told nothing else.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from hashlib import sha256
from typing import Final

from tests.pki import Authority, CertificateOverrides, Issued, key
from tests.pki.clock import validity_of_now

SEED: Final = 9
"""Of the serial numbers."""

ROOT_LIST: Final = "root"
"""The name of the root's CRL."""


class Declares(StrEnum):
    """Where a certificate says that its status is to be had."""

    CRL = "crl"
    OCSP = "ocsp"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class Size:
    """How many there are.

    Attributes:
        certificates: In all.
        authorities: Below the root.
        partitions: CRLs of each of these.
        declares: What the certificates declare, in turn.
    """

    certificates: int
    authorities: int = 3
    partitions: int = 2
    declares: tuple[Declares, ...] = (Declares.BOTH, Declares.CRL, Declares.OCSP)


@dataclass(frozen=True, slots=True)
class Client:
    """A certificate, and who speaks for it.

    Attributes:
        number: Its place among all.
        authority: The number of its issuer.
        crl: The name of the CRL that it would be in; it is in that one whether it declares it or not.
    """

    number: int
    issued: Issued
    authority: int
    crl: str
    declares: Declares

    @property
    def fingerprint(self) -> str:
        """SHA-256 of it, as the interface has it."""
        return sha256(self.issued.der).hexdigest()


class Population:
    """Everybody."""

    def __init__(self, size: Size, url: str) -> None:
        """Make all of them.

        Args:
            size: How many.
            url: Where the authority publishes and answers.
        """
        self.size = size
        self.url = url
        self.root = Authority.root("Fleet Root", **_with_key(100))
        self.authorities = tuple(map(self._authority, range(size.authorities)))
        chance = random.Random(SEED)  # noqa: S311 - the same on every run, and no secret
        self.clients = tuple(self._client(number, chance.getrandbits(120) + 1) for number in range(size.certificates))

    def crl_url(self, name: str) -> str:
        """Where a CRL is published."""
        return f"{self.url}/crl/{name}.crl"

    @property
    def crl_names(self) -> tuple[str, ...]:
        """All CRLs: the root's and each partition."""
        size = self.size
        return (ROOT_LIST, *(f"{one}-{part}" for one in range(size.authorities) for part in range(size.partitions)))

    @cached_property
    def by_serial(self) -> Mapping[int, Client]:
        """Clients by their serial numbers, all of which differ."""
        return {one.issued.serial: one for one in self.clients}

    @cached_property
    def by_fingerprint(self) -> Mapping[str, Client]:
        """Clients by their fingerprints."""
        return {one.fingerprint: one for one in self.clients}

    def _authority(self, number: int) -> Authority:
        overrides = _with_key(101 + number)
        overrides["path_length"] = 0
        overrides["crl_urls"] = self.crl_url(ROOT_LIST)
        return self.root.subordinate(f"Fleet CA {number}", **overrides)

    def _client(self, number: int, serial: int) -> Client:
        size = self.size
        authority = number % size.authorities
        crl = f"{authority}-{number // size.authorities % size.partitions}"
        declares = size.declares[number // (size.authorities * size.partitions) % len(size.declares)]
        overrides = _with_key(200)
        overrides["serial"] = serial
        if declares is not Declares.OCSP:
            overrides["crl_urls"] = self.crl_url(crl)
        if declares is not Declares.CRL:
            overrides["ocsp_urls"] = f"{self.url}/ocsp/{authority}"
        issued = self.authorities[authority].issue(f"client {number}", **overrides)
        return Client(number, issued, authority, crl, declares)


def _with_key(number: int) -> CertificateOverrides:
    """Valid now, with one of the keys: all clients have the same, which nobody looks at."""
    overrides = validity_of_now()
    overrides["key"] = key("p256", number)
    return overrides
