"""What the service remembers of what it has read before: every `lru_cache` of its modules.

For those who want to see the first time again: benchmarks that measure it, fuzzing that must not depend on what came
before.
"""

import sys
from collections.abc import Iterator
from functools import lru_cache
from typing import Final, Protocol

_PREFIX: Final = "service."


class Cache(Protocol):
    """What `lru_cache` makes of a function, as far as it is of use here."""

    def cache_clear(self) -> None:
        """Forget everything."""


@lru_cache
def _example() -> None:
    """Made by `lru_cache`."""


def caches() -> dict[str, Cache]:
    """The caches of every module of the service that is loaded by now, under their qualified names."""
    return dict(_caches())


def _caches() -> Iterator[tuple[str, Cache]]:
    for name, module in sorted(sys.modules.items()):
        if name.startswith(_PREFIX):
            for attribute, value in vars(module).items():
                if isinstance(value, type(_example)):
                    yield f"{value.__module__}.{attribute}", value
