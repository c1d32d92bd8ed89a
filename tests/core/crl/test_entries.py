"""Which entry of a CRL is about a certificate (RFC 5280 §5.3.3)."""

from itertools import permutations
from typing import Final

import pytest

from service.core.crl import entries
from service.core.crl.entries import entry_key, prevailing, rows
from service.core.der.crl import read_crl
from service.core.der.crl_entry import unpack
from service.core.model.certificate import Certificate
from service.core.model.reason import Reason
from service.core.names.comparison import canonical
from tests.core.crl.findings import LEAF, ROOT, SUB, read
from tests.pki import Authority, Entry, Extension, IssuingDistributionPoint, der, names

INDIRECT: Final = IssuingDistributionPoint(indirect=True)
OTHER: Final = ROOT.subordinate("Other")
THEIRS: Final = OTHER.issue("leaf", serial=LEAF.serial)
OURS: Final = canonical(SUB.subject)


def reason_of(certificate: Certificate, *entries: Entry, issuer: Authority = SUB) -> Reason | None:
    """What an indirect CRL says of a certificate; None where it does not list it."""
    document = read_crl(issuer.crl(idp=INDIRECT, revoked=entries))
    key = entry_key(canonical(document.meta.issuer.der), certificate)
    found = [unpack(record).reason for listed, record in rows(document) if listed == key]
    return found[-1] if found else None


def test_a_certificate_of_the_crl_issuer() -> None:
    """Its key is the serial number alone, in direct and indirect CRLs alike."""
    assert read(LEAF).serial_number == int.from_bytes(entry_key(OURS, read(LEAF)), "big")
    assert Reason.SUPERSEDED is reason_of(read(LEAF), Entry(LEAF.serial, "superseded"))
    direct = read_crl(SUB.crl(revoked=[LEAF.serial]))
    assert [entry_key(OURS, read(LEAF))] == [key for key, _ in rows(direct)]


def test_a_certificate_of_somebody_else() -> None:
    """The serial number of another issuer's certificate is another number."""
    named = Entry(LEAF.serial, "superseded", certificate_issuer="Other")
    assert Reason.SUPERSEDED is reason_of(read(THEIRS), named)
    assert None is reason_of(read(LEAF), named)
    assert None is reason_of(read(THEIRS), Entry(LEAF.serial, "superseded"))


def test_the_issuer_stands_until_another_is_named() -> None:
    """RFC 5280 §5.3.3: an entry without certificateIssuer has that of the entry before."""
    entries = (
        Entry(1, "superseded"),
        Entry(2, certificate_issuer="Other"),
        Entry(LEAF.serial, "keyCompromise"),
        Entry(3, certificate_issuer="Sub"),
        Entry(LEAF.serial, "aACompromise"),
    )
    assert Reason.KEY_COMPROMISE is reason_of(read(THEIRS), *entries)
    assert Reason.AA_COMPROMISE is reason_of(read(LEAF), *entries)
    assert None is reason_of(read(THEIRS), *entries[:2])


def test_the_issuer_in_another_spelling() -> None:
    """Names are compared as names."""
    assert Reason.SUPERSEDED is reason_of(read(THEIRS), Entry(LEAF.serial, "superseded", certificate_issuer="OTHER"))


@pytest.mark.parametrize(
    "names_of_issuer",
    [
        (der.implicit(2, der.ia5_string("a.example")),),
        (names.directory_name("Third"), names.directory_name("Other")),
        (),
    ],
    ids=["a host", "two", "none"],
)
def test_an_issuer_that_is_not_one_name(names_of_issuer: tuple[bytes, ...]) -> None:
    """RFC 5280 §5.3.3: it is the issuer's name out of the certificate; otherwise the CRL is unusable."""
    entry = Entry(1, extensions=[Extension("2.5.29.29", der.seq(*names_of_issuer), critical=True)])
    document = read_crl(SUB.crl(idp=INDIRECT, revoked=[entry, 2]))
    assert ("a certificateIssuer that is not one directory name",) == document.meta.unsupported
    assert 2 == len(list(rows(document)))


@pytest.mark.parametrize("serial", [0, 1, -1, 127, 128, 1 << 159, (1 << 511) - 1])
def test_no_serial_number_reads_like_somebody_elses(serial: int) -> None:
    """A key with an issuer begins as no serial number in DER does."""
    ours, theirs = (read(one.issue("leaf", serial=serial)) for one in (SUB, OTHER))
    assert entry_key(OURS, theirs).startswith(b"\0\0")
    assert not entry_key(OURS, ours).startswith(b"\0\0")


def test_which_of_several_entries_counts() -> None:
    """The last one, but never a removal over a revocation, however they are taken together."""
    hold, removal, compromise = (bytes((code,)) + b"\x17260101000000Z" for code in (6, 8, 1))
    assert compromise == prevailing(hold, compromise)
    assert hold == prevailing(hold, removal)
    assert hold == prevailing(removal, hold)
    assert removal == prevailing(removal, removal)
    for order in permutations((hold, removal, compromise)):
        left = prevailing(prevailing(order[0], order[1]), order[2])
        assert left == prevailing(order[0], prevailing(order[1], order[2]))
        assert left != removal


MANY: Final = 5_000
"""Entries: more than are read at one time."""


@pytest.mark.parametrize("every", [1, entries.PROGRESS_OCTETS], ids=["each run", "a short list"])
def test_how_far_it_has_come(monkeypatch: pytest.MonkeyPatch, every: int) -> None:
    """It is told of entries that were taken, each time more octets have been read, and of the last one in any case."""
    monkeypatch.setattr(entries, "PROGRESS_OCTETS", every)
    document = read_crl(SUB.crl(revoked=range(1, MANY + 1)))
    told: list[tuple[int, int, int]] = []
    taken: list[bytes] = []
    for key, _ in rows(document, lambda octets, count: told.append((octets, count, len(taken)))):
        taken.append(key)
    start, stop = document.entries
    assert (every == 1) == (len(told) > 1)
    assert (stop - start, MANY, MANY) == told[-1]
    assert all(count == done for _, count, done in told)
    assert sorted(set(told)) == told
