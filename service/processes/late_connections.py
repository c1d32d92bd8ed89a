"""Which connections to end that their clients would keep: those on which nothing gets on, and in a crowd the idle ones.

Rules it keeps: a connection on which a request is being answered is left alone, however long that takes, unless its
client takes nothing of the answer; who has begun a request is told why he gets no answer.

What it does not do: look by itself; somebody does once in a while, so that every limit is late by that much.
"""

from collections import Counter
from collections.abc import Iterable
from heapq import nlargest
from typing import Final

from service.api.problems import overloaded, too_slow
from service.application.connection_limits import ConnectionLimits, Ended
from service.processes.http_protocol import FIRST_REQUEST_S, BoundedHttpProtocol, Stage

CROWD_SHARE: Final = 8
"""Of a crowd, one in so many makes room for others each time: who waits in the queue is let in within seconds."""

_ENDED_FOR_OTHERS: Final = frozenset({Stage.IDLE, Stage.HEAD, Stage.REST})


def end_late(connections: Iterable[BoundedHttpProtocol], limits: ConnectionLimits, now: float) -> Counter[Ended]:
    """End those on which nothing gets on.

    Args:
        connections: All of a server.
        limits: How long is too long.
        now: Seconds of the loop.

    Returns:
        How many were ended why; idle ones are not told of, since that is how connections end.
    """
    ended: Counter[Ended] = Counter()
    for one in connections:
        stage, for_s = one.look(now)
        match stage:
            case Stage.HEAD if for_s >= limits.head_s:
                one.refuse(too_slow(f"Request line and headers have {limits.head_s:g} seconds to arrive."))
                ended[Ended.HEAD] += 1
            case Stage.REST if for_s >= limits.head_s:
                one.transport.close()
                ended[Ended.REST] += 1
            case Stage.UNSENT if for_s >= limits.unsent_s:
                one.transport.abort()
                ended[Ended.UNSENT] += 1
            case Stage.IDLE if for_s >= limits.idle_s and not one.has_unread():
                one.transport.close()
            case _:
                pass
    return ended


def make_room(connections: Iterable[BoundedHttpProtocol], limits: ConnectionLimits, now: float) -> int:
    """End those that have had no request under way for longest; a new one has a moment for its first.

    Returns:
        How many were ended.
    """
    looked = ((*one.look(now), one) for one in connections)
    waiting = (
        (for_s, stage, one)
        for stage, for_s, one in looked
        if stage in _ENDED_FOR_OTHERS and for_s >= FIRST_REQUEST_S and not one.has_unread()
    )
    chosen = nlargest(max(1, limits.most // CROWD_SHARE), waiting, key=lambda each: each[0])
    for _, stage, one in chosen:
        if stage is Stage.HEAD:
            one.refuse(overloaded())
        else:
            one.transport.close()
    return len(chosen)
