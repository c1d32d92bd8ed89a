"""A question about the revocation of one certificate of a valid path, and what comes of it."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime

from service.core.decision.block_list import NO_BLOCKS, StandingBlocks
from service.core.model.budget import Budget
from service.core.model.certificate import Certificate
from service.core.model.evidence import Evidence, Wanted
from service.core.model.policy import Policy, RevocationMode
from service.core.model.trust_store import TrustStore
from service.core.model.verdict import Revocation
from service.core.path.certification_path import CertificationPath


@dataclass(frozen=True, slots=True)
class Inquiry:
    """Everything that one assessment has in common.

    Attributes:
        store: Anchors and intermediates; the certificates of CRL signers are found there as well.
        blocks: What an operator has blocked: who is blocked vouches for nobody.
    """

    evidence: Evidence
    policy: Policy
    at: datetime
    budget: Budget
    store: TrustStore
    blocks: StandingBlocks = field(default=NO_BLOCKS, kw_only=True)

    def about(self, path: CertificationPath) -> "Question":
        """The question about certificates of one path."""
        return Question(self.evidence, self.policy, self.at, self.budget, self.store, path, blocks=self.blocks)


@dataclass(frozen=True, slots=True)
class Question(Inquiry):
    """Everything that asking about certificates of one path has in common.

    Attributes:
        path: The path; CRL signers need one to the same anchor.
        pending: CRL signers whose own revocation is being asked about.
        general: The policy for all, where `policy` is the one for the certificates of one issuer.
    """

    path: CertificationPath
    pending: frozenset[Certificate] = frozenset()
    general: Policy | None = None

    @property
    def for_all(self) -> Policy:
        """The policy that those for single issuers are made of."""
        return self.policy if self.general is None else self.general

    def about_issuer(self, policy: Policy) -> "Question":
        """The same question under the policy for the certificates of one issuer."""
        return self if policy is self.policy else replace(self, policy=policy, general=self.for_all)

    def in_mode(self, mode: RevocationMode) -> "Question":
        """The same question in another mode, but where a rule for an issuer says otherwise."""
        general = None if self.general is None else replace(self.general, revocation_mode=mode)
        return replace(self, policy=replace(self.policy, revocation_mode=mode), general=general)


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
