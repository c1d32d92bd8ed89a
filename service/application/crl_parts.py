"""Downloads as they come: octets counted on their way, and what is in a file, in armour or without."""

from collections.abc import AsyncIterator, Callable

from service.application.pem import CRL_LABELS, MARK, PemError, read_pem


async def counted(chunks: AsyncIterator[bytes], arriving: Callable[[int, int | None], None]) -> AsyncIterator[bytes]:
    """The same pieces; somebody is told how much there is of them."""
    done = 0
    async for chunk in chunks:
        done += len(chunk)
        arriving(done, None)
        yield chunk


def is_armoured(data: memoryview) -> bool:
    """Whether it came as PEM."""
    return bytes(data[: len(MARK)]) == MARK


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
