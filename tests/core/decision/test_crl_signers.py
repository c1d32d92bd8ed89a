"""CRLs that somebody else than the issuing certificate's key signed (RFC 5280 §6.3.3 (f))."""

from dataclasses import replace
from typing import Final

import pytest

from service.core.decision.assessment import assess
from service.core.der.certificate import read_certificate
from service.core.model.attempt import Problem
from service.core.model.budget import Limits
from service.core.model.evidence import CrlWanted, NeedEvidence, Reach
from service.core.model.policy import KeyPurpose, Policy, PolicyInputs, RevocationMode
from service.core.model.trust_store import TrustStore
from service.core.path.trust_store import AnchorRule, build_trust_store, with_intermediates
from tests.core.decision.chains import ALLOWED, EXHAUSTED, REVOKED, ROOT, UNAVAILABLE, certificate, summary
from tests.core.decision.shell import CRL_URL, Outcome, Shelf, ask, trusting
from tests.pki import (
    NOW,
    Authority,
    CertificateOverrides,
    DistributionPoint,
    Entry,
    Issued,
    IssuingDistributionPoint,
    days,
    der,
    hours,
    key,
)
from tests.pki.extensions import KeyUsage

SUB: Final = ROOT.subordinate("Sub", crl_urls=CRL_URL)
LEAF: Final = SUB.issue("leaf", crl_urls=CRL_URL)
RENEWED: Final = ROOT.subordinate("Sub", key=key("p256", 1), crl_urls=CRL_URL)
"""The same authority under another key."""
FOR_CRLS: Final = ROOT.subordinate(
    "Sub", key=key("p256", 2), ca=False, key_usage=frozenset({"cRLSign"}), crl_urls=CRL_URL
)
"""Its key for CRLs alone."""
ROOT_CRL: Final = ROOT.crl()
REQUIRE: Final = Policy(RevocationMode.REQUIRE)


def judged(
    *crls: bytes, store: TrustStore | None = None, leaf: Issued = LEAF, policy: Policy = REQUIRE
) -> tuple[str, str, str]:
    """The verdict on the leaf where these CRLs are held."""
    return summary(outcome(*crls, store=store, leaf=leaf, policy=policy).verdict)


def outcome(*crls: bytes, store: TrustStore | None = None, leaf: Issued = LEAF, policy: Policy = REQUIRE) -> Outcome:
    """The verdict on the leaf where these CRLs are held, and how it came about."""
    return ask(leaf, store or trusting(ROOT, SUB, RENEWED, FOR_CRLS), held=Shelf(crls), policy=policy)


def problems(found: Outcome) -> set[Problem]:
    """What was wrong with the evidence about the leaf that is held; the origin has none."""
    attempts = found.verdict.path[0].revocation.attempts
    return {attempt.problem for attempt in attempts} - {Problem.UNREACHABLE}


@pytest.mark.parametrize("signer", [RENEWED, FOR_CRLS])
def test_another_key_of_the_issuer(signer: Authority) -> None:
    """A renewed key, or one for CRLs alone, speaks for the issuer: its certificate has a path to the same anchor."""
    assert ALLOWED == judged(ROOT_CRL, signer.crl())
    assert REVOKED == judged(ROOT_CRL, signer.crl(revoked=[LEAF.serial]))


@pytest.mark.parametrize(
    ("overrides", "problem"),
    [
        ({"key_usage": frozenset({"keyCertSign"})}, Problem.BAD_SIGNATURE),  # its key is not even tried
        ({"not_after": NOW - days(1)}, Problem.UNAUTHORIZED_SIGNER),
        ({"not_before": NOW + days(1)}, Problem.UNAUTHORIZED_SIGNER),
        ({"corrupt_signature": True}, Problem.UNAUTHORIZED_SIGNER),
    ],
)
def test_a_key_that_may_not_speak(overrides: CertificateOverrides, problem: Problem) -> None:
    """A certificate without cRLSign, or without a valid path, makes nobody a CRL signer."""
    signer = RENEWED.reissue(**overrides)
    found = outcome(ROOT_CRL, signer.crl(), store=trusting(ROOT, SUB, signer))
    assert (UNAVAILABLE, {problem}) == (summary(found.verdict), problems(found))


