"""The tables `[[issuer]]` of the TOML file: what holds for the certificates of single issuers.

Rules it keeps: a table says whom it is about, and everything in it can be meant; a certificate that it names is read
when the service starts, and a later change of that file changes nothing.

What it does not do: decide which rule is for whom; that is `core.decision.issuer_policy`.
"""

import re
from datetime import MAXYEAR, MINYEAR, UTC, date, datetime, time, timedelta
from typing import Annotated, Final, Self

from pydantic import AfterValidator, BeforeValidator, Field, PrivateAttr, model_validator

from service.application.pem import PemError, read_certificates
from service.core.der.certificate import read_certificate
from service.core.model.certificate import Certificate
from service.core.model.malformed import MalformedError
from service.core.model.policy import (
    EvidenceOrder,
    Exemption,
    IssuerMatch,
    IssuerRule,
    OcspNonce,
    RevocationMode,
    RevocationScope,
    UrlRule,
    Urls,
)
from service.core.names.comparison import canonical
from service.core.names.rfc4514 import canonical_of_text
from service.settings.places import web_url
from service.settings.shown import Shown
from service.settings.tables import Table
from service.settings.values import MAX_GRACE_S, ReadableFile, Seconds

MAX_RULES: Final = 1_000
"""Tables: each is held against the issuer of each certificate of a path, a microsecond or less."""

MAX_EXEMPTIONS: Final = 1_000
"""Of one issuer: whoever has more certificates that nobody can ask about wants another revocation mode."""

MAX_URLS: Final = 4
"""Of one kind for one issuer: as many responders are asked about one certificate."""

MAX_REASON_LENGTH: Final = 500
"""Characters: a sentence or two for whoever reads an answer."""

MAX_SERIAL_DIGITS: Final = 128
"""Of a serial number: RFC 5280 §4.1.2.2 allows 40, and some authorities use more."""

MAX_CERTIFICATE_BYTES: Final = 2**20
"""Of a file with one certificate."""

_NO_MOMENT: Final = "a date (2026-12-31) or a moment (2026-12-31T12:00:00Z) is needed"
_HEXADECIMAL: Final = re.compile(r"[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2})+|(?:[0-9A-Fa-f]{2})+")
_SERIAL: Final = re.compile(r"-?(?:[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2})+|[0-9A-Fa-f]+)")


def _serial_number(value: object) -> str:
    if not isinstance(value, str) or len(value) > MAX_SERIAL_DIGITS or _SERIAL.fullmatch(value) is None:
        raise ValueError("hexadecimal digits in quotes are needed, with or without colons")
    return f"{int(value.replace(':', ''), 16):x}"


def _key_identifier(value: str) -> str:
    if _HEXADECIMAL.fullmatch(value) is None:
        raise ValueError("pairs of hexadecimal digits are needed, with or without colons")
    return value.replace(":", "").lower()


def _name(value: str) -> str:
    try:
        if not value or not canonical_of_text(value):
            raise ValueError("an issuer has a name that is not empty")
    except MalformedError as error:
        raise ValueError(f"this is no name as RFC 4514 writes it, such as CN=Issuing CA,O=Example: {error}") from None
    return value


def _until(value: object) -> object:
    """Take a moment, or a date, which ends with its day in UTC."""
    try:
        if isinstance(value, str):
            value = date.fromisoformat(value) if len(value) == len("2026-12-31") else datetime.fromisoformat(value)
    except ValueError:
        raise ValueError(_NO_MOMENT) from None
    match value:
        case datetime(tzinfo=None):
            raise ValueError("a moment needs its offset from UTC: 2026-12-31T12:00:00Z")
        case datetime(year=year) if year in (MINYEAR, MAXYEAR):
            raise ValueError(f"the year {year} is none in which a moment has a place in every time zone")
        case datetime():
            return value.astimezone(UTC)
        case date():
            return datetime.combine(value, time.max, UTC)
        case _:
            raise ValueError(_NO_MOMENT)


def _url_rule(value: object) -> object:
    if isinstance(value, str) and value not in {rule.value for rule in UrlRule}:
        raise ValueError("it should be 'add' or 'replace'")
    return value


class MatchTable(Table):
    """Whose certificates a rule is about: an issuer that has everything given here."""

    name: Annotated[str, AfterValidator(_name)] | None = None
    """Its subject, as RFC 4514 writes it."""
    key_identifier: Annotated[str, AfterValidator(_key_identifier)] | None = None
    """Its subject key identifier, hexadecimal."""
    certificate: ReadableFile | None = None
    """A PEM file with its certificate: whoever has the name and the key in it is meant."""
    _match: IssuerMatch = PrivateAttr()

    @model_validator(mode="after")
    def _matched(self) -> Self:
        if self.name is None and self.key_identifier is None and self.certificate is None:
            raise ValueError("name, key_identifier or certificate is needed: whose certificates is the rule about?")
        name = None if self.name is None else canonical_of_text(self.name)
        spki = None
        if self.certificate is not None:
            own = _one_certificate(self.certificate)
            bearer, spki = canonical(own.subject.der), own.public_key.spki
            if name is not None and name != bearer:
                raise ValueError(f"name is {self.name}, and the subject in {self.certificate} is {own.subject.text}")
            name = bearer
        identifier = None if self.key_identifier is None else bytes.fromhex(self.key_identifier)
        self._match = IssuerMatch(name, identifier, spki)
        return self

    def match(self) -> IssuerMatch:
        """The same in the core's terms."""
        return self._match


