"""CRLs whose signer's certificate no request and no trust store has: it is kept beside them."""

from dataclasses import replace
from typing import Final

import pytest

from service.core.decision.assessment import AssessmentRequest, assess
from service.core.decision.crl_signers import MAX_KEPT_SIGNERS
from service.core.decision.kept_signers import MAX_LAID_OVER
from service.core.model.attempt import Problem
from service.core.model.certificate import Certificate
from service.core.model.evidence import CrlWanted, Evidence, GatheredCrls, NeedEvidence, Reach
from service.core.model.policy import Policy, RevocationMode, RevocationScope
from service.core.model.trust_store import TrustStore
from service.core.model.verdict import Verdict
from service.core.path.trust_store import with_intermediates
from tests.core.decision.chains import ALLOWED, REVOKED, ROOT, UNAVAILABLE, certificate, summary
from tests.core.decision.shell import CRL_URL, Outcome, Shelf, ask, trusting
from tests.pki import NOW, Authority, DistributionPoint, Entry, Issued, IssuingDistributionPoint, days, key
from tests.pki.extensions import KeyUsage

SUB: Final = ROOT.subordinate("Sub", crl_urls=CRL_URL)
LEAF: Final = SUB.issue("leaf", crl_urls=CRL_URL)
SIGNER: Final = ROOT.subordinate("Sub", key=key("p256", 1), crl_urls=CRL_URL)
ROOT_SIGNER: Final = ROOT.cross_sign(Authority.root("Root", key=key("p256", 2)))
"""Who signs Root's CRLs: what is said of Sub and of the signer is said under this key."""

REVOKES: Final = SIGNER.crl(revoked=[LEAF.serial])
HARD: Final = Policy(RevocationMode.HARD_FAIL)
SOFT: Final = Policy(RevocationMode.SOFT_FAIL, revocation_scope=RevocationScope.LEAF)
LEAF_ALONE: Final = Policy(RevocationMode.HARD_FAIL, revocation_scope=RevocationScope.LEAF)
FOR_CRLS: Final[frozenset[KeyUsage]] = frozenset({"cRLSign"})
UNKNOWN: Final = ("allow", "unknown", "ok")


def outcome(
    *crls: bytes,
    kept: tuple[tuple[Authority | Issued, ...], ...] = ((SIGNER,),),
    policy: Policy = LEAF_ALONE,
    store: TrustStore | None = None,
    leaf: Issued = LEAF,
) -> Outcome:
    """The verdict where these CRLs are held, and these paths of their signers are kept."""
    return ask(leaf, store or trusting(ROOT, SUB), held=Shelf(crls, kept=kept), policy=policy)


def judged(
    *crls: bytes, kept: tuple[tuple[Authority | Issued, ...], ...] = ((SIGNER,),), policy: Policy = LEAF_ALONE
) -> tuple[str, str, str]:
    """What is decided then."""
    return summary(outcome(*crls, kept=kept, policy=policy).verdict)


def test_it_revokes_and_makes_nothing_good() -> None:
    """A signer known by what is kept may say revoked, and nothing else; one of whom nothing is kept, nothing."""
    crls = ROOT.crl(), REVOKES
    assert [REVOKED, UNAVAILABLE] == [judged(*crls, kept=kept) for kept in (((SIGNER,),), ())]
    assert UNAVAILABLE == judged(ROOT.crl(), SIGNER.crl())
    presented = with_intermediates(trusting(ROOT, SUB), [certificate(SIGNER)])
    assert ALLOWED == summary(outcome(ROOT.crl(), SIGNER.crl(), store=presented).verdict)


