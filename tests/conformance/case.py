"""A case: one question with its evidence, and the answer that the standards ask for.

Rules: a case is octets and values, nothing of the service's own reading of them; what it does not say is as an operator
finds it. Every case names in one sentence what it proves, with the paragraph that says so.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from random import Random
from typing import Final

from service.core.model.failure import Code
from service.core.model.policy import Policy, RevocationMode
from service.core.model.verdict import Decision, RevocationStatus, Status
from tests.pki import NOW

REQUIRING: Final = Policy(revocation_mode=RevocationMode.REQUIRE)
"""Every certificate of the path needs an answer: nothing is allowed for want of a question."""


@dataclass(frozen=True, slots=True)
class Expected:
    """The answer that is right.

    Attributes:
        path: What is known of each certificate's revocation, leaf first; None where the case is not about it.
        authorized_policies: The user-constrained policy set; None where the case is not about it.
    """

    code: Code
    status: Status
    path: tuple[RevocationStatus, ...] | None = None
    authorized_policies: frozenset[str] | None = None

    @property
    def decision(self) -> Decision:
        """Only `ok` allows."""
        return Decision.ALLOW if self.code is Code.OK else Decision.DENY


GOOD: Final = Expected(Code.OK, Status.GOOD)
UNANSWERED: Final = Expected(Code.OK, Status.UNKNOWN)
"""Allowed, and something in scope went without an answer."""
REVOKED: Final = Expected(Code.REVOKED, Status.REVOKED)
UNAVAILABLE: Final = Expected(Code.REVOCATION_UNAVAILABLE, Status.UNKNOWN)


def refused(code: Code) -> Expected:
    """Denied for what is wrong with the path."""
    return Expected(code, Status.INVALID)


@dataclass(frozen=True, slots=True)
class Evidence:
    """Signed evidence as DER, in the order in which it is given."""

    crls: tuple[bytes, ...] = ()
    ocsp: tuple[bytes, ...] = ()

    def __add__(self, other: "Evidence") -> "Evidence":
        """Both, this one first."""
        return Evidence(self.crls + other.crls, self.ocsp + other.ocsp)


NOTHING: Final = Evidence()


@dataclass(frozen=True, slots=True)
class Otherwise:
    """Another answer that is as right, on the path that production takes: never another decision, status or code.

    Attributes:
        because: Why, in one sentence.
    """

    expected: Expected
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One question.

    Attributes:
        name: Unique within its corpus.
        rule: What it proves, in one sentence, with the paragraph.
        leaf: The certificate in question.
        trusted: The trust store: self-signed certificates are anchors, the others intermediates.
        intermediates: What comes with the request.
        policy: What is asked, and of what an operator has set.
        at: The moment in question.
        responders: What OCSP responders answer, by URL; of nothing else is anything fetched. Such a URL belongs to one
            case, and to one certificate.
        prefetched: What is answered where the CRLs were brought in beforehand, if that is something else.
    """

    name: str
    rule: str
    leaf: bytes
    trusted: tuple[bytes, ...]
    intermediates: tuple[bytes, ...] = ()
    evidence: Evidence = NOTHING
    policy: Policy = REQUIRING
    at: datetime = NOW
    responders: tuple[tuple[str, bytes], ...] = ()
    expected: Expected
    prefetched: Otherwise | None = None

    def shuffled(self) -> "Case":
        """The same with intermediates and evidence in another order, which is the same on every run."""
        chance = Random(self.name)  # noqa: S311 - an order, and no secret
        crls, ocsp = (_moved(given, chance) for given in (self.evidence.crls, self.evidence.ocsp))
        return replace(self, intermediates=_moved(self.intermediates, chance), evidence=Evidence(crls, ocsp))


def _moved(items: tuple[bytes, ...], chance: Random) -> tuple[bytes, ...]:
    """Another order, unless all are the same."""
    moved = list(items)
    while len(set(items)) > 1 and tuple(moved) == items:
        chance.shuffle(moved)
    return tuple(moved)


@dataclass(frozen=True, slots=True)
class Corpus:
    """Cases that belong together: a row of the table.

    Attributes:
        proves: What all of them show together, in one sentence.
    """

    name: str
    proves: str
    cases: tuple[Case, ...]
