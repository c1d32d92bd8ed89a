"""What a supervisor keeps running, and how long it waits for what."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from service.processes.child import ChildSpec

HEARTBEAT_EVERY_S: Final = 1.0
"""How often a child beats, unless `hang_after_s` asks for more."""

BEATS_MISSED: Final = 5
"""A child may miss so many heartbeats at least before it counts as hung: a busy machine delays some."""


@dataclass(frozen=True, slots=True)
class Times:
    """How long to wait; seconds.

    Attributes:
        hang_after_s: A child that is silent for longer is killed and replaced.
        first_beat_within_s: The same for one that has not been heard yet.
        drain_s: How long the service says that it ends, and goes on, before it refuses anybody.
        shutdown_grace_s: How long children may take to end after that, before they are killed.
    """

    hang_after_s: float = 10.0
    first_beat_within_s: float = 60.0
    drain_s: float = 0.0
    shutdown_grace_s: float = 10.0

    def __post_init__(self) -> None:
        """Refuse what cannot work.

        Raises:
            ValueError: a time is not positive; negative, for those that may be zero.
        """
        if min(self.hang_after_s, self.first_beat_within_s) <= 0 or min(self.drain_s, self.shutdown_grace_s) < 0:
            raise ValueError(f"times must be positive: {self}")

    @property
    def heartbeat_every_s(self) -> float:
        """How often a child beats."""
        return min(HEARTBEAT_EVERY_S, self.hang_after_s / BEATS_MISSED)


@dataclass(frozen=True, slots=True)
class ServicePlan:
    """What is to run.

    Attributes:
        children: Kinds of children, each with a name of its own.
        times: How long to wait for them.
        adopt: Is called once all of it is in force, where it has taken the place of another plan.
        changed: Names of the settings in which it differs from the plan before; never what they are.
    """

    children: tuple[ChildSpec, ...]
    times: Times = field(default_factory=Times)
    adopt: Callable[[], object] = lambda: None
    changed: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what cannot be told apart.

        Raises:
            ValueError: two kinds share a name.
        """
        names = [spec.name for spec in self.children]
        if len(set(names)) != len(names):
            raise ValueError(f"every kind of child needs a name of its own: {', '.join(names)}")


class ReloadRefusedError(Exception):
    """There is no plan that could take the place of the one in force.

    Attributes:
        problems: Why, in sentences.
        need_restart: Names of the settings that have changed and need a restart.
    """

    def __init__(self, problems: tuple[str, ...], need_restart: tuple[str, ...] = ()) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems
        self.need_restart = need_restart


NewPlan = Callable[[], ServicePlan]
"""Reads the settings again; raises `ReloadRefusedError`."""
