"""Gathering evidence: concurrently, under one deadline, one flight for each thing wanted.

What an assessment wants from this host is looked up at once. What it wants from the origin is fetched through the
egress guard (OCSP) or by the ingesting process (CRLs). Whatever goes wrong is an `Attempt`, never an exception.
"""

import asyncio
from collections.abc import Awaitable, Iterable
from dataclasses import dataclass, replace
from enum import Enum
from typing import TypeVar, assert_never

from service.application.clock import Clock
from service.application.crl_fetcher import CrlFetcher, CrlOrder
from service.application.evidence_store import CrlReader, OcspStore, StoreError
from service.application.inline_evidence import InlineEvidence
from service.application.ocsp_client import OcspClient, OcspOutcome
from service.core.crl.scope import distribution_points, names_other_issuer, point_keys
from service.core.der import tlv
from service.core.der.certificate_extensions import text_of
from service.core.der.ocsp import ResponderError, read_ocsp_response
from service.core.model.attempt import Attempt, Problem
from service.core.model.certificate import Certificate, DistributionPoint
from service.core.model.crl import CrlFinding
from service.core.model.evidence import CrlWanted, Evidence, GatheredCrls, GatheredOcsp, OcspWanted, Reach, Wanted
from service.core.model.evidence_tier import Tier
from service.core.model.malformed import MalformedError
from service.core.model.name import GeneralNameKind
from service.core.model.ocsp import OcspFinding
from service.core.names.comparison import canonical
from service.core.ocsp.cert_id import store_key

Found = TypeVar("Found")

STORE = "store"
"""The source that attempts name where the host's own store failed."""

DISTRIBUTION_POINT = "distribution point"
"""The source that attempts name where a distribution point has no URL."""

MAX_DISTRIBUTION_POINTS = 8
"""Distribution points that one certificate may make us fetch; certificates name one, seldom two."""

MAX_URLS = 4
"""URLs of one distribution point that are tried."""


class Sources(Enum):
    """Where evidence for one request may come from."""

    ALL = "all"
    HELD = "held"
    """Nothing is fetched; what came with the request and what this host holds counts."""
    INLINE = "inline"
    """What came with the request alone: the moment in question lies in the past."""


@dataclass(frozen=True, slots=True)
class GatherRequest:
    """What all rounds of one request have in common.

    Attributes:
        deadline: Moment of `Clock.monotonic` after which nobody waits any longer.
    """

    inline: InlineEvidence
    sources: Sources
    deadline: float


@dataclass(frozen=True, slots=True)
class _Fetched:
    """What came of one distribution point.

    Attributes:
        source: Which URL gave a CRL that is now in the store; None where none did.
    """

    attempts: tuple[Attempt, ...]
    source: str | None