def test_a_signer_that_nobody_knows() -> None:
    """Without its certificate at hand a key is nobody's."""
    assert UNAVAILABLE == judged(ROOT_CRL, RENEWED.crl(), store=trusting(ROOT, SUB))


def test_a_namesake_below_another_anchor() -> None:
    """RFC 5280 §6.3.3 (f): the signer's path MUST end at the anchor of the certificate in question."""
    elsewhere = Authority.root("Elsewhere")
    namesake = elsewhere.subordinate("Sub", key=key("p256", 4))
    store = trusting(ROOT, SUB, elsewhere, namesake)
    assert UNAVAILABLE == judged(ROOT_CRL, elsewhere.crl(), namesake.crl(), store=store)
    selfmade = Authority.root("Sub", key=key("p256", 5))
    assert UNAVAILABLE == judged(ROOT_CRL, selfmade.crl(), store=trusting(ROOT, SUB, selfmade))


def test_a_sister_that_takes_the_issuers_name() -> None:
    """An authority below the same anchor certifies a key in Sub's name: that is not Sub's, however deep it goes."""
    sister = ROOT.subordinate("Sister", crl_urls=CRL_URL)
    impostor = sister.subordinate("Sub", key=key("p256", 11))
    posing = sister.subordinate("Root", key=key("p256", 12))
    deeper = posing.subordinate("Sub", key=key("p256", 13))
    policy = Policy(RevocationMode.HARD_FAIL)
    store = trusting(ROOT, SUB, sister, impostor, posing, deeper)
    for signer in (impostor, deeper):
        assert UNAVAILABLE == judged(ROOT_CRL, sister.crl(), signer.crl(), store=store, policy=policy)
        assert UNAVAILABLE == judged(ROOT_CRL, sister.crl(), signer.crl(revoked=[LEAF.serial]), store=store)


def test_a_certificate_of_the_old_key_under_the_new_one() -> None:
    """The issuer's own certificate is self-issued: whoever stands above it under its name is the same authority."""
    rolled = RENEWED.cross_sign(SUB, crl_urls=CRL_URL)
    leaf = rolled.issue("leaf", crl_urls=CRL_URL)
    assert ALLOWED == judged(ROOT_CRL, RENEWED.crl(), store=trusting(ROOT, RENEWED, rolled), leaf=leaf)


def test_two_anchors_of_one_authority() -> None:
    """One anchor certified the other under their common name: CRLs of its key count below either."""
    old = Authority.root("Rolling")
    new = old.cross_sign(Authority.root("Rolling", key=key("p256", 8)))
    other = Authority.root("Rolling", key=key("p256", 9))
    leaf = new.issue("leaf", crl_urls=CRL_URL)
    for signer, anchors, expected in (
        (old, (old, new), ALLOWED),
        (other, (other, new), UNAVAILABLE),
        (old, (new,), UNAVAILABLE),
    ):
        store = build_trust_store("test", (read_certificate(one.der) for one in anchors), rule=AnchorRule.EVERY)
        assert expected == judged(signer.crl(), store=store, leaf=leaf)
    for overrides in (CertificateOverrides(not_after=NOW - days(1)), CertificateOverrides(key=key("rsa1024"))):
        weak = old.reissue(**overrides)
        below = weak.cross_sign(Authority.root("Rolling", key=key("p256", 8)), signature_hash="sha256")
        store = build_trust_store("test", (read_certificate(one.der) for one in (weak, below)), rule=AnchorRule.EVERY)
        assert UNAVAILABLE == judged(weak.crl(), store=store, leaf=below.issue("leaf", crl_urls=CRL_URL))


