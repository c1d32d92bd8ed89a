"""What each front hands over."""

from collections.abc import Mapping
from enum import Enum
from typing import Final

from service.application.fronts import Front

__all__ = ["HANDS_OVER", "Front", "HandsOver"]


class HandsOver(Enum):
    """What of a client's certificates arrives here."""

    LEAF = "leaf"
    """The leaf alone: the intermediates have to be known here."""
    CHAIN = "chain"
    """What the client has presented."""


HANDS_OVER: Final[Mapping[Front, HandsOver]] = {
    Front.ALB_PASSTHROUGH: HandsOver.CHAIN,
    Front.ALB_VERIFY: HandsOver.LEAF,
    Front.NGINX: HandsOver.LEAF,
    Front.ENVOY: HandsOver.CHAIN,
    Front.TRAEFIK: HandsOver.CHAIN,
    Front.RFC9440: HandsOver.CHAIN,
}
