"""The paths of CRL signers (RFC 5280 §6.3.3 (f)): anchors, long ones, and how long they last."""

from typing import Final

from service.core.model.policy import Policy, RevocationMode, RevocationScope
from service.core.path.trust_store import with_intermediates
from tests.core.decision.chains import ALLOWED, ROOT, UNAVAILABLE, certificate, summary
from tests.core.decision.shell import CRL_URL, Shelf, ask, trusting
from tests.pki import NOW, Authority, DistributionPoint, IssuingDistributionPoint, days, key

SUB: Final = ROOT.subordinate("Sub", crl_urls=CRL_URL)
LEAF: Final = SUB.issue("leaf", crl_urls=CRL_URL)
RENEWED: Final = ROOT.subordinate("Sub", key=key("p256", 1), crl_urls=CRL_URL)
SHARD: Final = "http://crl.example/signers"
REQUIRE: Final = Policy(RevocationMode.REQUIRE)
LEAF_ALONE: Final = Policy(RevocationMode.REQUIRE, revocation_scope=RevocationScope.LEAF)


def test_an_anchor_that_signs_for_another_is_not_asked_about() -> None:
    """Its indirect CRL answers, although nothing says whether the anchor itself is revoked."""
    point = "http://crl.example/indirect"
    leaf = SUB.issue("leaf", crl_urls=[DistributionPoint([point], crl_issuer="Root")])
    crl = ROOT.crl(idp=IssuingDistributionPoint([point], indirect=True))
    found = ask(leaf, trusting(ROOT, SUB), held=Shelf((crl,)), policy=LEAF_ALONE)
    assert ALLOWED == summary(found.verdict)


def test_a_certificate_that_poses_as_the_anchor() -> None:
    """The anchor's own name and key in a certificate that is no anchor lend it no key usage."""
    root = Authority.root("Root", key_usage=frozenset({"keyCertSign"}))
    twin = root.reissue(key_usage=frozenset({"keyCertSign", "cRLSign"}))
    leaf = root.issue("leaf", crl_urls=CRL_URL)
    held = Shelf((root.crl(),))
    presented = with_intermediates(trusting(root), (certificate(twin),))
    assert UNAVAILABLE == summary(ask(leaf, presented, held=held, policy=REQUIRE).verdict)
    assert ALLOWED == summary(ask(leaf, trusting(root, twin), held=held, policy=REQUIRE).verdict)


def test_the_answer_ends_with_every_member_of_the_signers_path() -> None:
    """The signer's own certificate first, or the one above it."""
    for own, above in ((days(2), days(9)), (days(9), days(2))):
        upper = RENEWED.reissue(not_after=NOW + above)
        signer = upper.cross_sign(Authority.root("Sub", key=key("p256", 6)), crl_urls=SHARD, not_after=NOW + own)
        lasting, about_signer = NOW + days(30), IssuingDistributionPoint([SHARD])
        crls = ROOT.crl(next_update=lasting), upper.crl(next_update=lasting, idp=about_signer)
        held = Shelf((*crls, signer.crl(next_update=lasting)))
        found = ask(LEAF, trusting(ROOT, SUB, upper, signer), held=held, policy=LEAF_ALONE)
        assert (ALLOWED, NOW + days(2)) == (summary(found.verdict), found.verdict.path[0].revocation.usable_until)


def test_a_signers_path_may_be_longer_than_the_callers() -> None:
    """How long the path of the certificate in question may be is not asked of its CRL's signer."""
    second = ROOT.subordinate("Root", key=key("p256", 2), crl_urls=SHARD)
    third = second.subordinate("Root", key=key("p256", 3), crl_urls=SHARD)
    leaf, about_signers = ROOT.issue("leaf", crl_urls=CRL_URL), IssuingDistributionPoint([SHARD])
    policy, about = Policy(RevocationMode.REQUIRE, max_path_length=0), (ROOT, second)
    held = Shelf((*(one.crl(idp=about_signers) for one in about), third.crl()))
    assert ALLOWED == summary(ask(leaf, trusting(ROOT, second, third), held=held, policy=policy).verdict)
    assert UNAVAILABLE == summary(ask(leaf, trusting(ROOT, second), held=held, policy=policy).verdict)
