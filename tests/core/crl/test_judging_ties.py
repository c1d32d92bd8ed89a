"""Of CRLs that are alike, which one counts: its age, its signer's key, what its signer's word is worth."""

from service.core.crl.judging import AuthenticCrl, Standing, age, judge_crls
from service.core.freshness.window import LAST_MOMENT
from service.core.model.crl import CrlFinding
from service.core.model.evidence_tier import Tier
from service.core.model.policy import Policy
from service.core.model.verdict import RevocationStatus
from tests.core.crl.findings import LEAF, ROOT, SUB, finding, judged, look_up, read
from tests.pki import NOW, THIS_UPDATE, Entry, hours, key

LISTED = [LEAF.serial]
REMOVED = [Entry(LEAF.serial, reason="removeFromCRL")]


def status(*crls: AuthenticCrl) -> RevocationStatus | None:
    """What CRLs say that are authentic already."""
    answer = judge_crls(crls, read(LEAF), Policy(), NOW).answer
    return None if answer is None else answer.status


def test_the_order_of_age() -> None:
    """Newest first, then by number, then what lists the certificate, then the nearest."""
    same = SUB.crl(number=1)
    in_order = [
        finding(number=0, this_update=THIS_UPDATE + hours(0.1)),
        finding(number=2),
        finding(number=1, revoked=LISTED),
        look_up(same, tier=Tier.MEMORY),
        look_up(same, source="http://a.example/", tier=Tier.ORIGIN),
        look_up(same, source="http://b.example/", tier=Tier.ORIGIN),
        finding(number=0),
        finding(number=None),
        finding(number=3, this_update=THIS_UPDATE - hours(0.1)),
    ]
    upside_down = in_order[::-1]
    assert in_order == sorted(upside_down, key=age)


def test_a_crl_under_another_key_replaces_none() -> None:
    """Two keys of one name number their CRLs each for itself."""
    renewed = ROOT.subordinate("Sub", key=key("p256", 1))
    listing = finding(number=1, revoked=LISTED, this_update=THIS_UPDATE - hours(1))
    newer = look_up(renewed.crl(number=2), tried=(SUB, renewed))
    for order in ((listing, newer), (newer, listing)):
        assert RevocationStatus.REVOKED is status(*(AuthenticCrl(one, LAST_MOMENT) for one in order))


def test_a_weak_word_overtakes_no_delta() -> None:
    """A newer complete CRL says everything that the delta said only where its signer's word unsays something."""
    delta = AuthenticCrl(finding(number=2, delta_base=1, revoked=LISTED), LAST_MOMENT)
    newer = finding(number=3, this_update=THIS_UPDATE + hours(0.5))
    said = {standing: status(delta, AuthenticCrl(newer, LAST_MOMENT, standing)) for standing in Standing}
    assert {
        Standing.FULL: RevocationStatus.GOOD,
        Standing.WEAK: RevocationStatus.REVOKED,
        Standing.REVOKES: RevocationStatus.REVOKED,
    } == said


def test_a_removal_counts_less_than_silence() -> None:
    """Of two deltas of which nothing says which is the later one, whichever was made first."""

    def delta(revoked: list[Entry], number: int, later: float) -> CrlFinding:
        return finding(number=number, delta_base=1, revoked=revoked, this_update=THIS_UPDATE + hours(later))

    listed = finding(number=1, revoked=LISTED)
    for silent, removing in ((delta([], 2, 0.4), delta(REMOVED, 3, 0.2)), (delta([], 3, 0.2), delta(REMOVED, 2, 0.4))):
        answer = judged(listed, silent, removing).answer
        assert answer is not None
        assert RevocationStatus.REVOKED is answer.status
