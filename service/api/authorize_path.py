"""`/v1/authorize/{front}[@{trust_store}][/ignored…]`: of a request's path, who asks and under which trust store.

Rules it keeps: the path is taken octet for octet as the proxy has sent it. Nothing in it is decoded, and no `.` or `..`
resolved: what the proxy appends is the client's, and no spelling of it makes another front or another trust store. What
follows the first `/` behind the front is not looked at.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from service.application.fronts import Front
from service.application.trust_store_source import DEFAULT_STORE, STORE_NAME

AUTHORIZE: Final = b"/v1/authorize/"
"""What paths begin with."""

_AT: Final = b"@"


@dataclass(frozen=True, slots=True)
class Target:
    """Who asks, and under which trust store.

    Attributes:
        trust_store: Its name; None where what the path has in its place cannot be the name of one.
    """

    front: Front
    trust_store: str | None


class Targets:
    """What paths may name."""

    def __init__(self, fronts: Iterable[Front]) -> None:
        """Take the fronts that are served."""
        self._fronts = {front.value.encode(): front for front in fronts}

    def read(self, raw_path: bytes) -> Target | None:
        """What a path names; None where that is no front that is served.

        Args:
            raw_path: A path that begins with `AUTHORIZE`, without the query.
        """
        end = raw_path.find(b"/", len(AUTHORIZE))
        segment = raw_path[len(AUTHORIZE) :] if end < 0 else raw_path[len(AUTHORIZE) : end]
        name, at, store = segment.partition(_AT)
        front = self._fronts.get(name)
        if front is None:
            return None
        return Target(front, _store(store) if at else DEFAULT_STORE)


def _store(octets: bytes) -> str | None:
    name = octets.decode("latin-1")
    return name if STORE_NAME.fullmatch(name) is not None else None
