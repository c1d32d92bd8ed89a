"""What a revoked signer of CRLs says of another signer (RFC 5280 §6.3.3 (f)): it may revoke that one, and no more."""

from typing import Final

from service.core.model.policy import Policy, RevocationMode, RevocationScope
from tests.core.decision.chains import ALLOWED, ROOT, UNAVAILABLE, summary
from tests.core.decision.shell import CRL_URL, Shelf, ask, trusting
from tests.pki import Authority, IssuingDistributionPoint, key

POINT: Final = "http://crl.example/signers"
SUB: Final = ROOT.subordinate("Sub", crl_urls=CRL_URL)
LEAF: Final = SUB.issue("leaf", crl_urls=CRL_URL)
SIGNER: Final = ROOT.subordinate("Sub", key=key("p256", 1), crl_urls=CRL_URL)
ROOT_SIGNER: Final = ROOT.cross_sign(Authority.root("Root", key=key("p256", 2)), crl_urls=POINT)
"""Signs the CRL about the leaf's CRL signer; Root itself speaks of ROOT_SIGNER alone."""

POLICY: Final = Policy(RevocationMode.HARD_FAIL, revocation_scope=RevocationScope.LEAF)


def outcome(about_root_signer: list[int], about_signer: list[int]) -> tuple[str, str, str]:
    """The verdict where these are revoked."""
    alone = IssuingDistributionPoint([POINT])
    crls = ROOT.crl(idp=alone, revoked=about_root_signer), ROOT_SIGNER.crl(revoked=about_signer), SIGNER.crl()
    store = trusting(ROOT, SUB, SIGNER, ROOT_SIGNER)
    return summary(ask(LEAF, store, held=Shelf(crls), policy=POLICY).verdict)


def test_a_revoked_signer_makes_no_other_good() -> None:
    """Its CRL does not list the other one: that is no answer about it."""
    assert ALLOWED == outcome([], [])
    assert UNAVAILABLE == outcome([ROOT_SIGNER.serial], [])


def test_a_revoked_signer_is_listened_to() -> None:
    """Whichever of two may be lying, what one has revoked is good no more."""
    assert UNAVAILABLE == outcome([], [SIGNER.serial])
    assert UNAVAILABLE == outcome([ROOT_SIGNER.serial], [SIGNER.serial])
