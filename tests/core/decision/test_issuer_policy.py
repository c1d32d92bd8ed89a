"""Rules for single issuers: whom they are about, what they change, and what they never do."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final

import pytest

from service.core.decision.anticipation import anticipated
from service.core.decision.issuer_policy import (
    Criterion,
    Matched,
    exemption_of,
    key_identifier,
    matching_rule,
    named_crl_urls,
    policy_for,
    with_asked,
)
from service.core.model.evidence import CrlWanted, OcspWanted
from service.core.model.policy import (
    EvidenceOrder,
    Exemption,
    IssuerMatch,
    IssuerRule,
    OcspNonce,
    Policy,
    RevocationMode,
    RevocationScope,
    UrlRule,
    Urls,
)
from service.core.model.verdict import NotChecked, RevocationStatus
from service.core.names.comparison import canonical
from service.core.names.rfc4514 import canonical_of_text
from tests.core.decision.chains import (
    ALLOWED,
    ALLOWED_UNANSWERED,
    BOTH,
    OCSP,
    REVOKED,
    ROOT,
    UNAVAILABLE,
    certificate,
    chain,
    summary,
)
from tests.core.decision.issuer_rules import (
    BY_ROOT,
    BY_SUB,
    CHAIN,
    ELSEWHERE,
    HARD,
    LEAF,
    LEAF_ALONE,
    OFF,
    REQUIRE,
    RULE,
    SOFT,
    SUB,
    WHOLE,
    under,
)
from tests.core.decision.shell import CRL_URL, OCSP_URL, Shelf, ask, statuses, trusting
from tests.pki import NOW, Authority, IssuingDistributionPoint, days, key

# whom a rule is about


@pytest.mark.parametrize(
    ("match", "criteria"),
    [
        (IssuerMatch(name=canonical_of_text("CN=Sub")), (Criterion.NAME,)),
        (IssuerMatch(name=canonical_of_text("cn=\\ SUB\\ ")), (Criterion.NAME,)),
        (IssuerMatch(key_identifier=key_identifier(SUB)), (Criterion.KEY_IDENTIFIER,)),
        (IssuerMatch(spki=SUB.public_key.spki), (Criterion.KEY,)),
        (
            IssuerMatch(canonical_of_text("CN=Sub"), key_identifier(SUB), SUB.public_key.spki),
            (Criterion.KEY, Criterion.NAME, Criterion.KEY_IDENTIFIER),
        ),
        (IssuerMatch(name=canonical_of_text("CN=Subs")), ()),
        (IssuerMatch(name=canonical_of_text("CN=Sub,O=Example")), ()),
        (IssuerMatch(key_identifier=b"\x01"), ()),
        (IssuerMatch(spki=LEAF.public_key.spki), ()),
        (IssuerMatch(name=canonical_of_text("CN=Sub"), key_identifier=b"\x01"), ()),
        (IssuerMatch(name=canonical_of_text("CN=Sub"), spki=LEAF.public_key.spki), ()),
        (IssuerMatch(canonical_of_text("CN=Other"), key_identifier(SUB), SUB.public_key.spki), ()),
        (IssuerMatch(), ()),
    ],
)
def test_whom_a_rule_is_about(match: IssuerMatch, criteria: Sequence[Criterion]) -> None:
    """An issuer that has everything the rule gives; a rule that gives nothing is about nobody."""
    rule = IssuerRule(match)
    assert (Matched(rule, tuple(criteria)) if criteria else None) == matching_rule(SUB, (rule,))


def test_a_key_identifier_that_is_not_in_the_certificate() -> None:
    """What most authorities would have put there: SHA-1 of the key."""
    bare = certificate(ROOT.subordinate("Sub", subject_key_identifier=None))
    assert bare.extensions.subject_key_identifier is None
    assert hashlib.sha1(bare.public_key.bits, usedforsecurity=False).digest() == key_identifier(bare)


def test_a_key_identifier_of_the_authoritys_choice() -> None:
    """What stands in the certificate counts, and not what could have."""
    own = certificate(ROOT.subordinate("Sub", subject_key_identifier=b"own"))
    assert b"own" == key_identifier(own)


def test_the_first_rule_that_matches_counts() -> None:
    """Whatever those after it say, and whatever those before it would have said."""
    rules = [IssuerRule(match, place=str(number)) for number, match in enumerate((BY_ROOT, BY_SUB, BY_SUB))]
    found = matching_rule(SUB, tuple(rules))
    assert found is not None
    assert "1" == found.rule.place


@pytest.mark.parametrize("policy", [Policy(), under(IssuerRule(BY_ROOT, revocation_mode=OFF))])
def test_where_no_rule_matches_nothing_changes(policy: Policy) -> None:
    """Not even a copy is made."""
    assert policy is policy_for(SUB, policy)


def test_what_a_rule_says_and_what_it_leaves() -> None:
    """Each knob by itself."""
    general = Policy(SOFT, LEAF_ALONE, EvidenceOrder.BOTH, grace=timedelta(1), ocsp_nonce=OcspNonce.REQUIRE)
    assert general == policy_for(SUB, under(RULE, general=general))
    exemption = Exemption(1, NOW, "why")
    rule = IssuerRule(
        BY_SUB, "", REQUIRE, WHOLE, EvidenceOrder.CRL_ONLY, timedelta(0), OcspNonce.OFF, Urls((ELSEWHERE,)),
        Urls((OCSP_URL,), UrlRule.REPLACE), (exemption,),
    )  # fmt: skip
    expected = Policy(
        REQUIRE,
        WHOLE,
        EvidenceOrder.CRL_ONLY,
        grace=timedelta(0),
        ocsp_nonce=OcspNonce.OFF,
        crl_urls=Urls((ELSEWHERE,)),
        ocsp_urls=Urls((OCSP_URL,), UrlRule.REPLACE),
        exemptions=(exemption,),
    )
    assert expected == policy_for(SUB, under(rule, general=general))


# what it changes


def test_a_rule_is_for_what_its_issuer_issued() -> None:
    """Sub's rule frees the leaf, Root's frees Sub: neither frees what the other issued."""
    lax = {one: under(IssuerRule(one, revocation_mode=SOFT)) for one in (BY_SUB, BY_ROOT)}
    held = {
        "leaf": Shelf((CHAIN.sub.crl(),)),
        "Sub": Shelf((CHAIN.root.crl(),)),
    }
    assert [UNAVAILABLE, ALLOWED_UNANSWERED, UNAVAILABLE, ALLOWED_UNANSWERED] == [
        summary(ask(CHAIN.leaf, CHAIN.store, held=held[known], policy=lax[match]).verdict)
        for known, match in (("leaf", BY_SUB), ("Sub", BY_SUB), ("Sub", BY_ROOT), ("leaf", BY_ROOT))
    ]


@pytest.mark.parametrize("mode", RevocationMode)
@pytest.mark.parametrize("general", RevocationMode)
def test_modes(general: RevocationMode, mode: RevocationMode) -> None:
    """The leaf is judged as its issuer's rule says, Sub as all are."""
    held = Shelf((CHAIN.root.crl(),))
    found = ask(CHAIN.leaf, CHAIN.store, held=held, policy=under(IssuerRule(BY_SUB, revocation_mode=mode),
        general=Policy(general)))  # fmt: skip
    expected = UNAVAILABLE if mode in (HARD, REQUIRE) else ALLOWED_UNANSWERED
    assert expected == summary(found.verdict)
    assert (NotChecked.MODE_OFF if general is OFF else None) == found.verdict.path[1].revocation.not_checked


