"""Asking OCSP responders: each URL in turn, GET where the request is short enough.

Rules it keeps: only what somebody signed who may is kept for the host, and nothing takes the place of what is newer; an
answer that revokes stays until the certificate has expired, so that none from before can be brought back. Nobody asks
here whether a delegate is revoked itself, so that one without id-pkix-ocsp-nocheck takes no revocation back and keeps
none out.

Nonces, where the operator wants them: each request to each responder has its own and goes by POST, since nothing on
the way may answer it. Who asks about a certificate while it is asked about waits for that answer: it was made after the
question was put, and so is at most as old as asking all responders may take.
"""

from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from service.application.clock import Clock
from service.application.evidence_store import HeldOcsp, OcspStore, StoreError
from service.application.flights import Flights
from service.application.nonces import Nonces
from service.application.observer import FetchDetails, Observer
from service.application.origin import Origin, OriginAnswer, OriginError, OriginRequest, UrlTrust
from service.core.der.ocsp import ResponderError, read_ocsp_response
from service.core.freshness.window import DEFAULT_OCSP_AGE, UsableUntil, later
from service.core.model.attempt import Attempt, Problem
from service.core.model.budget import Budget, BudgetExhaustedError
from service.core.model.certificate import Certificate
from service.core.model.evidence_tier import Tier
from service.core.model.malformed import MalformedError
from service.core.model.ocsp import CertStatus, OcspFinding, SingleResponse
from service.core.model.policy import OcspNonce, Policy
from service.core.ocsp.cert_id import is_about, store_key
from service.core.ocsp.judging import (
    DelegateCheck,
    DelegateStanding,
    SignedAnswer,
    most_cautious,
    signed_answers,
    usable_until,
)
from service.core.ocsp.request import encode_request, get_url

MAX_RESPONSE_BYTES = 64 * 1024
"""A response with a delegate's chain of RSA-4096 or ML-DSA certificates stays below; the usual one has 2 KiB."""

MAX_RESPONDERS = 4
"""Responders that one certificate may make us ask; certificates name one, seldom two."""

REQUEST_TYPE = "application/ocsp-request"
RESPONSE_TYPE = "application/ocsp-response"

REVOKED_KEPT = timedelta(days=366)
"""How long after its thisUpdate a revocation is kept at the longest: by then no answer from before it is in its time.
Days are usual; a year is the longest that even a root answers for (CA/Browser Forum BR §4.9.10: updated each year)."""

_FALLBACKS = frozenset({
    Problem.WEAK_ALGORITHM,
    Problem.STATUS_UNKNOWN,
    Problem.STALE,
    Problem.NOT_YET_VALID,
    Problem.INCONSISTENT,
    Problem.NONCE_MISMATCH,
    Problem.NONCE_MISSING,
})  # fmt: skip
"""What is wrong with an answer by somebody who may give it: the next responder is asked, and where none does better
this answer is what there is. A request may accept what the operator does not: the core refuses it, or not."""

_BEHIND_PATH = frozenset("?#")
"""Where one of these stands in a URL, nothing can be added to its path. Nothing else is read in it: the guard does."""


@dataclass(frozen=True, slots=True)
class OcspRules:
    """What the operator has decided about asking.

    Attributes:
        policy: The operator's; what a request overrides does not change what is worth keeping.
        timeout_s: Seconds for one responder.
    """

    policy: Policy
    timeout_s: float


