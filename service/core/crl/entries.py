"""Which entry of a CRL is about a certificate: serial number and, in an indirect CRL, its issuer (RFC 5280 §5.3.3)."""

from collections.abc import Callable, Iterator
from functools import lru_cache
from hashlib import sha256
from itertools import chain

from service.core.der import tlv
from service.core.der.crl import CrlDocument
from service.core.der.usual_entries import EntryRun
from service.core.model.certificate import Certificate
from service.core.model.crl import CrlRow
from service.core.model.reason import Reason
from service.core.names.comparison import canonical

_FOREIGN = b"\x00\x00"
"""What the key of an entry about somebody else's certificate begins with; no serial number in DER begins so."""


MAX_PREFIXES = 4096
"""Issuers, with the CRL issuer who names them, of whom it is kept how the keys of their certificates begin. Two names
and a digest each: 32 MiB at most, where all names are as long as one may be."""

_REMOVAL = bytes((Reason.REMOVE_FROM_CRL,))
"""What the record of an entry with that reason begins with (`der.crl_entry`)."""


def entry_key(crl_issuer: bytes, certificate: Certificate) -> bytes:
    """Under which key a CRL lists a certificate, if it does.

    Args:
        crl_issuer: Canonical form of the CRL issuer's name.
        certificate: The certificate in question.
    """
    serial = tlv.integer_octets(certificate.serial_number)
    issuer = canonical(certificate.issuer.der)
    return serial if issuer == crl_issuer else _foreign_key(issuer, serial)


PROGRESS_OCTETS = 1 << 21
"""Between two reports of `rows`: some 43,000 entries, which take a fiftieth of a second to read."""


def tell_nobody(octets: int, entries: int) -> None:
    """Tell nobody how far `rows` has come."""
    del octets, entries


def rows(document: CrlDocument, progress: Callable[[int, int], None] = tell_nobody) -> Iterator[CrlRow]:
    """The entries of a CRL, each under the key by which it is found, in the order of the CRL.

    Args:
        document: The CRL.
        progress: Is told how many octets of the list are read, and how many entries: every `PROGRESS_OCTETS`, and at
            the end.

    Raises:
        MalformedError: one does not decode.
    """
    scope = document.meta.issuing_distribution_point
    runs = _told(document, progress)
    if scope is None or not scope.indirect_crl:
        return chain.from_iterable(run.found for run in runs)
    return chain.from_iterable(_indirect_rows(canonical(document.meta.issuer.der), runs))


def _told(document: CrlDocument, progress: Callable[[int, int], None]) -> Iterator[EntryRun[list[CrlRow]]]:
    start, stop = document.entries
    due, entries = start + PROGRESS_OCTETS, 0
    for run in document.runs():
        yield run
        entries += len(run.found)
        if run.after >= due or run.after == stop:
            progress(run.after - start, entries)
            due = run.after + PROGRESS_OCTETS


def prevailing(first: bytes, second: bytes) -> bytes:
    """Which of two records under one key counts; of more of them, that of each with the next, in any grouping.

    RFC 5280 knows no CRL that lists a certificate twice. We choose the last entry, but never a removal over a
    revocation: what its issuer signed as revoked is not passed over.

    Args:
        first: The record of the entry that stands before the other in the CRL.
        second: The record of the other.
    """
    return first if _is_removal(second) and not _is_removal(first) else second


def _is_removal(record: bytes) -> bool:
    return record[:1] == _REMOVAL


def _indirect_rows(own: bytes, runs: Iterator[EntryRun[list[CrlRow]]]) -> Iterator[list[CrlRow]]:
    prefix = b""
    for run in runs:
        first = 0
        for number, extensions in run.remarks:
            if extensions.certificate_issuer:
                # RFC 5280 §5.3.3: it stands for the entries that follow as well.
                yield _below(prefix, run.found[first:number])
                first, prefix = number, _prefix(own, extensions.certificate_issuer[0].der)
        yield _below(prefix, run.found[first:])


def _below(prefix: bytes, found: list[CrlRow]) -> list[CrlRow]:
    return [(prefix + key, record) for key, record in found] if prefix else found


@lru_cache(maxsize=MAX_PREFIXES)
def _prefix(own: bytes, issuer: bytes) -> bytes:
    """What comes before the serial numbers of an issuer's certificates in the keys of a CRL.

    Args:
        own: Canonical form of the CRL issuer's name.
        issuer: The issuer's name, as it is written.
    """
    name = canonical(issuer)
    return b"" if name == own else _foreign_key(name, b"")


def _foreign_key(issuer: bytes, serial: bytes) -> bytes:
    return _FOREIGN + sha256(issuer).digest() + serial
