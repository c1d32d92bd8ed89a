"""Several paths: which one decides, and which failure is reported where none does."""

from dataclasses import dataclass
from typing import Final

import pytest

from service.core.model.certificate import Certificate
from service.core.model.failure import (
    Expired,
    NotYetValid,
    RevocationUnavailable,
    Revoked,
    UnsupportedKey,
    WeakKey,
)
from service.core.model.policy import Policy, RevocationMode
from service.core.model.trust_store import TrustStore
from service.core.model.verdict import Verdict
from tests.core.decision.chains import (
    ALLOWED,
    ALLOWED_UNANSWERED,
    BOTH,
    CRL,
    NONE,
    REVOKED,
    ROOT,
    UNAVAILABLE,
    certificate,
    summary,
)
from tests.core.decision.shell import Shelf, ask, statuses, trusting
from tests.pki import NOW, Authority, CertificateOverrides, Issued, days, key, public_key

ROOT_2: Final = Authority.root("Root 2")
SUB: Final = ROOT.subordinate("Sub")

LAST: Final[CertificateOverrides] = {"subject_key_identifier": b"tried last"}
"""An issuer whose key identifier is not the one that the leaf names is tried after all others."""

EXPIRED: Final[CertificateOverrides] = {"not_after": NOW - days(1)}
NOT_YET_VALID: Final[CertificateOverrides] = {"not_before": NOW + days(1)}
NO_CA: Final[CertificateOverrides] = {"ca": False}
NO_CRL_SIGN: Final[CertificateOverrides] = {"key_usage": {"keyCertSign"}}


@dataclass(frozen=True, slots=True)
class Twice:
    """Sub, certified by Root and by Root 2, and a leaf below both."""

    first: Authority
    second: Authority
    leaf: Issued

    @property
    def subs(self) -> tuple[Authority, Authority]:
        """Both certificates of Sub."""
        return self.first, self.second

    @property
    def store(self) -> TrustStore:
        """Both roots are anchors."""
        return trusting(ROOT, ROOT_2, *self.subs)


def twice(one: CertificateOverrides = NONE, other: CertificateOverrides = NONE) -> Twice:
    """Two paths, each with an intermediate of its own kind."""
    return Twice(ROOT.subordinate("Sub", **one), ROOT_2.cross_sign(SUB, **other), SUB.issue("leaf"))


def path_of(verdict: Verdict) -> list[Certificate]:
    """The path and its anchor."""
    assert verdict.anchor is not None
    return [*(element.certificate for element in verdict.path), verdict.anchor]


# --- another path helps ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [0, 1])
def test_a_revoked_intermediate_fails_its_own_path_only(number: int) -> None:
    """Whichever of the two is tried first, the other one allows."""
    two = twice()
    roots = (ROOT, ROOT_2)
    crl = roots[number].crl(revoked=[two.subs[number].serial])
    verdict = ask(two.leaf, two.store, held=Shelf((crl,))).verdict
    spared = 1 - number
    assert ALLOWED_UNANSWERED == summary(verdict)
    assert [certificate(two.leaf), certificate(two.subs[spared]), certificate(roots[spared])] == path_of(verdict)


@pytest.mark.parametrize("number", [0, 1])
def test_an_intermediate_without_answer_fails_its_own_path_only(number: int) -> None:
    """The other path needs none."""
    two = twice(other=CRL) if number else twice(CRL)
    verdict = ask(two.leaf, two.store).verdict
    assert ALLOWED_UNANSWERED == summary(verdict)
    assert certificate(two.subs[1 - number]) == verdict.path[1].certificate


@pytest.mark.parametrize("number", [0, 1])
def test_an_expired_intermediate_fails_its_own_path_only(number: int) -> None:
    """The other one is valid."""
    two = twice(other=EXPIRED) if number else twice(EXPIRED)
    verdict = ask(two.leaf, two.store).verdict
    assert ALLOWED_UNANSWERED == summary(verdict)
    assert certificate(two.subs[1 - number]) == verdict.path[1].certificate