def test_what_it_says_beside_the_issuer() -> None:
    """The issuer's own good does not unsay it; one that is newer than what has ended does."""
    good = SUB.crl(this_update=NOW - days(1))
    assert REVOKED == judged(ROOT.crl(), REVOKES, good)
    ended = SIGNER.crl(revoked=[LEAF.serial], this_update=NOW - days(3), next_update=NOW - days(2))
    assert ALLOWED == judged(ROOT.crl(), ended, good)
    newer = SIGNER.crl(revoked=[LEAF.serial], this_update=NOW - days(0.75), next_update=NOW - days(0.5))
    assert UNAVAILABLE == judged(ROOT.crl(), newer, good)


@pytest.mark.parametrize(
    "signer",
    [
        SIGNER.reissue(not_after=NOW - days(1)),
        SIGNER.reissue(corrupt_signature=True),
        SIGNER.reissue(key_usage=frozenset({"keyCertSign"})),
    ],
    ids=["expired", "badly signed", "without cRLSign"],
)
def test_it_needs_a_valid_path(signer: Authority) -> None:
    """To be kept is no authority."""
    assert UNKNOWN == judged(ROOT.crl(), REVOKES, kept=((signer,),), policy=SOFT)
    assert REVOKED == judged(ROOT.crl(), REVOKES, kept=((signer,), (SIGNER,)), policy=SOFT)


def test_what_it_lifts_stays_lifted_and_is_not_good() -> None:
    """A hold that a delta of the same signer lifts: it revokes no more, and the signer makes nothing good."""
    held = SIGNER.crl(revoked={LEAF.serial: "certificateHold"}, number=4)
    lifted = SIGNER.crl(revoked={LEAF.serial: "removeFromCRL"}, number=5, delta_base=4)
    assert [REVOKED, UNAVAILABLE] == [judged(ROOT.crl(), *crls) for crls in ((held,), (held, lifted))]


def test_a_path_is_looked_for_with_what_is_kept() -> None:
    """A request may bring the signer's certificate, and leave out what makes it one."""
    below = SIGNER.subordinate("Sub", key=key("p256", 3), ca=False, key_usage=FOR_CRLS)
    presented = with_intermediates(trusting(ROOT, SUB), [certificate(below)])
    crl = below.crl(revoked=[LEAF.serial])
    found = outcome(ROOT.crl(), crl, kept=((below, SIGNER),), policy=SOFT, store=presented)
    assert REVOKED == summary(found.verdict)
    presented = with_intermediates(trusting(ROOT, SUB), [certificate(SIGNER)])
    assert REVOKED == summary(outcome(ROOT_SIGNER.crl(), REVOKES, kept=((ROOT_SIGNER,),), store=presented).verdict)


def test_a_revoked_one_is_not_heard() -> None:
    """As it were not if the request had brought it."""
    assert UNAVAILABLE == judged(ROOT.crl(revoked=[SIGNER.serial]), REVOKES)


def test_what_tells_of_the_signer_may_be_kept_as_well() -> None:
    """The signer declares a source: whoever signs there is known by what is kept beside that CRL."""
    about_signer = ROOT_SIGNER.crl()
    policy = replace(SOFT, revocation_mode=RevocationMode.HARD_FAIL)
    assert REVOKED == judged(about_signer, REVOKES, kept=((SIGNER,), (ROOT_SIGNER,)), policy=policy)
    found = outcome(about_signer, REVOKES, kept=((SIGNER,),), policy=policy)
    problems = {attempt.problem for attempt in found.verdict.path[0].revocation.attempts}
    assert (UNAVAILABLE, True) == (summary(found.verdict), Problem.SIGNER_UNCHECKED in problems)


def test_a_path_of_several() -> None:
    """The certificates above the signer's are kept with it."""
    below = SIGNER.subordinate("Sub", key=key("p256", 3), ca=False, key_usage=FOR_CRLS, crl_urls=CRL_URL)
    crls = ROOT.crl(), SIGNER.crl(), below.crl(revoked=[LEAF.serial])
    assert REVOKED == judged(*crls, kept=((below, SIGNER), (SIGNER,)))
    assert [REVOKED, UNKNOWN] == [judged(*crls, kept=kept, policy=SOFT) for kept in (((below, SIGNER),), ((below,),))]


