"""Where the fleet's Redis is, and the cache that is opened there."""

import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from service.adapters.clock import SystemClock
from service.adapters.redis.cache import CacheTold, RedisCache
from service.adapters.redis.cluster import ClusterRoute, Place
from service.adapters.redis.failures import Words
from service.adapters.redis.nodes import AloneRoute, Node, Route
from service.adapters.redis.opening import Openers
from service.application.clock import Clock
from service.application.redis_address import parse_redis_address

_CLOCK: Final = SystemClock()


@dataclass(frozen=True, slots=True)
class RedisPlace:
    """Where the fleet's Redis is, and who this is.

    Attributes:
        url: `REVET_REDIS_URL`; there may be a password in it.
        ca_bundle: Authorities of its certificate; None for the system's.
        client_cert: To present, with the intermediates after it; None for none.
        client_key: Its key, without a passphrase.
    """

    url: str = field(repr=False)
    ca_bundle: Path | None = None
    client_cert: Path | None = None
    client_key: Path | None = None


def _tell_nobody(_: str | float | None) -> None:
    """Forget it."""


def open_cache(
    place: RedisPlace,
    told: Callable[[str | None], None] = _tell_nobody,
    clock: Clock = _CLOCK,
    *,
    discarded: Callable[[str], None] = _tell_nobody,
    answered: Callable[[float], None] = _tell_nobody,
) -> RedisCache:
    """The fleet's cache at a place, connected when it is first asked; to be used in one event loop and closed there.

    Args:
        place: Where.
        told: Is told why Redis is not asked any more, and None when it is again; must not raise.
        clock: For the pauses between probes.
        discarded: Is told under which name something was removed that nobody of the fleet has put there; must not
            raise.
        answered: Is told within how many seconds a quick command was answered; must not raise.

    Raises:
        ValueError: there can be no Redis at such a place.
        OSError: a file of TLS cannot be read or used.
    """
    address = parse_redis_address(place.url)
    tls = _tls(place) if address.tls else None
    words = Words(tuple(secret for secret in (address.password,) if secret))

    openers = Openers(address, tls, words)

    def node_at(host: Place | None) -> Node:
        return Node(openers.of(host))

    route: Route
    if address.cluster:
        route = ClusterRoute(address.hosts, node_at)
    else:
        route = AloneRoute(node_at(address.hosts[0] if address.hosts else None))
    return RedisCache(route, CacheTold(told, discarded, answered), clock)


def _tls(place: RedisPlace) -> ssl.SSLContext:
    """Made once: reading the system's authorities takes longer than a command may."""
    context = ssl.create_default_context(cafile=None if place.ca_bundle is None else str(place.ca_bundle))
    if place.client_cert is not None:
        # An empty passphrase, or OpenSSL would ask for one at the terminal.
        context.load_cert_chain(place.client_cert, place.client_key, password="")
    return context