def test_an_issuer_that_is_asked_about_although_nothing_is_in_general() -> None:
    """A rule may ask for more than is asked in general."""
    policy = under(IssuerRule(BY_SUB, revocation_mode=HARD), general=Policy(OFF))
    held = Shelf((CHAIN.sub.crl(revoked=[CHAIN.leaf.serial]),))
    assert REVOKED == summary(ask(CHAIN.leaf, CHAIN.store, held=held, policy=policy).verdict)


@pytest.mark.parametrize(
    ("general", "rule", "expected"),
    [
        (WHOLE, IssuerRule(BY_ROOT, revocation_scope=LEAF_ALONE), ["good", "out_of_scope"]),
        (WHOLE, IssuerRule(BY_SUB, revocation_scope=LEAF_ALONE), ["good", "unknown"]),
        (LEAF_ALONE, IssuerRule(BY_ROOT, revocation_scope=WHOLE), ["good", "unknown"]),
        (LEAF_ALONE, IssuerRule(BY_SUB, revocation_scope=WHOLE), ["good", "out_of_scope"]),
    ],
)
def test_scopes(general: RevocationScope, rule: IssuerRule, expected: list[str]) -> None:
    """Whether a certificate above the leaf is asked about, its own issuer's rule says; the leaf always is."""
    policy = under(rule, general=Policy(revocation_scope=general))
    found = ask(CHAIN.leaf, CHAIN.store, held=Shelf((CHAIN.sub.crl(),)), policy=policy)
    assert expected == list(statuses(found.verdict))


