"""Nonces: is an answer one to the request that was just sent (RFC 9654)?

Rules it keeps: a nonce can only take `good` away. What was signed as revoked and is in its time counts, whomever it
answered: nobody gains an allow by replaying it.

What it does not do: make nonces (a port of the application), or look at anything else in an answer.
"""

from typing import assert_never

from service.core.der import tlv
from service.core.model.attempt import Problem
from service.core.model.evidence_tier import Tier
from service.core.model.ocsp import OcspFinding
from service.core.model.policy import OcspNonce, Policy

NONCE_OCTETS = 32
"""Octets of a nonce: as long as RFC 9654 §2.1 wants them at least, and as long as every responder must accept."""


def nonce_value(nonce: bytes) -> bytes:
    """The value of the nonce extension: the DER of an OCTET STRING (RFC 9654 §2.1)."""
    return tlv.encode(tlv.OCTET_STRING, nonce)


def check_nonce(finding: OcspFinding, policy: Policy) -> Problem | None:
    """Why an answer is not known to be new, or None where it is, or where the policy does not ask.

    What this host held before, and what came with a request, answers nothing that was just asked. Where the nonce is
    required neither is known to be new; where it is requested, inline evidence counts, as an answer without one does,
    and what is held does not: a new answer is to be had.
    """
    match policy.ocsp_nonce:
        case OcspNonce.OFF:
            return None
        case OcspNonce.REQUEST:
            may_lack = finding.nonce is not None or finding.tier is Tier.EVIDENCE
        case OcspNonce.REQUIRE:
            may_lack = False
        case _:
            assert_never(policy.ocsp_nonce)
    came = finding.response.nonce
    if finding.nonce is None or came is None:
        return None if may_lack else Problem.NONCE_MISSING
    return None if came == nonce_value(finding.nonce) else Problem.NONCE_MISMATCH