@dataclass(frozen=True, slots=True)
class OcspOutcome:
    """What came of asking about one certificate.

    Attributes:
        finding: The answer that ended the asking, or the best there was.
        besides: What other responders gave that revokes and does not serve: where its time is over, it still says that
            an older `good` is one from before. Empty where there is no finding.
    """

    finding: OcspFinding | None
    attempts: tuple[Attempt, ...]
    besides: tuple[OcspFinding, ...] = ()

    @property
    def findings(self) -> tuple[OcspFinding, ...]:
        """All of them."""
        return () if self.finding is None else (self.finding, *self.besides)


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
        self, origin: Origin, store: OcspStore, clock: Clock, observer: Observer, rules: OcspRules, nonces: Nonces
    ) -> None:
        """Take the collaborators.

        Args:
            origin: The way out.
            store: Where usable answers are kept for the host.
            clock: Time.
            observer: Is told of each fetch.
            rules: The operator's.
            nonces: Makes them, where the policy wants any.
        """
        self._origin = origin
        self._store = store
        self._clock = clock
        self._observer = observer
        self._policy = rules.policy
        self._timeout_s = rules.timeout_s
        self._nonces = nonces
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
        revoking: list[OcspFinding] = []
        fallback = _Tried()
        for url in certificate.extensions.ocsp_responders[:MAX_RESPONDERS]:
            tried = await self._ask_one(url, certificate, issuer)
            if tried.attempt is None:
                return OcspOutcome(tried.finding, tuple(attempts), tuple(revoking))
            attempts.append(tried.attempt)
            fallback = fallback if fallback.finding else tried
            if tried.finding is not None and _revokes(tried.finding, certificate, issuer):
                revoking.append(tried.finding)
        others = (attempt for attempt in attempts if fallback.finding is None or attempt is not fallback.attempt)
        besides = (finding for finding in revoking if finding is not fallback.finding)
        return OcspOutcome(fallback.finding, tuple(others), tuple(besides))

    async def _ask_one(self, url: str, certificate: Certificate, issuer: Certificate) -> _Tried:
        started = self._clock.monotonic()
        tried = await self._try_one(url, certificate, issuer)
        problem, detail = (None, "") if tried.attempt is None else (tried.attempt.problem, tried.attempt.detail)
        self._observer.fetched(FetchDetails("ocsp", url, problem, detail, self._clock.monotonic() - started))
        return tried

    async def _try_one(self, url: str, certificate: Certificate, issuer: Certificate) -> _Tried:
        nonce = None if self._policy.ocsp_nonce is OcspNonce.OFF else self._nonces.new()
        request = encode_request(certificate, issuer, nonce)
        try:
            answer = await self._fetch(url, request, get_url(url, request) if nonce is None else None)
            finding = OcspFinding(read_ocsp_response(answer.body), url, Tier.ORIGIN, nonce)
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

    async def _fetch(self, url: str, request: bytes, short: str | None) -> OriginAnswer:
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
        """Why the next responder is asked, or None.

        An answer is kept where it serves, or did: nothing that says `unknown`, is of the future, is not understood, or
        is no answer to what was asked.
        """
        now = self._clock.now()
        try:
            answers, refused = signed_answers(
                (finding,), certificate, issuer, self._policy, now, Budget(self._policy.limits)
            )
        except BudgetExhaustedError:
            return Attempt(finding.source, Problem.TOO_LARGE, "too many certificates to verify")
        if not answers:
            return refused[0]
        newest = max(answers, key=lambda answer: _standing(answer.single))
        if newest.single.status is CertStatus.UNKNOWN:
            return Attempt(finding.source, Problem.STATUS_UNKNOWN)
        refusal = self._refusal(newest, now)
        if refusal is None or refusal.problem is Problem.STALE:
            expires_at = self._expiry(newest.single, certificate)
            await self._hold(newest, HeldOcsp(response, finding.source, now, expires_at), certificate, issuer)
        return refusal

    def _refusal(self, answer: SignedAnswer, now: datetime) -> Attempt | None:
        """Why an answer does not serve now, or None; whether a delegate is revoked itself is asked elsewhere."""
        standing = {answer.delegate: DelegateCheck(DelegateStanding.GOOD)} if answer.delegate is not None else {}
        outcome = usable_until(answer, standing, self._policy, now)
        return None if isinstance(outcome, UsableUntil) else outcome

    def _expiry(self, single: SingleResponse, certificate: Certificate) -> datetime:
        """When an answer can no longer serve anybody under the operator's policy.

        What revokes serves beyond its time: while it is held, none from before is believed again.
        """
        end = later(single.this_update, DEFAULT_OCSP_AGE) if single.next_update is None else single.next_update
        if single.status is CertStatus.REVOKED:
            end = max(end, min(certificate.not_after, later(single.this_update, REVOKED_KEPT)))
        return later(end, self._policy.grace + self._policy.clock_skew + timedelta(seconds=1))

    async def _hold(self, answer: SignedAnswer, new: HeldOcsp, certificate: Certificate, issuer: Certificate) -> None:
        """Put an answer into the store, never in place of a newer one: replaying an old one makes nobody forget."""

        def supersedes(held: HeldOcsp) -> bool:
            return self._supersedes(answer, held, certificate, issuer)

        # Where it cannot be held, it serves this request, and the next one asks again.
        with suppress(StoreError):
            await self._store.put_ocsp(store_key(certificate, issuer), new, supersedes)

    def _supersedes(self, answer: SignedAnswer, held: HeldOcsp, certificate: Certificate, issuer: Certificate) -> bool:
        """Whether an answer takes the place of a held one: the newer does, as far as is known who may speak.

        The signer of a held one is asked for where that decides alone: it costs signatures.
        """
        new, old = _standing(answer.single), _held_standing(held, certificate, issuer)
        (_, revokes), (_, is_revoked) = new, old
        signer = _unchecked(answer)
        if is_revoked and signer is not None:
            # A delegate that is revoked itself must not end a revocation by others, by its own `revoked` neither.
            return revokes and new >= old and self._held_signers(held, certificate, issuer) <= {signer}
        if revokes and new < old:
            # Nor may what such a delegate said, however new, keep a revocation by others out.
            return self._held_signers(held, certificate, issuer).isdisjoint({signer, None})
        return new >= old

    def _held_signers(
        self, held: HeldOcsp, certificate: Certificate, issuer: Certificate
    ) -> frozenset[Certificate | None]:
        """The unchecked delegate that signed a held answer, None for any other signer, nobody where none may."""
        try:
            finding = OcspFinding(read_ocsp_response(held.response), held.source, Tier.HOST)
            budget = Budget(self._policy.limits)
            answers, _ = signed_answers((finding,), certificate, issuer, self._policy, self._clock.now(), budget)
        except (MalformedError, ResponderError):
            return frozenset()
        except BudgetExhaustedError:
            return frozenset({None})  # not known: it stays
        return frozenset(map(_unchecked, answers))


