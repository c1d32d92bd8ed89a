"""Which OCSP answers the host keeps, in place of which, and for how long.

Rules it keeps: only what somebody signed who may is kept, and nothing takes the place of what is newer; an answer that
revokes stays until the certificate has expired, so that none from before can be brought back. Nobody asks here whether
a delegate is revoked itself, so that one without id-pkix-ocsp-nocheck takes no revocation back and keeps none out.
What a blocked certificate signed is not kept, nor is anything while nobody can say what is blocked; what was kept of it
before keeps no revocation out. Where a revocation comes to be held and none that counts was, the verdicts that were
kept until then are ended.

What it does not do: ask anybody.
"""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from service.application.blocks import BlocksInForce, BlocksUnavailableError
from service.application.clock import Clock
from service.application.evidence_store import HeldOcsp, OcspStore, StoreError
from service.core.decision.block_list import NO_BLOCKS, StandingBlocks
from service.core.decision.issuer_policy import policy_for
from service.core.der.ocsp import ResponderError, read_ocsp_response
from service.core.freshness.window import DEFAULT_OCSP_AGE, UsableUntil, later
from service.core.model.attempt import Attempt, Problem
from service.core.model.budget import Budget, BudgetExhaustedError
from service.core.model.certificate import Certificate
from service.core.model.evidence_tier import Tier
from service.core.model.malformed import MalformedError
from service.core.model.ocsp import CertStatus, OcspFinding, SingleResponse
from service.core.model.policy import Policy
from service.core.ocsp.cert_id import is_about, store_key
from service.core.ocsp.judging import (
    DelegateCheck,
    DelegateStanding,
    SignedAnswer,
    most_cautious,
    signed_answers,
    usable_until,
)

REVOKED_KEPT: Final = timedelta(days=366)
"""How long after its thisUpdate a revocation is kept at the longest: by then no answer from before it is in its time.
Days are usual; a year is the longest that even a root answers for (CA/Browser Forum BR §4.9.10: updated each year)."""

RevokedSeen = Callable[[], Awaitable[None]]
"""Ends the verdicts that are kept. May raise `StoreError`: they end by themselves within their time."""


async def nobody() -> None:
    """No verdicts are kept."""


class NothingBlocked:
    """Blocks of those who have none. Implements `BlocksInForce`."""

    async def current(self) -> StandingBlocks:
        """None."""
        return NO_BLOCKS


@dataclass(frozen=True, slots=True)
class _Subject:
    """What an answer is about, and by what it is judged.

    Attributes:
        policy: For the certificates of this issuer.
        blocks: What is blocked.
    """

    certificate: Certificate
    issuer: Certificate
    policy: Policy
    blocks: StandingBlocks
    now: datetime