def test_orders() -> None:
    """The methods that are admitted, and what is fetched."""
    both = chain(leaf=BOTH, sub=BOTH)
    policy = under(IssuerRule(BY_SUB, evidence_order=EvidenceOrder.OCSP_ONLY),
        general=Policy(evidence_order=EvidenceOrder.CRL_ONLY))  # fmt: skip
    found = ask(both.leaf, both.store, policy=policy)
    assert {"leaf ocsp origin", "Sub crl origin"} == found.fetched


@pytest.mark.parametrize(("grace", "expected"), [(timedelta(hours=2), ALLOWED), (None, UNAVAILABLE)])
def test_grace(grace: timedelta | None, expected: tuple[str, str, str]) -> None:
    """How long ended evidence serves, for this issuer's certificates alone."""
    ended = NOW - timedelta(hours=1)
    held = Shelf((CHAIN.sub.crl(next_update=ended), CHAIN.root.crl()))
    policy = under(IssuerRule(BY_SUB, grace=grace))
    assert expected == summary(ask(CHAIN.leaf, CHAIN.store, held=held, policy=policy).verdict)
    held = Shelf((CHAIN.sub.crl(), CHAIN.root.crl(next_update=ended)))
    assert UNAVAILABLE == summary(ask(CHAIN.leaf, CHAIN.store, held=held, policy=policy).verdict)


# exemptions

UNTIL: Final = NOW + days(1)
EXEMPT: Final = IssuerRule(BY_SUB, exemptions=(Exemption(7, UNTIL, "other"), Exemption(LEAF.serial_number, UNTIL, "x")))


@pytest.mark.parametrize("mode", [HARD, REQUIRE])
def test_an_exemption_waives_what_is_missing(mode: RevocationMode) -> None:
    """The answer says why, and lasts no longer than that."""
    policy = under(EXEMPT, general=Policy(mode, max_verdict_ttl=days(9)))
    held = Shelf((CHAIN.root.crl(next_update=NOW + days(9)),))
    found = ask(CHAIN.leaf, CHAIN.store, held=held, policy=policy)
    assert ALLOWED_UNANSWERED == summary(found.verdict)
    first = found.verdict.path[0].revocation
    assert (RevocationStatus.UNKNOWN, EXEMPT.exemptions[1]) == (first.status, first.exemption)
    assert UNTIL == found.verdict.valid_until


def test_an_exemption_ends() -> None:
    """At its last moment it holds, and not a tick later."""
    held = Shelf((CHAIN.root.crl(next_update=NOW + days(9)),))
    decisions = [
        summary(ask(CHAIN.leaf, CHAIN.store, held=held, policy=under(EXEMPT), at=at).verdict)
        for at in (UNTIL, UNTIL + timedelta(microseconds=1))
    ]
    assert [ALLOWED_UNANSWERED, UNAVAILABLE] == decisions


