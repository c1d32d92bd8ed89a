"""The keys by which held CRLs are found."""

from typing import Final

from service.core.decision.authority_keys import authority_keys
from service.core.model.certificate import Certificate
from service.core.model.trust_store import TrustStore
from service.core.path.trust_store import with_intermediates
from tests.core.decision.chains import ROOT, certificate
from tests.core.decision.shell import trusting
from tests.pki import Authority, DistributionPoint, key

MIDDLE: Final = ROOT.subordinate("Middle")
SUB: Final = MIDDLE.subordinate("Sub")
LEAF: Final = certificate(SUB.issue("leaf"))
ELSEWHERE: Final = ROOT.subordinate("Elsewhere", key=key("p256", 30))
NAMESAKE: Final = ELSEWHERE.subordinate("Sub", key=key("p256", 31))


def found(store: TrustStore, leaf: Certificate = LEAF) -> frozenset[bytes]:
    """The keys, where Sub issued the leaf."""
    return authority_keys(leaf, certificate(SUB), store)


def keys(*authorities: Authority) -> frozenset[bytes]:
    """Their keys."""
    return frozenset(certificate(one).public_key.spki for one in authorities)


def test_the_chain_above() -> None:
    """The issuer's, and of everybody above up to the anchor; of nobody beside."""
    assert keys(SUB, MIDDLE, ROOT) == found(trusting(ROOT, MIDDLE, SUB, ELSEWHERE))


def test_the_issuer_counts_wherever_it_came_from() -> None:
    """Also one whom the store does not have."""
    assert keys(SUB) == found(trusting(ELSEWHERE))
    assert keys(SUB, MIDDLE, ROOT) == found(trusting(ROOT, MIDDLE))


def test_every_bearer_of_a_name() -> None:
    """Of two that bear it both count, with those above them: either may stand in a path."""
    presented = with_intermediates(trusting(ROOT, MIDDLE, SUB), [certificate(NAMESAKE), certificate(ELSEWHERE)])
    assert keys(SUB, MIDDLE, ROOT, NAMESAKE, ELSEWHERE) == found(presented)


def test_whom_the_certificate_names() -> None:
    """A CRL issuer, and those above it."""
    lists = ELSEWHERE.subordinate("Lists", key=key("p256", 32))
    point = DistributionPoint(["http://crl.example/a.crl"], crl_issuer="Lists")
    leaf = certificate(SUB.issue("leaf", crl_urls=[point]))
    store = trusting(ROOT, MIDDLE, SUB, ELSEWHERE, lists)
    assert keys(SUB, MIDDLE, ROOT, lists, ELSEWHERE) == found(store, leaf)
    assert keys(SUB, MIDDLE, ROOT) == found(store)


def test_names_that_lead_in_a_circle() -> None:
    """Each is followed once."""
    other = Authority.root("Circle", key=key("p256", 33))
    circle = ROOT.cross_sign(other)
    back = other.cross_sign(ROOT)
    presented = with_intermediates(trusting(MIDDLE, SUB), [certificate(circle), certificate(back)])
    assert keys(SUB, MIDDLE, ROOT, circle) == found(presented)