# --- no other path helps ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "answers"), [(RevocationMode.SOFT_FAIL, False), (RevocationMode.HARD_FAIL, True)], ids=["soft", "good"]
)
def test_a_revoked_leaf_is_final(mode: RevocationMode, answers: bool) -> None:
    """The path behind would allow, since the CRL's signer has none to its anchor: it is not asked."""
    two = twice(other=LAST)
    renewed = ROOT.subordinate("Sub", key=key("p256", 1))
    held = Shelf((renewed.crl(revoked=[two.leaf.serial]),), (SUB.ocsp(two.leaf),) if answers else ())
    behind = trusting(ROOT_2, two.second, renewed)
    policy = Policy(mode)
    assert "allow" == ask(two.leaf, behind, held=held, policy=policy).verdict.decision.value
    verdict = ask(two.leaf, trusting(ROOT, ROOT_2, *two.subs, renewed), held=held, policy=policy).verdict
    assert (REVOKED, certificate(ROOT)) == (summary(verdict), verdict.anchor)


def test_whichever_twin_of_the_issuer_is_presented() -> None:
    """A key without cRLSign makes nothing good, and what it signed as revoked is heard: whichever twin is presented."""
    for first, second in ((NO_CRL_SIGN, LAST), (LAST, NO_CRL_SIGN)):
        two = twice(first, second)
        for policy in (Policy(), Policy(revocation_mode=RevocationMode.SOFT_FAIL)):
            held = Shelf((SUB.crl(revoked=[two.leaf.serial]),), (SUB.ocsp(two.leaf),))
            assert REVOKED == summary(ask(two.leaf, two.store, held=held, policy=policy).verdict)
    alone = trusting(ROOT, ROOT.subordinate("Sub", key_usage=frozenset({"keyCertSign"})))
    leaf = SUB.issue("leaf", crl_urls="http://crl.example/")
    assert UNAVAILABLE == summary(ask(leaf, alone, held=Shelf((SUB.crl(),))).verdict)


def test_a_revoked_leaf_is_reported_before_a_revoked_intermediate() -> None:
    """Where both are, the leaf is what is reported: no other path could help."""
    two = twice(NO_CRL_SIGN, LAST)
    held = Shelf((SUB.crl(revoked=[two.leaf.serial]), ROOT.crl(revoked=[two.first.serial])))
    outcome = ask(two.leaf, two.store, held=held)
    assert (REVOKED, ["revoked", "revoked"]) == (summary(outcome.verdict), list(statuses(outcome.verdict)))
    assert isinstance(outcome.verdict.failure, Revoked)
    assert certificate(two.leaf) == outcome.verdict.failure.certificate


# --- which failure is reported ---------------------------------------------------------------------------------------


def test_two_revoked_intermediates() -> None:
    """Denied, with the path of one of them and its anchor."""
    two = twice()
    held = Shelf((ROOT.crl(revoked=[two.first.serial]), ROOT_2.crl(revoked=[two.second.serial])))
    verdict = ask(two.leaf, two.store, held=held).verdict
    assert REVOKED == summary(verdict)
    assert isinstance(verdict.failure, Revoked)
    assert path_of(verdict)[1:] in (
        [certificate(two.first), certificate(ROOT)],
        [certificate(two.second), certificate(ROOT_2)],
    )
    assert verdict.failure.certificate == verdict.path[1].certificate


@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize(
    ("lesser", "greater", "code"),
    [
        (NO_CA, NOT_YET_VALID, "not_yet_valid"),
        (NOT_YET_VALID, EXPIRED, "expired"),
        (EXPIRED, CRL, "revocation_unavailable"),
        (NO_CA, CRL, "revocation_unavailable"),
    ],
    ids=["constraint < not yet valid", "not yet valid < expired", "expired < unavailable", "constraint < unavailable"],
)
def test_the_most_specific_failure_is_reported(
    lesser: CertificateOverrides, greater: CertificateOverrides, code: str, swapped: bool
) -> None:
    """Of two paths the one that got further, whichever was tried first; path and anchor are that one's."""
    two = twice(lesser, greater | LAST) if swapped else twice(lesser | LAST, greater)
    verdict = ask(two.leaf, two.store).verdict
    assert code == verdict.code.value
    assert [certificate(two.leaf), certificate(two.second), certificate(ROOT_2)] == path_of(verdict)


@pytest.mark.parametrize("swapped", [False, True])
def test_revoked_is_reported_before_unavailable(swapped: bool) -> None:
    """A path that was revoked got further than one that could not be answered."""
    two = twice(LAST, CRL) if swapped else twice(NONE, CRL | LAST)
    verdict = ask(two.leaf, two.store, held=Shelf((ROOT.crl(revoked=[two.first.serial]),))).verdict
    assert REVOKED == summary(verdict)
    assert certificate(ROOT) == verdict.anchor


