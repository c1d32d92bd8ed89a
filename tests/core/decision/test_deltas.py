"""Delta CRLs (RFC 5280 §5.2.4): where they are looked for, and what they change."""

from typing import Final

import pytest

from service.core.model.policy import Policy, RevocationMode
from tests.core.decision.chains import ALLOWED, REVOKED, ROOT, summary
from tests.core.decision.shell import CRL_URL, Shelf, ask, trusting
from tests.pki.extensions import Reason

SUB: Final = ROOT.subordinate("Sub", crl_urls=CRL_URL)
LEAF: Final = SUB.issue("leaf", crl_urls=CRL_URL)
ROOT_CRL: Final = ROOT.crl()
REQUIRE: Final = Policy(RevocationMode.REQUIRE)


@pytest.mark.parametrize("named_by", ["certificate", "base"])
def test_deltas_are_looked_for_where_they_are_named(named_by: str) -> None:
    """RFC 5280 §6.3.3 (a): freshestCRL of the certificate or of the complete CRL; without one nobody asks."""
    url = "http://crl.example/delta"
    leaf = SUB.issue("leaf", freshest_crl_urls=url if named_by == "certificate" else None, crl_urls=CRL_URL)
    base = SUB.crl(number=1, freshest_crl_urls=url if named_by == "base" else None)
    delta = SUB.crl(number=2, delta_base=1, revoked=[leaf.serial])
    store, held = trusting(ROOT, SUB), Shelf((ROOT_CRL, base))
    found = ask(leaf, store, held=held, origin=Shelf((delta,)), policy=REQUIRE)
    assert (REVOKED, frozenset({"leaf crl freshest"})) == (summary(found.verdict), found.rounds[-1])
    assert ALLOWED == summary(ask(leaf, store, held=held, policy=REQUIRE).verdict)
    plain = ask(LEAF, store, held=Shelf((ROOT_CRL, SUB.crl(number=1))), origin=Shelf((delta,)), policy=REQUIRE)
    assert ALLOWED == summary(plain.verdict)


def test_a_hold_may_be_lifted_by_a_delta() -> None:
    """What is on hold is asked about; what is revoked for good is not."""
    leaf = SUB.issue("leaf", freshest_crl_urls="http://crl.example/delta", crl_urls=CRL_URL)
    delta = SUB.crl(number=2, delta_base=1, revoked={leaf.serial: "removeFromCRL"})
    cases: list[tuple[Reason, tuple[str, str, str]]] = [("certificateHold", ALLOWED), ("keyCompromise", REVOKED)]
    for reason, expected in cases:
        base = SUB.crl(number=1, revoked={leaf.serial: reason})
        found = ask(leaf, trusting(ROOT, SUB), held=Shelf((ROOT_CRL, base)), origin=Shelf((delta,)), policy=REQUIRE)
        assert expected == summary(found.verdict)