class OcspKeeper:
    """Puts answers into the host's store."""

    def __init__(
        self,
        store: OcspStore,
        clock: Clock,
        policy: Policy,
        blocks: BlocksInForce,
        revoked_seen: RevokedSeen = nobody,
    ) -> None:
        """Take the collaborators.

        Args:
            store: Where usable answers are kept for the host.
            clock: Time.
            policy: The operator's; what a request overrides does not change what is worth keeping.
            blocks: What is blocked.
            revoked_seen: Is called when a revocation is held where none that counts was.
        """
        self._store = store
        self._clock = clock
        self._policy = policy
        self._revoked_seen = revoked_seen
        self._blocks = blocks

    async def keep(
        self,
        finding: OcspFinding,
        response: bytes,
        certificate: Certificate,
        issuer: Certificate,
        fetched_at: datetime | None = None,
    ) -> Attempt | None:
        """Why the next responder is asked, or None.

        An answer is kept where it serves, or did: nothing that says `unknown`, is of the future, is not understood, is
        no answer to what was asked, or was signed by whom an operator has blocked.

        Args:
            finding: What somebody has said.
            response: The octets of it.
            certificate: The certificate in question.
            issuer: Its issuer.
            fetched_at: When it was fetched, where another replica has done that; None for now.
        """
        now = self._clock.now()
        newest = self._newest(finding, certificate, issuer, now)
        if isinstance(newest, Attempt):
            return newest
        try:
            blocks = await self._blocks.current()
        except BlocksUnavailableError:
            return Attempt(finding.source, Problem.INTERNAL, "nobody can say what is blocked")
        if _is_blocked(newest, issuer, blocks):
            return Attempt(finding.source, Problem.SIGNER_BLOCKED)
        if newest.single.status is CertStatus.UNKNOWN:
            return Attempt(finding.source, Problem.STATUS_UNKNOWN)
        subject = _Subject(certificate, issuer, policy_for(issuer, self._policy), blocks, now)
        refusal = _refusal(newest, subject)
        if refusal is not None and refusal.problem is not Problem.STALE:
            return refusal
        expires_at = _expiry(newest.single, certificate, subject.policy)
        held = HeldOcsp(response, finding.source, fetched_at or now, expires_at)
        is_outranked = await self._hold(newest, held, subject)
        if is_outranked and finding.tier is Tier.REDIS:
            # A responder may be behind, and its answer is judged beside what is held. What others have shared is there
            # instead of a responder's: where it is behind, a responder is asked.
            return Attempt(finding.source, Problem.ROLLED_BACK)
        return refusal

    def _newest(
        self, finding: OcspFinding, certificate: Certificate, issuer: Certificate, now: datetime
    ) -> SignedAnswer | Attempt:
        """Of what somebody says who may, the newest; or why there is nothing."""
        try:
            answers, refused = signed_answers(
                (finding,), certificate, issuer, self._policy, now, Budget(self._policy.limits)
            )
        except BudgetExhaustedError:
            return Attempt(finding.source, Problem.TOO_LARGE, "too many certificates to verify")
        return max(answers, key=lambda answer: _standing(answer.single)) if answers else refused[0]

    async def _hold(self, answer: SignedAnswer, new: HeldOcsp, subject: _Subject) -> bool:
        """Put an answer into the store, never in place of a newer one: replaying an old one makes nobody forget.

        Returns:
            Whether what was held before has stayed.
        """
        news, is_outranked = answer.single.status is CertStatus.REVOKED, False

        def supersedes(held: HeldOcsp) -> bool:
            nonlocal news, is_outranked
            takes = self._supersedes(answer, held, subject)
            news, is_outranked = news and takes and not self._was_known(answer, held, subject), not takes
            return takes

        # Where it cannot be held, it serves this request, and the next one asks again.
        with suppress(StoreError):
            await self._store.put_ocsp(store_key(subject.certificate, subject.issuer), new, supersedes)
            if news:
                await self._revoked_seen()
        return is_outranked

    def _supersedes(self, answer: SignedAnswer, held: HeldOcsp, subject: _Subject) -> bool:
        """Whether an answer takes the place of a held one: the newer does, as far as is known who may speak.

        The signer of a held one is asked for where that decides alone: it costs signatures.
        """
        if self._outranks(answer, held, subject):
            return True
        # Nobody hears what was held before its signer was blocked: it keeps nothing out but, in case the block is
        # removed, a good answer from before its revocation.
        revokes, is_revoked = answer.single.status is CertStatus.REVOKED, _held_standing(held, subject)[1]
        return (revokes or not is_revoked) and self._is_blocked_by_now(held, subject)

    def _outranks(self, answer: SignedAnswer, held: HeldOcsp, subject: _Subject) -> bool:
        """Whether an answer takes the place of a held one whose signer is not blocked."""
        new, old = _standing(answer.single), _held_standing(held, subject)
        (_, revokes), (_, is_revoked) = new, old
        signer = _unchecked(answer)
        if is_revoked and signer is not None:
            # A delegate that is revoked itself must not end a revocation by others, by its own `revoked` neither.
            return revokes and new >= old and self._held_signers(held, subject) <= {signer}
        if revokes and new < old:
            # Nor may what such a delegate said, however new, keep a revocation by others out.
            return self._held_signers(held, subject).isdisjoint({signer, None})
        return new >= old

    def _was_known(self, answer: SignedAnswer, held: HeldOcsp, subject: _Subject) -> bool:
        """Whether a held answer has revoked in every verdict until now, as this one does.

        It has not where its time is over, nor where its signer is blocked, or is a delegate that may be revoked itself:
        a verdict that was kept may have been made without it.
        """
        if not _held_standing(held, subject)[1]:
            return False
        counting = {None} if _refusal(answer, subject) is None else {None, Problem.STALE}
        return any(
            known.single.status is CertStatus.REVOKED
            and _unchecked(known) in (None, _unchecked(answer))
            and not _is_blocked(known, subject.issuer, subject.blocks)
            and _problem(known, subject) in counting
            for known in self._held_answers(held, subject) or ()
        )

    def _is_blocked_by_now(self, held: HeldOcsp, subject: _Subject) -> bool:
        """Whether a held answer is known to be by somebody who is blocked."""
        if not subject.blocks.blocks.size:
            return False
        answers = self._held_answers(held, subject)
        return bool(answers) and all(_is_blocked(one, subject.issuer, subject.blocks) for one in answers or ())

    def _held_signers(self, held: HeldOcsp, subject: _Subject) -> frozenset[Certificate | None]:
        """The unchecked delegate that signed a held answer, None for any other signer, nobody where none may."""
        answers = self._held_answers(held, subject)
        return frozenset({None}) if answers is None else frozenset(map(_unchecked, answers))  # not known: it stays

    def _held_answers(self, held: HeldOcsp, subject: _Subject) -> tuple[SignedAnswer, ...] | None:
        """What a held row says that somebody signed who may; None where that is not known."""
        try:
            finding = OcspFinding(read_ocsp_response(held.response), held.source, Tier.HOST)
            budget = Budget(self._policy.limits)
            answers, _ = signed_answers(
                (finding,), subject.certificate, subject.issuer, self._policy, subject.now, budget
            )
        except (MalformedError, ResponderError):
            return ()
        except BudgetExhaustedError:
            return None
        return answers


