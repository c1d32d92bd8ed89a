"""Gathering evidence: concurrently, under one deadline, one flight for each thing wanted.

What an assessment wants from this host is looked up at once. What it wants from the origin is fetched through the
egress guard (OCSP) or by the prefetcher (CRLs). Whatever goes wrong is an `Attempt`, never an exception.
"""

import asyncio
from collections.abc import Awaitable, Iterable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import Enum
from itertools import chain, repeat
from typing import Protocol, TypeVar, assert_never

from service.application.cache_counting import HeldLooks
from service.application.claims import Claimant, ClaimOutcome, CrlClaims, NoClaims
from service.application.clock import Clock
from service.application.crl_fetcher import (
    MAX_ORDER_PATH_OCTETS,
    MAX_ORDER_SIGNERS,
    MAX_SPKI_OCTETS,
    CrlFetcher,
    CrlOrder,
    CrlSigner,
)
from service.application.crl_urls import (
    DISTRIBUTION_POINT,
    MAX_DISTRIBUTION_POINTS,
    MAX_URLS,
    fetchable_points,
    skipped_points,
)
from service.application.evidence_store import CrlReader, OcspStore, StoreError
from service.application.inline_evidence import InlineEvidence, InlineSignatures
from service.application.ocsp_client import OcspClient
from service.application.ocsp_refresh import Used
from service.application.ocsp_tally import OcspOutcome
from service.application.signer_paths import encoded
from service.core.crl.entries import entry_key
from service.core.crl.scope import MAX_CRL_ISSUERS, asked_issuers, names_too_many_issuers, point_keys
from service.core.decision.revocation import declares_source
from service.core.der.ocsp import ResponderError
from service.core.model.attempt import Attempt, Problem
from service.core.model.crl import CrlFinding
from service.core.model.evidence import (
    CrlWanted,
    Evidence,
    GatheredCrls,
    GatheredOcsp,
    OcspWanted,
    Reach,
    Wanted,
)
from service.core.model.evidence_tier import Tier
from service.core.model.malformed import MalformedError
from service.core.model.signer_path import SignerPath
from service.core.model.verdict import Method, Verdict
from service.core.names.comparison import canonical, same_name
from service.core.ocsp.cert_id import store_key

Found = TypeVar("Found")

STORE = "store"
"""The source that attempts name where the host's own store failed."""

WAITING = "configured CRL"
"""The source that attempts name where a CRL of the operator's is not held, since nobody known here has signed it."""

_NOT_FOR_IT = Attempt(WAITING, Problem.WRONG_SCOPE, "it is about others, or nothing shows that its key is the issuer's")
"""Where one is held in the name of the certificate's issuer, and not found for it."""

_NO_PATH = SignerPath((), frozenset())

