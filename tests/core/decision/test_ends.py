"""Questions that end before revocation: leaves that cannot be read, paths that fail, budgets that are spent."""

from dataclasses import replace
from typing import Final

import pytest

from service.core.decision.assessment import AssessmentRequest, assess, give_up
from service.core.model.budget import Limits
from service.core.model.certificate import Certificate
from service.core.model.evidence import Evidence
from service.core.model.failure import BudgetExhausted, Malformed, NoIssuer, SelfSignedLeaf
from service.core.model.policy import KeyPurpose, Policy, PolicyInputs, RevocationMode
from service.core.model.verdict import Decision, Status, Verdict
from tests.core.decision.chains import (
    ALLOWED_UNANSWERED,
    CRL,
    EXHAUSTED,
    OCSP,
    ROOT,
    certificate,
    chain,
    summary,
)
from tests.core.decision.shell import Shelf, ask, statuses, trusting
from tests.pki import NOW, Authority, CertificateOverrides, Extension, days, key

ROOT_2: Final = Authority.root("Root 2")
STRANGER: Final = Authority.root("Stranger")
PLAIN: Final = chain()

# --- leaves that cannot be read --------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", RevocationMode)
def test_a_malformed_leaf_is_denied(mode: RevocationMode) -> None:
    """In every mode, whatever else is wrong: nothing of it is known, and no budget is asked."""
    leaf = Malformed("truncated DER")
    policy = Policy(
        revocation_mode=mode,
        policies=PolicyInputs(require_explicit_policy=True),
        limits=Limits(signatures=0, steps=0, paths=0),
    )
    expected = Verdict(
        decision=Decision.DENY,
        status=Status.INVALID,
        code=leaf.code,
        failure=leaf,
        certificate=None,
        path=(),
        anchor=None,
        authorized_policies=frozenset(),
        valid_until=NOW + policy.max_verdict_ttl,
    )
    assert expected == assess(AssessmentRequest(leaf, PLAIN.store), Evidence(), policy, NOW)


# --- paths that fail -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", RevocationMode)
@pytest.mark.parametrize(
    ("overrides", "code"),
    [
        ({"not_after": NOW - days(1)}, "expired"),
        ({"not_before": NOW + days(1)}, "not_yet_valid"),
        ({"corrupt_signature": True}, "bad_signature"),
        ({"extended_key_usage": "serverAuth"}, "constraint_violation"),
        ({"key": key("rsa1024")}, "weak_algorithm"),
        ({"extensions": [Extension("1.2.3.4", b"\x05\x00", critical=True)]}, "unsupported"),
        ({"issuer_name": "Nobody"}, "untrusted"),
    ],
)
def test_a_path_failure_denies_in_every_mode(overrides: CertificateOverrides, code: str, mode: RevocationMode) -> None:
    """The status is invalid, and nobody is asked for evidence."""
    chained = chain(leaf=overrides | CRL)
    outcome = ask(chained.leaf, chained.store, policy=Policy(revocation_mode=mode))
    assert (("deny", "invalid", code), ()) == (summary(outcome.verdict), outcome.rounds)
    assert certificate(chained.leaf) == outcome.verdict.certificate
    assert frozenset() == outcome.verdict.authorized_policies


def test_the_path_is_given_where_an_anchor_was_reached() -> None:
    """Leaf first, without the anchor, nothing of it reached."""
    chained = chain(leaf={"not_after": NOW - days(1)})
    verdict = ask(chained.leaf, chained.store).verdict
    assert [certificate(chained.leaf), certificate(chained.sub)] == [one.certificate for one in verdict.path]
    assert (["not_reached", "not_reached"], certificate(ROOT)) == (list(statuses(verdict)), verdict.anchor)


@pytest.mark.parametrize(
    ("leaf", "failure"),
    [
        (STRANGER.issue("leaf"), NoIssuer(certificate(STRANGER.issue("leaf")))),
        (STRANGER, SelfSignedLeaf(certificate(STRANGER))),
    ],
    ids=["of an unknown authority", "self-signed"],
)
def test_no_path_is_given_where_no_anchor_was_reached(leaf: Authority, failure: NoIssuer | SelfSignedLeaf) -> None:
    """There is none."""
    verdict = ask(leaf, PLAIN.store).verdict
    assert ((), None, failure) == (verdict.path, verdict.anchor, verdict.failure)


