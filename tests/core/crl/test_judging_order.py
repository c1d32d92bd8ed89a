"""Whatever CRLs are at hand, and in whatever order: properties of the answer."""

from datetime import timedelta
from typing import Final

from hypothesis import given
from hypothesis import strategies as st

from service.core.crl.delta import is_removal
from service.core.model.crl import CrlFinding
from service.core.model.evidence_tier import Tier
from service.core.model.verdict import RevocationStatus
from tests.core.crl.findings import LEAF, STRANGER, SUB, URL, finding, judged, look_up
from tests.pki import NOW, THIS_UPDATE, Entry, Extension, IssuingDistributionPoint, days, der, hours

LISTED: Final = [LEAF.serial]
UNKNOWN: Final = Extension("1.2.3.4", der.null(), critical=True)
PARTITION: Final = IssuingDistributionPoint([URL], only_user=True)
OTHER_PARTITION: Final = IssuingDistributionPoint(["http://crl.example/another.crl"])
COMPROMISE: Final = IssuingDistributionPoint([URL], only_some_reasons={"keyCompromise", "cACompromise"})
THE_REST: Final = IssuingDistributionPoint(
    only_some_reasons={
        *("affiliationChanged", "superseded", "cessationOfOperation"),
        *("certificateHold", "privilegeWithdrawn", "aACompromise"),
    }
)

SAME: Final = SUB.crl(number=3)

USELESS: Final = [
    finding(number=9, corrupt_signature=True, revoked=LISTED),
    finding(number=9, signing_key=STRANGER.key),
    finding(number=9, issuer_name="Other", revoked=LISTED),
    finding(number=9, signature_hash="sha1"),
    finding(number=9, this_update=NOW + days(1), revoked=LISTED),
    finding(number=9, idp=OTHER_PARTITION, revoked=LISTED),
    look_up(STRANGER.crl(revoked=LISTED), tried=(STRANGER,)),
]
"""CRLs that must not change what the others say."""

COMPLETE: Final = [
    look_up(SAME),
    look_up(SAME, source="evidence", tier=Tier.EVIDENCE),
    look_up(SAME, source="http://mirror.example/", tier=Tier.EVIDENCE),
    finding(number=3, revoked=LISTED),
    finding(number=3, revoked={LEAF.serial: "superseded"}),
    finding(number=2, this_update=THIS_UPDATE - hours(1), revoked=LISTED),
    finding(number=1, this_update=THIS_UPDATE - hours(2)),
    finding(number=None),
    finding(number=4, next_update=NOW - hours(1)),
    finding(number=4, extensions=[UNKNOWN]),
    finding(number=5, next_update=None),
]
"""CRLs of one slot."""

OTHERS: Final = [
    finding(idp=PARTITION, next_update=NOW + hours(2)),
    finding(idp=PARTITION, this_update=THIS_UPDATE - hours(1), revoked=[Entry(LEAF.serial, "certificateHold")]),
    finding(idp=COMPROMISE, next_update=NOW + hours(3)),
    finding(idp=THE_REST, next_update=NOW + hours(4)),
    finding(idp=THE_REST, this_update=THIS_UPDATE - hours(1)),
]
"""CRLs of other slots that cover the certificate."""

DELTAS: Final = [
    finding(number=4, delta_base=2),
    finding(number=5, delta_base=3, this_update=THIS_UPDATE + hours(0.5), revoked=LISTED),
    finding(number=6, delta_base=9, this_update=THIS_UPDATE + hours(0.6)),
    finding(
        number=8,
        delta_base=3,
        this_update=THIS_UPDATE + hours(0.7),
        revoked=[Entry(LEAF.serial, "removeFromCRL")],
    ),
    finding(number=9, delta_base=3, this_update=THIS_UPDATE + hours(0.8), next_update=NOW - hours(0.1), revoked=LISTED),
    finding(number=4, delta_base=2, idp=PARTITION),
]
"""Deltas that fit some of them, or none."""

ALL: Final = [*USELESS, *COMPLETE, *OTHERS, *DELTAS]


def some(pool: list[CrlFinding]) -> st.SearchStrategy[list[CrlFinding]]:
    """Any of these, each once at most, in any order."""
    return st.lists(st.sampled_from(range(len(pool))), unique=True).map(lambda chosen: [pool[one] for one in chosen])


@given(some(ALL).flatmap(lambda chosen: st.tuples(st.just(chosen), st.permutations(chosen))))
def test_the_order_makes_no_difference(orders: tuple[list[CrlFinding], list[CrlFinding]]) -> None:
    """The same CRLs in another order give the same judgement, attempts included."""
    one, other = orders
    assert judged(*one) == judged(*other)


@given(some(ALL), some(USELESS))
def test_what_is_of_no_use_changes_no_answer(findings: list[CrlFinding], useless: list[CrlFinding]) -> None:
    """Forged, foreign, future, unsupported and misdirected CRLs neither revoke nor hide anything."""
    assert judged(*findings).answer == judged(*findings, *useless).answer


@given(some(ALL))
def test_a_current_revocation_is_not_hidden(findings: list[CrlFinding]) -> None:
    """Whatever else is presented, the newest list of a scope that has the certificate revokes it."""
    newest = finding(number=9, this_update=NOW, revoked=LISTED)
    answer = judged(newest, *findings).answer
    assert answer is not None
    assert RevocationStatus.REVOKED == answer.status


@given(some(ALL))
def test_an_old_list_does_not_replace_a_new_one(findings: list[CrlFinding]) -> None:
    """Beside a newer list of the same scope no older one is asked."""
    newest = finding(number=9, this_update=NOW, next_update=NOW + timedelta(seconds=1))
    others = [one for one in findings if one not in COMPLETE]
    assert judged(newest, *others) == judged(newest, *findings)


@given(some(ALL))
def test_an_answer_has_its_evidence(findings: list[CrlFinding]) -> None:
    """Good or revoked, the answer is current, and comes from a CRL that is at hand and says so."""
    answer = judged(*findings).answer
    if answer is None:
        return
    assert answer.usable_until is not None
    assert answer.usable_until >= NOW
    sources = [
        (one.source, one.tier, one.meta.this_update, one.entry is not None and not is_removal(one.entry))
        for one in findings
        if one not in USELESS
    ]
    is_revoked = answer.status is RevocationStatus.REVOKED
    assert (answer.source, answer.tier, answer.this_update, is_revoked) in sources
