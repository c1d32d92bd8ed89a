"""Nonces: which answers are known to be new, and what that means for what they say."""

from datetime import timedelta
from typing import Final

import pytest

from service.core.model.attempt import Attempt, Problem
from service.core.model.evidence_tier import Tier
from service.core.model.ocsp import OcspFinding
from service.core.model.policy import OcspNonce, Policy
from service.core.model.verdict import RevocationStatus
from service.core.ocsp.nonce import NONCE_OCTETS, check_nonce, nonce_value
from tests.core.ocsp.answers import LEAF, SUB, URL, finding, judge
from tests.pki import NOW, Extension, OcspOverrides, der, hours, oids
from tests.pki.ocsp import CertStatus

SENT: Final = bytes(range(NONCE_OCTETS))
OTHER: Final = bytes(NONCE_OCTETS)

OFF, REQUEST, REQUIRE = OcspNonce.OFF, OcspNonce.REQUEST, OcspNonce.REQUIRE
MISSING, MISMATCH = Problem.NONCE_MISSING, Problem.NONCE_MISMATCH

SAME: Final[OcspOverrides] = {"nonce": SENT}
ANOTHER: Final[OcspOverrides] = {"nonce": OTHER}
NONE: Final[OcspOverrides] = {}


def raw(value: bytes) -> OcspOverrides:
    """An answer whose nonce extension has this value."""
    return {"extensions": [Extension(oids.OCSP_NONCE, value)]}


def test_it_is_as_long_as_every_responder_accepts() -> None:
    """RFC 9654 section 2.1: clients send 32 octets at least, and responders take 16 to 32."""
    assert 32 == NONCE_OCTETS


def test_its_value_is_an_octet_string() -> None:
    """As RFC 9654 section 2.1 writes it, and as the answer has it."""
    assert der.octet_string(SENT) == nonce_value(SENT) == finding(SUB.ocsp(LEAF, nonce=SENT)).response.nonce


@pytest.mark.parametrize(
    ("nonce", "came", "expected"),
    [
        (OFF, NONE, None),
        (OFF, SAME, None),
        (OFF, ANOTHER, None),
        (REQUEST, NONE, None),
        (REQUEST, SAME, None),
        (REQUEST, ANOTHER, MISMATCH),
        (REQUIRE, NONE, MISSING),
        (REQUIRE, SAME, None),
        (REQUIRE, ANOTHER, MISMATCH),
        (REQUIRE, {"nonce": SENT[:-1]}, MISMATCH),
        (REQUIRE, {"nonce": SENT + b"\0"}, MISMATCH),
        (REQUIRE, {"nonce": b""}, MISMATCH),
        (REQUIRE, raw(b""), MISMATCH),
        (REQUIRE, raw(SENT), MISMATCH),
        (REQUIRE, raw(der.octet_string(SENT) + b"\0"), MISMATCH),
    ],
)
def test_an_answer_to_what_was_asked(nonce: OcspNonce, came: OcspOverrides, expected: Problem | None) -> None:
    """The same octets in the same encoding, or none where the policy lets responders ignore it."""
    found = finding(SUB.ocsp(LEAF, **came), nonce=SENT)
    assert expected is check_nonce(found, Policy(ocsp_nonce=nonce))


@pytest.mark.parametrize(
    ("nonce", "tier", "expected"),
    [
        (OFF, Tier.HOST, None),
        (OFF, Tier.EVIDENCE, None),
        (REQUEST, Tier.HOST, MISSING),
        (REQUEST, Tier.EVIDENCE, None),
        (REQUEST, Tier.ORIGIN, MISSING),
        (REQUIRE, Tier.HOST, MISSING),
        (REQUIRE, Tier.EVIDENCE, MISSING),
        (REQUIRE, Tier.ORIGIN, MISSING),
    ],
)
@pytest.mark.parametrize("came", [NONE, SAME], ids=["without", "with somebody's"])
def test_an_answer_that_nobody_here_asked_for(
    came: OcspOverrides, nonce: OcspNonce, tier: Tier, expected: Problem | None
) -> None:
    """What is held is from before; what came with a request is from whenever. Its own nonce proves nothing."""
    assert expected is check_nonce(finding(SUB.ocsp(LEAF, **came), tier=tier), Policy(ocsp_nonce=nonce))


def said(*findings: OcspFinding, nonce: OcspNonce = REQUIRE) -> RevocationStatus | None:
    """What answers say under a policy that wants nonces."""
    answer = judge(*findings, policy=Policy(ocsp_nonce=nonce)).answer
    return None if answer is None else answer.status


@pytest.mark.parametrize(
    ("came", "problem"), [(NONE, MISSING), (ANOTHER, MISMATCH)], ids=["without a nonce", "another nonce"]
)
@pytest.mark.parametrize("says", ["good", "unknown"])
def test_what_may_be_replayed_is_not_used(says: CertStatus, came: OcspOverrides, problem: Problem) -> None:
    """By name, whatever its times."""
    judgement = judge(
        finding(SUB.ocsp(LEAF, **(came | {"status": says})), nonce=SENT), policy=Policy(ocsp_nonce=REQUIRE)
    )
    assert (None, (Attempt(URL, problem),)) == (judgement.answer, judgement.attempts)


def test_the_right_nonce_is_good() -> None:
    """The same answer with it."""
    assert RevocationStatus.GOOD is said(finding(SUB.ocsp(LEAF, nonce=SENT), nonce=SENT))


@pytest.mark.parametrize("came", [NONE, ANOTHER], ids=["without a nonce", "another nonce"])
@pytest.mark.parametrize("tier", [Tier.ORIGIN, Tier.HOST, Tier.EVIDENCE])
def test_a_revocation_counts_without_it(tier: Tier, came: OcspOverrides) -> None:
    """It is signed and in its time, and nobody gains anything by replaying it."""
    sent = SENT if tier is Tier.ORIGIN else None
    assert RevocationStatus.REVOKED is said(
        finding(SUB.ocsp(LEAF, **(came | {"status": "revoked"})), tier=tier, nonce=sent)
    )


def test_a_newer_answer_with_the_nonce_releases_a_held_revocation() -> None:
    """A hold ends, nonce or not."""
    held = finding(SUB.ocsp(LEAF, status="revoked", this_update=NOW - hours(2)), tier=Tier.HOST)
    assert RevocationStatus.GOOD is said(held, finding(SUB.ocsp(LEAF, nonce=SENT), nonce=SENT))


def test_an_old_answer_without_the_nonce_releases_nothing() -> None:
    """However new it says it is."""
    held = finding(SUB.ocsp(LEAF, status="revoked", this_update=NOW - hours(2)), tier=Tier.HOST)
    newer = finding(SUB.ocsp(LEAF, this_update=NOW - timedelta(seconds=1), nonce=OTHER), nonce=SENT)
    assert RevocationStatus.REVOKED is said(held, newer)
