"""Where a request comes from."""

from starlette.types import Scope

from service.application.networks import network_of


def address_of(scope: Scope) -> str:
    """Where a request comes from: the other end of its connection, or nowhere that has a name."""
    client = scope.get("client")
    return network_of(client[0]) if client else "unknown"
