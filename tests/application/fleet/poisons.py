"""What whoever owns the cache can make of the version of a CRL that is in it, and what that is counted as."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from secrets import token_bytes
from typing import Final, TypeAlias

from service.application.fleet.crl_versions import Body, SharedVersion
from service.application.fleet.envelope import EnvelopeKind, Refusal
from service.application.origin_headers import OriginHeaders
from tests.application.chain import CRL_URL, NAMESAKE, ROOT, STRANGER
from tests.application.fleet.crl_replicas import (
    LONGEST,
    MAX_BYTES,
    SKEW,
    Fleet,
    crl,
    digest_of,
    with_keys,
)
from tests.pki import NOW

PIECE: Final = 64
INSTANT: Final = timedelta(microseconds=1)
OTHER_KEY: Final = bytes(32)
Poison: TypeAlias = Callable[[Fleet], Awaitable[None]]


async def there(fleet: Fleet) -> bytes:
    """The envelope that the first replica has written."""
    found = await fleet.replicas[0].cache.get(fleet.name)
    assert found is not None
    return found


async def put_piece(fleet: Fleet, number: int, change: Callable[[bytes], bytes]) -> None:
    """Change a piece of what is there."""
    cache, name = fleet.replicas[0].cache, fleet.piece(digest_of(crl(1)), number)
    piece = await cache.get_piece(name)
    assert piece is not None
    await cache.put_piece(name, change(piece), 3600)


def flipped(octets: bytes, at: int = -1) -> bytes:
    """With one bit changed."""
    changed = bytearray(octets)
    changed[at] ^= 1
    return bytes(changed)


async def noise(fleet: Fleet) -> None:
    """Octets of nobody."""
    await fleet.put(token_bytes(200))


async def nothing(fleet: Fleet) -> None:
    """A value without octets."""
    await fleet.put(b"")


async def truncated(fleet: Fleet) -> None:
    """The envelope without its end."""
    await fleet.put((await there(fleet))[:-1])


async def extended(fleet: Fleet) -> None:
    """The envelope with something after it."""
    await fleet.put(await there(fleet) + b" ")


async def a_bit(fleet: Fleet) -> None:
    """One bit of the envelope."""
    await fleet.put(flipped(await there(fleet)))


async def another_key(fleet: Fleet) -> None:
    """Made by another fleet."""
    await fleet.write(crl(3), fleet.clock.now(), with_keys(OTHER_KEY))


async def no_key(fleet: Fleet) -> None:
    """Made by somebody without a key."""
    await fleet.write(crl(3), fleet.clock.now(), with_keys())


async def another_url(fleet: Fleet) -> None:
    """The envelope of another URL, copied to this name, with its pieces."""
    await fleet.write(crl(3))
    await fleet.put(
        fleet.sealed(
            SharedVersion(OriginHeaders(), Body(digest_of(crl(3)), len(crl(3)))), about=fleet.names.crl(CRL_URL + "?")
        )
    )


async def another_kind(fleet: Fleet) -> None:
    """An envelope of this URL that is no CRL's."""
    await fleet.put(fleet.sealed(b"{}", kind=EnvelopeKind.OCSP))


async def too_old(fleet: Fleet) -> None:
    """One that was true once."""
    await fleet.write(crl(3), fleet.clock.now() - LONGEST - INSTANT)


async def from_the_future(fleet: Fleet) -> None:
    """One that was fetched tomorrow."""
    await fleet.write(crl(3), fleet.clock.now() + SKEW + INSTANT)


async def no_piece(fleet: Fleet) -> None:
    """One piece is gone."""
    assert b":1" == fleet.server.ask("DEL", fleet.piece(digest_of(crl(1)), 2))


async def no_pieces(fleet: Fleet) -> None:
    """All of them are."""
    await fleet.put(fleet.sealed(SharedVersion(OriginHeaders(), Body(digest_of(crl(3)), len(crl(3))))))


