"""What things are called in the fleet's cache.

What has to change together, or is read together, has one hash tag, the part in braces, so that a cluster keeps it in
one slot: a CRL with its pieces and its lease, and the block list with the events. Names are digests: a URL may have
credentials in it, and a certificate's issuer and serial number are nobody's business in a cache.
"""

from dataclasses import dataclass
from hashlib import sha256

from service.application.fleet.envelope import EnvelopeKind


@dataclass(frozen=True, slots=True)
class FleetNames:
    """The names of one fleet.

    Attributes:
        prefix: What all of them begin with: fleets that share a cache differ in it.
        cache: Tells this cache from others.
    """

    prefix: str = "revet"
    cache: str = ""

    @property
    def fleet(self) -> str:
        """Tells this fleet from others, wherever they are."""
        return f"{self.prefix}@{self.cache}"

    def crl(self, url: str) -> str:
        """The envelope of what a URL has."""
        return f"{self.prefix}:crl:{{{_digest(url)}}}"

    def piece(self, url: str, digest: bytes, number: int) -> str:
        """One piece of a version of what a URL has."""
        return f"{self.crl(url)}:{digest.hex()}:{number}"

    def crl_lease(self, url: str) -> str:
        """The lease of a URL."""
        return f"{self.crl(url)}:lease"

    def ocsp(self, key: bytes) -> str:
        """The envelope of an OCSP answer, by the key under which hosts store it (`core.ocsp.cert_id.store_key`)."""
        return f"{self.prefix}:ocsp:{{{sha256(key).hexdigest()}}}"

    def ocsp_lease(self, key: bytes) -> str:
        """The lease of a question."""
        return f"{self.ocsp(key)}:lease"

    @property
    def blocks(self) -> str:
        """The hash of blocks and tombstones, by their ids."""
        return f"{self.prefix}:{{fleet}}:blocks"

    @property
    def events(self) -> str:
        """The stream of events."""
        return f"{self.prefix}:{{fleet}}:events"

    @property
    def epoch(self) -> str:
        """What tells this content of the cache from one before it was emptied."""
        return f"{self.prefix}:{{fleet}}:epoch"

    @property
    def replicas(self) -> str:
        """The hash of heartbeats, by the names of replicas."""
        return f"{self.prefix}:{{fleet}}:replicas"

    def kind_of(self, name: str) -> EnvelopeKind:
        """What envelopes under one of these names have in them."""
        for kind in (EnvelopeKind.CRL, EnvelopeKind.OCSP):
            if name.startswith(f"{self.prefix}:{kind.value}:"):
                return kind
        fixed = {self.blocks: EnvelopeKind.BLOCK, self.replicas: EnvelopeKind.HEARTBEAT}
        return fixed.get(name, EnvelopeKind.EVENT)


def _digest(url: str) -> str:
    return sha256(url.encode("utf-8", "surrogatepass")).hexdigest()