def test_an_exemption_never_waives_a_revocation() -> None:
    """Whoever is known to be revoked is denied."""
    held = Shelf((CHAIN.sub.crl(revoked=[CHAIN.leaf.serial]), CHAIN.root.crl()))
    assert REVOKED == summary(ask(CHAIN.leaf, CHAIN.store, held=held, policy=under(EXEMPT)).verdict)


def test_an_exemption_changes_nothing_where_there_is_an_answer() -> None:
    """Good is good."""
    held = Shelf((CHAIN.sub.crl(), CHAIN.root.crl()))
    found = ask(CHAIN.leaf, CHAIN.store, held=held, policy=under(EXEMPT))
    assert (ALLOWED, None) == (summary(found.verdict), found.verdict.path[0].revocation.exemption)


def test_an_exemption_is_for_one_issuers_serial_number() -> None:
    """Neither for another number, nor for the same one of another issuer."""
    other = replace(EXEMPT, match=BY_ROOT)
    held = Shelf((CHAIN.root.crl(),))
    assert UNAVAILABLE == summary(ask(CHAIN.leaf, CHAIN.store, held=held, policy=under(other)).verdict)
    assert exemption_of(LEAF, Policy(exemptions=EXEMPT.exemptions[:1]), NOW) is None


def test_in_soft_fail_nothing_needs_to_be_exempt() -> None:
    """The mode allows what is missing by itself."""
    held = Shelf((CHAIN.root.crl(),))
    found = ask(CHAIN.leaf, CHAIN.store, held=held, policy=under(EXEMPT, general=Policy(SOFT)))
    assert (ALLOWED_UNANSWERED, None) == (summary(found.verdict), found.verdict.path[0].revocation.exemption)


# those who sign

SHARD: Final = "http://crl.example/delegates"


@pytest.mark.parametrize(
    ("general", "rule", "expected"),
    [
        (REQUIRE, None, ALLOWED),
        (REQUIRE, SOFT, ALLOWED),
        (REQUIRE, REQUIRE, ALLOWED),
        (SOFT, REQUIRE, ALLOWED),
    ],
)
def test_require_is_about_the_path_and_not_about_responders(
    general: RevocationMode, rule: RevocationMode | None, expected: tuple[str, str, str]
) -> None:
    """A delegate that declares nothing is none whose answer is missing, whoever asks for `require`."""
    chained = chain(leaf=OCSP)
    delegate = chained.sub.ocsp_responder("OCSP", no_check=False)
    policy = under(
        IssuerRule(BY_SUB, revocation_mode=rule), general=Policy(general, LEAF_ALONE, EvidenceOrder.OCSP_ONLY)
    )
    held = Shelf(ocsp=(chained.sub.ocsp(chained.leaf, responder=delegate),))
    assert expected == summary(ask(chained.leaf, chained.store, held=held, policy=policy).verdict)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (IssuerRule(BY_SUB, revocation_mode=SOFT), UNAVAILABLE),
        (IssuerRule(BY_SUB, revocation_mode=HARD), UNAVAILABLE),
        (IssuerRule(BY_ROOT, revocation_mode=OFF), ALLOWED),
        (IssuerRule(BY_ROOT, revocation_mode=SOFT), ALLOWED),
    ],
)
def test_a_crl_signers_path_is_judged_by_its_own_issuers_rule(rule: IssuerRule, expected: tuple[str, str, str]) -> None:
    """A rule for Sub says nothing about the renewed Sub, whom Root has issued."""
    sub = ROOT.subordinate("Sub", crl_urls=SHARD)
    renewed = ROOT.subordinate("Sub", key=key("p256", 1), crl_urls=SHARD)
    leaf = sub.issue("leaf", crl_urls=CRL_URL)
    root_crl = ROOT.crl(idp=IssuingDistributionPoint(["http://crl.example/other"]))
    held = Shelf((renewed.crl(), root_crl))
    policy = under(rule, IssuerRule(IssuerMatch(spki=b"")), general=Policy(REQUIRE, revocation_scope=LEAF_ALONE))
    found = ask(leaf, trusting(ROOT, sub, renewed), held=held, policy=policy)
    answered = found.verdict.path[0].revocation.status is RevocationStatus.GOOD
    assert (expected == ALLOWED) is answered