@pytest.mark.parametrize(("is_known", "expected"), [(True, REVOKED), (False, UNKNOWN)])
def test_a_crl_issuer_below_somebody_else(is_known: bool, expected: tuple[str, str, str]) -> None:
    """One whom the certificate names, and whom the operator knows by an old certificate of the same key."""
    elsewhere = ROOT.subordinate("Elsewhere", key=key("p256", 4))
    lists = elsewhere.subordinate("Lists", key=key("p256", 7), ca=False, key_usage=FOR_CRLS)
    old = certificate(lists.reissue(not_after=NOW - days(1)))
    leaf = SUB.issue("leaf", crl_urls=[DistributionPoint([CRL_URL], crl_issuer="Lists")])
    listed = Entry(leaf.serial, certificate_issuer="Sub")
    crl = lists.crl(idp=IssuingDistributionPoint(indirect=True), revoked=[listed])
    store = trusting(ROOT, SUB, lists.reissue(not_after=NOW - days(1))) if is_known else trusting(ROOT, SUB)
    presented = with_intermediates(store, [old])
    found = outcome(crl, kept=((lists, elsewhere),), policy=SOFT, store=presented, leaf=leaf)
    assert expected == summary(found.verdict)


# --- what strangers have kept costs nothing --------------------------------------------------------------------------


def crowd(number: int) -> tuple[tuple[Authority, ...], ...]:
    """Paths of a sister who makes certificates for the signer's key."""
    sister = ROOT.subordinate("Sister", key=key("p256", 5))
    posing = sister.subordinate("Root", key=key("p256", 6))
    paths = ((sister.cross_sign(SIGNER, serial=each), sister) for each in range(1, number))
    return (*paths, (posing.cross_sign(SIGNER), posing, sister))


def test_a_crowd_of_strangers() -> None:
    """Names and keys dismiss them before a signature is verified, and the signer is found behind them."""
    paths = crowd(100)
    policy = replace(SOFT, limits=replace(SOFT.limits, signatures=8, paths=3))
    assert UNKNOWN == judged(ROOT.crl(), REVOKES, kept=paths, policy=policy)
    assert REVOKED == judged(ROOT.crl(), REVOKES, kept=(*paths, (SIGNER,)), policy=policy)


def test_a_crowd_below_somebody_in_the_path() -> None:
    """Who certified the strangers' certifier makes them no kin: the signer is found behind as many as are looked at."""
    sister = ROOT.subordinate("Sister", key=key("p256", 5))
    paths = tuple((sister.cross_sign(SIGNER, serial=number), sister, ROOT) for number in range(1, MAX_LAID_OVER + 1))
    assert UNKNOWN == judged(ROOT.crl(), REVOKES, kept=paths, policy=SOFT)
    assert REVOKED == judged(ROOT.crl(), REVOKES, kept=(*paths, (SIGNER,)), policy=SOFT)


def test_many_of_one_family() -> None:
    """No more of them are looked at than two CRLs have, those that are at hand not counted."""
    family = [(SIGNER.reissue(serial=number, not_after=NOW - days(1)),) for number in range(1, MAX_LAID_OVER + 1)]
    assert REVOKED == judged(ROOT.crl(), REVOKES, kept=(*family[1:], (SIGNER,)), policy=SOFT)
    crowded = (*family, (SIGNER,))
    assert UNKNOWN == judged(ROOT.crl(), REVOKES, kept=crowded, policy=SOFT)
    at_hand = with_intermediates(trusting(ROOT, SUB), [certificate(one) for (one,) in family])
    assert REVOKED == summary(outcome(ROOT.crl(), REVOKES, kept=crowded, policy=SOFT, store=at_hand).verdict)