def test_a_revoked_signer() -> None:
    """What a revoked certificate signs is nobody's evidence."""
    found = outcome(ROOT.crl(revoked=[FOR_CRLS.serial]), FOR_CRLS.crl())
    assert (UNAVAILABLE, {Problem.SIGNER_REVOKED}) == (summary(found.verdict), problems(found))


def test_a_signer_that_needs_an_answer() -> None:
    """A signer declares where it is revoked: without an answer it does not count."""
    shard = FOR_CRLS.reissue(crl_urls="http://crl.example/shard")
    scope = IssuingDistributionPoint(["http://crl.example/"])
    found = outcome(ROOT.crl(idp=scope), shard.crl(), store=trusting(ROOT, SUB, shard))
    assert (UNAVAILABLE, {Problem.SIGNER_UNCHECKED}) == (summary(found.verdict), problems(found))
    assert "Sub crl origin" in found.fetched


def test_the_answer_ends_with_its_signer() -> None:
    """A CRL lasts no longer than the certificate of its signer, and what is known of that."""
    for not_after, root in ((NOW + days(2), days(9)), (NOW + days(9), days(2))):
        signer = FOR_CRLS.reissue(not_after=not_after)
        crls = ROOT.crl(next_update=NOW + root), signer.crl(next_update=NOW + days(30))
        until = outcome(*crls, store=trusting(ROOT, SUB, signer)).verdict.path[0].revocation.usable_until
        skew = REQUIRE.clock_skew if root == days(2) else days(0)
        assert NOW + days(2) + skew == until


def test_a_signer_with_dead_ends() -> None:
    """Namesakes of its issuer certified nothing: whichever of them is looked at first, its own path counts."""
    middle = ROOT.subordinate("Middle", crl_urls=CRL_URL)
    namesakes = [ROOT.subordinate("Middle", key=key("p256", 20 + number)) for number in range(6)]
    other = middle.subordinate("Other", authority_key_identifier=None, crl_urls=CRL_URL)
    store = trusting(ROOT, SUB, middle, *namesakes, other)
    assert ALLOWED == judged(ROOT_CRL, middle.crl(), other.crl(idp=INDIRECT), store=store, leaf=DELEGATED)


def test_a_crl_that_speaks_of_its_own_signer() -> None:
    """A self-issued certificate for the new key, whose revocation the new key tells: good unless it lists itself."""
    rolled = SUB.cross_sign(RENEWED, crl_urls=CRL_URL)
    store = trusting(ROOT, SUB, rolled)
    assert ALLOWED == judged(ROOT_CRL, RENEWED.crl(), store=store)
    assert UNAVAILABLE == judged(ROOT_CRL, RENEWED.crl(revoked=[rolled.serial]), store=store)


def test_signers_that_vouch_for_each_other() -> None:
    """Two keys, each with a CRL about the other: they stand together and fall together."""
    first = SUB.cross_sign(RENEWED, crl_urls=CRL_URL)
    second = RENEWED.cross_sign(Authority.root("Sub", key=key("p256", 6)), crl_urls=CRL_URL)
    store = trusting(ROOT, SUB, first, second)
    assert ALLOWED == judged(ROOT_CRL, second.crl(), RENEWED.crl(), store=store)
    assert UNAVAILABLE == judged(ROOT_CRL, second.crl(revoked=[second.serial]), store=store)


def test_what_is_asked_of_the_leaf_is_not_asked_of_signers() -> None:
    """Neither a key purpose nor a policy, nor the length of the caller's path."""
    signer = FOR_CRLS.reissue(extended_key_usage="OCSPSigning")
    demanding = Policy(
        RevocationMode.REQUIRE,
        key_purpose=KeyPurpose.CLIENT,
        policies=PolicyInputs(frozenset({"1.2.3"}), require_explicit_policy=True),
        max_path_length=1,
    )
    sub = ROOT.subordinate("Sub", policies="1.2.3", crl_urls=CRL_URL)
    leaf = sub.issue("leaf", policies="1.2.3", crl_urls=CRL_URL)
    assert ALLOWED == judged(ROOT_CRL, signer.crl(), store=trusting(ROOT, sub, signer), leaf=leaf, policy=demanding)


