"""Comparing names (RFC 5280 §7.1).

Two names match when their relative distinguished names match one by one, each as a set of attributes whose values match
after string preparation, whatever string type each is encoded in.
"""

from collections.abc import Iterable
from functools import lru_cache

from service.core.der.name import Attribute, Rdn, read_rdns
from service.core.model.name import GeneralName, GeneralNameKind, Name
from service.core.names.preparation import prepare

MAX_CACHED_NAMES = 1024
"""Every name that can be read is kept, so that a long one costs once. The form of one of 4,096 octets takes 60 KiB
at most, a hundred values of 28 octets (U+FDFA, fourteen times) that become 504 each: 60 MiB in all."""


@lru_cache(maxsize=MAX_CACHED_NAMES)
def canonical(der: bytes) -> bytes:
    """A form of a name that is equal for names that match, and different for those that do not.

    Args:
        der: DER of a Name that `der.name` has read.

    Raises:
        MalformedError: it is no Name.
    """
    return canonical_rdns(read_rdns(der))


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