def test_those_of_the_crl_in_question_come_first() -> None:
    """Whatever is kept beside others that are newer."""
    others = [(ROOT_SIGNER.reissue(serial=number),) for number in range(1, MAX_LAID_OVER + 1)]
    older = SIGNER.crl(revoked=[LEAF.serial], this_update=NOW - days(1))
    assert REVOKED == judged(ROOT_SIGNER.crl(), older, kept=(*others, (SIGNER,)), policy=SOFT)


def test_a_crl_that_says_nothing_costs_nothing() -> None:
    """An authority that has had many keys, and a CRL of each of them that does not list the certificate."""
    signers = [ROOT.subordinate("Sub", key=key("p256", 20 + number)) for number in range(5)]
    crls = [signer.crl() for signer in signers]
    policy = replace(LEAF_ALONE, limits=replace(LEAF_ALONE.limits, paths=1))
    assert ALLOWED == judged(SUB.crl(), *crls, kept=tuple((signer,) for signer in signers), policy=policy)


def test_a_damaged_record() -> None:
    """What is no certificate helps nobody, and does no harm."""
    found = outcome(ROOT.crl(), REVOKES, policy=SOFT)
    for damaged, expected in (((b"?",), UNKNOWN), ((SIGNER.der, b"?"), UNKNOWN), ((SIGNER.der, ROOT.der), REVOKED)):
        crls = {
            wanted: replace(
                gathered, findings=tuple(replace(one, signer_paths=(damaged,)) for one in gathered.findings)
            )
            for wanted, gathered in found.evidence.crls.items()
        }
        verdict = assess(found.request, replace(found.evidence, crls=crls), SOFT, NOW)
        if isinstance(verdict, NeedEvidence):  # what the first search had no need of: nobody has it
            nothing = {one: GatheredCrls() for one in verdict.wanted if isinstance(one, CrlWanted)}
            verdict = assess(found.request, replace(found.evidence, crls={**crls, **nothing}), SOFT, NOW)
        assert isinstance(verdict, Verdict)
        assert expected == summary(verdict)


# --- what is fetched -------------------------------------------------------------------------------------------------


def fetching(*crls: bytes, kept: tuple[tuple[Authority | Issued, ...], ...] = (), store: TrustStore) -> CrlWanted:
    """What is wanted from the leaf's distribution point, where these CRLs are held and nothing answers."""
    found = ask(LEAF, store, held=Shelf(crls, kept=kept), policy=LEAF_ALONE)
    (wanted,) = (
        one for one in found.evidence.crls if one.certificate == found.request.leaf and one.reach is Reach.ORIGIN
    )
    return wanted


def paths_of(wanted: CrlWanted) -> tuple[tuple[Certificate, ...], ...]:
    """The certificates of each path that goes with it."""
    return tuple(path.certificates for path in wanted.paths)


def read(*path: Authority) -> tuple[Certificate, ...]:
    """Certificates as the core reads them."""
    return tuple(map(certificate, path))


def test_whose_crls_are_fetched() -> None:
    """Those of a signer that is kept as well, each with its path; not of one without."""
    bogus = SIGNER.reissue(not_after=NOW - days(1))
    wanted = fetching(SIGNER.crl(), kept=((bogus,), (SIGNER,)), store=trusting(ROOT, SUB))
    assert (read(SIGNER), (read(SUB), read(SIGNER))) == (wanted.signers, paths_of(wanted))
    wanted = fetching(SIGNER.crl(), kept=((bogus,),), store=trusting(ROOT, SUB))
    assert ((), (read(SUB),)) == (wanted.signers, paths_of(wanted))
    mute = SIGNER.reissue(key_usage=frozenset({"keyCertSign"}))
    assert () == fetching(SIGNER.crl(), kept=((mute,),), store=trusting(ROOT, SUB)).signers