def test_a_certificate_of_the_issuer_without_crl_sign_hides_no_revocation() -> None:
    """The list that revokes the leaf is heard, whichever other certificates of the same key a caller presents."""
    sub = ROOT.subordinate("Sub")
    leaf = sub.issue("leaf", **BOTH)
    held = Shelf((sub.crl(revoked=[leaf.serial]),), (sub.ocsp(leaf),))
    # Of so many, some have a smaller fingerprint than Sub itself, and would be tried first.
    mute = [sub.reissue(not_after=NOW + days(number), key_usage={"keyCertSign"}) for number in range(1, 17)]
    verdicts = [ask(leaf, trusting(ROOT, sub, one), held=held).verdict for one in mute]
    assert {REVOKED} == {summary(verdict) for verdict in verdicts}


def test_a_path_that_reached_an_anchor_is_reported_before_one_that_did_not() -> None:
    """A weak key on the way to Root tells more than a key that nobody works with, tried first."""
    sub = ROOT.subordinate("Sub", key=key("p192"), subject_key_identifier=b"tried last")
    leaf = sub.issue("leaf", authority_key_identifier=b"impostor")
    impostor = ROOT.subordinate("Sub", public_key=public_key("rsa16384"), subject_key_identifier=b"impostor")
    verdicts = [ask(leaf, trusting(ROOT, *subs)).verdict for subs in ((sub, impostor), (impostor,))]
    kinds = [type(verdict.failure) for verdict in verdicts]
    assert [WeakKey, UnsupportedKey] == kinds
    assert [2, 0] == [len(verdict.path) for verdict in verdicts]


# --- within one path -------------------------------------------------------------------------------------------------


def test_within_a_path_revoked_comes_before_unavailable() -> None:
    """The leaf is unanswered and Sub is revoked."""
    sub = ROOT.subordinate("Sub", **CRL)
    leaf = sub.issue("leaf", **CRL)
    stale = sub.crl(next_update=NOW - days(1))
    verdict = ask(leaf, trusting(ROOT, sub), held=Shelf((stale,)), origin=Shelf((ROOT.crl(revoked=[sub.serial]),)))
    assert (REVOKED, ["unknown", "revoked"]) == (summary(verdict.verdict), list(statuses(verdict.verdict)))


def test_within_a_path_the_first_without_answer_is_reported() -> None:
    """From the leaf upwards, with everything that was tried for it."""
    sub = ROOT.subordinate("Sub", **CRL)
    leaf = sub.issue("leaf", **CRL)
    verdict = ask(leaf, trusting(ROOT, sub)).verdict
    assert UNAVAILABLE == summary(verdict)
    attempts = verdict.path[0].revocation.attempts
    assert RevocationUnavailable(certificate(leaf), attempts) == verdict.failure
    assert ["unreachable"] == [one.problem.value for one in attempts]


@pytest.mark.parametrize(("overrides", "failure"), [(EXPIRED, Expired), (NOT_YET_VALID, NotYetValid)])
def test_revocation_is_judged_only_on_paths_that_validate(
    overrides: CertificateOverrides, failure: type[Expired | NotYetValid]
) -> None:
    """Expired and revoked is expired: nobody is asked, the path is given, and nothing of it was reached."""
    leaf = SUB.issue("leaf", **(CRL | overrides))
    outcome = ask(leaf, trusting(ROOT, SUB), held=Shelf((SUB.crl(revoked=[leaf.serial]),)))
    assert failure(certificate(leaf)) == outcome.verdict.failure
    assert ((), ["not_reached", "not_reached"]) == (outcome.rounds, list(statuses(outcome.verdict)))
    assert [certificate(leaf), certificate(SUB), certificate(ROOT)] == path_of(outcome.verdict)


def test_an_answered_path_is_allowed() -> None:
    """What all the tests above take one thing away from."""
    sub = ROOT.subordinate("Sub", **CRL)
    leaf = sub.issue("leaf", **CRL)
    outcome = ask(leaf, trusting(ROOT, sub), origin=Shelf((ROOT.crl(), sub.crl())))
    assert (ALLOWED, ["good", "good"]) == (summary(outcome.verdict), list(statuses(outcome.verdict)))