def _one_certificate(path: ReadableFile) -> Certificate:
    with path.open("rb") as file:
        content = file.read(MAX_CERTIFICATE_BYTES + 1)
    if len(content) > MAX_CERTIFICATE_BYTES:
        raise ValueError(f"{path} has more than {MAX_CERTIFICATE_BYTES} bytes")
    try:
        found = [read_certificate(der) for der in read_certificates(content)]
    except (PemError, MalformedError) as error:
        raise ValueError(f"{path}: {error.reason}") from None
    if len(found) != 1:
        raise ValueError(f"{path} has {len(found)} certificates: one is needed, the issuer's")
    return found[0]


class ExemptionTable(Table):
    """A certificate that is allowed without an answer for a while."""

    serial_number: Annotated[str, BeforeValidator(_serial_number)]
    """Hexadecimal."""
    until: Annotated[datetime, BeforeValidator(_until)]
    """The last moment for which it holds; a date ends with its day in UTC."""
    reason: Annotated[str, Field(min_length=1, max_length=MAX_REASON_LENGTH)]
    """Why, for whoever reads the answers."""

    def exemption(self) -> Exemption:
        """The same in the core's terms."""
        return Exemption(int(self.serial_number, 16), self.until, self.reason)


class IssuerTable(Table):
    """What holds for the certificates of one issuer; what is absent is as for all."""

    match: MatchTable
    """Whom the rule is about."""
    revocation_mode: RevocationMode | None = None
    """As `revocation_mode` for all."""
    revocation_scope: RevocationScope | None = None
    """`leaf`: of the certificates of this issuer only one that is asked about itself; `chain`: wherever it stands."""
    evidence_order: EvidenceOrder | None = None
    """As `evidence_order` for all."""
    grace_s: Annotated[Seconds, Field(ge=0, le=MAX_GRACE_S)] | None = None
    """As `grace_s` for all."""
    ocsp_nonce: OcspNonce | None = None
    """As `ocsp_nonce` for all."""
    crl_urls: Annotated[tuple[Annotated[str, AfterValidator(web_url)], ...], Field(max_length=MAX_URLS)] | None = None
    """Where its CRLs are."""
    ocsp_urls: Annotated[tuple[Annotated[str, AfterValidator(web_url)], ...], Field(max_length=MAX_URLS)] | None = None
    """Where its OCSP responders are."""
    urls: Annotated[UrlRule, BeforeValidator(_url_rule)] | None = None
    """Whether these are asked besides what certificates declare (`add`) or instead (`replace`)."""
    exemptions: Annotated[tuple[ExemptionTable, ...], Field(max_length=MAX_EXEMPTIONS)] = ()
    """Certificates that are allowed without an answer for a while."""

    @model_validator(mode="after")
    def _without_contradiction(self) -> Self:
        if self.urls is not None and self.crl_urls is None and self.ocsp_urls is None:
            raise ValueError(f"urls is {self.urls.value!r}, but there are neither crl_urls nor ocsp_urls")
        serial_numbers = [one.serial_number for one in self.exemptions]
        twice = next((one for one in serial_numbers if serial_numbers.count(one) > 1), None)
        if twice is not None:
            raise ValueError(f"the serial number {twice} is exempt twice")
        return self

    def rule(self, place: str) -> IssuerRule:
        """The same in the core's terms.

        Args:
            place: What the table is called in messages.
        """
        rule = self.urls or UrlRule.ADD
        return IssuerRule(
            match=self.match.match(),
            place=place,
            revocation_mode=self.revocation_mode,
            revocation_scope=self.revocation_scope,
            evidence_order=self.evidence_order,
            grace=None if self.grace_s is None else timedelta(seconds=self.grace_s),
            ocsp_nonce=self.ocsp_nonce,
            crl_urls=None if self.crl_urls is None else Urls(self.crl_urls, rule),
            ocsp_urls=None if self.ocsp_urls is None else Urls(self.ocsp_urls, rule),
            exemptions=tuple(one.exemption() for one in self.exemptions),
        )


Issuers = Annotated[tuple[IssuerTable, ...], Field(max_length=MAX_RULES), Shown("tables")]
"""The tables `[[issuer]]`, in their order."""
