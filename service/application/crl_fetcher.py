"""The port through which a worker has a CRL fetched, verified and stored: by another process, never by itself."""

from dataclasses import dataclass, field
from hashlib import sha256
from typing import Protocol, Self

from service.core.crl.issuer import MAX_SIGNERS
from service.core.decision.crl_signers import MAX_KEPT_SIGNERS
from service.core.model.attempt import Attempt
from service.core.model.certificate import Certificate
from service.core.model.name import Name
from service.core.names.comparison import canonical

MAX_ORDER_SIGNERS = MAX_SIGNERS + MAX_KEPT_SIGNERS + 1
"""Keys of one order: that of the certificate's issuer, and the others under which the core would try a CRL."""

MAX_ORDER_PATH_OCTETS = 64 << 10
"""DER of certificates in one order: four of the longest paths that are kept. Orders have one or two short ones."""

MAX_AUTHORITIES = 32
"""Keys by which it is decided whether one signer may speak: its own, that of whoever certified its name, and in between
one for each time that an authority has certified its own next key. No path is longer."""

MAX_SPKI_OCTETS = 4096
"""Longer keys are not ordered for: ML-DSA-87 has 2,614 octets and RSA of 16,384 bits, OpenSSL's longest, 2,086."""


KEY_DIGEST_OCTETS = 32


def key_digest(spki: bytes) -> bytes:
    """What stands for a key, in 32 octets."""
    return sha256(spki).digest()


def name_digest(name: Name) -> bytes:
    """What two names that match have in common (RFC 5280 §7.1), in 32 octets."""
    return sha256(canonical(name.der)).digest()


@dataclass(frozen=True, slots=True)
class CrlSigner:
    """A key that may have signed a CRL, and in whose name.

    Attributes:
        name: Digest of the signer's name: only CRLs that bear it as their issuer are tried under the key, so that what
            is stored is a fact about a name and a key.
        spki: The key.
        path: DER of the signer's certificate, and of those above it: what is kept beside its CRL. Two signers are the
            same whatever paths they have.
        authorities: Digests of the keys by which it is decided whether it may speak (`SignerPath.authorities`), at most
            `MAX_AUTHORITIES`: its CRLs are found by them. They, too, make no difference.
    """

    name: bytes
    spki: bytes = field(repr=False)
    path: tuple[bytes, ...] = field(default=(), repr=False, compare=False)
    authorities: frozenset[bytes] = field(default=frozenset(), repr=False, compare=False)

    @classmethod
    def of(
        cls, certificate: Certificate, path: tuple[bytes, ...] = (), authorities: frozenset[bytes] = frozenset()
    ) -> Self:
        """The subject of a certificate as a signer.

        Args:
            certificate: Its certificate.
            path: DER, as above.
            authorities: DER of the SubjectPublicKeyInfos of those by whose keys it is decided whether it may speak.
        """
        digests = sorted(map(key_digest, authorities))[:MAX_AUTHORITIES]
        return cls(name_digest(certificate.subject), certificate.public_key.spki, path, frozenset(digests))


@dataclass(frozen=True, slots=True)
class CrlOrder:
    """One distribution point whose CRL is wanted in the store.

    Attributes:
        urls: Where it may be had; tried in turn until one gives an authentic CRL.
        signers: Under which keys it may verify to be worth storing, the likeliest first, at most `MAX_ORDER_SIGNERS`.
            Whether the one that does may speak for the certificate is decided by the core.
    """

    urls: tuple[str, ...]
    signers: tuple[CrlSigner, ...]


class CrlFetcher(Protocol):
    """Brings CRLs into the host's store."""

    async def fetch(self, order: CrlOrder) -> tuple[Attempt, ...]:
        """Fetch, verify and store what a distribution point offers; one flight for each URL.

        Returns:
            What failed, in the order of the URLs: fewer than these where the next one gave a CRL that is now in the
            store.
        """
