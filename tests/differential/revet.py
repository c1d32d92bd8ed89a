"""Revet as a judge: the core, with the service's own gathering around it and all evidence inline."""

import asyncio
from typing import Final

from service.core.model.failure import Code
from service.core.model.policy import EvidenceOrder, Policy, RevocationMode
from tests.conformance.answer import NoAnswer
from tests.conformance.case import Case, Evidence, Expected
from tests.conformance.core import ask_core
from tests.differential.draft import Method, Scenario
from tests.differential.outcome import Outcome, Said
from tests.pki import NOW

_MODES: Final = {
    Method.NONE: (RevocationMode.OFF, EvidenceOrder.CRL_FIRST),
    Method.CRL: (RevocationMode.REQUIRE, EvidenceOrder.CRL_ONLY),
    Method.OCSP: (RevocationMode.REQUIRE, EvidenceOrder.OCSP_ONLY),
}
_SAID: Final = {
    Code.OK: Said.ALLOWED,
    Code.REVOKED: Said.REVOKED,
    Code.REVOCATION_UNAVAILABLE: Said.UNANSWERED,
}
_UNUSED: Final = Expected(Code.OK, None)  # type: ignore[arg-type]  # nobody knows the right answer: that is the point


def judge(scenario: Scenario) -> Outcome:
    """Take a scenario to its verdict.

    Raises:
        RuntimeError: The service had none.
    """
    answer = asyncio.run(ask_core(as_case(scenario)))
    if isinstance(answer, NoAnswer):
        raise RuntimeError(answer.problem)  # noqa: TRY004 - no wrong type: the service failed
    said = _SAID.get(Code(answer.code), Said.REFUSED)
    return Outcome(said, answer.authorized_policies if said is Said.ALLOWED else None, str(answer))


def as_case(scenario: Scenario) -> Case:
    """A scenario in the form in which conformance cases are asked."""
    mode, order = _MODES[scenario.draft.method]
    leaf, *between = scenario.path
    return Case(
        name="generated",
        rule="",
        leaf=leaf,
        trusted=(scenario.root,),
        intermediates=(*between, *scenario.beside),
        evidence=Evidence(scenario.crls, tuple(reply for _, reply in scenario.replies)),
        policy=Policy(revocation_mode=mode, evidence_order=order, policies=scenario.draft.inputs),
        at=NOW,
        expected=_UNUSED,
    )
