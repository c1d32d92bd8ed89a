"""What a worker claims, and when again."""

import pytest

from service.application.claims import CLAIM_AGAIN_S, MAX_CLAIMED, Claimant, ClaimOutcome, CrlClaim
from tests.application.chain import NAMESAKE, SUB
from tests.application.manual_clock import ManualClock
from tests.application.prefetch.world import signer

pytestmark = pytest.mark.anyio


class Claims:
    """Somebody who tries what is claimed; what comes of it is a test's choice."""

    def __init__(self, outcome: ClaimOutcome) -> None:
        """Nothing was claimed."""
        self.outcome = outcome
        self.claimed: list[CrlClaim] = []

    async def claim(self, claim: CrlClaim) -> ClaimOutcome:
        """Note it."""
        self.claimed.append(claim)
        return self.outcome


@pytest.mark.parametrize(
    ("outcome", "times"), [(ClaimOutcome.TRIED, 1), (ClaimOutcome.LEFT_OUT, 2), (ClaimOutcome.UNANSWERED, 2)]
)
async def test_what_was_tried_is_not_claimed_again(outcome: ClaimOutcome, times: int) -> None:
    """For a while; what was not tried is."""
    claims = Claims(outcome)
    clock = ManualClock()
    claimant = Claimant(claims, clock)
    for _ in range(2):
        await claimant.claim((bytes(32),), (signer(SUB),))
    assert times == len(claims.claimed)
    await claimant.claim((bytes(32),), (signer(SUB), signer(NAMESAKE)))  # another key
    clock.advance(CLAIM_AGAIN_S)
    await claimant.claim((bytes(32),), (signer(SUB),))
    assert times + 2 == len(claims.claimed)


async def test_a_claim_is_bounded() -> None:
    """What is left over is claimed the next time."""
    claims = Claims(ClaimOutcome.TRIED)
    clock = ManualClock()
    claimant = Claimant(claims, clock)
    digests = tuple(bytes([number]) * 32 for number in range(MAX_CLAIMED + 3))
    outcomes = [await claimant.claim(digests, (signer(SUB),)) for _ in range(3)]
    assert [ClaimOutcome.LEFT_OUT, ClaimOutcome.TRIED, ClaimOutcome.TRIED] == outcomes
    assert [MAX_CLAIMED, 3] == [len(one.digests) for one in claims.claimed]
