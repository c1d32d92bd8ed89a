"""Budgets: every loop that an attacker can lengthen spends from one, and a spent budget is a verdict of its own."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Limits:
    """How much work one assessment may cost.

    Attributes:
        signatures: Signature verifications. 100 as in webpki: a 64-certificate chain of the worst kind stays below.
        steps: Certificates looked at while paths are built; 10,000 are a few milliseconds.
        paths: Complete paths that are validated before the search gives up, those of CRL signers included, and each
            time that one of these is asked about for another signer's sake. A root that renewed its key three times in
            one path, with a CRL of each key, takes 13.
        names: Steps of reading names and name constraints and of looking one up in the other, 1 µs each at most. A leaf
            of 100 names below a CA with 300 subtrees takes 2,100; OpenSSL stops at 1,024 names against 1,024 subtrees,
            which take 10,000.
        policies: Nodes and edges of the policy graph (RFC 9618); each certificate adds as many as it has policies and
            mappings. Six of a bridge with 60 of each, on 32 paths, come to 31,000; 50,000 take some 20 milliseconds.
        path_length: Certificates between leaf and anchor. Public CAs use 2, NIST PKITS has 6, the tests of GnuTLS 16.
            It does not bound the search, which signatures end: 6 ms with P-256 keys at worst, with 10 and with 20.
        rounds: Times that the shell may go and look for evidence for one request.
    """

    signatures: int = 100
    steps: int = 10_000
    paths: int = 32
    names: int = 8_000
    policies: int = 50_000
    path_length: int = 20
    rounds: int = 16


class BudgetExhaustedError(Exception):
    """A budget is spent. It never leaves `assess`.

    Attributes:
        resource: Which: the name of a field of `Limits`.
        limit: How much of it there was.
    """

    def __init__(self, resource: str, limit: int) -> None:
        """Keep what ran out."""
        super().__init__(f"{resource}: {limit}")
        self.resource = resource
        self.limit = limit


class Budget:
    """What is left of `Limits` in one assessment, and what was had for it; mutable, made and dropped in `assess`."""

    __slots__ = ("_done", "_limits", "_names", "_paths", "_policies", "_signatures", "_steps")

    def __init__(self, limits: Limits) -> None:
        """Start with everything that `limits` grants."""
        self._limits = limits
        self._signatures = limits.signatures
        self._steps = limits.steps
        self._paths = limits.paths
        self._names = limits.names
        self._policies = limits.policies
        self._done: dict[Hashable, Any] = {}

    def once(self, what: Hashable, work: Callable[[], T]) -> T:
        """What some work comes to; it is done, and paid for, the first time that it is asked for.

        Args:
            what: Everything that the outcome depends on, besides what the whole assessment has in common.
            work: Does it. Where it raises, nothing is remembered.
        """
        if what not in self._done:
            self._done[what] = work()
        outcome: T = self._done[what]
        return outcome

    def spend_signature(self) -> None:
        """Pay for one signature verification.

        Raises:
            BudgetExhaustedError: none is left.
        """
        if not self._signatures:
            raise BudgetExhaustedError("signatures", self._limits.signatures)
        self._signatures -= 1

    def spend_step(self) -> None:
        """Pay for looking at one certificate during path building.

        Raises:
            BudgetExhaustedError: none is left.
        """
        if not self._steps:
            raise BudgetExhaustedError("steps", self._limits.steps)
        self._steps -= 1

    def spend_path(self) -> None:
        """Pay for validating one complete path.

        Raises:
            BudgetExhaustedError: none is left.
        """
        if not self._paths:
            raise BudgetExhaustedError("paths", self._limits.paths)
        self._paths -= 1

    def spend_names(self, count: int) -> None:
        """Pay for `count` steps of holding names against constraints.

        Raises:
            BudgetExhaustedError: fewer are left.
        """
        if self._names < count:
            raise BudgetExhaustedError("names", self._limits.names)
        self._names -= count

    def spend_policies(self, count: int) -> None:
        """Pay for `count` nodes or edges of a policy graph.

        Raises:
            BudgetExhaustedError: fewer are left.
        """
        if self._policies < count:
            raise BudgetExhaustedError("policies", self._limits.policies)
        self._policies -= count
