"""Taking an OCSP answer that another replica has shared.

Rules it keeps: it goes through the same keeper as what a responder says: signature, authority of the signer, blocks,
times, and nothing takes the place of what is newer. The responder that it names is one that is asked about this
certificate anyhow, since that name is shown to people; nothing is fetched because of it. What does not come to be held,
since what is held is newer, is no answer either. A revocation whose time is over is not lost beside what a
responder says.

What it does not do: look for it, or ask anybody.
"""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from service.application.evidence_store import HeldOcsp
from service.application.ocsp_keeping import OcspKeeper
from service.application.ocsp_sharing import OcspTurn, SharedOcsp
from service.application.ocsp_tally import OcspOutcome, Tally, Tried
from service.core.der.ocsp import ResponderError, read_ocsp_response
from service.core.freshness.window import DEFAULT_OCSP_AGE, later
from service.core.model.attempt import Attempt, Problem
from service.core.model.evidence_tier import Tier
from service.core.model.malformed import MalformedError
from service.core.model.ocsp import OcspFinding

_ENDED: Final = frozenset({Problem.STALE, Problem.INCONSISTENT, Problem.ROLLED_BACK})
"""What may be wrong with an answer that revokes, and that is held against older ones all the same."""


async def take_shared(turn: OcspTurn, responders: Collection[str], keeper: OcspKeeper, tally: Tally) -> bool:
    """Have an answer counted that another replica has shared, as soon as there is one.

    Args:
        turn: Where it comes from.
        responders: Those that would be asked about this certificate.
        keeper: Verifies it, and holds it for the host.
        tally: Where it counts; says meanwhile that a responder may be being asked.

    Returns:
        Whether there is an answer; where there is none, responders are to be asked.
    """
    tally.awaited = next(iter(responders), None)
    while (shared := await turn.look()) is not None:
        refused = await _take(shared, responders, keeper, tally)
        if refused is None:
            turn.taken()
            return True
        turn.refused(refused.problem.value)
    tally.awaited = None
    return False


def is_shared_and_older(outcome: OcspOutcome, age: timedelta, now: datetime) -> bool:
    """Whether what came of asking is an answer to another replica that began longer ago than that."""
    finding = outcome.finding
    if finding is None or finding.tier is not Tier.REDIS:
        return False
    return all(later(single.this_update, age) < now for single in finding.response.responses)


def worth_sharing(held: HeldOcsp, tally: Tally, skew: timedelta) -> HeldOcsp | None:
    """What a host holds, where it is what has just ended the asking, for as long as it serves others.

    What a responder said, and the host knows better, is for this request alone. A revocation is held beyond its time,
    against older answers; nobody who asks is served by it then.

    Args:
        held: By this host.
        tally: What came of asking.
        skew: How far clocks may be apart.
    """
    answer = tally.answer
    if answer is None or _digest(held) != answer.response.digest:
        return None
    ends = (one.next_update or later(one.this_update, DEFAULT_OCSP_AGE) for one in answer.response.responses)
    return replace(held, expires_at=min((held.expires_at, *(later(end, skew) for end in ends))))


async def _take(shared: SharedOcsp, responders: Collection[str], keeper: OcspKeeper, tally: Tally) -> Attempt | None:
    """Why responders are asked all the same; None where it serves."""
    source = shared.source
    if source not in responders:
        return Attempt(source, Problem.WRONG_SCOPE, "no responder of this certificate")
    try:
        finding = OcspFinding(read_ocsp_response(shared.response), source, Tier.REDIS)
    except (MalformedError, ResponderError) as error:
        return Attempt(source, Problem.MALFORMED, str(error))
    refused = await keeper.keep(finding, shared.response, tally.certificate, tally.issuer, shared.fetched_at)
    if refused is None:
        tally.add(Tried(finding))
    elif refused.problem in _ENDED:
        tally.beside(finding)
    return refused


def _digest(held: HeldOcsp) -> bytes:
    return sha256(held.response).digest()
