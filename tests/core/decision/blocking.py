"""Blocks on certificates of the test PKI, in each of the three forms."""

from collections.abc import Callable
from datetime import datetime
from hashlib import sha256
from typing import Final

from service.core.decision.block_list import StandingBlocks, index_blocks
from service.core.model.block import Block, BlockMatch, FingerprintMatch, IssuerSerialMatch, SpkiMatch
from service.core.model.certificate import Certificate
from service.core.names.comparison import canonical
from tests.core.decision.chains import certificate
from tests.pki import NOW, Authority, Issued

Form = Callable[[Issued | Authority], BlockMatch]


def by_fingerprint(issued: Issued | Authority) -> BlockMatch:
    """The certificate itself."""
    return FingerprintMatch(certificate(issued).fingerprint)


def by_spki(issued: Issued | Authority) -> BlockMatch:
    """Its key."""
    return SpkiMatch(sha256(certificate(issued).public_key.spki).digest())


def by_issuer_and_serial(issued: Issued | Authority) -> BlockMatch:
    """Its issuer's name and its serial number."""
    return matching(certificate(issued))


def matching(read: Certificate) -> BlockMatch:
    """The issuer's name and the serial number of a certificate that was read."""
    return IssuerSerialMatch(read.issuer.text, canonical(read.issuer.der), read.serial_number)


FORMS: Final[tuple[Form, ...]] = (by_fingerprint, by_spki, by_issuer_and_serial)


def block(match: BlockMatch, until: datetime | None = None, name: str = "b1") -> Block:
    """A block."""
    return Block(name, match, "stolen", NOW, "tester", until)


def blocking(
    *issued: Issued | Authority, form: Form = by_fingerprint, until: datetime | None = None, now: datetime = NOW
) -> StandingBlocks:
    """Blocks on certificates, as they stand at a moment: `b1`, `b2` and so on."""
    blocks = (block(form(one), until, f"b{number}") for number, one in enumerate(issued, 1))
    return index_blocks(blocks).at(now)
