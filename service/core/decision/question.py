"""A question about the revocation of one certificate of a valid path, and what comes of it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from service.core.model.budget import Budget
from service.core.model.certificate import Certificate
from service.core.model.evidence import Evidence, Wanted
from service.core.model.policy import Policy
from service.core.model.trust_store import TrustStore
from service.core.model.verdict import Revocation
from service.core.path.certification_path import CertificationPath


@dataclass(frozen=True, slots=True)
class Inquiry:
    """Everything that one assessment has in common.

    Attributes:
        store: Anchors and intermediates; the certificates of CRL signers are found there as well.
    """

    evidence: Evidence
    policy: Policy
    at: datetime
    budget: Budget
    store: TrustStore

    def about(self, path: CertificationPath) -> "Question":
        """The question about certificates of one path."""
        return Question(self.evidence, self.policy, self.at, self.budget, self.store, path)


@dataclass(frozen=True, slots=True)
class Question(Inquiry):
    """Everything that asking about certificates of one path has in common.

    Attributes:
        path: The path; CRL signers need one to the same anchor.
        pending: CRL signers whose own revocation is being asked about.
    """

    path: CertificationPath
    pending: frozenset[Certificate] = frozenset()


@dataclass(frozen=True, slots=True)
class Checked:
    """Everything that can be known of one certificate is known.

    Attributes:
        is_needed: Whether the mode asks for an answer about it.
    """

    revocation: Revocation
    is_needed: bool


@dataclass(frozen=True, slots=True)
class Missing:
    """It depends on evidence that nobody has looked for yet."""

    wanted: frozenset[Wanted]


def together(missing: Iterable[Missing]) -> Missing:
    """Everything that several questions lack."""
    return Missing(frozenset().union(*(one.wanted for one in missing)))