def test_the_signers_paths_cost() -> None:
    """A crowd of certificates for one key spends the budget; it is a verdict of its own."""
    crowd = [FOR_CRLS.reissue(serial=number, not_after=NOW - days(1)) for number in range(1, 40)]
    policy = Policy(RevocationMode.REQUIRE, limits=Limits(paths=8))
    assert EXHAUSTED == judged(ROOT_CRL, FOR_CRLS.crl(), store=trusting(ROOT, SUB, *crowd), policy=policy)


def test_whose_crls_are_fetched() -> None:
    """Keys that have a path, and no key that anybody can make up: what they signed would be held."""
    stranger = Authority.root("Elsewhere").subordinate("Sub", key=key("p256", 14))
    selfmade = Authority.root("Sub", key=key("p256", 15))
    inquiry = ask(LEAF, trusting(ROOT, SUB, RENEWED), policy=REQUIRE)
    evidence = {one: gathered for one, gathered in inquiry.evidence.crls.items() if one.reach is Reach.HELD}
    store = build_trust_store(
        "test", [read_certificate(ROOT.der)], map(certificate, (SUB, RENEWED, stranger, selfmade))
    )
    request = replace(inquiry.request, store=store)
    wanted = assess(request, replace(inquiry.evidence, crls=evidence), REQUIRE, NOW)
    assert isinstance(wanted, NeedEvidence)
    signers = {one.signers for one in wanted.wanted if isinstance(one, CrlWanted) and one.certificate == request.leaf}
    assert {(certificate(RENEWED),)} == signers


# --- indirect CRLs ---------------------------------------------------------------------------------------------------

OTHER: Final = ROOT.subordinate("Other", ca=False, key_usage=frozenset({"cRLSign"}), crl_urls=CRL_URL)
DELEGATED: Final = SUB.issue("leaf", crl_urls=[DistributionPoint(["http://crl.example/"], crl_issuer="Other")])
INDIRECT: Final = IssuingDistributionPoint(indirect=True)


def indirect(*crls: bytes) -> tuple[str, str, str]:
    """The verdict on a leaf whose CRLs Other signs."""
    return judged(ROOT_CRL, *crls, store=trusting(ROOT, SUB, OTHER), leaf=DELEGATED)


def test_the_crl_issuer_that_the_certificate_names() -> None:
    """Its indirect CRL answers; the issuer's own does not, nor one that does not say that it is indirect."""
    assert ALLOWED == indirect(OTHER.crl(idp=INDIRECT))
    assert UNAVAILABLE == indirect(SUB.crl())
    assert UNAVAILABLE == indirect(OTHER.crl())
    assert UNAVAILABLE == judged(ROOT_CRL, OTHER.crl(idp=INDIRECT), store=trusting(ROOT, SUB, OTHER))


def test_a_crl_issuer_below_another_anchor() -> None:
    """RFC 5280 §6.3.3 (f): whoever the certificate names, the path MUST end at its own anchor."""
    elsewhere = Authority.root("Elsewhere")
    other = elsewhere.subordinate("Other", ca=False, key_usage=frozenset({"cRLSign"}), crl_urls=CRL_URL)
    store, crls = trusting(ROOT, SUB, elsewhere, other), (ROOT_CRL, elsewhere.crl(), other.crl(idp=INDIRECT))
    assert UNAVAILABLE == judged(*crls, store=store, leaf=DELEGATED)


def test_an_indirect_crl_revokes_by_issuer_and_number() -> None:
    """RFC 5280 §5.3.3: the serial number alone is the CRL issuer's own."""
    assert ALLOWED == indirect(OTHER.crl(idp=INDIRECT, revoked=[DELEGATED.serial]))
    listed = Entry(DELEGATED.serial, certificate_issuer="Sub")
    assert REVOKED == indirect(OTHER.crl(idp=INDIRECT, revoked=[listed]))
    assert REVOKED == indirect(OTHER.crl(idp=INDIRECT, revoked=[Entry(1, certificate_issuer="Sub"), DELEGATED.serial]))


