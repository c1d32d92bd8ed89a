"""JSON as pages show it: texts that are shortened by `…` stand for the whole."""

import re
from collections.abc import Mapping

ANYTHING = "…"


def is_shown(shown: object, real: object) -> bool:
    """Whether a page shows a value, shortened or not."""
    match shown, real:
        case str(), str() if ANYTHING in shown:
            return re.fullmatch(".*".join(map(re.escape, shown.split(ANYTHING))), real, re.DOTALL) is not None
        case dict(), Mapping():
            return [*shown] == [*real] and all(is_shown(value, real[name]) for name, value in shown.items())
        case list(), list() | tuple():
            return len(shown) == len(real) and all(map(is_shown, shown, real))
        case _:
            return shown == real
