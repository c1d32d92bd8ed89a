"""Values to store: CRLs that differ in one thing each, rows that the core itself made from DER."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256

from service.application.evidence_store import HeldCrl, HeldOcsp
from service.core.der.crl_entry import read_entry
from service.core.model.crl import CrlEntry, CrlMeta, CrlRow, CrlSlot, Watermark
from service.core.model.name import Name
from service.core.model.reason import Reason

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
ISSUER = b"canonical issuer"
SOURCE = "http://crl.example/1.crl"
NAME = Name(b"\x30\x00", "CN=Issuer")
SIGNERS = frozenset({b"signer"})
"""Whose CRLs count."""
NOWHERE: frozenset[bytes] = frozenset()
"""The distribution points of a certificate that has none."""
KEY = bytes(32)
"""Under which an OCSP response is held."""


def slot(*points: bytes, issuer: bytes = ISSUER, kind: bytes = b"base") -> CrlSlot:
    """A slot, with its key over everything that makes it one."""
    key = sha256(b"|".join((issuer, kind, *sorted(points)))).digest()
    return CrlSlot(key, issuer, frozenset(points))


def held(number: int, where: CrlSlot | None = None, entries: int = 0) -> HeldCrl:
    """A CRL with this number."""
    meta = CrlMeta(
        digest=sha256(b"%d" % number).digest(),
        issuer=NAME,
        algorithm=b"\x30\x00",
        this_update=AT + timedelta(days=number),
        next_update=AT + timedelta(days=number + 7),
        crl_number=number,
        entries=entries,
    )
    return HeldCrl(where or slot(), meta, b"signer", SOURCE, AT)


def watermark(number: int) -> Watermark:
    """The watermark of the CRL with this number."""
    return Watermark(number, AT + timedelta(days=number), sha256(b"%d" % number).digest())


def octets(serial: int) -> bytes:
    """Content octets of a serial number."""
    magnitude = serial if serial >= 0 else ~serial
    return serial.to_bytes(magnitude.bit_length() // 8 + 1, "big", signed=True)


def entry(days: int = 0, reason: Reason | None = Reason.KEY_COMPROMISE) -> CrlEntry:
    """An entry of a certificate that was revoked so many days after `AT`."""
    return CrlEntry(AT + timedelta(days=days), reason)


def row(number: int, days: int = 0, reason: Reason | None = Reason.KEY_COMPROMISE) -> CrlRow:
    """The row of such an entry for a serial number, as the core makes it from the entry's DER."""
    serial, revoked = octets(number), entry(days, reason)
    body = b"\x02" + bytes([len(serial)]) + serial + b"\x17\x0d" + revoked.revoked_at.strftime("%y%m%d%H%M%SZ").encode()
    if revoked.reason is not None:
        body += b"\x30\x0c\x30\x0a\x06\x03\x55\x1d\x15\x04\x03\x0a\x01" + bytes([revoked.reason])
    der = b"\x30" + bytes([len(body)]) + body
    return read_entry(der, 0, len(der))[0]


def ocsp(expires_in: timedelta = timedelta(hours=1), at: datetime = AT, response: bytes = b"response") -> HeldOcsp:
    """A response fetched at a moment."""
    return HeldOcsp(response, "http://ocsp.example/", at, at + expires_in)