def _standing(single: SingleResponse) -> tuple[datetime, bool]:
    """What makes an answer stay against others: the later one, and of two as late the one that revokes."""
    return single.this_update, single.status is CertStatus.REVOKED


def _unchecked(answer: SignedAnswer) -> Certificate | None:
    """The delegate that signed an answer, where it may be revoked itself (RFC 6960 §4.2.2.2.1)."""
    delegate = answer.delegate
    return None if delegate is None or delegate.extensions.no_check else delegate


def _revokes(finding: OcspFinding, certificate: Certificate, issuer: Certificate) -> bool:
    """Whether an answer says that a certificate is revoked, in its time or not."""
    singles = (one for one in finding.response.responses if one.status is CertStatus.REVOKED)
    return any(is_about(one.cert_id, certificate, issuer) for one in singles)


def _held_standing(held: HeldOcsp, certificate: Certificate, issuer: Certificate) -> tuple[datetime, bool]:
    """The standing of a held answer; the lowest there is where it cannot be read, so that any answer replaces it."""
    lowest = (datetime.min.replace(tzinfo=UTC), False)
    try:
        singles = read_ocsp_response(held.response).responses
    except (MalformedError, ResponderError):
        return lowest
    about = most_cautious(one for one in singles if is_about(one.cert_id, certificate, issuer))
    return max(map(_standing, about), default=lowest)