_HELD_TIERS = frozenset({Tier.MEMORY, Tier.HOST, Tier.REDIS})


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
        signatures: Those of inline CRLs, in all rounds together.
        longest_age: Of evidence, where the request says so (`Policy.max_evidence_age`).
    """

    inline: InlineEvidence
    sources: Sources
    deadline: float
    signatures: InlineSignatures = field(default_factory=InlineSignatures, repr=False, compare=False)
    longest_age: timedelta | None = None


@dataclass(frozen=True, slots=True)
class _Fetched:
    """What came of one distribution point.

    Attributes:
        source: Which URL gave a CRL that is now in the store; None where none did.
    """

    attempts: tuple[Attempt, ...]
    source: str | None


class VerdictListener(Protocol):
    """Is told of verdicts: what they rest on is to be kept fresh. Must not raise and must not wait."""

    def note(self, verdict: Verdict) -> None:
        """There is a verdict."""


class Gatherer:
    """Brings what an assessment lacks."""

    def __init__(  # noqa: PLR0913, PLR0917 - collaborators, each another port
        self,
        crls: CrlReader,
        ocsp_store: OcspStore,
        crl_fetcher: CrlFetcher,
        ocsp_client: OcspClient,
        clock: Clock,
        listener: VerdictListener | None = None,
        claims: CrlClaims | None = None,
        looks: HeldLooks | None = None,
    ) -> None:
        """Take the collaborators.

        Args:
            crls: The CRLs of this host.
            ocsp_store: Its OCSP answers.
            crl_fetcher: Brings more CRLs.
            ocsp_client: Asks responders.
            clock: Time.
            listener: Is told of every verdict that may rest on CRLs of this host.
            claims: Has the operator's CRLs tried that wait for their issuer; absent where none ever waits.
            looks: Counts what was looked for here; nobody reads it where absent.
        """
        self._looks = HeldLooks() if looks is None else looks
        self._listener = listener
        self._claimant = Claimant(NoClaims() if claims is None else claims, clock)
        self._crls = crls
        self._ocsp_store = ocsp_store
        self._crl_fetcher = crl_fetcher
        self._ocsp_client = ocsp_client
        self._clock = clock

    async def gather(self, wanted: Iterable[Wanted], evidence: Evidence, request: GatherRequest) -> Evidence:
        """The evidence with everything added that was wanted, found or not.

        Raises:
            BudgetExhaustedError: what came with the request has too many signatures. Nothing was fetched.
        """
        crls: dict[CrlWanted, GatheredCrls] = {}
        ocsp: dict[OcspWanted, GatheredOcsp] = {}
        fetches: list[Awaitable[None]] = []

        async def fetch_crls(one: CrlWanted) -> None:
            bring = self._claimed_crls if one.reach is Reach.WAITING else self._fetched_crls
            crls[one] = await bring(one, request)

        async def fetch_ocsp(one: OcspWanted) -> None:
            before = evidence.ocsp.get(OcspWanted(one.certificate, one.issuer, Reach.HELD), GatheredOcsp())
            ocsp[one] = self._arrived_ocsp(one, before, request) or await self._fetched_ocsp(one, request)

        # What is at hand before anything is begun that somebody would have to end.
        for one in sorted(wanted, key=lambda each: each.reach is not Reach.HELD):
            match one:
                case CrlWanted(reach=Reach.HELD):
                    crls[one] = self._held_crls(one, request)
                case OcspWanted(reach=Reach.HELD):
                    ocsp[one] = self._held_ocsp(one, request)
                case CrlWanted():
                    fetches.append(fetch_crls(one))
                case OcspWanted():
                    fetches.append(fetch_ocsp(one))
                case _:
                    assert_never(one)

        if fetches:
            await asyncio.gather(*fetches)
        return evidence.adding(crls, ocsp)

    def _held_crls(self, wanted: CrlWanted, request: GatherRequest) -> GatheredCrls:
        findings = request.inline.crl_findings(wanted, request.signatures)
        own_issuer = wanted.certificate.issuer
        issuers = asked_issuers(wanted.certificate)
        unasked = _unasked(wanted) if len(issuers) == MAX_CRL_ISSUERS else ()
        names_issuer = any(same_name(one.meta.issuer, own_issuer) for one in findings)
        if request.sources is Sources.INLINE:
            return GatheredCrls(findings, unasked, names_issuer=names_issuer)
        try:
            # Looked at first: what is held meanwhile stops waiting afterwards, and is not missed in between.
            points = point_keys(wanted.certificate)
            waiting, names_waiting = self._waiting_for(issuers, points)
            held = self._find_crls(wanted, issuers, points)
            names_issuer = names_issuer or names_waiting or self._names_issuer(wanted, held)
            is_settled = names_issuer or declares_source(wanted.certificate)
            kept = () if is_settled else self._crls.kept_signers(canonical(own_issuer.der), _authorities(wanted))
        except StoreError as error:
            # Whether a CRL of this issuer is held is not known: an answer is needed.
            failed = Attempt(STORE, Problem.INTERNAL, str(error))
            return GatheredCrls(findings, (*unasked, failed), names_issuer=True)
        self._looks.crls(found=held)
        return GatheredCrls(
            (*findings, *held),
            unasked if waiting or held or not names_waiting else (*unasked, _NOT_FOR_IT),
            names_issuer=names_issuer,
            signer_paths=kept,
            waiting=bool(waiting),
        )

    def _waiting_for(self, issuers: tuple[bytes, ...], points: frozenset[bytes]) -> tuple[tuple[bytes, ...], bool]:
        """The operator's CRLs that may cover a certificate and wait for their issuer; whether any bears its name.

        One that is held and bears its name counts as well: under whose key that is, a stranger may have shown.
        """
        found = self._crls.waiting(issuers[0], points)
        digests = (one for issuer in issuers[1:] for one in self._crls.waiting(issuer, points).digests)
        return (*found.digests, *digests), found.is_named

    def _names_issuer(self, wanted: CrlWanted, held: Iterable[CrlFinding]) -> bool:
        """Whether a CRL by the certificate's own issuer is held, one that covers the certificate or another one."""
        own_issuer, own_keys = wanted.certificate.issuer, _own_keys(wanted)
        if any(one.signer_spki in own_keys and same_name(one.meta.issuer, own_issuer) for one in held):
            return True
        return self._crls.holds_issuer(canonical(own_issuer.der), own_keys)

    def _find_crls(
        self, wanted: CrlWanted, issuers: tuple[bytes, ...], points: frozenset[bytes]
    ) -> tuple[CrlFinding, ...]:
        certificate, authorities = wanted.certificate, _authorities(wanted)
        found = (self._crls.find(issuer, points, authorities, entry_key(issuer, certificate)) for issuer in issuers)
        return tuple(finding for each in found for finding in each)

    def _find_all(self, wanted: CrlWanted) -> tuple[CrlFinding, ...]:
        return self._find_crls(wanted, asked_issuers(wanted.certificate), point_keys(wanted.certificate))

    def _held_ocsp(self, wanted: OcspWanted, request: GatherRequest) -> GatheredOcsp:
        inline = request.inline.ocsp
        if request.sources is Sources.INLINE:
            return GatheredOcsp(inline)
        try:
            key = store_key(wanted.certificate, wanted.issuer)
            held = self._ocsp_store.find_ocsp(key)
            finding = None if held is None else self._ocsp_client.recall(key, held)
        except (StoreError, MalformedError, ResponderError) as error:
            return GatheredOcsp(inline, (Attempt(STORE, Problem.INTERNAL, str(error)),))
        if wanted.reach is Reach.HELD:  # a second look, before anybody is asked, is no other question
            self._looks.ocsp(None if finding is None else finding.tier)
        return GatheredOcsp(inline if finding is None else (*inline, finding))

    async def _claimed_crls(self, wanted: CrlWanted, request: GatherRequest) -> GatheredCrls:
        """What is held once CRLs that wait were tried under the keys that may have signed them; nothing is fetched."""
        try:
            waiting, _ = self._waiting_for(asked_issuers(wanted.certificate), point_keys(wanted.certificate))
            outcome = await self._in_time(self._claimant.claim(waiting, signers_of(wanted)), request)
            left, _ = self._waiting_for(asked_issuers(wanted.certificate), point_keys(wanted.certificate))
            findings = self._find_all(wanted)
        except StoreError as error:
            return GatheredCrls((), (Attempt(STORE, Problem.INTERNAL, str(error)),))
        return GatheredCrls(findings, (_unclaimed(outcome),) if left else ())

    async def _fetched_crls(self, wanted: CrlWanted, request: GatherRequest) -> GatheredCrls:
        points = fetchable_points(wanted.points)
        skipped = skipped_points(wanted.points)
        if request.sources is not Sources.ALL:
            return GatheredCrls((), (*skipped, *(Attempt(urls[0], Problem.OFFLINE) for urls in points)))
        signers = signers_of(wanted)
        fetches = (self._fetch_point(urls[:MAX_URLS], signers, request) for urls in points[:MAX_DISTRIBUTION_POINTS])
        fetched = await asyncio.gather(*fetches)
        attempts = (*skipped, *(attempt for point in fetched for attempt in point.attempts))
        try:
            findings = tuple(replace(one, tier=Tier.ORIGIN) for one in self._find_all(wanted))
        except StoreError as error:
            return GatheredCrls((), (*attempts, Attempt(STORE, Problem.INTERNAL, str(error))))
        if findings:
            return GatheredCrls(findings, attempts)
        # What came is authentic, and of another partition or issuer: the store does not find it for this certificate.
        strangers = (Attempt(point.source, Problem.WRONG_SCOPE) for point in fetched if point.source is not None)
        return GatheredCrls((), (*attempts, *strangers))

    async def _fetch_point(
        self, urls: tuple[str, ...], signers: tuple[CrlSigner, ...], request: GatherRequest
    ) -> _Fetched:
        failed = await self._in_time(self._crl_fetcher.fetch(CrlOrder(urls, signers)), request)
        if failed is None:
            return _Fetched((Attempt(urls[0], Problem.TIMED_OUT),), None)
        return _Fetched(failed, urls[len(failed)] if len(failed) < len(urls) else None)

    def _arrived_ocsp(self, wanted: OcspWanted, before: GatheredOcsp, request: GatherRequest) -> GatheredOcsp | None:
        """What others had fetched since this request looked: the responder is asked once for all of them."""
        if request.sources is not Sources.ALL or not self._ocsp_client.answers_serve_others(wanted.issuer):
            return None
        known = [one.response for one in before.findings]
        new = tuple(one for one in self._held_ocsp(wanted, request).findings if one.response not in known)
        return GatheredOcsp(new) if new else None

    async def _fetched_ocsp(self, wanted: OcspWanted, request: GatherRequest) -> GatheredOcsp:
        urls = wanted.responders or wanted.certificate.extensions.ocsp_responders
        if request.sources is not Sources.ALL:
            return GatheredOcsp((), tuple(Attempt(url, Problem.OFFLINE) for url in urls))
        certificate, issuer = wanted.certificate, wanted.issuer
        asking = self._ocsp_client.ask(certificate, issuer, request.deadline, request.longest_age)
        found = await self._in_time(asking, request)
        outcome = found or self._ocsp_client.so_far(certificate, issuer)
        if outcome is None:
            outcome = OcspOutcome(None, (Attempt(urls[0], Problem.TIMED_OUT),))
        return GatheredOcsp(outcome.findings, outcome.attempts)

    def used(self, verdict: Verdict, request: GatherRequest) -> None:
        """Have the held OCSP answers that a verdict rests on asked for again before they end; returns at once.

        A verdict has looked at them on a path to an anchor alone: nobody else's URLs are asked.
        """
        if self._listener is not None and request.sources is not Sources.INLINE:
            self._listener.note(verdict)
        if request.sources is not Sources.ALL or verdict.anchor is None:
            return
        issuers = (*(element.certificate for element in verdict.path[1:]), verdict.anchor)
        for element, issuer in zip(verdict.path, issuers, strict=False):
            found = element.revocation
            if found.method is Method.OCSP and found.tier in _HELD_TIERS and found.this_update is not None:
                self._ocsp_client.used(Used(element.certificate, issuer, found.this_update, found.next_update))

    async def _in_time(self, work: Awaitable[Found], request: GatherRequest) -> Found | None:
        """What the work gives, or None where the deadline comes first; shared work goes on for those who ask next."""
        remaining = max(0.0, request.deadline - self._clock.monotonic())
        try:
            async with asyncio.timeout(remaining):
                return await work
        except TimeoutError:
            return None


