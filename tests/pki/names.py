"""Names, general names and URLs: from what a test writes to DER.

Rules: a text with `=` is an RFC 4514 name, any other text a common name, and the
empty text the empty name; bytes are DER already. A general name is text with a prefix
(`DNS:a.example`), or a value of `cryptography` for everything else.
"""

from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from typing import Final, TypeAlias

from cryptography import x509
from cryptography.x509.oid import NameOID

from tests.pki import der

NameLike: TypeAlias = x509.Name | str | bytes
"""A distinguished name as a value, as text, or as DER."""

GeneralNameLike: TypeAlias = x509.GeneralName | str
"""A general name as a value, or as text."""

_TEXT_TAGS: Final[Mapping[str, int]] = {"email": 1, "DNS": 2, "URI": 6}


def name(value: NameLike) -> bytes:
    """The DER of a distinguished name."""
    match value:
        case bytes():
            return value
        case x509.Name():
            return value.public_bytes()
        case str() if "=" in value:
            return x509.Name.from_rfc4514_string(value).public_bytes()
        case "":
            return der.seq()
        case str():
            common_name = x509.NameAttribute(NameOID.COMMON_NAME, value)
            return x509.Name([common_name]).public_bytes()


def relative_name(value: x509.RelativeDistinguishedName) -> bytes:
    """The DER of one relative distinguished name, a SET."""
    return der.children(x509.Name([value]).public_bytes())[0]


def general_name(value: GeneralNameLike) -> bytes:
    """The DER of a general name: a value, or text after `DNS:`, `URI:`, `email:` or `IP:`.

    Raises:
        ValueError: The text has another prefix or none.
    """
    if isinstance(value, x509.GeneralName):
        return der.children(x509.SubjectAlternativeName([value]).public_bytes())[0]
    kind, _, text = value.partition(":")
    if kind == "IP":
        return der.implicit(7, der.octet_string(ip_address(text).packed))
    if kind not in _TEXT_TAGS:
        raise ValueError(f"{value!r} does not begin with IP or one of {', '.join(_TEXT_TAGS)}")
    return der.implicit(_TEXT_TAGS[kind], der.ia5_string(text))


def location(value: GeneralNameLike) -> bytes:
    """The DER of a general name; text is a URL, taken as it is."""
    return general_name(f"URI:{value}" if isinstance(value, str) else value)


def directory_name(value: NameLike) -> bytes:
    """The DER of the general name `directoryName`."""
    return der.explicit(4, name(value))


def listed(value: str | Sequence[str]) -> Sequence[str]:
    """A lone text as a list of one, so that `"http://a/"` is never a list of letters."""
    return (value,) if isinstance(value, str) else value
