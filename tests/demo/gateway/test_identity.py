"""What identity sources stand for, and that a request without one is refused."""

import pytest

from service.demo.gateway.client_cert import client_cert
from service.demo.gateway.identity import MissingIdentityError, identity_of
from service.demo.gateway.model import Api, Kind
from service.demo.gateway.resources import Match
from tests.demo.gateway.clients import LEAF, a_request

REQUEST = a_request("/", "device=7", ("Authorization", "t"))
SERIAL = str(client_cert(LEAF)["serialNumber"])


@pytest.mark.parametrize(
    ("kind", "source", "value"),
    [
        (Kind.REST, "method.request.header.authorization", "t"),
        (Kind.REST, "method.request.querystring.device", "7"),
        (Kind.REST, "context.identity.clientCert.serialNumber", SERIAL),
        (Kind.REST, "context.identity.clientCert.validity.notAfter", "x"),
        (Kind.REST, "context.identity.sourceIp", "198.51.100.7"),
        (Kind.REST, "stageVariables.colour", "blue"),
        (Kind.HTTP, "$request.header.Authorization", "t"),
        (Kind.HTTP, "$request.querystring.device", "7"),
        (Kind.HTTP, "$context.identity.clientCert.serialNumber", SERIAL),
        (Kind.HTTP, "$context.routeKey", "ANY /"),
        (Kind.HTTP, "$stageVariables.colour", "blue"),
    ],
)
def test_sources(kind: Kind, source: str, value: str) -> None:
    """Each source has the value that API Gateway documents for it."""
    api = Api(kind, stage_variables={"colour": "blue"})

    (found,) = identity_of((source,), api, REQUEST, Match("/", {}))

    assert value == found or (value == "x" and found.endswith(" GMT"))


@pytest.mark.parametrize(
    "source",
    ["method.request.header.x-missing", "context.identity.nobody", "stageVariables.none", "context.identity"],
)
def test_missing_sources(source: str) -> None:
    """One that is missing makes the request one that the authorizer is not asked about."""
    with pytest.raises(MissingIdentityError):
        identity_of(("method.request.header.authorization", source), Api(), REQUEST, Match("/", {}))


def test_no_such_source() -> None:
    """Path parameters are no identity source."""
    with pytest.raises(ValueError, match="no identity source"):
        identity_of(("method.request.path.id",), Api(), REQUEST, Match("/", {}))