def _is_blocked(answer: SignedAnswer, issuer: Certificate, blocks: StandingBlocks) -> bool:
    """Whether an operator has blocked who signed an answer, or for whom."""
    return blocks.first(one for one in (answer.delegate, answer.trusted, issuer) if one is not None) is not None


def _refusal(answer: SignedAnswer, subject: _Subject) -> Attempt | None:
    """Why an answer does not serve now, or None; whether a delegate is revoked itself is asked elsewhere."""
    standing = {answer.delegate: DelegateCheck(DelegateStanding.GOOD)} if answer.delegate is not None else {}
    outcome = usable_until(answer, standing, subject.policy, subject.now)
    return None if isinstance(outcome, UsableUntil) else outcome


def _problem(answer: SignedAnswer, subject: _Subject) -> Problem | None:
    refusal = _refusal(answer, subject)
    return None if refusal is None else refusal.problem


def _expiry(single: SingleResponse, certificate: Certificate, policy: Policy) -> datetime:
    """When an answer can no longer serve anybody under the operator's policy.

    What revokes serves beyond its time: while it is held, none from before is believed again.
    """
    end = later(single.this_update, DEFAULT_OCSP_AGE) if single.next_update is None else single.next_update
    if single.status is CertStatus.REVOKED:
        end = max(end, min(certificate.not_after, later(single.this_update, REVOKED_KEPT)))
    return later(end, policy.grace + policy.clock_skew + timedelta(seconds=1))


def _standing(single: SingleResponse) -> tuple[datetime, bool]:
    """What makes an answer stay against others: the later one, and of two as late the one that revokes."""
    return single.this_update, single.status is CertStatus.REVOKED


def _unchecked(answer: SignedAnswer) -> Certificate | None:
    """The delegate that signed an answer, where it may be revoked itself (RFC 6960 §4.2.2.2.1)."""
    delegate = answer.delegate
    return None if delegate is None or delegate.extensions.no_check else delegate


def _held_standing(held: HeldOcsp, subject: _Subject) -> tuple[datetime, bool]:
    """The standing of a held answer; the lowest there is where it cannot be read, so that any answer replaces it."""
    lowest = (datetime.min.replace(tzinfo=UTC), False)
    try:
        singles = read_ocsp_response(held.response).responses
    except (MalformedError, ResponderError):
        return lowest
    about = most_cautious(one for one in singles if is_about(one.cert_id, subject.certificate, subject.issuer))
    return max(map(_standing, about), default=lowest)
