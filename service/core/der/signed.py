"""What certificates and CRLs have outermost: what is signed, the algorithm, the signature (RFC 5280 §4.1.1, §5.1.1)."""

from service.core.der import tlv
from service.core.model.key import Signature
from service.core.model.malformed import MalformedError

MAX_COPIED_OCTETS = 8192
"""What is signed is copied up to this size; above it, a view of the buffer serves: a large CRL is not held twice."""


def read_signed(data: tlv.Buffer, what: str) -> tuple[Signature, int, int]:
    """Take the outermost SEQUENCE apart.

    Args:
        data: The whole object.
        what: What to call it where it is none: `a certificate`.

    Returns:
        The signature with what it covers, and the first and one past the last offset of the content of what is signed.

    Raises:
        MalformedError: it is not of this form, or has octets after its end.
    """
    start, stop = tlv.whole(data, tlv.SEQUENCE)
    elements = tlv.children(data, start, stop)
    if [tag for tag, *_ in elements] != [tlv.SEQUENCE, tlv.SEQUENCE, tlv.BIT_STRING]:
        raise MalformedError(f"{what} is a SEQUENCE of what is signed, an algorithm and a BIT STRING")
    (_, position, content, after), (_, algorithm, _, algorithm_after), (_, _, value, value_after) = elements
    signed = memoryview(data)[position:after]
    signature = Signature(
        algorithm=bytes(data[algorithm:algorithm_after]),
        value=tlv.signature_bits(data, value, value_after),
        signed=bytes(signed) if len(signed) <= MAX_COPIED_OCTETS else signed,
    )
    return signature, content, after
