"""Asking OCSP responders: each URL in turn, GET where the request is short enough, and only usable answers are kept."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from service.application.clock import Clock
from service.application.evidence_store import HeldOcsp, OcspStore, StoreError
from service.application.flights import Flights
from service.application.observer import FetchDetails, Observer
from service.application.origin import Origin, OriginAnswer, OriginError, OriginRequest, UrlTrust
from service.core.der.ocsp import ResponderError, read_ocsp_response
from service.core.freshness.window import DEFAULT_OCSP_AGE, EvidenceKind, UsableUntil, later, window
from service.core.model.attempt import Attempt, Problem
from service.core.model.budget import Budget, BudgetExhaustedError
from service.core.model.certificate import Certificate
from service.core.model.evidence_tier import Tier
from service.core.model.malformed import MalformedError
from service.core.model.ocsp import CertStatus, OcspFinding, SingleResponse
from service.core.model.policy import Policy
from service.core.ocsp.cert_id import is_about, store_key
from service.core.ocsp.judging import signed_answers
from service.core.ocsp.request import encode_request, get_url

MAX_RESPONSE_BYTES = 64 * 1024
"""A response with a delegate's chain of RSA-4096 or ML-DSA certificates stays below; the usual one has 2 KiB."""

MAX_RESPONDERS = 4
"""Responders that one certificate may make us ask; certificates name one, seldom two."""

REQUEST_TYPE = "application/ocsp-request"
RESPONSE_TYPE = "application/ocsp-response"

_FALLBACKS = frozenset({Problem.WEAK_ALGORITHM, Problem.STATUS_UNKNOWN, Problem.STALE, Problem.NOT_YET_VALID})
"""What is wrong with an answer by somebody who may give it: the next responder is asked, and where none does better
this answer is what there is. A request may accept what the operator does not: the core refuses it, or not."""

_BEHIND_PATH = frozenset("?#")
"""Where one of these stands in a URL, nothing can be added to its path. Nothing else is read in it: the guard does."""


@dataclass(frozen=True, slots=True)
class OcspOutcome:
    """What came of asking about one certificate."""

    finding: OcspFinding | None
    attempts: tuple[Attempt, ...]


@dataclass(frozen=True, slots=True)
class _Tried:
    """What came of one responder.

    Attributes:
        finding: Its answer; None where that serves nobody.
        attempt: Why the operator's policy refuses it; None where it does not.
    """

    finding: OcspFinding | None = None
    attempt: Attempt | None = None