def signers_of(wanted: CrlWanted) -> tuple[CrlSigner, ...]:
    """Under which keys CRLs may verify to be worth storing: the issuer's own first, none that nothing here reads.

    The certificates that are to be kept come along, while there is room for them.
    """
    signers: dict[CrlSigner, None] = {}
    room = MAX_ORDER_PATH_OCTETS
    paths = chain(wanted.paths, repeat(_NO_PATH))
    for one, whole in zip((wanted.issuer, *wanted.signers), paths, strict=False):
        if one.public_key.handle is None or len(one.public_key.spki) > MAX_SPKI_OCTETS:
            continue
        path = encoded(whole.certificates, room)
        signers.setdefault(CrlSigner.of(one, path, whole.authorities))
        room -= sum(map(len, path))
    return tuple(signers)[:MAX_ORDER_SIGNERS]


def _authorities(wanted: CrlWanted) -> frozenset[bytes]:
    """The keys by which held CRLs are found; where nobody has said, the issuer's and the signers'."""
    return wanted.authorities or frozenset(one.public_key.spki for one in (wanted.issuer, *wanted.signers))


def _own_keys(wanted: CrlWanted) -> frozenset[bytes]:
    """The keys that may be those of the certificate's own issuer.

    A CRL that another key signed in this name makes no answer needed: anybody who has a path to some anchor can have
    one held.
    """
    own = wanted.certificate.issuer
    others = (one.public_key.spki for one in wanted.signers if same_name(one.subject, own))
    return frozenset((wanted.issuer.public_key.spki, *others))


def _unclaimed(outcome: ClaimOutcome | None) -> Attempt:
    """Why CRLs still wait; none where the deadline came first."""
    match outcome:
        case None:
            return Attempt(WAITING, Problem.TIMED_OUT)
        case ClaimOutcome.TRIED:
            return Attempt(WAITING, Problem.BAD_SIGNATURE)
        case ClaimOutcome.LEFT_OUT:
            return Attempt(WAITING, Problem.INTERNAL, "not all of them could be verified yet")
        case ClaimOutcome.UNANSWERED:
            return Attempt(WAITING, Problem.INTERNAL, "the prefetcher did not answer")
        case _:
            assert_never(outcome)


def _unasked(wanted: CrlWanted) -> tuple[Attempt, ...]:
    if not names_too_many_issuers(wanted.certificate):
        return ()
    return (Attempt(DISTRIBUTION_POINT, Problem.UNSUPPORTED, f"more than {MAX_CRL_ISSUERS} CRL issuers"),)
