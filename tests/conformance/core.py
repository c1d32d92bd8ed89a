"""The core as a judge: `assess`, with the service's own gathering of evidence around it.

Each verdict is reached a second time, from what would be kept of the decision (`replay`).
"""

from collections.abc import Iterable

from service.application.gather import GatherRequest, Sources
from service.application.inline_evidence import read_inline_evidence
from service.application.replay.case import ReplayCase, replay
from service.application.replay.document import read_case, write_case
from service.core.decision.assessment import AssessmentRequest, assess
from service.core.der.certificate import read_certificate
from service.core.model.certificate import Certificate
from service.core.model.evidence import Evidence
from service.core.model.failure import Malformed
from service.core.model.malformed import MalformedError
from service.core.model.verdict import Verdict
from service.core.path.trust_store import build_trust_store, with_intermediates
from tests.conformance.answer import Answer, Element, NoAnswer
from tests.conformance.case import Case
from tests.conformance.world import empty_host


async def ask_core(case: Case) -> Answer | NoAnswer:
    """Take a case to its verdict; an exception is no answer."""
    try:
        verdict = await _verdict(case)
    except Exception as error:  # noqa: BLE001 - whatever it is, it counts against the service
        return NoAnswer(f"{type(error).__name__}: {error}")
    return NoAnswer("no verdict after the last round") if verdict is None else _answer(verdict)


async def _verdict(case: Case) -> Verdict | None:
    leaf, trusted = _read(case.leaf), build_trust_store("trusted", _readable(case.trusted))
    request = AssessmentRequest(leaf, with_intermediates(trusted, _readable(case.intermediates)))
    inline = read_inline_evidence(case.evidence.crls, case.evidence.ocsp)
    sources = Sources.ALL if case.responders else Sources.HELD
    gathering, gather = (
        GatherRequest(inline, sources, deadline=1.0),
        empty_host().gatherer(case.policy, dict(case.responders)).gather,
    )
    evidence = Evidence()
    for _ in range(case.policy.limits.rounds + 1):
        outcome = assess(request, evidence, case.policy, case.at)
        if isinstance(outcome, Verdict):
            kept = write_case(ReplayCase(request, evidence, case.policy, case.at))
            assert outcome == replay(read_case(kept)), "a replay comes to another verdict"
            return outcome
        evidence = await gather(outcome.wanted, evidence, gathering)
    return None


def _read(der: bytes) -> Certificate | Malformed:
    try:
        return read_certificate(der)
    except MalformedError as error:
        return Malformed(error.reason)


def _readable(certificates: Iterable[bytes]) -> tuple[Certificate, ...]:
    """Those that parse; the others are ignored."""
    return tuple(one for one in map(_read, certificates) if isinstance(one, Certificate))


def _answer(verdict: Verdict) -> Answer:
    return Answer(
        verdict.decision,
        verdict.status,
        verdict.code,
        tuple(
            Element(element.certificate.fingerprint.hex(), element.revocation.status, element.revocation.method)
            for element in verdict.path
        ),
        verdict.authorized_policies,
    )
