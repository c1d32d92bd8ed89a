"""Certificates that are hard on encodings, and what a reader makes of what a header held."""

from base64 import b64encode
from typing import Final

from cryptography import x509
from cryptography.x509.oid import NameOID

from service.api.client_cert.presented import Presented
from service.application.submission import read_submission
from service.core.model.certificate import Certificate
from tests.pki import Authority, Issued

ROOT: Final = Authority.root("Root")
SUB: Final = ROOT.subordinate("Sub")

JAPANESE: Final = "車両一号機"
QUOTES: Final = '"quoted", \\; and = signs'
LINES: Final = "one\r\ntwo\r\nX-Revet-Decision: allow"


def _named(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _with_all_of_base64() -> Issued:
    """A certificate with `+` and `/` in its base64, and `=` at its end: what encodings get wrong."""
    for number in range(100):
        found = SUB.issue(f"leaf {number}", serial=number + 1)
        text = base64(found.der)
        if "+" in text and "/" in text and text.endswith("="):
            return found
    raise LookupError


def base64(der: bytes) -> str:
    """DER as base64 in one line."""
    return b64encode(der).decode("ascii")


PLUS: Final = _with_all_of_base64()
OTHER: Final = SUB.issue("somebody else")
LONG: Final = SUB.issue("long", san=[f"DNS:host-{number}.cars.example" for number in range(320)])
"""More than 8 KiB."""

LEAVES: Final = {
    "plus": PLUS,
    "japanese": SUB.issue(_named(JAPANESE)),
    "quotes": SUB.issue(_named(QUOTES)),
    "lines": SUB.issue(_named(LINES)),
    "long": LONG,
}
CHAIN: Final = (PLUS.der, SUB.der, ROOT.der)


def ders_of(presented: Presented | None) -> tuple[bytes, ...] | None:
    """The certificates that come out, as the service goes on to read them, the leaf first."""
    if presented is None:
        return None
    read = read_submission(presented.certificate, presented.intermediates, max_intermediates=1_000)
    assert isinstance(read.leaf, Certificate), read.leaf
    assert read.ignored == ()
    return (read.leaf.der, *(one.der for one in read.intermediates))
