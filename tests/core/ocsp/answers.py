"""A small PKI around one certificate, and OCSP answers about it as the core reads them.

Rules: everything is signed for real by `tests.pki` and read by `service.core.der`; nothing here judges.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from service.core.der.certificate import read_certificate
from service.core.der.ocsp import read_ocsp_response
from service.core.model.budget import Budget, Limits
from service.core.model.certificate import Certificate
from service.core.model.evidence_tier import Tier
from service.core.model.judgement import Judgement
from service.core.model.ocsp import OcspFinding
from service.core.model.policy import Policy
from service.core.ocsp.judging import DelegateCheck, judge_answers, signed_answers
from tests.pki import NOW, Authority, Issued

ROOT: Final = Authority.root("Root")
SUB: Final = ROOT.subordinate("Sub")
LEAF: Final = SUB.issue("leaf")
OTHER: Final = SUB.issue("other")
STRANGER: Final = Authority.root("Stranger")
DELEGATE: Final = SUB.ocsp_responder("OCSP")

URL: Final = "http://ocsp.example/"


def certificate(issued: Issued | Authority) -> Certificate:
    """A certificate as the core reads it."""
    return read_certificate(issued.der)


def finding(answer: bytes, source: str = URL, tier: Tier = Tier.ORIGIN, nonce: bytes | None = None) -> OcspFinding:
    """An answer as the core receives it, to a request with this nonce."""
    return OcspFinding(read_ocsp_response(answer), source, tier, nonce)


def judge(
    *findings: OcspFinding,
    delegates: Mapping[Certificate, DelegateCheck] | None = None,
    policy: Policy | None = None,
    at: datetime = NOW,
) -> Judgement:
    """What answers say of the leaf, taken through both steps."""
    rules = policy or Policy()
    answers, refused = signed_answers(findings, certificate(LEAF), certificate(SUB), rules, at, Budget(Limits()))
    judgement = judge_answers(answers, delegates or {}, rules, at)
    return Judgement(judgement.answer, (*refused, *judgement.attempts))
