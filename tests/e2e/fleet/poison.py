"""What somebody writes who owns the Redis of a fleet, and, for the worst of it, has the fleet's key as well.

Each function puts one thing into one place. What must come of it is said by the tests: it is refused by name, counted,
and the authority is asked; no verdict changes.
"""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, Final

from redis import Redis

from service.application.fleet.crl_versions import Body, SharedVersion, write_version
from service.application.fleet.envelope import Envelope, EnvelopeKind, FleetKeys
from service.application.fleet.events import BlockEvent, encode_event
from service.application.fleet.names import FleetNames
from service.application.origin_headers import OriginHeaders
from service.core.der.certificate import read_certificate
from service.core.ocsp.cert_id import store_key
from tests.e2e.fleet.population import Client, Population
from tests.e2e.fleet.replicas import FLEET_KEY

OURS: Final = FleetKeys((FLEET_KEY.encode(),))
"""The fleet's."""

FOREIGN: Final = FleetKeys((b"a key of nobody in this fleet",))

NAMES: Final = FleetNames()

EVENT_FIELD: Final = "e"

TTL_S: Final = 600


def now() -> datetime:
    """The moment."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Poisoner:
    """Somebody at a Redis."""

    redis: Redis
    population: Population

    def everything(self) -> int:
        """Random octets over every value, every field and into every stream; how many names there were."""
        names = list(self.redis.scan_iter())
        for name in names:
            match self.redis.type(name):
                case b"hash":
                    fields: Any = self.redis.hkeys(name)
                    self.redis.hset(name, mapping={field: secrets.token_bytes(200) for field in fields})
                case b"stream":
                    self.redis.xadd(name, {EVENT_FIELD: secrets.token_bytes(200)})
                case _:
                    self.redis.set(name, secrets.token_bytes(200), keepttl=True)
        return len(names)

    def other_types(self) -> None:
        """Texts in place of the hashes and streams."""
        for name in (NAMES.blocks, NAMES.events, NAMES.replicas, NAMES.epoch):
            self.redis.set(name, secrets.token_bytes(200))

    def value(self, name: str) -> bytes | None:
        """What is there."""
        found: Any = self.redis.get(name)
        return None if found is None else bytes(found)

    def put(self, name: str, octets: bytes) -> None:
        """Put something there."""
        self.redis.set(name, octets, ex=TTL_S)

    def seal_crl(self, url: str, document: bytes, keys: FleetKeys = OURS) -> bytes:
        """An envelope that says that a URL has a CRL since now, whose only piece is put where it says."""
        body = Body(sha256(document).digest(), len(document))
        self.put(NAMES.piece(url, body.digest, 0), document)
        content = write_version(SharedVersion(OriginHeaders(), body))
        return keys.seal(Envelope(EnvelopeKind.CRL, NAMES.crl(url), now(), content))

    def spoil_pieces(self, url: str) -> int:
        """Random octets of the right length over every piece of a URL; how many there were."""
        pieces = [name for name in self.redis.scan_iter(match=f"{NAMES.crl(url)}:*") if not name.endswith(b":lease")]
        for name in pieces:
            length: Any = self.redis.strlen(name)
            self.redis.set(name, secrets.token_bytes(length), keepttl=True)
        return len(pieces)

    def ocsp_name(self, client: Client) -> str:
        """Where the answer about a certificate is."""
        return NAMES.ocsp(self._question(client))

    def seal_ocsp(self, client: Client, response: bytes, at: datetime | None = None, keys: FleetKeys = OURS) -> bytes:
        """An envelope with an OCSP answer, as if it were about a certificate."""
        source = f"{self.population.url}/ocsp/{client.authority}".encode()
        content = len(source).to_bytes(2) + source + response
        return keys.seal(Envelope(EnvelopeKind.OCSP, self._question(client).hex(), at or now(), content))

    def ocsp_answer(self, client: Client, *, issuer: int | None = None) -> bytes:
        """An answer that calls a certificate good, by its own authority or another."""
        begins = now().replace(microsecond=0)
        return self.population.authorities[client.authority if issuer is None else issuer].ocsp(
            client.issued.serial,
            produced_at=begins,
            this_update=begins,
            next_update=begins + timedelta(minutes=5),
        )

    def forge_unblocking(self, block_id: str) -> None:
        """A tombstone that nobody of the fleet has made: in the list, and told of."""
        forged = FOREIGN.seal(Envelope(EnvelopeKind.TOMBSTONE, block_id, now(), _tombstone()))
        self.redis.hset(NAMES.blocks, block_id, forged)
        told = FOREIGN.seal(
            Envelope(EnvelopeKind.EVENT, "replica-0", now(), encode_event(BlockEvent(block_id, forged)))
        )
        self.redis.xadd(NAMES.events, {EVENT_FIELD: told})

    def move_unblocking(self, from_id: str, to_id: str) -> None:
        """An authentic tombstone of another block in the place of a block."""
        found: Any = self.redis.hget(NAMES.blocks, from_id)
        assert found is not None
        self.redis.hset(NAMES.blocks, to_id, found)

    def have_all_look(self) -> None:
        """Have every replica think that Redis was emptied: it brings its blocks and the list together at once."""
        self.redis.delete(NAMES.epoch)

    def drop_blocks(self) -> None:
        """No list at all."""
        self.redis.delete(NAMES.blocks)

    def _question(self, client: Client) -> bytes:
        issuer = self.population.authorities[client.authority]
        return store_key(read_certificate(client.issued.der), read_certificate(issuer.der))


def _tombstone() -> bytes:
    return b'{"removed_at":"%s","removed_by":"somebody"}' % now().isoformat().encode()
