"""How this replica stands with its fleet, as workers ask the process that follows it.

That process says it while it lives; no row that it left behind says it afterwards.
"""

import json
from datetime import datetime

from service.adapters.ipc.message import MessageError, line
from service.application.fleet.standing import FleetStanding, Standing

MAX_REASON = 2000
"""Characters: reasons come from Redis too, and a message has an end."""


def encode_standing(standing: FleetStanding | None) -> bytes:
    """The answer to the question; None where there is no fleet."""
    if standing is None:
        return line({"standing": None})
    reason = standing.reason[:MAX_REASON]
    return line({"standing": standing.standing.value, "since": standing.since.isoformat(), "reason": reason})


def decode_standing(text: bytes) -> FleetStanding | None:
    """How the replica stands; None where there is no fleet.

    Raises:
        MessageError: it is another answer.
    """
    try:
        document = json.loads(text)
        if document["standing"] is None:
            return None
        since = datetime.fromisoformat(document["since"])
        return FleetStanding(Standing(document["standing"]), since, str(document["reason"]))
    except (ValueError, TypeError, KeyError) as error:
        raise MessageError("not an answer") from error
