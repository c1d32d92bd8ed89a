"""Budgets: every loop that an attacker can lengthen spends from one, and a spent budget is a verdict of its own."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """How much work one assessment may cost.

    Attributes:
        signatures: Signature verifications. 100 as in webpki: a 64-certificate chain of the worst kind stays below.
        steps: Certificates looked at while paths are built; 10,000 are a few milliseconds.
        paths: Complete paths that are validated before the search gives up.
        path_length: Certificates between leaf and anchor; the longest chain of NIST PKITS has 6, public CAs use 2.
        rounds: Times that the shell may go and look for evidence for one request.
    """

    signatures: int = 100
    steps: int = 10_000
    paths: int = 32
    path_length: int = 10
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
    """What is left of `Limits` in one assessment; the core's only mutable value, made and dropped inside `assess`."""

    __slots__ = ("_limits", "_paths", "_signatures", "_steps")

    def __init__(self, limits: Limits) -> None:
        """Start with everything that `limits` grants."""
        self._limits = limits
        self._signatures = limits.signatures
        self._steps = limits.steps
        self._paths = limits.paths

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
