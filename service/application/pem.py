"""PEM (RFC 7468): blocks of base64 between lines that name them. Text around the blocks is no fault."""

import binascii
import re
from base64 import b64decode
from dataclasses import dataclass, field

_BLOCK = re.compile(rb"-----BEGIN ([A-Z0-9 ]{1,64})-----(.*?)-----END \1-----", re.DOTALL)
MARK = b"-----BEGIN "


class PemError(ValueError):
    """The text is no PEM.

    Attributes:
        reason: What is wrong, for a person; names the block by number and never quotes it.
    """

    def __init__(self, reason: str) -> None:
        """Keep the reason."""
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class PemBlock:
    """One block.

    Attributes:
        label: What stands between BEGIN and the dashes.
        der: What it encodes.
    """

    label: str
    der: bytes = field(repr=False)


def read_pem(text: bytes) -> tuple[PemBlock, ...]:
    """Every block, in order.

    Raises:
        PemError: there is none, one has no end, or one does not hold base64.
    """
    blocks = []
    for number, found in enumerate(_BLOCK.finditer(text), 1):
        try:
            der = b64decode(b"".join(found[2].split()), validate=True)
        except binascii.Error:
            raise PemError(f"PEM block {number} does not hold base64") from None
        if not der:
            raise PemError(f"PEM block {number} is empty")
        blocks.append(PemBlock(found[1].decode("ascii"), der))
    if not blocks or len(blocks) != text.count(MARK):
        raise PemError("no PEM block" if not blocks else "a PEM block without its end")
    return tuple(blocks)
