"""Comparing names (RFC 5280 §7.1).

Two names match when their relative distinguished names match one by one, each as a set of attributes whose values match
after string preparation, whatever string type each is encoded in.
"""

from collections.abc import Iterable
from functools import lru_cache

from service.core.der.name import Attribute, Rdn, read_rdns
from service.core.model.name import GeneralName, GeneralNameKind, Name
from service.core.names.preparation import prepare

MAX_CACHED_OCTETS = 1024
"""Longer names are prepared each time: 4,096 of the others are kept, 8 MiB at most."""

MAX_PREPARED_CHARACTERS = 256
"""Longer values match octet by octet: RFC 5280 allows an e-mail address 255 characters and nothing in use more, and the
time that normalizing takes grows with the square of a run of combining marks."""


def canonical(der: bytes) -> bytes:
    """A form of a name that is equal for names that match, and different for those that do not.

    Args:
        der: DER of a Name that `der.name` has read.

    Raises:
        MalformedError: it is no Name.
    """
    return _cached_canonical(der) if len(der) <= MAX_CACHED_OCTETS else _canonical(der)


def _canonical(der: bytes) -> bytes:
    return _join(map(canonical_rdn, read_rdns(der)))


_cached_canonical = lru_cache(maxsize=4096)(_canonical)


def canonical_rdn(rdn: Rdn) -> bytes:
    """The same for one relative distinguished name."""
    return _join(sorted(_attribute(attribute) for attribute in rdn))


def same_name(one: Name, other: Name) -> bool:
    """Whether two names match."""
    return one.der == other.der or canonical(one.der) == canonical(other.der)


def general_name_key(name: GeneralName) -> bytes:
    """A form that is equal for general names that match: directory names by §7.1, all others octet by octet."""
    value = canonical(name.value) if name.kind is GeneralNameKind.DIRECTORY_NAME else name.value
    return bytes((name.kind.value,)) + value


def _attribute(attribute: Attribute) -> bytes:
    if attribute.text is None:
        return _join((attribute.type.encode(), b"der", attribute.der))
    text = attribute.text if len(attribute.text) > MAX_PREPARED_CHARACTERS else prepare(attribute.text)
    return _join((attribute.type.encode(), b"text", text.encode()))


def _join(parts: Iterable[bytes]) -> bytes:
    """Parts with their lengths before them, so that no content can imitate a boundary."""
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)