def test_a_path_of_several_leads_to_what_is_fetched() -> None:
    """Who certified a signer that is kept may be known by what is kept alone as well."""
    below = SIGNER.subordinate("Sub", key=key("p256", 3), ca=False, key_usage=FOR_CRLS)
    wanted = fetching(below.crl(), kept=((below, SIGNER),), store=trusting(ROOT, SUB))
    assert (read(below), (read(SUB), read(below, SIGNER))) == (wanted.signers, paths_of(wanted))


def test_what_is_passed_over_hides_nobody() -> None:
    """A certificate that makes nobody a signer, or no new one, is kept before the one that does."""
    mute, known = SIGNER.reissue(key_usage=frozenset({"keyCertSign"})), SUB.reissue(serial=8)
    for passed in (mute, known):
        held = (SIGNER.crl(), SUB.crl(next_update=NOW - days(1)))
        wanted = fetching(*held, kept=((passed,), (SIGNER,)), store=trusting(ROOT, SUB))
        assert (read(SIGNER), (read(SUB), read(SIGNER))) == (wanted.signers, paths_of(wanted))


def test_each_key_is_tried_once() -> None:
    """By whatever certificate: the issuer's, one that is at hand, or one that is kept."""
    again, twin = SIGNER.reissue(serial=7), SUB.reissue(serial=8)
    store = trusting(ROOT, SUB, SIGNER)
    wanted = fetching(SUB.crl(next_update=NOW - days(1)), kept=((again,), (twin,)), store=store)
    assert (read(SIGNER), (read(SUB), read(SIGNER))) == (wanted.signers, paths_of(wanted))
    wanted = fetching(SIGNER.crl(), kept=((SIGNER,), (again,)), store=trusting(ROOT, SUB))
    assert read(SIGNER) == wanted.signers


def test_an_anchor_has_no_path() -> None:
    """Nor has an issuer that is one: they are where the question is."""
    leaf = ROOT.issue("leaf", crl_urls=CRL_URL)
    found = ask(leaf, trusting(ROOT), policy=LEAF_ALONE)
    assert [((), ((),))] == [(one.signers, paths_of(one)) for one in found.evidence.crls if one.reach is Reach.ORIGIN]


def keys(*authorities: Authority) -> frozenset[bytes]:
    """Their keys."""
    return frozenset(certificate(one).public_key.spki for one in authorities)


def test_by_whose_keys_they_are_found() -> None:
    """Those of the signer's own name, and the first of another one: the anchor, where nobody else certified it."""
    below = SIGNER.subordinate("Sub", key=key("p256", 3), ca=False, key_usage=FOR_CRLS)
    elsewhere = ROOT.subordinate("Elsewhere", key=key("p256", 4))
    middle = elsewhere.subordinate("Sub", key=key("p256", 5))
    leaf = middle.issue("leaf", crl_urls=CRL_URL)
    presented = with_intermediates(trusting(ROOT, SUB, SIGNER), [certificate(below)])
    wanted = fetching(store=presented)
    assert {below.issued.spki: keys(below, SIGNER, ROOT), SIGNER.issued.spki: keys(SIGNER, ROOT)} == {
        one.public_key.spki: path.authorities for one, path in zip(wanted.signers, wanted.paths[1:], strict=True)
    }
    assert keys(SUB, ROOT) == wanted.paths[0].authorities
    found = ask(leaf, trusting(ROOT, elsewhere, middle), policy=LEAF_ALONE)
    assert [keys(middle, elsewhere)] == [
        one.paths[0].authorities for one in found.evidence.crls if one.reach is Reach.ORIGIN
    ]
    anchors = ask(ROOT.issue("leaf", crl_urls=CRL_URL), trusting(ROOT), policy=LEAF_ALONE)
    assert [keys(ROOT)] == [one.paths[0].authorities for one in anchors.evidence.crls if one.reach is Reach.ORIGIN]


