"""Names as they stand in certificates and CRLs."""

from dataclasses import dataclass, field
from enum import Enum


@dataclass(frozen=True, slots=True)
class Name:
    """A distinguished name (RFC 5280 §4.1.2.4). Two names are compared by `names.comparison`, never by `==`.

    Attributes:
        der: The encoding exactly as it stood, which OCSP hashes.
        text: RFC 4514 form, for people.
    """

    der: bytes = field(repr=False)
    text: str = field(compare=False)

    @property
    def is_empty(self) -> bool:
        """Whether there is no relative distinguished name in it."""
        return self.der == b"\x30\x00"


class GeneralNameKind(Enum):
    """The forms of GeneralName (RFC 5280 §4.2.1.6) by their context tag."""

    OTHER_NAME = 0
    RFC822_NAME = 1
    DNS_NAME = 2
    X400_ADDRESS = 3
    DIRECTORY_NAME = 4
    EDI_PARTY_NAME = 5
    URI = 6
    IP_ADDRESS = 7
    REGISTERED_ID = 8


@dataclass(frozen=True, slots=True)
class GeneralName:
    """One general name.

    Attributes:
        kind: Its form.
        value: The content octets: ASCII for a URI, the DER of a Name for a directory name.
    """

    kind: GeneralNameKind
    value: bytes
