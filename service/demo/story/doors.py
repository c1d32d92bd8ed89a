"""The doors, who knocks, and what each door has to say to whom."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from http import HTTPStatus
from typing import Final, Self, assert_never

from service.demo.clients import BY_ROOT, EXPIRED, FOREIGN, GOOD, REVOKED, Client
from service.demo.story.curl import Answer, Closed, Outcome

SERVERS_CA: Final = "servers.pem"
"""The file that clients trust servers by, in the directory where curl runs."""


FORGED_HEADERS: Final = "forged.txt"
"""The file with headers that a client made up, in the same directory."""


class Expected(Enum):
    """What a door has to do; the value is how it is written."""

    LET_IN = str(HTTPStatus.NO_CONTENT.value)
    REFUSED = str(HTTPStatus.FORBIDDEN.value)
    UNKNOWN = str(HTTPStatus.UNAUTHORIZED.value)
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who knocks.

    Attributes:
        name: How he is called.
        presents: What curl is told of him.
    """

    name: str
    presents: tuple[str, ...] = ()

    @classmethod
    def of(cls, client: Client) -> Self:
        """The one who has a client's certificate and key."""
        return cls(f"{client.name}.pem", ("--cert", f"{client.name}.pem", "--key", f"{client.name}.key"))

    def arguments(self, door: "Door") -> tuple[str, ...]:
        """What curl is told."""
        return *self.presents, "--cacert", SERVERS_CA, door.url


GOOD_CALLER: Final = Caller.of(GOOD)
OTHER_CALLER: Final = Caller.of(BY_ROOT)
REVOKED_CALLER: Final = Caller.of(REVOKED)
EXPIRED_CALLER: Final = Caller.of(EXPIRED)
FOREIGN_CALLER: Final = Caller.of(FOREIGN)
NOBODY: Final = Caller("no certificate")
FORGER: Final = Caller("forged headers", ("-H", f"@{FORGED_HEADERS}"))
"""Has no certificate, and sends the text of somebody else's in every header in which doors hand certificates on."""

CALLERS: Final = (GOOD_CALLER, OTHER_CALLER, REVOKED_CALLER, EXPIRED_CALLER, FOREIGN_CALLER, NOBODY, FORGER)


@dataclass(frozen=True, slots=True)
class Door:
    """A way in.

    Attributes:
        name: In a word.
        way: What a request passes.
        url: Where it is.
        refusals: What it does to those whom it has never let in.
    """

    name: str
    way: str
    url: str
    refusals: Mapping[Caller, Expected]

    def expects(self, caller: Caller) -> Expected:
        """What it has to do before anything is revoked in the story."""
        return self.refusals.get(caller, Expected.LET_IN)


def did(outcome: Outcome) -> str:
    """What a door has done, in the words of `Expected` where there are such."""
    match outcome:
        case Answer(status=status):
            return str(status)
        case Closed():
            return Expected.CLOSED.value
        case _:
            assert_never(outcome)
