"""The verdict with one piece of its evidence replaced: whatever the piece is, nothing is allowed that nobody signed.

A small PKI in which everything is good stands around the piece: a root, an authority below it, a leaf, CRLs and OCSP
answers about both. The service's own validator decides, with what came in the request and nothing else.

Rules: all keys are Ed25519, whose signatures have one form only, so that a changed certificate or CRL is never an
authentic one. Of an OCSP answer the signed part counts: the rest may change and stay true.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from service.api.answer_document import answer_document
from service.api.reply import json_reply
from service.application.inline_evidence import read_inline_evidence
from service.application.observer import DecisionDetails
from service.application.validate import ValidationRequest
from service.core.der.certificate import read_certificate
from service.core.der.ocsp import ResponderError, read_ocsp_response
from service.core.model.certificate import Certificate
from service.core.model.failure import Malformed
from service.core.model.malformed import MalformedError
from service.core.model.policy import Policy, RevocationMode, RevocationScope
from service.core.model.verdict import Decision, Verdict
from tests.api.fakes import OneId, RememberingObserver, StandingClock
from tests.api.world import World
from tests.pki import NOW, Authority, DistributionPoint, IssuingDistributionPoint, hours, key

STORE: Final = "default"
CRL_URL: Final = "http://crl.example/"
OCSP_URL: Final = "http://ocsp.example/"
REQUIRE: Final = Policy(revocation_mode=RevocationMode.REQUIRE)
LEAF_ALONE: Final = Policy(revocation_mode=RevocationMode.REQUIRE, revocation_scope=RevocationScope.LEAF)

ROOT: Final = Authority.root("Root", key=key("ed25519", 1))
SUB: Final = ROOT.subordinate("Sub", key=key("ed25519", 2), path_length=0, crl_urls=CRL_URL, ocsp_urls=OCSP_URL)
LEAF: Final = SUB.issue("leaf", key=key("ed25519", 3), crl_urls=CRL_URL, ocsp_urls=OCSP_URL)
DELEGATE: Final = SUB.ocsp_responder("OCSP", key=key("ed25519", 4))
LISTER: Final = ROOT.subordinate("Lister", key=key("ed25519", 5), path_length=0, key_usage=frozenset({"cRLSign"}))
LISTED: Final = SUB.issue(
    "listed", key=key("ed25519", 6), crl_urls=[DistributionPoint([CRL_URL], crl_issuer=LISTER.subject)]
)

ROOT_CRL: Final = ROOT.crl()
CRL: Final = SUB.crl()
REVOKING_CRL: Final = SUB.crl(revoked=[LEAF.serial], number=2)
DELTA: Final = SUB.crl(revoked=[LEAF.serial], number=2, delta_base=1)
INDIRECT_CRL: Final = LISTER.crl(idp=IssuingDistributionPoint([CRL_URL], indirect=True))
ANSWER: Final = SUB.ocsp(LEAF)
REVOKING_ANSWER: Final = SUB.ocsp(LEAF, status="revoked")
DELEGATED_ANSWER: Final = SUB.ocsp(LEAF, responder=DELEGATE)

ISSUED: Final = frozenset({ROOT.der, SUB.der, LEAF.der, DELEGATE.der, LISTER.der, LISTED.der})
"""Every certificate that somebody signed."""


@dataclass(frozen=True, slots=True)
class Question:
    """What the validator is asked."""

    leaf: bytes = LEAF.der
    intermediates: tuple[bytes, ...] = (SUB.der,)
    crls: tuple[bytes, ...] = ()
    ocsp: tuple[bytes, ...] = ()
    policy: Policy = LEAF_ALONE


@dataclass(frozen=True, slots=True)
class Scenario:
    """One piece that is replaced.

    Attributes:
        good: What stands there before.
        ask: The question with anything else in its place.
        may_allow: Whether something in its place is as good.
    """

    good: bytes
    ask: Callable[[bytes], Question]
    may_allow: Callable[[bytes], bool]


def _signed_part(octets: bytes) -> bytes | None:
    try:
        return bytes(read_ocsp_response(octets).signature.signed)
    except (MalformedError, ResponderError):
        return None


_GOOD_ANSWERS: Final = frozenset(map(_signed_part, (ANSWER, DELEGATED_ANSWER)))


def _is_issued(piece: bytes) -> bool:
    return piece in ISSUED


def _is_good_answer(piece: bytes) -> bool:
    return _signed_part(piece) in _GOOD_ANSWERS


def _never(_: bytes) -> bool:
    return False


SCENARIOS: Final[Mapping[str, Scenario]] = {
    "leaf": Scenario(LEAF.der, lambda piece: Question(piece, crls=(CRL, ROOT_CRL), policy=REQUIRE), _is_issued),
    "intermediate": Scenario(
        SUB.der, lambda piece: Question(intermediates=(piece,), crls=(CRL, ROOT_CRL), policy=REQUIRE), _is_issued
    ),
    "CRL": Scenario(CRL, lambda piece: Question(crls=(piece,)), lambda piece: piece == CRL),
    "OCSP answer": Scenario(ANSWER, lambda piece: Question(ocsp=(piece,)), _is_good_answer),
    "delegate": Scenario(
        DELEGATE.der,
        lambda piece: Question(ocsp=(SUB.ocsp(LEAF, responder=DELEGATE, certificates=[piece]),)),
        _is_issued,
    ),
    "issuer of an indirect CRL": Scenario(
        LISTER.der,
        lambda piece: Question(LISTED.der, (SUB.der, piece), (INDIRECT_CRL, ROOT_CRL)),
        _is_issued,
    ),
    "CRL beside one that revokes": Scenario(CRL, lambda piece: Question(crls=(REVOKING_CRL, piece)), _never),
    "CRL beside an answer that revokes": Scenario(
        CRL, lambda piece: Question(crls=(piece,), ocsp=(REVOKING_ANSWER,)), _never
    ),
    "answer beside one that revokes": Scenario(ANSWER, lambda piece: Question(ocsp=(REVOKING_ANSWER, piece)), _never),
    "answer beside a CRL that revokes": Scenario(
        ANSWER, lambda piece: Question(crls=(REVOKING_CRL,), ocsp=(piece,)), _never
    ),
    "complete CRL below a delta that revokes": Scenario(CRL, lambda piece: Question(crls=(piece, DELTA)), _never),
    "indirect CRL": Scenario(
        INDIRECT_CRL,
        lambda piece: Question(LISTED.der, (SUB.der, LISTER.der), (piece, ROOT_CRL)),
        lambda piece: piece == INDIRECT_CRL,
    ),
}
"""By what is replaced. The first octet of the input says which, in this order; new ones go last."""


class _ForgetfulObserver(RememberingObserver):
    """Is told of decisions and keeps none: there are millions."""

    def decided(self, details: DecisionDetails) -> None:
        """Forget it."""


# What is asked about lies in the past, so that inline evidence alone counts and nothing is fetched.
_CLOCK: Final = StandingClock(NOW + hours(1))
_WORLD: Final = World(stores={STORE: (ROOT,)}, clock=_CLOCK, ids=OneId("decision"), observer=_ForgetfulObserver())
_VALIDATOR: Final = _WORLD.services().validator


def ask(question: Question) -> Verdict:
    """What the service decides; that the answer can be written down is part of it."""
    certificates = (_read(der) for der in question.intermediates)
    request = ValidationRequest(
        leaf=_read(question.leaf),
        intermediates=tuple(one for one in certificates if isinstance(one, Certificate)),
        trust_store=STORE,
        policy=question.policy,
        at=NOW,
        evidence=read_inline_evidence(question.crls, question.ocsp),
    )
    answer = asyncio.run(_VALIDATOR.validate(request))
    assert json_reply(200, answer_document(answer)).body
    return answer.verdict


def _read(der: bytes) -> Certificate | Malformed:
    try:
        return read_certificate(der)
    except MalformedError as error:
        return Malformed(error.reason)


def verdict(octets: bytes) -> None:
    """Replace one piece and see that it does not help."""
    scenarios = tuple(SCENARIOS.values())
    if not octets or octets[0] >= len(scenarios):
        return
    scenario, piece = scenarios[octets[0]], octets[1:]
    found = ask(scenario.ask(piece))
    if found.decision is Decision.ALLOW:
        assert all(element.certificate.der in ISSUED for element in found.path)
        assert scenario.may_allow(piece)