class OcspClient:
    """Asks the responders that a certificate declares, one flight for each certificate."""

    def __init__(
        self, origin: Origin, store: OcspStore, clock: Clock, observer: Observer, policy: Policy, timeout_s: float
    ) -> None:
        """Take the collaborators.

        Args:
            origin: The way out.
            store: Where usable answers are kept for the host.
            clock: Time.
            observer: Is told of each fetch.
            policy: The operator's; what a request overrides does not change what is worth keeping.
            timeout_s: Seconds for one responder.
        """
        self._origin = origin
        self._store = store
        self._clock = clock
        self._observer = observer
        self._policy = policy
        self._timeout_s = timeout_s
        self._flights: Flights[bytes, OcspOutcome] = Flights()

    async def ask(self, certificate: Certificate, issuer: Certificate) -> OcspOutcome:
        """Ask until one responder gives an answer that is signed by somebody who may, whatever it says.

        Args:
            certificate: The certificate in question; it chains to an anchor.
            issuer: Its issuer in that chain.
        """
        return await self._flights.join(store_key(certificate, issuer), lambda: self._ask(certificate, issuer))

    async def aclose(self) -> None:
        """End what is under way."""
        await self._flights.aclose()

    async def _ask(self, certificate: Certificate, issuer: Certificate) -> OcspOutcome:
        attempts: list[Attempt] = []
        fallback = _Tried()
        request = encode_request(certificate, issuer)
        for url in certificate.extensions.ocsp_responders[:MAX_RESPONDERS]:
            tried = await self._ask_one(url, request, certificate, issuer)
            if tried.attempt is None:
                return OcspOutcome(tried.finding, tuple(attempts))
            attempts.append(tried.attempt)
            fallback = fallback if fallback.finding else tried
        others = (attempt for attempt in attempts if fallback.finding is None or attempt is not fallback.attempt)
        return OcspOutcome(fallback.finding, tuple(others))

    async def _ask_one(self, url: str, request: bytes, certificate: Certificate, issuer: Certificate) -> _Tried:
        started = self._clock.monotonic()
        tried = await self._try_one(url, request, certificate, issuer)
        problem, detail = (None, "") if tried.attempt is None else (tried.attempt.problem, tried.attempt.detail)
        self._observer.fetched(FetchDetails("ocsp", url, problem, detail, self._clock.monotonic() - started))
        return tried

    async def _try_one(self, url: str, request: bytes, certificate: Certificate, issuer: Certificate) -> _Tried:
        try:
            answer = await self._fetch(url, request)
            finding = OcspFinding(read_ocsp_response(answer.body), url, Tier.ORIGIN)
        except OriginError as error:
            return _Tried(attempt=Attempt(url, error.problem, error.detail))
        except ResponderError as error:
            return _Tried(attempt=Attempt(url, Problem.RESPONDER_ERROR, str(error)))
        except MalformedError as error:
            return _Tried(attempt=Attempt(url, Problem.MALFORMED, error.reason))
        refused = await self._keep(finding, answer.body, certificate, issuer)
        if refused is None:
            return _Tried(finding)
        return _Tried(finding if refused.problem in _FALLBACKS else None, refused)

    async def _fetch(self, url: str, request: bytes) -> OriginAnswer:
        short = get_url(url, request)
        accept = ("accept", RESPONSE_TYPE)
        if short is not None and not _BEHIND_PATH.intersection(url):
            return await self._origin.fetch(
                OriginRequest(short, UrlTrust.CERTIFICATE, MAX_RESPONSE_BYTES, self._timeout_s, headers=(accept,))
            )
        headers = (accept, ("content-type", REQUEST_TYPE))
        return await self._origin.fetch(
            OriginRequest(url, UrlTrust.CERTIFICATE, MAX_RESPONSE_BYTES, self._timeout_s, request, headers)
        )

    async def _keep(
        self, finding: OcspFinding, response: bytes, certificate: Certificate, issuer: Certificate
    ) -> Attempt | None:
        """Why the next responder is asked, or None. An answer is kept unless it says `unknown` or is of the future."""
        now = self._clock.now()
        try:
            answers, refused = signed_answers(
                (finding,), certificate, issuer, self._policy, now, Budget(self._policy.limits)
            )
        except BudgetExhaustedError:
            return Attempt(finding.source, Problem.TOO_LARGE, "too many certificates to verify")
        if not answers:
            return refused[0]
        newest = max((answer.single for answer in answers), key=_standing)
        # One from the future would keep its place against all that come before that.
        is_current = newest.this_update <= later(now, self._policy.clock_skew)
        if is_current and newest.status is not CertStatus.UNKNOWN:
            await self._hold(newest, HeldOcsp(response, finding.source, now, self._expiry(newest)), certificate, issuer)
        if newest.status is CertStatus.UNKNOWN:
            return Attempt(finding.source, Problem.STATUS_UNKNOWN)
        until = window(EvidenceKind.OCSP, newest.this_update, newest.next_update, self._policy, now)
        return None if isinstance(until, UsableUntil) else Attempt(finding.source, until)

    def _expiry(self, single: SingleResponse) -> datetime:
        """When an answer can no longer serve anybody under the operator's policy."""
        end = later(single.this_update, DEFAULT_OCSP_AGE) if single.next_update is None else single.next_update
        return later(end, self._policy.grace + self._policy.clock_skew + timedelta(seconds=1))

    async def _hold(self, single: SingleResponse, new: HeldOcsp, certificate: Certificate, issuer: Certificate) -> None:
        """Put an answer into the store, never in place of a newer one: replaying an old one makes nobody forget."""
        key = store_key(certificate, issuer)
        try:
            held = self._store.find_ocsp(key)
            if held is None or _standing(single) >= _held_standing(held, certificate, issuer):
                await self._store.put_ocsp(key, new)
        except StoreError:
            return  # it serves this request; the next one asks again


def _standing(single: SingleResponse) -> tuple[datetime, bool]:
    """What makes an answer stay against others: the later one, and of two as late the one that revokes."""
    return single.this_update, single.status is CertStatus.REVOKED


def _held_standing(held: HeldOcsp, certificate: Certificate, issuer: Certificate) -> tuple[datetime, bool]:
    """The standing of a held answer; the lowest there is where it cannot be read, so that any answer replaces it."""
    lowest = (datetime.min.replace(tzinfo=UTC), False)
    try:
        singles = read_ocsp_response(held.response).responses
    except (MalformedError, ResponderError):
        return lowest
    return max((_standing(one) for one in singles if is_about(one.cert_id, certificate, issuer)), default=lowest)
