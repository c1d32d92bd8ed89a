"""General names and name constraints out of text: `DNS:a.example`, `IP:10.0.0.0/8`, `dir:CN=a,O=b`.

Rules: a name is written as it is told to, of its form or not; what follows the form is its content. An `IP:` with a
slash is a base, one without an address; `hex:7:…` is a name with that tag and those octets.
"""

from collections.abc import Iterable
from ipaddress import ip_address, ip_network
from typing import Final

from service.core.model.certificate import NameConstraints
from service.core.model.name import GeneralName, GeneralNameKind
from tests.pki import Extension, der, oids
from tests.pki.names import name

_TEXTS: Final = {
    "DNS": GeneralNameKind.DNS_NAME,
    "email": GeneralNameKind.RFC822_NAME,
    "URI": GeneralNameKind.URI,
}
_CONSTRUCTED: Final = {
    GeneralNameKind.OTHER_NAME,
    GeneralNameKind.X400_ADDRESS,
    GeneralNameKind.DIRECTORY_NAME,
    GeneralNameKind.EDI_PARTY_NAME,
}


def general_name(text: str) -> GeneralName:
    """A general name out of text.

    Raises:
        ValueError: the text has another prefix or none, or no address where one should be.
    """
    form, _, content = text.partition(":")
    match form:
        case "DNS" | "email" | "URI":
            return GeneralName(_TEXTS[form], content.encode())
        case "IP":
            return GeneralName(GeneralNameKind.IP_ADDRESS, _range(content))
        case "dir":
            return GeneralName(GeneralNameKind.DIRECTORY_NAME, name(content))
        case "utf8":
            return smtp_utf8(content)
        case "hex":
            tag, _, octets = content.partition(":")
            return GeneralName(GeneralNameKind(int(tag)), bytes.fromhex(octets))
        case _:
            raise ValueError(text)


def _range(text: str) -> bytes:
    if "/" not in text:
        return ip_address(text).packed
    # Bits that the mask leaves out stay as they are written.
    network = ip_network(text, strict=False)
    return ip_address(text.partition("/")[0]).packed + network.netmask.packed


def smtp_utf8(address: str) -> GeneralName:
    """An SmtpUTF8Mailbox (RFC 9598)."""
    value = der.oid("1.3.6.1.5.5.7.8.9") + der.explicit(0, der.utf8_string(address))
    return GeneralName(GeneralNameKind.OTHER_NAME, value)


def encoded(one: GeneralName) -> bytes:
    """The DER of a general name."""
    return der.tlv(0x80 | (0x20 if one.kind in _CONSTRUCTED else 0) | one.kind.value, one.value)


def name_constraints(permitted: Iterable[str] = (), excluded: Iterable[str] = ()) -> NameConstraints:
    """Name constraints out of text."""
    return NameConstraints(tuple(map(general_name, permitted)), tuple(map(general_name, excluded)))


def constraining(permitted: Iterable[str] = (), excluded: Iterable[str] = (), *, critical: bool = True) -> Extension:
    """The extension nameConstraints; a list without bases is left out."""
    lists = []
    for number, bases in enumerate((permitted, excluded)):
        subtrees = [der.seq(encoded(general_name(base))) for base in bases]
        if subtrees:
            lists.append(der.implicit(number, der.seq(*subtrees)))
    return Extension(oids.NAME_CONSTRAINTS, der.seq(*lists), critical=critical)


def naming(*names: str) -> Extension:
    """The extension subjectAltName."""
    return Extension(oids.SUBJECT_ALT_NAME, der.seq(*(encoded(general_name(one)) for one in names)))
