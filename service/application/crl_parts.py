"""Downloads as they come: octets counted on their way, and what is in a file, in armour or without."""

import re
from collections.abc import AsyncIterator, Callable
from typing import Final

from service.application.pem import CRL_LABELS, MARK, PemError, read_pem

_MARK: Final = re.compile(re.escape(MARK))
_SEQUENCE: Final = 0x30
_LONG_FORM: Final = 0x80
_SHORT_MAX: Final = 2 + 0x7F  # octets of what states its length in one octet (X.690 §8.1.3.4)


async def counted(
    chunks: AsyncIterator[bytes], arriving: Callable[[int, int | None], None], octets: int | None = None
) -> AsyncIterator[bytes]:
    """The same pieces; somebody is told how much there is of them.

    Args:
        chunks: What comes.
        arriving: Is told how many octets have come, and how many there will be.
        octets: How many there will be, as the origin says; None, too, from where there are more than that.
    """
    done = 0
    async for chunk in chunks:
        done += len(chunk)
        arriving(done, octets if octets is not None and done <= octets else None)
        yield chunk


def is_armoured(data: memoryview) -> bool:
    """Whether it came as PEM, which may have text before its first block (RFC 7468 §2)."""
    return not _is_der(data) and _MARK.search(data) is not None


def _is_der(data: memoryview) -> bool:
    """Whether it begins like DER: a SEQUENCE, and not a text that begins with the digit 0."""
    if len(data) < 2 or data[0] != _SEQUENCE:  # noqa: PLR2004 - a tag and a length
        return False
    return data[1] >= _LONG_FORM or len(data) <= _SHORT_MAX


def parts_of(data: memoryview) -> list[memoryview]:
    """Every CRL of a file in PEM; the whole of it where it has one, or cannot be read."""
    try:
        blocks = read_pem(bytes(data))
    except PemError:
        return [data]
    crls = [memoryview(block.der) for block in blocks if block.label in CRL_LABELS]
    return [data] if len(blocks) == 1 or not crls else crls


def without_armour(data: memoryview) -> bytes | memoryview:
    """The DER of a CRL that came as PEM, as some publish it; what comes as DER is returned as it is."""
    if not is_armoured(data):
        return data
    return read_pem(bytes(data))[0].der
