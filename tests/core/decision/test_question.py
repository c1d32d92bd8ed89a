"""A question in another mode, or about the certificates of one issuer: what changes of it, and what for good."""

from typing import Final

from service.core.decision.question import Inquiry, Question
from service.core.model.budget import Budget
from service.core.model.evidence import Evidence
from service.core.model.policy import IssuerRule, Policy
from service.core.path.certification_path import CertificationPath
from tests.core.decision.chains import certificate
from tests.core.decision.issuer_rules import BY_SUB, CHAIN, HARD, LEAF, OFF, REQUIRE, SOFT, SUB, under
from tests.pki import NOW

RULES: Final = under(IssuerRule(BY_SUB, revocation_mode=REQUIRE), general=Policy(SOFT))


def question(policy: Policy) -> Question:
    """A question about the chain."""
    path = CertificationPath((LEAF, SUB), certificate(CHAIN.root))
    return Inquiry(Evidence(), policy, NOW, Budget(policy.limits), CHAIN.store).about(path)


def test_another_mode_is_that_of_all() -> None:
    """Under a rule for one issuer as well; the rules themselves stay."""
    plain = question(Policy(SOFT)).in_mode(HARD)
    assert (HARD, HARD, None) == (plain.policy.revocation_mode, plain.for_all.revocation_mode, plain.general)
    ruled = question(RULES).about_issuer(Policy(REQUIRE)).in_mode(HARD)
    assert (HARD, HARD) == (ruled.policy.revocation_mode, ruled.for_all.revocation_mode)
    assert RULES.issuer_rules == ruled.for_all.issuer_rules


def test_one_issuer_after_another() -> None:
    """What holds for all is never forgotten."""
    asked = question(RULES)
    assert asked is asked.about_issuer(RULES)
    twice = asked.about_issuer(Policy(REQUIRE)).about_issuer(Policy(OFF))
    assert (Policy(OFF), RULES) == (twice.policy, twice.for_all)
