"""Sentences that clients may read: nothing of an operator's, nothing of where evidence comes from, whatever failed."""

from dataclasses import replace
from typing import Final

import pytest

from service.application.public_wording import describe_publicly
from service.application.wording import describe, describe_failure
from service.core.model.attempt import Attempt, Problem
from service.core.model.block import Block, FingerprintMatch
from service.core.model.failure import Blocked, BudgetExhausted, Failure, NoIssuer, RevocationUnavailable
from service.core.model.verdict import Decision, Status, Verdict
from tests.application.test_wording import FAILURES, LEAF, NAMELESS, a_sentence, failure
from tests.pki import NOW, REVOKED_AT

SECRETS: Final = ("ticket 4711", "b1", "http", "crl.example", "404", "me")
BLOCK: Final = Block("b1", FingerprintMatch(bytes(32)), "ticket 4711 http://wiki.example/", REVOKED_AT, "me")


def denied(failed: Failure) -> Verdict:
    """A verdict that denies for that."""
    return Verdict(Decision.DENY, Status.INVALID, failed.code, failed, LEAF, (), None, frozenset(), NOW)


def words_of(text: str) -> set[str]:
    """What stands between blanks and signs."""
    return set(text.replace("(", " ").replace(")", " ").replace(":", " ").replace(".", " ").split())


@pytest.mark.parametrize("kind", FAILURES)
def test_every_failure(kind: type[Failure]) -> None:
    """It is a sentence, and the full one wherever that has nothing to hide."""
    text = describe_publicly(denied(failure(kind)))
    assert a_sentence(text), text
    assert not any(secret in text for secret in ("4711", "http", "crl.example", "404"))
    if kind not in {Blocked, RevocationUnavailable}:
        assert describe_failure(failure(kind)) == text


def test_a_block() -> None:
    """That it is, and nothing else; the full sentence has reason and id."""
    verdict = denied(Blocked(LEAF, BLOCK))
    assert "CN=leaf,O=Example is blocked here." == describe_publicly(verdict)
    assert "ticket 4711" in describe(verdict)
    assert not set(SECRETS) & words_of(describe_publicly(verdict))


@pytest.mark.parametrize("problem", Problem)
def test_evidence_that_cannot_be_had(problem: Problem) -> None:
    """That there is none, and nothing of who was asked and what became of it."""
    attempts = (Attempt("http://crl.example/", problem, "404"), Attempt("s3://bucket/key", problem, "denied"))
    verdict = denied(RevocationUnavailable(LEAF, attempts))
    assert "No usable answer about the revocation of CN=leaf,O=Example." == describe_publicly(verdict)


def test_a_spent_budget() -> None:
    """It is no secret."""
    verdict = denied(BudgetExhausted("signatures", 100))
    assert "Deciding would cost more than the limit of 100 signatures." == describe_publicly(verdict)


def test_an_allow() -> None:
    """As it is told to everybody."""
    verdict = replace(denied(failure(FAILURES[0])), decision=Decision.ALLOW, status=Status.GOOD, failure=None)
    assert describe(verdict) == describe_publicly(verdict)


@pytest.mark.parametrize("name", ["CN=Sub", ""])
def test_an_issuer_that_is_missing(name: str) -> None:
    """By its name; one without a name is said to have none."""
    certificate = replace(NAMELESS, issuer=replace(NAMELESS.issuer, text=name))
    expected = f"no other bears the name of its issuer, {name or 'which is empty'}."
    assert describe_publicly(denied(NoIssuer(certificate))).endswith(expected)
