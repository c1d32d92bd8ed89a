"""Distinguished names under name constraints (RFC 5280 §4.2.1.10): a base covers the names that begin with it.

Relative distinguished names are compared as `comparison` does it (§7.1). What it compares octet by octet for want of
better could hide a name from a constraint, and is not legible here.
"""

from service.core.der import tlv
from service.core.der.name import Attribute, read_rdns
from service.core.names.comparison import canonical_rdn
from service.core.names.preparation import prepare
from service.core.names.subtrees import Subtree

_ONE_ENCODING = frozenset({
    tlv.BOOLEAN,
    tlv.INTEGER,
    tlv.BIT_STRING,
    tlv.OCTET_STRING,
    tlv.OBJECT_IDENTIFIER,
    tlv.ENUMERATED,
    tlv.UTC_TIME,
    tlv.GENERALIZED_TIME,
})  # fmt: skip
"""Types of which DER has one encoding for each value: the octets are as good as the value."""


def directory_path(value: bytes) -> tuple[bytes, ...] | None:
    """Where a directoryName lies, or None where it cannot be compared.

    Args:
        value: DER of a Name that `der.name` has read.
    """
    rdns = read_rdns(value)
    if not all(_is_comparable(attribute) for rdn in rdns for attribute in rdn):
        return None
    return tuple(map(canonical_rdn, rdns))


def directory_subtree(value: bytes) -> Subtree | None:
    """The subtree of a directoryName base, or None where it cannot be compared. The empty name covers everything."""
    path = directory_path(value)
    return None if path is None else Subtree(path)


def _is_comparable(attribute: Attribute) -> bool:
    if attribute.text is None:
        return attribute.der[0] in _ONE_ENCODING
    return prepare(attribute.text) is not None