# --- what somebody hostile presents ----------------------------------------------------------------------------------

SISTER: Final = ROOT.subordinate("Sister", crl_urls=CRL_URL)
IMPOSTOR: Final = SISTER.subordinate(
    "Sub", key=key("p256", 31), ca=False, key_usage=frozenset({"cRLSign"}), crl_urls=CRL_URL
)


def presenting(*certificates: Authority, known: tuple[Authority, ...] = (ROOT,)) -> TrustStore:
    """An operator's store, and what came with the request beside it."""
    return with_intermediates(trusting(*known), map(certificate, certificates))


@pytest.mark.parametrize("known", [(ROOT,), (ROOT, SUB)], ids=["root alone", "Sub too"])
@pytest.mark.parametrize("usage", [{"keyCertSign"}, {"keyCertSign", "cRLSign"}])
@pytest.mark.parametrize("ended", [True, False])
def test_a_sister_that_certifies_the_issuers_key(
    known: tuple[Authority, ...], usage: set[KeyUsage], ended: bool
) -> None:
    """The path through her makes no CRL signer of hers one of the issuer, and hides nothing that the issuer signed."""
    crossed = SISTER.cross_sign(SUB, key_usage=frozenset(usage), crl_urls=CRL_URL)
    store = presenting(crossed, SISTER, IMPOSTOR, known=known)
    until = NOW - days(1) if ended else NOW + days(1)
    genuine = SUB.crl(revoked=[LEAF.serial], this_update=NOW - days(3), next_update=until)
    for policy in (REQUIRE, Policy(RevocationMode.HARD_FAIL)):
        verdict = judged(ROOT_CRL, SISTER.crl(), genuine, IMPOSTOR.crl(number=9), store=store, policy=policy)
        assert (UNAVAILABLE if ended else REVOKED) == verdict


def test_a_sister_that_poses_as_an_older_key_of_the_issuer() -> None:
    """What she signs unsays nothing that the issuer has signed, though its time is over."""
    posing = SISTER.subordinate("Sub", key=key("p256", 32), crl_urls=CRL_URL)
    crossed = posing.cross_sign(SUB, crl_urls=CRL_URL)
    store = presenting(crossed, posing, SISTER)
    genuine = SUB.crl(revoked=[LEAF.serial], this_update=NOW - days(3), next_update=NOW - days(1))
    assert UNAVAILABLE == judged(ROOT_CRL, SISTER.crl(), genuine, posing.crl(number=9), store=store)


@pytest.mark.parametrize("known", [(ROOT,), (ROOT, OTHER)], ids=["nobody knows Other", "the operator knows Other"])
def test_a_sister_that_poses_as_another_crl_issuer(known: tuple[Authority, ...]) -> None:
    """Whom a certificate names as the issuer of its CRLs is certified by its own issuer, the anchor, or known."""
    posing = SISTER.subordinate(
        "Other", key=key("p256", 33), ca=False, key_usage=frozenset({"cRLSign"}), crl_urls=CRL_URL
    )
    store = presenting(SUB, SISTER, posing, known=known)
    crls = ROOT_CRL, SISTER.crl(), posing.crl(idp=INDIRECT)
    assert UNAVAILABLE == judged(*crls, store=store, leaf=DELEGATED)
    genuine = OTHER.crl(idp=INDIRECT)
    assert ALLOWED == judged(ROOT_CRL, genuine, store=presenting(SUB, OTHER, known=known), leaf=DELEGATED)


