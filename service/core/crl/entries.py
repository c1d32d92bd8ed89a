"""Which entry of a CRL is about a certificate: serial number and, in an indirect CRL, its issuer (RFC 5280 §5.3.3)."""

from collections.abc import Callable, Iterator
from hashlib import sha256
from itertools import chain

from service.core.der import tlv
from service.core.der.crl import CrlDocument
from service.core.der.entry_runs import EntryRun
from service.core.model.certificate import Certificate
from service.core.model.crl import CrlRow
from service.core.model.reason import Reason
from service.core.names.comparison import canonical

_FOREIGN = b"\x00\x00"
"""What the key of an entry about somebody else's certificate begins with; no serial number in DER begins so."""


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


def tell_nobody(done: int, total: int) -> None:
    """Tell nobody how far `rows` has come."""
    del done, total


def rows(document: CrlDocument, progress: Callable[[int, int], None] = tell_nobody) -> Iterator[CrlRow]:
    """The entries of a CRL, each under the key by which it is found, in the order of the CRL.

    Args:
        document: The CRL.
        progress: Is told how many octets of the list are read, and how many there are: every `PROGRESS_OCTETS`, and at
            the end.

    Raises:
        MalformedError: one does not decode.
    """
    scope = document.meta.issuing_distribution_point
    runs = _told(document, progress)
    if scope is None or not scope.indirect_crl:
        return chain.from_iterable(run.found for run in runs)
    return _indirect_rows(canonical(document.meta.issuer.der), runs)


def _told(document: CrlDocument, progress: Callable[[int, int], None]) -> Iterator[EntryRun[list[CrlRow]]]:
    start, stop = document.entries
    due = start + PROGRESS_OCTETS
    for run in document.runs():
        yield run
        if run.after >= due or run.after == stop:
            progress(run.after - start, stop - start)
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


def _indirect_rows(own: bytes, runs: Iterator[EntryRun[list[CrlRow]]]) -> Iterator[CrlRow]:
    issuer = own
    for run in runs:
        if run.extensions is not None and run.extensions.certificate_issuer:
            # RFC 5280 §5.3.3: it stands for the entries that follow as well.
            issuer = canonical(run.extensions.certificate_issuer[0].der)
        if issuer == own:
            yield from run.found
        else:
            yield from ((_foreign_key(issuer, key), record) for key, record in run.found)


def _foreign_key(issuer: bytes, serial: bytes) -> bytes:
    return _FOREIGN + sha256(issuer).digest() + serial