# what is looked up before the first look


def test_what_is_anticipated_follows_the_rules() -> None:
    """Each certificate by its issuer's: method, mode and scope."""
    policy = under(IssuerRule(BY_SUB, evidence_order=EvidenceOrder.CRL_ONLY), IssuerRule(BY_ROOT, revocation_mode=OFF))
    found = anticipated(LEAF, CHAIN.store, policy)
    assert [(CrlWanted, LEAF)] == [(type(one), one.certificate) for one in found]
    above = under(IssuerRule(BY_SUB, revocation_mode=OFF), IssuerRule(BY_ROOT, evidence_order=EvidenceOrder.CRL_ONLY))
    assert [(CrlWanted, SUB)] == [(type(one), one.certificate) for one in anticipated(LEAF, CHAIN.store, above)]
    scoped = under(IssuerRule(BY_ROOT, revocation_scope=LEAF_ALONE))
    assert {(CrlWanted, LEAF), (OcspWanted, LEAF)} == {
        (type(one), one.certificate) for one in anticipated(LEAF, CHAIN.store, scoped)
    }


# what a request asks


def test_a_request_goes_before_every_rule() -> None:
    """Where it says something; what it leaves open stays the rule's, and what it cannot say too."""
    rule = IssuerRule(BY_SUB, "", SOFT, LEAF_ALONE, EvidenceOrder.CRL_ONLY, timedelta(1), exemptions=EXEMPT.exemptions)
    asked = with_asked(under(rule), REQUIRE, None, EvidenceOrder.BOTH)
    assert (REQUIRE, WHOLE, EvidenceOrder.BOTH) == (asked.revocation_mode, asked.revocation_scope, asked.evidence_order)
    own = policy_for(SUB, asked)
    assert (REQUIRE, LEAF_ALONE, EvidenceOrder.BOTH) == (own.revocation_mode, own.revocation_scope, own.evidence_order)
    assert (timedelta(1), EXEMPT.exemptions) == (own.grace, own.exemptions)
    assert under(rule) == with_asked(under(rule), None, None, None)
    assert WHOLE is policy_for(SUB, with_asked(under(rule), None, WHOLE, None)).revocation_scope


def test_a_request_goes_before_what_is_asked_in_general() -> None:
    """Each knob by itself, and no other."""
    general = Policy(SOFT, LEAF_ALONE, EvidenceOrder.CRL_ONLY)
    assert Policy(REQUIRE, LEAF_ALONE, EvidenceOrder.CRL_ONLY) == with_asked(general, REQUIRE, None, None)
    assert Policy(SOFT, WHOLE, EvidenceOrder.CRL_ONLY) == with_asked(general, None, WHOLE, None)
    assert Policy(SOFT, LEAF_ALONE, EvidenceOrder.BOTH) == with_asked(general, None, None, EvidenceOrder.BOTH)


def test_names_are_compared_as_names() -> None:
    """The canonical form of a rule's name is that of the certificate's, whatever strings it is encoded in."""
    authority = Authority.root("O=Example\\, Inc.,CN=Root")
    name = certificate(authority).subject
    assert canonical(name.der) == canonical_of_text(name.text)


def test_urls_that_the_operator_names() -> None:
    """Those of every rule, whether they are added or stand instead; none of responders."""
    rules = (
        RULE,
        IssuerRule(BY_SUB, crl_urls=Urls((ELSEWHERE,), UrlRule.REPLACE), ocsp_urls=Urls((OCSP_URL,))),
        IssuerRule(BY_ROOT, crl_urls=Urls((CRL_URL,))),
    )
    assert (frozenset({ELSEWHERE, CRL_URL}), frozenset()) == (named_crl_urls(under(*rules)), named_crl_urls(Policy()))
