"""Authorities whose DSA keys have no parameters of their own (RFC 3279 §2.3.2), from path to CRL and OCSP."""

from typing import Final

import pytest

from service.core.model.policy import Policy, RevocationMode, WeakAlgorithm
from tests.core.decision.shell import Shelf, ask, statuses, trusting
from tests.core.path.heirs import below, heir
from tests.pki import Authority, key

ROOT: Final = Authority.root("Root", key=key("dsa2048"))
SUB: Final = below(ROOT, "Sub", heir(0))
LEAF: Final = SUB.issue("leaf")
STORE: Final = trusting(ROOT, SUB)
POLICY: Final = Policy(
    revocation_mode=RevocationMode.REQUIRE, weak_algorithms=frozenset({WeakAlgorithm.DSA, WeakAlgorithm.SHA1})
)


@pytest.mark.parametrize(("revoked", "expected"), [((), "good"), ((LEAF.serial,), "revoked")])
def test_a_crl_under_an_inherited_key(revoked: tuple[int, ...], expected: str) -> None:
    """The list of such an authority verifies under its key with the parameters written in."""
    held = Shelf((SUB.crl(revoked=revoked), ROOT.crl()))
    verdict = ask(LEAF, STORE, held=held, policy=POLICY).verdict
    assert [expected, "good"] == list(statuses(verdict))
    assert ("allow" if expected == "good" else "deny") == verdict.decision


def test_an_answer_under_an_inherited_key() -> None:
    """So does an OCSP answer that it signs itself."""
    held = Shelf((ROOT.crl(),), (SUB.ocsp(LEAF),))
    verdict = ask(LEAF, STORE, held=held, policy=POLICY).verdict
    assert ("allow", ["good", "good"]) == (verdict.decision, list(statuses(verdict)))


def test_another_authoritys_list() -> None:
    """A list that another heir of the same issuer signed is nobody's."""
    namesake = below(ROOT, "Sub", heir(1))
    held = Shelf((namesake.crl(), ROOT.crl()))
    verdict = ask(LEAF, STORE, held=held, policy=POLICY).verdict
    assert ("deny", "revocation_unavailable") == (verdict.decision, verdict.code)


def test_dsa_needs_the_policys_leave() -> None:
    """An inherited key is a DSA key."""
    held = Shelf((SUB.crl(), ROOT.crl()))
    verdict = ask(LEAF, STORE, held=held).verdict
    assert ("deny", "weak_algorithm") == (verdict.decision, verdict.code)
