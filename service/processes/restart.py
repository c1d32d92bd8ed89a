"""When to start a child again after it died: at once, unless it keeps dying young."""

from dataclasses import dataclass
from typing import Final

QUICK_DEATH_S: Final = 5.0
"""A child that dies sooner after its start has not done its work: the next start waits longer."""

FIRST_DELAY_S: Final = 0.1
"""The first wait that is not none."""

LONGEST_DELAY_S: Final = 1.0
"""The longest wait: the service has to be back within two seconds, and a child needs some of them to start."""

_DOUBLINGS: Final = 4
"""After so many the longest wait is reached; counting further would end in a number too large for a float."""


@dataclass(frozen=True, slots=True)
class RestartHistory:
    """What one place has seen of its children.

    Attributes:
        quick_deaths: Children that died young, one after another, the last one included.
    """

    quick_deaths: int = 0

    def after_death(self, lived_s: float) -> "RestartHistory":
        """Add the death of a child that lived `lived_s` seconds; one that lived long enough wipes the slate."""
        return RestartHistory(self.quick_deaths + 1 if lived_s < QUICK_DEATH_S else 0)

    @property
    def delay_s(self) -> float:
        """Seconds to wait before the next start."""
        if self.quick_deaths <= 1:
            return 0.0
        return min(LONGEST_DELAY_S, FIRST_DELAY_S * 2.0 ** min(self.quick_deaths - 2, _DOUBLINGS))
