"""CRL signers that are not below the path in question: evidence about them is fetched, and no name is lent to them."""

from typing import Final

from service.core.model.policy import Policy, RevocationMode, RevocationScope
from service.core.path.trust_store import with_intermediates
from tests.core.decision.chains import ALLOWED, ALLOWED_UNANSWERED, ROOT, UNAVAILABLE, certificate, summary
from tests.core.decision.shell import CRL_URL, Shelf, ask, trusting
from tests.pki import Authority, DistributionPoint, IssuingDistributionPoint, key
from tests.pki.extensions import KeyUsage

POINT: Final = "http://crl.example/signers"
FOR_CRLS: Final[frozenset[KeyUsage]] = frozenset({"cRLSign"})
SUB: Final = ROOT.subordinate("Sub", crl_urls=CRL_URL)
MIDDLE: Final = ROOT.subordinate("Middle")


def test_what_is_fetched_about_a_signer_far_from_the_path() -> None:
    """Whose CRLs are looked for is told by the signer's own path, of which the path in question knows nothing.

    Everybody of that path is asked about in the same round.
    """
    lists = MIDDLE.subordinate("Lists", ca=False, key_usage=FOR_CRLS, crl_urls=POINT)
    leaf = SUB.issue("leaf", crl_urls=[DistributionPoint([CRL_URL], crl_issuer="Lists")])
    about_leaf = lists.crl(idp=IssuingDistributionPoint([CRL_URL], indirect=True))
    policy = Policy(RevocationMode.HARD_FAIL, revocation_scope=RevocationScope.LEAF)
    for origin, expected in ((Shelf((MIDDLE.crl(),)), ALLOWED), (Shelf(), UNAVAILABLE)):
        store = trusting(ROOT, SUB, MIDDLE, lists)
        found = ask(leaf, store, held=Shelf((about_leaf,)), origin=origin, policy=policy)
        assert (expected, True) == (summary(found.verdict), "Lists crl origin" in found.fetched)
        assert any({"Lists crl held", "Middle crl held"} <= together for together in found.rounds)


def test_the_name_of_somebody_in_the_path_is_theirs() -> None:
    """Another key of that name is none of theirs, whoever else certified it; one that they certified is."""
    sub = MIDDLE.subordinate("Sub", crl_urls=[DistributionPoint([POINT], crl_issuer="Sub")])
    policy = Policy(RevocationMode.HARD_FAIL)
    for certifier, expected in ((MIDDLE, UNAVAILABLE), (sub, ALLOWED_UNANSWERED)):
        lists: Authority = certifier.subordinate("Sub", key=key("p256", 7), ca=False, key_usage=FOR_CRLS)
        about_sub = lists.crl(idp=IssuingDistributionPoint([POINT], indirect=True))
        store = with_intermediates(trusting(ROOT, MIDDLE), [certificate(sub), certificate(lists)])
        found = ask(sub.issue("leaf"), store, held=Shelf((about_sub, sub.crl())), policy=policy)
        assert expected == summary(found.verdict)
