"""Which certificates are blocked: an index over all blocks, and the same as it stands at one moment.

Rules it keeps: a block whose time is over denies nothing; of several that deny one certificate the one is named that
lasts longest. A block is an operator's act *now*, so that its time is held against the clock and never against the
moment that a request asks about: whoever looks at blocks is told what time it is.

What it does not do: read a clock, or change. Where nothing is blocked a look costs nothing.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import TypeVar, assert_never

from service.core.der.certificate import read_certificate
from service.core.model.block import Block, FingerprintMatch, IssuerSerialMatch, SpkiMatch
from service.core.model.certificate import Certificate
from service.core.model.key import KeyKind
from service.core.names.comparison import canonical

Key = TypeVar("Key")

_NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, eq=False)
class BlockList:
    """All blocks, by what they match; made by `index_blocks`.

    Attributes:
        size: How many there are, those included whose time is over.
    """

    by_fingerprint: Mapping[bytes, tuple[Block, ...]]
    by_spki: Mapping[bytes, tuple[Block, ...]]
    by_issuer_and_serial: Mapping[tuple[bytes, int], tuple[Block, ...]]
    size: int

    def find(self, certificate: Certificate, at: datetime) -> Block | None:
        """The block that denies a certificate at a moment, the one that lasts longest of several; None for none."""
        if not self.size:
            return None
        standing = [block for block in self._matching(certificate) if block.stands(at)]
        return max(standing, key=_until, default=None)

    def at(self, now: datetime) -> "StandingBlocks":
        """The same as it stands now."""
        return StandingBlocks(self, now)

    def _matching(self, certificate: Certificate) -> Iterator[Block]:
        yield from self.by_fingerprint.get(certificate.fingerprint, ())
        if self.by_spki:
            for spki in _keys(certificate):
                yield from self.by_spki.get(sha256(spki).digest(), ())
        if self.by_issuer_and_serial:
            named = canonical(certificate.issuer.der), certificate.serial_number
            yield from self.by_issuer_and_serial.get(named, ())


@dataclass(frozen=True, slots=True)
class StandingBlocks:
    """What is blocked at one moment.

    Attributes:
        blocks: All blocks.
        now: By the clock.
    """

    blocks: BlockList
    now: datetime

    def find(self, certificate: Certificate) -> Block | None:
        """The block that denies a certificate; None for none."""
        return self.blocks.find(certificate, self.now)

    def first(self, certificates: Iterable[Certificate]) -> tuple[Certificate, Block] | None:
        """The first of several certificates that is blocked, and by what; None where none is."""
        if not self.blocks.size:
            return None
        found = ((certificate, self.find(certificate)) for certificate in certificates)
        return next(((certificate, block) for certificate, block in found if block is not None), None)


def index_blocks(blocks: Iterable[Block]) -> BlockList:
    """An index over blocks."""
    by_fingerprint: dict[bytes, list[Block]] = {}
    by_spki: dict[bytes, list[Block]] = {}
    by_issuer_and_serial: dict[tuple[bytes, int], list[Block]] = {}
    size = 0
    for block in blocks:
        size += 1
        match = block.match
        match match:
            case FingerprintMatch(digest):
                by_fingerprint.setdefault(digest, []).append(block)
            case SpkiMatch(digest):
                by_spki.setdefault(digest, []).append(block)
            case IssuerSerialMatch():
                by_issuer_and_serial.setdefault((match.issuer_key, match.serial_number), []).append(block)
            case _:
                assert_never(match)
    return BlockList(_frozen(by_fingerprint), _frozen(by_spki), _frozen(by_issuer_and_serial), size)


def _frozen(found: Mapping[Key, list[Block]]) -> dict[Key, tuple[Block, ...]]:
    return {key: tuple(blocks) for key, blocks in found.items()}


NO_BLOCKS = StandingBlocks(index_blocks(()), _NEVER)
"""Nothing is blocked."""


def _until(block: Block) -> datetime:
    return _NEVER if block.until is None else block.until


def _keys(certificate: Certificate) -> tuple[bytes, ...]:
    """The key of a certificate, as it stands there and as it is worked with."""
    key = certificate.public_key
    if key.kind is not KeyKind.DSA:
        return (key.spki,)
    # In a path its parameters may have been written in (`path.building`); an operator blocks what the certificate says.
    return key.spki, read_certificate(certificate.der).public_key.spki
