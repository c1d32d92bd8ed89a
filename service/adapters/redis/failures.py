"""What can go wrong with a command, and which words there are for it.

Rules it keeps: what a server says is shortened to a line of printable characters, and the password, which a hostile
one could send back, is taken out; of a failure it is known whether Redis is of any use after it.
"""

import re
from dataclasses import dataclass, field
from typing import Final

from redis.exceptions import AuthenticationError, AuthorizationError, BusyLoadingError, RedisError

MAX_REASON: Final = 200
"""Characters of what a server says: a sentence."""

UNUSABLE: Final = frozenset({"LOADING", "MASTERDOWN", "CLUSTERDOWN", "NOAUTH", "WRONGPASS"})
"""Answers that every other command would be given as well, until somebody has repaired or finished something."""

_NOT_PRINTABLE: Final = re.compile(r"[^ -~]+")


class LinkError(Exception):
    """Redis is of no use now: it cannot be reached, does not answer, or answers nobody.

    Attributes:
        reason: For the operator.
    """

    def __init__(self, reason: str) -> None:
        """Keep the reason."""
        super().__init__(reason)
        self.reason = reason


class AloneError(Exception):
    """This command has failed, and says nothing about the others.

    Attributes:
        code: The first word of Redis' answer, as `OOM`; empty where it is not Redis that refuses.
        reason: For the operator.
    """

    def __init__(self, reason: str, code: str = "") -> None:
        """Keep both."""
        super().__init__(reason)
        self.reason = reason
        self.code = code


class RedirectedError(Exception):
    """Another node of the cluster has it.

    Attributes:
        reason: What it means where there is to be no cluster.
        place: Its host, which is empty for the one that was asked, and its port.
        asking: Whether for this command alone.
    """

    def __init__(self, place: tuple[str, int], *, asking: bool) -> None:
        """Keep both."""
        self.reason = "it is a node of a cluster: redis+cluster:// or rediss+cluster:// is needed"
        super().__init__(self.reason)
        self.place = place
        self.asking = asking


@dataclass(frozen=True, slots=True)
class Words:
    """What is told about failures.

    Attributes:
        secrets: What must not be in it.
    """

    secrets: tuple[str, ...] = field(default=(), repr=False)

    def of(self, error: Exception) -> str:
        """A failure in words."""
        said = self._shown(str(error))
        match error:
            case AuthenticationError() | AuthorizationError():
                return f"it does not accept the user or the password of REVET_REDIS_URL: {said}"
            case BusyLoadingError():
                return f"it has only started, and is still reading its data: {said}"
            case RedisError(status_code=str(code)):
                return self._shown(f"{code} {said}")
            case TimeoutError():
                return "it does not answer in time"
            case _:
                return said or type(error).__name__

    def _shown(self, text: str) -> str:
        for secret in self.secrets:
            text = text.replace(secret, "...")
        return _NOT_PRINTABLE.sub(" ", text).strip()[:MAX_REASON]
