"""How many connections the limit on open files has room for.

A process that has none left can neither accept nor fetch, open its store or be asked for its health. So connections
never get all of them.
"""

import contextlib
import resource
from typing import Final

RESERVED: Final = 640
"""Descriptors that are not for callers' connections: for each of the 512 requests under way one to ask an authority by,
for the 64 connections of the management port, and for the store, the log, Redis and the other processes."""


def room_for_connections(wanted: int) -> int:
    """How many of these connections there is room for; the process may have to be allowed more files than it was.

    Args:
        wanted: How many are to be.

    Returns:
        Fewer than are wanted where the hard limit (getrlimit(2)) leaves fewer: all but those reserved, or half of a
        limit that is lower than twice that.
    """
    allowed = _allowed(wanted + RESERVED)
    return min(wanted, max(allowed // 2, allowed - RESERVED))


def _allowed(needed: int) -> int:
    """The soft limit, raised as far as it is needed and may be."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return needed
    raised = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
    with contextlib.suppress(OSError, ValueError):  # forbidden to the process: it has what it has
        resource.setrlimit(resource.RLIMIT_NOFILE, (raised, hard))
        return raised
    return soft