async def swapped_pieces(fleet: Fleet) -> None:
    """Two pieces have changed places."""
    cache = fleet.replicas[0].cache
    names = [fleet.piece(digest_of(crl(1)), number) for number in (0, 1)]
    first, second = [await cache.get_piece(name) for name in names]
    assert first is not None
    assert second is not None
    await cache.put_piece(names[0], second, 3600)
    await cache.put_piece(names[1], first, 3600)


async def a_bit_of_a_piece(fleet: Fleet) -> None:
    """One bit of one piece."""
    await put_piece(fleet, 1, flipped)


async def a_short_piece(fleet: Fleet) -> None:
    """One octet is missing."""
    await put_piece(fleet, 0, lambda piece: piece[:-1])


async def a_long_piece(fleet: Fleet) -> None:
    """There is one octet too many, in the last one."""
    await put_piece(fleet, (len(crl(1)) - 1) // PIECE, lambda piece: piece + b"x")


async def too_small(fleet: Fleet) -> None:
    """The digest is of more than there is to be."""
    await fleet.put(fleet.sealed(SharedVersion(OriginHeaders(), Body(digest_of(crl(1)), PIECE))))


async def too_large(fleet: Fleet) -> None:
    """More than a CRL may have."""
    await fleet.put(fleet.sealed(SharedVersion(OriginHeaders(), Body(digest_of(crl(1)), MAX_BYTES + 1))))


async def enormous(fleet: Fleet) -> None:
    """More than there is room for anywhere."""
    await fleet.put(fleet.sealed(SharedVersion(OriginHeaders(), Body(digest_of(crl(1)), 10**18))))


async def of_another_authority(fleet: Fleet) -> None:
    """The CRL of a stranger of the same name."""
    await fleet.write(crl(3, NAMESAKE))


async def of_another_name(fleet: Fleet) -> None:
    """The CRL of somebody else, who is trusted for another."""
    await fleet.write(crl(3, ROOT))


async def of_a_stranger(fleet: Fleet) -> None:
    """The CRL of somebody whom nobody knows."""
    await fleet.write(crl(3, STRANGER))


async def badly_signed(fleet: Fleet) -> None:
    """A CRL whose signature is none."""
    await fleet.write(crl(3, corrupt_signature=True))


async def no_crl(fleet: Fleet) -> None:
    """Something that is no CRL."""
    await fleet.write(b"what everybody has revoked")


async def not_yet(fleet: Fleet) -> None:
    """A CRL from the future."""
    await fleet.write(crl(3, this_update=NOW + timedelta(hours=1)))


POISONS: Final[tuple[tuple[Poison, Refusal], ...]] = (
    (noise, Refusal.MALFORMED),
    (nothing, Refusal.MALFORMED),
    (truncated, Refusal.UNAUTHENTIC),
    (extended, Refusal.UNAUTHENTIC),
    (a_bit, Refusal.UNAUTHENTIC),
    (another_key, Refusal.UNAUTHENTIC),
    (no_key, Refusal.UNAUTHENTIC),
    (another_url, Refusal.MISPLACED),
    (another_kind, Refusal.MISPLACED),
    (too_old, Refusal.TOO_OLD),
    (from_the_future, Refusal.FUTURE),
    (no_piece, Refusal.INCOMPLETE),
    (no_pieces, Refusal.INCOMPLETE),
    (swapped_pieces, Refusal.INCOMPLETE),
    (a_bit_of_a_piece, Refusal.INCOMPLETE),
    (a_short_piece, Refusal.INCOMPLETE),
    (a_long_piece, Refusal.INCOMPLETE),
    (too_small, Refusal.INCOMPLETE),
    (too_large, Refusal.REFUSED),
    (enormous, Refusal.REFUSED),
    (of_another_authority, Refusal.REFUSED),
    (of_another_name, Refusal.REFUSED),
    (of_a_stranger, Refusal.REFUSED),
    (badly_signed, Refusal.REFUSED),
    (no_crl, Refusal.REFUSED),
    (not_yet, Refusal.REFUSED),
)
