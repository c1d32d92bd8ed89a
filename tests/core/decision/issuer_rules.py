"""A path whose certificates name CRLs, and rules about who issued them."""

from dataclasses import replace
from typing import Final

from service.core.model.policy import (
    IssuerMatch,
    IssuerRule,
    Policy,
    RevocationMode,
    RevocationScope,
)
from service.core.names.rfc4514 import canonical_of_text
from tests.core.decision.chains import (
    CRL,
    certificate,
    chain,
)

HARD, SOFT, REQUIRE, OFF = (
    RevocationMode.HARD_FAIL,
    RevocationMode.SOFT_FAIL,
    RevocationMode.REQUIRE,
    RevocationMode.OFF,
)
LEAF_ALONE, WHOLE = RevocationScope.LEAF, RevocationScope.CHAIN
CHAIN: Final = chain(leaf=CRL, sub=CRL)
SUB: Final = certificate(CHAIN.sub)
LEAF: Final = certificate(CHAIN.leaf)
BY_SUB: Final = IssuerMatch(name=canonical_of_text("CN=Sub"))
BY_ROOT: Final = IssuerMatch(name=canonical_of_text("CN=Root"))
ELSEWHERE: Final = "http://elsewhere.example/"
RULE: Final = IssuerRule(BY_SUB)


def under(*rules: IssuerRule, general: Policy | None = None) -> Policy:
    """A policy with these rules."""
    return replace(general or Policy(), issuer_rules=rules)
