"""How much each caller may ask."""

from typing import Annotated, Final

from pydantic import BaseModel, Field

from service.settings.shown import DOCUMENTED, Shown
from service.settings.values import Number, Whole

MIN_RATE: Final = 0.001
"""Requests a second: one in a quarter of an hour. Who is to ask less often is to have no token."""

MAX_RATE: Final = 1_000_000
"""Requests a second: more than any host answers."""

MAX_BURST: Final = 1_000_000
"""Requests at one time: a thousand of the longest batches."""

MAX_AT_ONCE: Final = 512
"""Requests of one worker: as many as all callers together have there."""


class Callers(BaseModel):
    """How much each caller may ask."""

    model_config = DOCUMENTED

    rate_limit_per_s: Annotated[Number, Field(ge=MIN_RATE, le=MAX_RATE)] | None = None
    """Requests a second of one caller, counted by all workers of the host together; a batch counts as its items. A
    caller is a token, otherwise the address of the connection's other end, of IPv6 its network (/64). More are
    [refused](api.md#limits-for-each-caller). Requests without a token that is known are counted by address, at the same
    rate."""
    rate_limit_burst: Annotated[Whole, Field(ge=1, le=MAX_BURST), Shown(default="one second's")] | None = None
    """Requests of one caller at one time, after a while without any. The default is what one second brings, and at
    least 1. Whoever sends batches wants as many as one of them has items."""
    max_caller_concurrency: Annotated[Whole, Field(ge=1, le=MAX_AT_ONCE)] | None = None
    """Requests of one caller that one worker works on at one time."""