class Gatherer:
    """Brings what an assessment lacks."""

    def __init__(
        self, crls: CrlReader, ocsp_store: OcspStore, crl_fetcher: CrlFetcher, ocsp_client: OcspClient, clock: Clock
    ) -> None:
        """Take the collaborators."""
        self._crls = crls
        self._ocsp_store = ocsp_store
        self._crl_fetcher = crl_fetcher
        self._ocsp_client = ocsp_client
        self._clock = clock

    async def gather(self, wanted: Iterable[Wanted], evidence: Evidence, request: GatherRequest) -> Evidence:
        """The evidence with everything added that was wanted, found or not."""
        crls: dict[CrlWanted, GatheredCrls] = {}
        ocsp: dict[OcspWanted, GatheredOcsp] = {}

        async def bring(one: Wanted) -> None:
            match one:
                case CrlWanted(reach=Reach.HELD):
                    crls[one] = self._held_crls(one, request)
                case OcspWanted(reach=Reach.HELD):
                    ocsp[one] = self._held_ocsp(one, request)
                case CrlWanted():
                    crls[one] = await self._fetched_crls(one, request)
                case OcspWanted():
                    ocsp[one] = await self._fetched_ocsp(one, request)
                case _:
                    assert_never(one)

        await asyncio.gather(*(bring(one) for one in wanted))
        return evidence.adding(crls, ocsp)

    def _held_crls(self, wanted: CrlWanted, request: GatherRequest) -> GatheredCrls:
        findings = request.inline.crl_findings(wanted.certificate, wanted.issuer)
        gathered = GatheredCrls(findings, names_issuer=bool(findings))
        if request.sources is Sources.INLINE:
            return gathered
        try:
            holds_issuer = self._crls.holds_issuer(canonical(wanted.issuer.subject.der))
            held = self._find_crls(wanted)
        except StoreError as error:
            # Whether a CRL of this issuer is held is not known: an answer is needed.
            failed = Attempt(STORE, Problem.INTERNAL, str(error))
            return replace(gathered, attempts=(failed,), names_issuer=True)
        return GatheredCrls((*findings, *held), names_issuer=bool(findings) or holds_issuer)

    def _find_crls(self, wanted: CrlWanted) -> tuple[CrlFinding, ...]:
        return self._crls.find(
            canonical(wanted.issuer.subject.der),
            point_keys(wanted.certificate),
            tlv.integer_octets(wanted.certificate.serial_number),
        )

    def _held_ocsp(self, wanted: OcspWanted, request: GatherRequest) -> GatheredOcsp:
        inline = request.inline.ocsp
        if request.sources is Sources.INLINE:
            return GatheredOcsp(inline)
        try:
            held = self._ocsp_store.find_ocsp(store_key(wanted.certificate, wanted.issuer))
            if held is None:
                return GatheredOcsp(inline)
            finding = OcspFinding(read_ocsp_response(held.response), held.source, Tier.HOST)
        except (StoreError, MalformedError, ResponderError) as error:
            return GatheredOcsp(inline, (Attempt(STORE, Problem.INTERNAL, str(error)),))
        return GatheredOcsp((*inline, finding))

    async def _fetched_crls(self, wanted: CrlWanted, request: GatherRequest) -> GatheredCrls:
        points = fetchable_points(wanted.certificate)
        skipped = skipped_points(wanted.certificate)
        if request.sources is not Sources.ALL:
            return GatheredCrls((), (*skipped, *(Attempt(urls[0], Problem.OFFLINE) for urls in points)))
        spki = wanted.issuer.public_key.spki
        fetches = (self._fetch_point(urls[:MAX_URLS], spki, request) for urls in points[:MAX_DISTRIBUTION_POINTS])
        fetched = await asyncio.gather(*fetches)
        attempts = (*skipped, *(attempt for point in fetched for attempt in point.attempts))
        try:
            findings = tuple(replace(one, tier=Tier.ORIGIN) for one in self._find_crls(wanted))
        except StoreError as error:
            return GatheredCrls((), (*attempts, Attempt(STORE, Problem.INTERNAL, str(error))))
        if findings:
            return GatheredCrls(findings, attempts)
        # What came is authentic, and of another partition or issuer: the store does not find it for this certificate.
        strangers = (Attempt(point.source, Problem.WRONG_SCOPE) for point in fetched if point.source is not None)
        return GatheredCrls((), (*attempts, *strangers))

    async def _fetch_point(self, urls: tuple[str, ...], spki: bytes, request: GatherRequest) -> _Fetched:
        failed = await self._in_time(self._crl_fetcher.fetch(CrlOrder(urls, spki)), request)
        if failed is None:
            return _Fetched((Attempt(urls[0], Problem.TIMED_OUT),), None)
        return _Fetched(failed, urls[len(failed)] if len(failed) < len(urls) else None)

    async def _fetched_ocsp(self, wanted: OcspWanted, request: GatherRequest) -> GatheredOcsp:
        urls = wanted.certificate.extensions.ocsp_responders
        if request.sources is not Sources.ALL:
            return GatheredOcsp((), tuple(Attempt(url, Problem.OFFLINE) for url in urls))
        found = await self._in_time(self._ocsp_client.ask(wanted.certificate, wanted.issuer), request)
        outcome = found or OcspOutcome(None, (Attempt(urls[0], Problem.TIMED_OUT),))
        return GatheredOcsp(() if outcome.finding is None else (outcome.finding,), outcome.attempts)

    async def _in_time(self, work: Awaitable[Found], request: GatherRequest) -> Found | None:
        """What the work gives, or None where the deadline comes first; shared work goes on for those who ask next."""
        remaining = max(0.0, request.deadline - self._clock.monotonic())
        try:
            async with asyncio.timeout(remaining):
                return await work
        except TimeoutError:
            return None


def fetchable_points(certificate: Certificate) -> tuple[tuple[str, ...], ...]:
    """The http and https URLs of each distribution point whose CRLs this version reads."""
    points = (tuple(filter(_is_http, urls_of(point))) for point in distribution_points(certificate))
    return tuple(dict.fromkeys(urls for urls in points if urls))


def skipped_points(certificate: Certificate) -> tuple[Attempt, ...]:
    """What a certificate declares and nobody fetches: `ldap:` most often; points without a URL, or with a cRLIssuer."""
    skipped = []
    for point in certificate.extensions.crl_distribution_points:
        urls = urls_of(point)
        if names_other_issuer(point, certificate):
            skipped.append(Attempt(urls[0] if urls else DISTRIBUTION_POINT, Problem.UNSUPPORTED, "cRLIssuer"))
            continue
        if not urls:
            skipped.append(Attempt(DISTRIBUTION_POINT, Problem.UNSUPPORTED, "no URL"))
        skipped.extend(Attempt(url, Problem.UNSUPPORTED_SCHEME) for url in urls if not _is_http(url))
    return tuple(skipped)


def urls_of(point: DistributionPoint) -> tuple[str, ...]:
    """The URLs among a distribution point's names."""
    return tuple(text_of(name) for name in point.names if name.kind is GeneralNameKind.URI)


def _is_http(url: str) -> bool:
    return url.partition(":")[0].lower() in ("http", "https")