def test_a_sister_that_poses_as_the_anchor() -> None:
    """The name of somebody in the path is theirs."""
    leaf = SUB.issue("leaf", crl_urls=[DistributionPoint(["http://crl.example/"], crl_issuer="Root")])
    posing = SISTER.subordinate("Root", key=key("p256", 34), crl_urls=CRL_URL)
    store = presenting(SUB, SISTER, posing)
    assert UNAVAILABLE == judged(ROOT_CRL, SISTER.crl(), posing.crl(idp=INDIRECT), store=store, leaf=leaf)
    assert ALLOWED == judged(ROOT_CRL, ROOT.crl(idp=INDIRECT), store=store, leaf=leaf)


def _crl_key(number: int) -> Authority:
    """A key of Sub for CRLs alone, certified by Sub itself."""
    return SUB.subordinate("Sub", key=key("p256", number), ca=False, key_usage=frozenset({"cRLSign"}), crl_urls=CRL_URL)


STOLEN, SOUND = _crl_key(35), _crl_key(36)


def test_a_revoked_signer_does_not_clear_itself() -> None:
    """What has listed it, and what lists it, is not unsaid by what it signs."""
    store = presenting(SUB, STOLEN, SOUND)
    ended = SUB.crl(
        revoked=[STOLEN.serial, LEAF.serial], number=10, this_update=NOW - days(3), next_update=NOW - days(1)
    )
    assert UNAVAILABLE == judged(ROOT_CRL, ended, STOLEN.crl(number=11), store=store)
    delta = SUB.crl(revoked=[STOLEN.serial, LEAF.serial], number=10, delta_base=9, this_update=NOW - hours(1))
    assert REVOKED == judged(ROOT_CRL, delta, STOLEN.crl(number=11), store=store)


def test_signers_that_revoke_each_other() -> None:
    """Neither of them makes anything good: the one that is asked about must not silence the other."""
    store = presenting(SUB, STOLEN, SOUND)
    accusing, accused = STOLEN.crl(revoked=[SOUND.serial]), SOUND.crl(revoked=[STOLEN.serial])
    assert UNAVAILABLE == judged(ROOT_CRL, accusing, accused, store=store)
    ended = SOUND.crl(revoked=[STOLEN.serial, LEAF.serial], this_update=NOW - days(3), next_update=NOW - days(1))
    assert UNAVAILABLE == judged(ROOT_CRL, accusing, ended, store=store)


@pytest.mark.parametrize("name", ["SUB", "\uff33\uff35\uff22", "S\u00adub"], ids=["SUB", "fullwidth", "soft hyphen"])
def test_a_client_with_the_issuers_name(name: str) -> None:
    """A certificate of another key that does not say that it signs CRLs signs none, however its name is written."""
    subject = der.seq(der.set_of(der.seq(der.oid("2.5.4.3"), der.utf8_string(name))))
    client = Authority(SUB.issue(subject, key=key("p256", 37), key_usage=None, crl_urls=CRL_URL))
    assert UNAVAILABLE == judged(ROOT_CRL, client.crl(), store=presenting(SUB, client))


def test_whom_the_operator_vouches_for() -> None:
    """A renewed key below an authority in between unsays what the older one signed where the operator has both."""
    middle = ROOT.subordinate("Middle", crl_urls=CRL_URL)
    sub, renewed = (middle.subordinate("Sub", key=key("p256", number), crl_urls=CRL_URL) for number in (41, 42))
    leaf, crls = sub.issue("leaf", crl_urls=CRL_URL), (ROOT_CRL, middle.crl(), renewed.crl(number=9))
    ended = sub.crl(revoked=[leaf.serial], this_update=NOW - days(3), next_update=NOW - days(1))
    known = presenting(middle, known=(ROOT, sub, renewed))
    assert [ALLOWED, ALLOWED] == [judged(*crls, *more, store=known, leaf=leaf) for more in ((), (ended,))]
    for one, other in ((sub, renewed), (renewed, sub)):
        store = presenting(middle, one, known=(ROOT, other))
        assert [ALLOWED, UNAVAILABLE] == [judged(*crls, *more, store=store, leaf=leaf) for more in ((), (ended,))]
