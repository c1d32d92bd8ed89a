"""CRLs whose entries are of other forms than those of `bench.pki`: the one with the least, and one with everything.

What is random is the same on every run. Entries are written by hand: a million take some seconds.
"""

import random
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from bench.pki import serials
from tests.pki import (
    NEXT_UPDATE,
    REVOKED_AT,
    THIS_UPDATE,
    Authority,
    Extension,
    IssuingDistributionPoint,
    algorithm_identifier,
    der,
    names,
    oids,
)
from tests.pki import sign as signature
from tests.pki.extensions import encoded_list

ISSUERS: Final = 50
"""Whose certificates an indirect CRL is about."""

Entries = Callable[[int], Iterator[bytes]]

_REASONS: Final = (1, 3, 4, 5, 9)


def bare(entries: int) -> Iterator[bytes]:
    """A serial number of 16 octets and a date: what takes least time to load."""
    date = der.time(REVOKED_AT)
    return (der.seq(der.integer(serial), date) for serial in serials(entries, seed=3))


class _Parts:
    """Parts of entries, as chance has them."""

    def __init__(self, source: random.Random) -> None:
        """Take where chance comes from."""
        self._source = source

    def revoked(self) -> bytes:
        """When, in either form."""
        if self._source.random() < 0.3:
            return der.tlv(0x18, self._date(self._source.randint(2050, 2069)))
        return der.tlv(0x17, self._date(self._source.randint(2015, 2025))[2:])

    def invalid(self) -> bytes:
        """An invalidity date."""
        return der.seq(der.oid(oids.INVALIDITY_DATE), der.octet_string(der.tlv(0x18, self._date(2020))))

    def unknown(self) -> bytes:
        """An extension that nobody knows."""
        content = der.octet_string(self._source.randbytes(8))
        return der.seq(der.oid("1.3.6.1.4.1.99999.1"), der.octet_string(content))

    def _date(self, year: int) -> bytes:
        return b"%04d%02d%02d%02d%02d%02dZ" % (
            year,
            self._source.randint(1, 12),
            self._source.randint(1, 28),
            *(self._source.randrange(limit) for limit in (24, 60, 60)),
        )


def mixed(entries: int) -> Iterator[bytes]:
    """Every form that occurs, in random order.

    Serial numbers of 1 to 20 octets, dates of both forms, and of extensions none, a reason (critical or not), an
    invalidity date (before a reason, after it or alone), an instruction, one that nobody knows, or another issuer.
    """
    source = random.Random(4)
    parts = _Parts(source)
    code = [der.seq(der.oid(oids.REASON_CODE), der.octet_string(der.enumerated(one))) for one in _REASONS]
    critical = der.seq(der.oid(oids.REASON_CODE), der.TRUE, der.octet_string(der.enumerated(1)))
    instruction = der.seq(der.oid("2.5.29.23"), der.octet_string(der.oid("1.2.840.10040.2.1")))
    others = [
        names.directory_name(f"CN=Issuing CA {number},O=Example Trust Services,C=DE") for number in range(ISSUERS)
    ]
    issuers = [der.seq(der.oid(oids.CERTIFICATE_ISSUER), der.TRUE, der.octet_string(der.seq(one))) for one in others]
    forms: list[Callable[[], bytes]] = [
        lambda: b"",
        lambda: der.seq(source.choice(code)),
        lambda: der.seq(critical),
        lambda: der.seq(parts.invalid()),
        lambda: der.seq(source.choice(code), parts.invalid()),
        lambda: der.seq(parts.invalid(), source.choice(code)),
        lambda: der.seq(source.choice(code), instruction),
        lambda: der.seq(source.choice(code), parts.unknown()),
        lambda: der.seq(source.choice(code), source.choice(issuers)),
    ]
    for _ in range(entries):
        serial = der.integer(source.getrandbits(8 * source.randint(1, 20) - 1))
        yield der.seq(serial, parts.revoked(), source.choice(forms)())


BARE: Final = "bare"
MIXED: Final = "mixed"
FORMS: Final[Mapping[str, Entries]] = {BARE: bare, MIXED: mixed}
"""By what they are called."""


def crl(issuer: Authority, form: str, entries: int) -> bytes:
    """A CRL with entries of a form; an indirect one where they name issuers."""
    algorithm = algorithm_identifier(issuer.key, "sha256", None)
    extensions = [Extension(oids.CRL_NUMBER, der.integer(1))]
    if form == MIXED:
        scope = IssuingDistributionPoint(indirect=True).encoded()
        extensions.append(Extension(oids.ISSUING_DISTRIBUTION_POINT, scope, critical=True))
    signed = der.seq(
        der.integer(1),
        algorithm,
        issuer.subject,
        der.time(THIS_UPDATE),
        der.time(NEXT_UPDATE),
        der.seq(*FORMS[form](entries)),
        der.explicit(0, encoded_list(extensions, {})),
    )
    return der.seq(signed, algorithm, der.bit_string(signature(issuer.key, signed)))
