"""Shadow mode: what the service would deny is recorded, and answered as allow, until an operator trusts its word.

Rules it keeps: only what is known of revocation is put aside, `revoked` and `revocation_unavailable`. What is blocked,
malformed, without a valid path, or too expensive to decide is denied as ever. The answer says what it would have been,
and may be reused no longer than that.

What it does not do: change a decision, or what is kept of it; it answers otherwise than was decided. What it records is
this process's, and gone with it.
"""

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum
from typing import Final

from service.core.model.failure import Code
from service.core.model.verdict import Decision, Status, Verdict

PUT_ASIDE: Final = frozenset({Code.REVOKED, Code.REVOCATION_UNAVAILABLE})
"""The denials that are answered as allow."""

MAX_RECENT: Final = 200
"""Denials that are remembered one by one, half a kilobyte each; all of them are counted."""


class Enforcement(Enum):
    """Whether a denial is answered as one."""

    ENFORCED = "enforced"
    SHADOW = "shadow"
    """It is recorded, and answered as allow where it is about revocation."""


@dataclass(frozen=True, slots=True)
class ShadowRules:
    """Who is answered in shadow, besides callers of their own.

    Attributes:
        everybody: Whether all are.
        trust_stores: Whoever asks about one of these.
    """

    everybody: Enforcement = Enforcement.ENFORCED
    trust_stores: frozenset[str] = frozenset()

    def enforcement(self, trust_store: str, caller: Enforcement) -> Enforcement:
        """How a request is answered.

        Args:
            trust_store: What it names.
            caller: How whoever asks is answered.
        """
        if Enforcement.SHADOW in (self.everybody, caller) or trust_store in self.trust_stores:
            return Enforcement.SHADOW
        return Enforcement.ENFORCED


def shadowed(verdict: Verdict) -> Verdict:
    """What is answered in shadow: the very verdict where there is nothing to put aside.

    An allow of a certificate about which nothing good is known: its status is `unknown`. Its policies are those of its
    path, which is valid. Path, evidence and `valid_until` stay those of the denial, so that the answer changes as soon
    as that would.
    """
    if verdict.code not in PUT_ASIDE:
        return verdict
    return replace(
        verdict,
        decision=Decision.ALLOW,
        status=Status.UNKNOWN,
        code=Code.OK,
        failure=None,
        authorized_policies=verdict.withheld_policies,
        withheld_policies=frozenset(),
    )


@dataclass(frozen=True, slots=True)
class WouldDeny:
    """An answer that would have been a denial.

    Attributes:
        code: Why it would have been.
        at: When it was given.
        serial_number: Lower-case hexadecimal, as in answers.
        subject: RFC 4514.
        fingerprint: SHA-256 of the certificate, lower-case hexadecimal.
    """

    decision_id: str
    code: Code
    trust_store: str
    at: datetime
    serial_number: str
    subject: str
    fingerprint: str


def would_deny(verdict: Verdict, decision_id: str, trust_store: str, at: datetime) -> WouldDeny:
    """The record of a denial that was put aside."""
    certificate = verdict.certificate
    if certificate is None:  # a leaf that cannot be read is `malformed`, which is never put aside
        return WouldDeny(decision_id, verdict.code, trust_store, at, "", "", "")
    return WouldDeny(
        decision_id,
        verdict.code,
        trust_store,
        at,
        f"{certificate.serial_number:x}",
        certificate.subject.text,
        certificate.fingerprint.hex(),
    )


@dataclass(frozen=True, slots=True)
class ShadowSnapshot:
    """What would have been denied so far.

    Attributes:
        denials: How many answers, by code and trust store.
        recent: The last of them, newest first.
    """

    denials: Mapping[tuple[Code, str], int] = field(default_factory=dict)
    recent: tuple[WouldDeny, ...] = ()

    @property
    def total(self) -> int:
        """How many answers."""
        return sum(self.denials.values())


class ShadowReport:
    """Remembers what would have been denied, in this process."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._denials: Counter[tuple[Code, str]] = Counter()
        self._recent: deque[WouldDeny] = deque(maxlen=MAX_RECENT)

    def record(self, denial: WouldDeny) -> None:
        """Count it, and remember it for a while."""
        self._denials[denial.code, denial.trust_store] += 1
        self._recent.append(denial)

    def snapshot(self) -> ShadowSnapshot:
        """What it is now."""
        return ShadowSnapshot(dict(self._denials), tuple(reversed(self._recent)))
