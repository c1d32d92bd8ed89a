"""OCSP against CRL: everything that one can say beside everything that the other can say, in every order.

All evidence of the methods that are admitted counts: a current `revoked` wins, then a current `good`; `unknown`, and
what is stale or absent, say nothing. The order tells what is fetched first, and changes no verdict about what is there.
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from typing import Final, Literal, assert_never

from service.core.model.policy import EvidenceOrder
from tests.conformance.case import NOTHING, REQUIRING, Case, Corpus, Evidence, Expected, Otherwise
from tests.conformance.corpora.making import (
    ABOUT_SUB,
    LEAF,
    LEAF_REVOKED,
    LEAF_UNANSWERED,
    ROOT,
    SOUND,
    SUB,
    SUB_REVOKED,
    SUB_UNANSWERED,
    UNREACHED,
    case,
    crls,
    ocsp,
)
from tests.pki import NOW, Authority, Issued, hours

State = Literal["good", "revoked", "unknown", "stale", "absent"]
"""What one method says; what is stale has said good."""

Subject = Literal["leaf", "intermediate"]

_CRL: Final[tuple[State, ...]] = ("good", "revoked", "stale", "absent")
_OCSP: Final[tuple[State, ...]] = ("good", "revoked", "unknown", "stale", "absent")
_SUBJECTS: Final[tuple[Subject, ...]] = ("leaf", "intermediate")


def methods() -> Corpus:
    """Every pair, about the leaf and about the intermediate."""
    return Corpus(
        "OCSP against CRL",
        "what one method revokes is revoked, whatever the other says, in whatever order",
        (*(_case(*one) for one in product(_SUBJECTS, EvidenceOrder, _CRL, _OCSP)), *_worthless()),
    )


def _case(subject: Subject, order: EvidenceOrder, crl: State, answer: State) -> Case:
    match subject:
        case "leaf":
            asked, other = _evidence(SUB, LEAF, crl, answer), _evidence(ROOT, SUB.issued, "good", "good")
        case "intermediate":
            asked, other = _evidence(ROOT, SUB.issued, crl, answer), _evidence(SUB, LEAF, "good", "good")
        case _:
            assert_never(subject)
    return case(
        f"{subject}-{order}-crl-{crl}-ocsp-{answer}",
        f"{order}: the CRL about the {subject} is {crl}, OCSP is {answer}; revoked before good before nothing.",
        (LEAF, SUB),
        asked + other,
        _expected(subject, order, crl, answer),
        policy=replace(REQUIRING, evidence_order=order),
        prefetched=_prefetched(subject, order, crl, answer),
    )


def _prefetched(subject: Subject, order: EvidenceOrder, crl: State, answer: State) -> Otherwise | None:
    """Without CRLs among the methods, none has to be brought in."""
    if order is EvidenceOrder.OCSP_ONLY:
        return None
    return UNREACHED if _expected(subject, order, crl, answer) == SUB_REVOKED else None


def _evidence(issuer: Authority, certificate: Issued, crl: State, answer: State) -> Evidence:
    return _crl(issuer, certificate, crl) + _ocsp(issuer, certificate, answer)


def _crl(issuer: Authority, certificate: Issued, state: State) -> Evidence:
    match state:
        case "good":
            return crls(issuer.crl())
        case "revoked":
            return crls(issuer.crl(revoked=[certificate.serial]))
        case "stale":
            return crls(issuer.crl(next_update=NOW - hours(1)))
        case _:
            return NOTHING


def _ocsp(issuer: Authority, certificate: Issued, state: State) -> Evidence:
    match state:
        case "good" | "revoked" | "unknown":
            return ocsp(issuer.ocsp(certificate, status=state))
        case "stale":
            return ocsp(issuer.ocsp(certificate, next_update=NOW - hours(1)))
        case _:
            return NOTHING


def _expected(subject: Subject, order: EvidenceOrder, crl: State, answer: State) -> Expected:
    said: set[State] = set()
    if order is not EvidenceOrder.OCSP_ONLY:
        said.add(crl)
    if order is not EvidenceOrder.CRL_ONLY:
        said.add(answer)
    if "revoked" in said:
        return LEAF_REVOKED if subject == "leaf" else SUB_REVOKED
    if "good" in said:
        return SOUND
    return LEAF_UNANSWERED if subject == "leaf" else SUB_UNANSWERED


def _worthless() -> Iterator[Case]:
    """Revoked by what does not count, beside what does."""
    listed, late = [LEAF.serial], NOW - hours(1)
    rows = {
        "crl-stale-revoked-ocsp-good": (SUB.crl(revoked=listed, next_update=late), SUB.ocsp(LEAF)),
        "crl-forged-revoked-ocsp-good": (SUB.crl(revoked=listed, corrupt_signature=True), SUB.ocsp(LEAF)),
        "crl-good-ocsp-stale-revoked": (SUB.crl(), SUB.ocsp(LEAF, status="revoked", next_update=late)),
        "crl-good-ocsp-forged-revoked": (SUB.crl(), SUB.ocsp(LEAF, status="revoked", corrupt_signature=True)),
    }
    for name, (crl, answer) in rows.items():
        rule = "What is stale or forged does not count, whatever it says (RFC 5280 §6.3.3, RFC 6960 §3.2)."
        yield case(name, rule, (LEAF, SUB), ABOUT_SUB + crls(crl) + ocsp(answer), SOUND)
