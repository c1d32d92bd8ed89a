"""What is gathered before the first look at a chain: what the names suggest, and nothing that decides."""

import pytest

from service.core.decision.anticipation import MAX_ANTICIPATED, MAX_NAMES, anticipated
from service.core.decision.assessment import AssessmentRequest, assess
from service.core.model.certificate import Certificate
from service.core.model.evidence import Evidence, NeedEvidence, OcspWanted, Reach, Wanted
from service.core.model.policy import EvidenceOrder, Policy, RevocationMode, RevocationScope
from service.core.model.trust_store import TrustStore
from tests.core.decision.chains import ROOT, certificate, chain
from tests.core.decision.shell import trusting
from tests.pki import NOW, Authority, DistributionPoint

CHAIN = chain()
LEAF, SUB, TOP = certificate(CHAIN.leaf), certificate(CHAIN.sub), certificate(CHAIN.root)


def links(leaf: Certificate, store: TrustStore, policy: Policy | None = None) -> set[tuple[Certificate, Certificate]]:
    """Whose revocation is looked up under whom."""
    return {(one.certificate, one.issuer) for one in anticipated(leaf, store, policy or Policy())}


def in_full(wanted: Wanted) -> tuple[object, ...]:
    """Also what does not tell one from another: a CRL looked for under too few keys is neither found nor missed."""
    return (wanted, *(getattr(wanted, one, None) for one in ("signers", "authorities")))


@pytest.mark.parametrize("order", EvidenceOrder)
@pytest.mark.parametrize("scope", RevocationScope)
def test_it_is_what_the_first_look_asks_for(order: EvidenceOrder, scope: RevocationScope) -> None:
    """A chain that is what its names say needs no first look."""
    policy = Policy(evidence_order=order, revocation_scope=scope)
    outcome = assess(AssessmentRequest(LEAF, CHAIN.store), Evidence(), policy, NOW)
    assert isinstance(outcome, NeedEvidence)
    assert set(map(in_full, outcome.wanted)) == set(map(in_full, anticipated(LEAF, CHAIN.store, policy)))


def test_two_bearers_of_a_name_are_left_to_the_path() -> None:
    """Which of them issued the certificate, a signature decides."""
    renewed = ROOT.subordinate("Sub", key_usage={"keyCertSign"})
    assert set() == links(LEAF, trusting(CHAIN.root, CHAIN.sub, renewed))


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        ([DistributionPoint([f"http://crl.example/{number}" for number in range(MAX_NAMES)])], 1),
        ([DistributionPoint([f"http://crl.example/{number}" for number in range(MAX_NAMES + 1)])], 0),
        ([DistributionPoint(crl_issuer="Other")], 0),
    ],
)
def test_nobody_pays_for_what_nobody_signed(points: list[DistributionPoint], expected: int) -> None:
    """A certificate that names many places, or other CRL issuers, waits until its path is known."""
    leaf = certificate(CHAIN.sub.issue("leaf", crl_urls=points))
    assert expected == sum(one == leaf for one, _ in links(leaf, CHAIN.store))


def test_nothing_is_asked_where_nothing_is_checked() -> None:
    """Mode off consults nothing."""
    assert frozenset() == anticipated(LEAF, CHAIN.store, Policy(revocation_mode=RevocationMode.OFF))


def test_an_anchor_is_not_asked_about() -> None:
    """It is trusted because it is there."""
    assert set() == links(TOP, CHAIN.store)
    assert {(SUB, TOP)} == links(SUB, CHAIN.store)


def test_an_unknown_issuer_ends_it() -> None:
    """Whom nobody knows cannot be asked about."""
    stranger = Authority.root("Stranger").issue("leaf")
    assert set() == links(certificate(stranger), CHAIN.store)


def test_a_circle_ends() -> None:
    """Names that lead back to themselves are followed so far and no further."""
    one = Authority.root("One")
    other = one.subordinate("Other")
    loop = other.subordinate("One", key=one.key)
    store = trusting(CHAIN.root, other, loop)
    wanted = anticipated(certificate(other), store, Policy(evidence_order=EvidenceOrder.CRL_ONLY))
    assert {(certificate(other), certificate(loop)), (certificate(loop), certificate(other))} == {
        (each.certificate, each.issuer) for each in wanted
    }


def test_a_long_chain_is_followed_so_far() -> None:
    """The rest is asked for as the assessment goes on."""
    authorities = [ROOT]
    for number in range(MAX_ANTICIPATED + 1):
        authorities.append(authorities[-1].subordinate(f"Authority {number}"))
    wanted = anticipated(certificate(authorities[-1].issue("leaf")), trusting(*authorities), Policy())
    assert MAX_ANTICIPATED == sum(isinstance(one, OcspWanted) for one in wanted)
    assert {Reach.HELD} == {one.reach for one in wanted}
