"""Asking OCSP responders: each URL in turn, GET where the request is short enough, and only usable answers are kept."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from service.application.clock import Clock
from service.application.evidence_store import HeldOcsp, OcspStore, StoreError
from service.application.flights import Flights
from service.application.observer import FetchDetails, Observer
from service.application.origin import Origin, OriginAnswer, OriginError, OriginRequest, UrlTrust
from service.core.der.ocsp import ResponderError, read_ocsp_response
from service.core.freshness.window import DEFAULT_OCSP_AGE, later
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


@dataclass(frozen=True, slots=True)
class OcspOutcome:
    """What came of asking about one certificate."""

    finding: OcspFinding | None
    attempts: tuple[Attempt, ...]


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
        request = encode_request(certificate, issuer)
        for url in certificate.extensions.ocsp_responders[:MAX_RESPONDERS]:
            outcome = await self._ask_one(url, request, certificate, issuer)
            if isinstance(outcome, OcspFinding):
                return OcspOutcome(outcome, tuple(attempts))
            attempts.append(outcome)
        return OcspOutcome(None, tuple(attempts))

    async def _ask_one(
        self, url: str, request: bytes, certificate: Certificate, issuer: Certificate
    ) -> OcspFinding | Attempt:
        started = self._clock.monotonic()
        outcome = await self._try_one(url, request, certificate, issuer)
        problem, detail = (outcome.problem, outcome.detail) if isinstance(outcome, Attempt) else (None, "")
        self._observer.fetched(FetchDetails("ocsp", url, problem, detail, self._clock.monotonic() - started))
        return outcome

    async def _try_one(
        self, url: str, request: bytes, certificate: Certificate, issuer: Certificate
    ) -> OcspFinding | Attempt:
        try:
            answer = await self._fetch(url, request)
            finding = OcspFinding(read_ocsp_response(answer.body), url, Tier.ORIGIN)
        except OriginError as error:
            return Attempt(url, error.problem, error.detail)
        except ResponderError as error:
            return Attempt(url, Problem.RESPONDER_ERROR, str(error))
        except MalformedError as error:
            return Attempt(url, Problem.MALFORMED, error.reason)
        problem = await self._keep(finding, answer.body, certificate, issuer)
        return finding if problem is None else problem

    async def _fetch(self, url: str, request: bytes) -> OriginAnswer:
        short = get_url(url, request)
        accept = ("accept", RESPONSE_TYPE)
        if short is not None and not urlsplit(url).query:
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
        """Keep an answer by somebody who may give it, unless it says `unknown`; why it is none, or None."""
        now = self._clock.now()
        try:
            answers, refused = signed_answers(
                (finding,), certificate, issuer, self._policy, now, Budget(self._policy.limits)
            )
        except BudgetExhaustedError:
            return Attempt(finding.source, Problem.TOO_LARGE, "too many certificates to verify")
        if not answers:
            return refused[0]
        newest = max(answers, key=lambda answer: answer.single.this_update).single
        if newest.status is not CertStatus.UNKNOWN:
            await self._hold(newest, HeldOcsp(response, finding.source, now, self._expiry(newest)), certificate, issuer)
        return None

    def _expiry(self, single: SingleResponse) -> datetime:
        """When an answer can no longer serve anybody under the operator's policy."""
        end = later(single.this_update, DEFAULT_OCSP_AGE) if single.next_update is None else single.next_update
        return later(end, self._policy.grace + self._policy.clock_skew + timedelta(seconds=1))

    async def _hold(self, single: SingleResponse, new: HeldOcsp, certificate: Certificate, issuer: Certificate) -> None:
        """Put an answer into the store, never in place of a newer one: replaying an old one makes nobody forget."""
        key = store_key(certificate, issuer)
        try:
            held = self._store.find_ocsp(key)
            if held is None or single.this_update >= _this_update(held, certificate, issuer):
                await self._store.put_ocsp(key, new)
        except StoreError:
            return  # it serves this request; the next one asks again


def _this_update(held: HeldOcsp, certificate: Certificate, issuer: Certificate) -> datetime:
    """thisUpdate of a held answer; the beginning of time where it cannot be read, so that any answer replaces it."""
    beginning = datetime.min.replace(tzinfo=UTC)
    try:
        singles = read_ocsp_response(held.response).responses
    except (MalformedError, ResponderError):
        return beginning
    return max((one.this_update for one in singles if is_about(one.cert_id, certificate, issuer)), default=beginning)
