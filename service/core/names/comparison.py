"""Comparing names (RFC 5280 §7.1).

Two names match when their relative distinguished names match one by one, each as a set of attributes whose values match
after string preparation, whatever string type each is encoded in.
"""

from collections.abc import Iterable
from functools import lru_cache

from service.core.der.name import MAX_USUAL_OCTETS, Attribute, Rdn, read_rdns
from service.core.model.name import GeneralName, GeneralNameKind, Name
from service.core.names.preparation import prepare

MAX_CACHED_NAMES = 1024
"""Every name that can be read is kept, so that a long one costs once. The form of one of 4,096 octets takes 40 KiB
at most, eighty values of 42 octets (U+FDFA, fourteen times) that become twelve times as long: 40 MiB in all."""

MAX_CACHED_LONG_NAMES = 256
"""Of names above `MAX_USUAL_OCTETS`. One of the longest takes 128 KiB at most: 32 MiB in all. A request of 1 MiB has no
room for more than 200."""


def canonical(der: bytes) -> bytes:
    """A form of a name that is equal for names that match, and different for those that do not.

    Args:
        der: DER of a Name that `der.name` has read.

    Raises:
        MalformedError: it is no Name.
    """
    return _cached_canonical(der) if len(der) <= MAX_USUAL_OCTETS else _cached_long_canonical(der)


def _canonical(der: bytes) -> bytes:
    return canonical_rdns(read_rdns(der))


_cached_canonical = lru_cache(maxsize=MAX_CACHED_NAMES)(_canonical)
_cached_long_canonical = lru_cache(maxsize=MAX_CACHED_LONG_NAMES)(_canonical)


def canonical_rdns(rdns: Iterable[Rdn]) -> bytes:
    """The same for relative distinguished names in the order of their encoding."""
    return _join(map(canonical_rdn, rdns))


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
    prepared = prepare(attribute.text)
    text = attribute.text if prepared is None else prepared
    return _join((attribute.type.encode(), b"text", text.encode()))


def _join(parts: Iterable[bytes]) -> bytes:
    """Parts with their lengths before them, so that no content can imitate a boundary."""
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)