def test_a_leaf_that_is_an_anchor_is_validated_all_the_same() -> None:
    """Validity and purpose count; the path is the leaf itself."""
    root = ROOT.reissue(not_after=NOW - days(1))
    verdict = ask(root, trusting(root)).verdict
    assert (("deny", "invalid", "expired"), ["not_reached"]) == (summary(verdict), list(statuses(verdict)))
    assert certificate(root) == verdict.anchor


def test_an_allow_carries_everything() -> None:
    """The policies that the path agrees on, the path and its anchor, and no failure."""
    chained = chain(leaf={"policies": ["1.2.3", "1.2.4"]}, sub={"policies": ["1.2.3", "1.2.5"]})
    verdict = ask(chained.leaf, chained.store).verdict
    assert (frozenset({"1.2.3"}), None) == (verdict.authorized_policies, verdict.failure)
    assert (certificate(chained.leaf), certificate(ROOT)) == (verdict.certificate, verdict.anchor)
    assert ALLOWED_UNANSWERED == summary(verdict)


@pytest.mark.parametrize("reason", ["revoked", "revocation_unavailable", "policy_violation"])
def test_the_policies_that_a_deny_withholds(reason: str) -> None:
    """Those of a path that is valid but for revocation; a deny itself authorizes none."""
    policies = ["1.2.3"] if reason != "policy_violation" else ["1.2.4"]
    chained = chain(leaf={"policies": policies, **CRL}, sub={"policies": ["1.2.3", "1.2.5"]})
    held = Shelf((chained.sub.crl(revoked=[chained.leaf.serial]),)) if reason == "revoked" else Shelf()
    policy = Policy(policies=PolicyInputs(require_explicit_policy=True))
    verdict = ask(chained.leaf, chained.store, held=held, policy=policy).verdict
    withheld = frozenset({"1.2.3"}) if reason != "policy_violation" else frozenset[str]()
    assert (reason, frozenset(), withheld) == (verdict.code, verdict.authorized_policies, verdict.withheld_policies)


def test_the_purpose_is_the_callers() -> None:
    """A server's certificate allows where a server is asked about."""
    chained = chain(leaf={"extended_key_usage": "serverAuth"})
    verdict = ask(chained.leaf, chained.store, policy=Policy(key_purpose=KeyPurpose.SERVER)).verdict
    assert ALLOWED_UNANSWERED == summary(verdict)


# --- budgets ---------------------------------------------------------------------------------------------------------

PATH_SIGNATURES: Final = 3
"""Whether the leaf is self-signed, the leaf's own, and Sub's."""


def limited(**limits: int) -> Policy:
    """The defaults with less to spend."""
    return Policy(limits=replace(Limits(), **limits))


@pytest.mark.parametrize(("resource", "needed"), [("signatures", PATH_SIGNATURES), ("steps", 2), ("paths", 1)])
def test_a_path_costs_what_it_costs(resource: str, needed: int) -> None:
    """Exactly enough allows, one less is a verdict of its own that names what ran out."""
    enough, short = (
        ask(PLAIN.leaf, PLAIN.store, policy=limited(**{resource: limit})).verdict for limit in (needed, needed - 1)
    )
    assert [ALLOWED_UNANSWERED, EXHAUSTED] == [summary(enough), summary(short)]
    assert BudgetExhausted(resource, needed - 1) == short.failure


def test_a_budget_that_ends_before_an_anchor_gives_no_path() -> None:
    """None was reached."""
    verdict = ask(PLAIN.leaf, PLAIN.store, policy=limited(signatures=2)).verdict
    assert (EXHAUSTED, (), None) == (summary(verdict), verdict.path, verdict.anchor)