def test_a_few_keys_are_tried() -> None:
    """An authority that has had many keys does not make every fetch a search for each of them."""
    signers = [ROOT.subordinate("Sub", key=key("p256", 20 + number)) for number in range(MAX_KEPT_SIGNERS + 2)]
    crls = [signer.crl(this_update=NOW - days(1)) for signer in signers]
    wanted = fetching(*crls, kept=tuple((signer,) for signer in signers), store=trusting(ROOT, SUB))
    assert MAX_KEPT_SIGNERS == len(wanted.signers)


# --- a certificate that declares nothing -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kept", "expected"),
    [
        ((), UNKNOWN),
        (((SIGNER,),), UNAVAILABLE),
        (((SIGNER.reissue(not_after=NOW - days(1)),),), UNKNOWN),
        (((SIGNER.reissue(key_usage=frozenset({"keyCertSign"})),),), UNKNOWN),
        (((ROOT_SIGNER,),), UNKNOWN),
        (crowd(3), UNKNOWN),
    ],
    ids=["nothing", "a signer", "expired", "without cRLSign", "of another name", "strangers"],
)
def test_whether_an_answer_is_needed(kept: tuple[tuple[Authority, ...], ...], expected: tuple[str, str, str]) -> None:
    """A CRL that a valid signer has signed in the issuer's name is held, and does not answer: hard-fail needs one."""
    leaf = certificate(SUB.issue("undeclared"))
    paths = tuple(tuple(one.der for one in path) for path in kept)
    held = {CrlWanted(leaf, certificate(SUB), Reach.HELD): GatheredCrls(signer_paths=paths)}
    ocsp = ask(SUB.issue("undeclared"), trusting(ROOT, SUB), policy=LEAF_ALONE).evidence.ocsp
    verdict = assess(AssessmentRequest(leaf, trusting(ROOT, SUB)), Evidence(held, ocsp), LEAF_ALONE, NOW)
    assert isinstance(verdict, Verdict)
    assert expected == summary(verdict)


@pytest.mark.parametrize(("names_issuer", "expected"), [(True, UNAVAILABLE), (False, UNKNOWN)])
def test_strangers_do_not_make_an_answer_needless(names_issuer: bool, expected: tuple[str, str, str]) -> None:
    """Where a CRL of the issuer itself is held, whatever else is kept."""
    leaf = certificate(SUB.issue("undeclared"))
    paths = tuple(tuple(one.der for one in path) for path in crowd(3))
    gathered = GatheredCrls(signer_paths=paths, names_issuer=names_issuer)
    ocsp = ask(SUB.issue("undeclared"), trusting(ROOT, SUB), policy=LEAF_ALONE).evidence.ocsp
    evidence = Evidence({CrlWanted(leaf, certificate(SUB), Reach.HELD): gathered}, ocsp)
    verdict = assess(AssessmentRequest(leaf, trusting(ROOT, SUB)), evidence, LEAF_ALONE, NOW)
    assert isinstance(verdict, Verdict)
    assert expected == summary(verdict)


def test_a_path_of_several_makes_an_answer_needed() -> None:
    """The certificates above a kept signer's are kept with it, and are what its path is made of."""
    below = SIGNER.subordinate("Sub", key=key("p256", 3), ca=False, key_usage=FOR_CRLS)
    leaf = certificate(SUB.issue("undeclared"))
    ocsp = ask(SUB.issue("undeclared"), trusting(ROOT, SUB), policy=LEAF_ALONE).evidence.ocsp
    for kept, expected in (((below, SIGNER), UNAVAILABLE), ((below,), UNKNOWN)):
        gathered = GatheredCrls(signer_paths=(tuple(one.der for one in kept),))
        evidence = Evidence({CrlWanted(leaf, certificate(SUB), Reach.HELD): gathered}, ocsp)
        verdict = assess(AssessmentRequest(leaf, trusting(ROOT, SUB)), evidence, LEAF_ALONE, NOW)
        assert isinstance(verdict, Verdict)
        assert expected == summary(verdict)