def test_a_budget_that_ends_behind_an_anchor_gives_the_path() -> None:
    """It was built before the budget ran out on the signature of an OCSP answer."""
    chained = chain(leaf=OCSP)
    held = Shelf(ocsp=(chained.sub.ocsp(chained.leaf),))
    enough, short = (
        ask(chained.leaf, chained.store, held=held, policy=limited(signatures=PATH_SIGNATURES + more)).verdict
        for more in (1, 0)
    )
    assert [ALLOWED_UNANSWERED, EXHAUSTED] == [summary(enough), summary(short)]
    assert ["not_reached", "not_reached"] == list(statuses(short))
    assert (certificate(chained.leaf), certificate(ROOT)) == (short.path[0].certificate, short.anchor)


@pytest.mark.parametrize(("signatures", "certificates"), [(2, 0), (4, 2)], ids=["before an anchor", "behind it"])
def test_a_dead_end_before_the_budget_ends_is_no_path(signatures: int, certificates: int) -> None:
    """A namesake of Sub, whose key signed the leaf or did not, gives none: only what reached an anchor is given."""
    tried_first = certificates == 0
    chained = chain(leaf={"authority_key_identifier": b"namesake"} if tried_first else {"not_after": NOW - days(1)})
    namesakes = [
        ROOT.subordinate("Sub", key=key("p256", number), subject_key_identifier=b"namesake")
        if tried_first
        # The same key, which comes last without cRLSign: other keys are not tried once it has verified the leaf.
        else Authority.root(f"Stranger {number}").cross_sign(chained.sub, key_usage={"keyCertSign"})
        for number in (7, 8)
    ]
    store = trusting(ROOT, chained.sub, *namesakes)
    verdict = ask(chained.leaf, store, policy=limited(signatures=signatures)).verdict
    assert (EXHAUSTED, certificates) == (summary(verdict), len(verdict.path))
    assert (None if tried_first else certificate(ROOT)) == verdict.anchor


@pytest.mark.parametrize("overrides", [{"not_after": NOW - days(1)}, CRL], ids=["path failure", "unavailable"])
def test_a_spent_budget_comes_before_every_other_failure(overrides: CertificateOverrides) -> None:
    """Two paths fail alike: whether the second one does is not known, and so neither is the answer."""
    chained = chain(leaf=overrides)
    store = trusting(ROOT, chained.sub, ROOT_2, ROOT_2.cross_sign(chained.sub))
    verdicts = [ask(chained.leaf, store, policy=limited(paths=paths)).verdict for paths in (1, 2)]
    exhausted, failed = verdicts
    assert (EXHAUSTED, BudgetExhausted("paths", 1)) == (summary(exhausted), exhausted.failure)
    assert "budget_exhausted" != failed.code.value
    assert 2 == len(exhausted.path)


def test_a_path_that_allows_needs_no_more_budget() -> None:
    """What other paths would cost is not asked."""
    chained = chain()
    store = trusting(ROOT, chained.sub, ROOT_2, ROOT_2.cross_sign(chained.sub))
    assert ALLOWED_UNANSWERED == summary(ask(chained.leaf, store, policy=limited(paths=1)).verdict)


def test_a_path_longer_than_the_limit_is_no_path() -> None:
    """The limit counts the certificates between leaf and anchor."""
    verdicts = [ask(PLAIN.leaf, PLAIN.store, policy=limited(path_length=length)).verdict for length in (1, 0)]
    assert [ALLOWED_UNANSWERED, ("deny", "invalid", "constraint_violation")] == [summary(one) for one in verdicts]


@pytest.mark.parametrize(
    ("leaf", "known"),
    [(certificate(PLAIN.leaf), certificate(PLAIN.leaf)), (Malformed("truncated DER"), None)],
    ids=["readable", "malformed"],
)
def test_the_shell_may_give_up(leaf: Certificate | Malformed, known: Certificate | None) -> None:
    """It went for evidence as often as it may: the verdict is that of a spent budget, for the next five seconds."""
    verdict = give_up("rounds", 16, AssessmentRequest(leaf, PLAIN.store), Policy(), NOW)
    assert (EXHAUSTED, BudgetExhausted("rounds", 16)) == (summary(verdict), verdict.failure)
    assert known == verdict.certificate
