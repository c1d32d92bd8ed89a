"""What identity sources stand for in a request: what an authorizer's results are kept by.

Rules: a source that is missing or empty makes the request a 401 before the authorizer is asked, as API Gateway has it;
path parameters are no identity source.
"""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl

from service.demo.gateway.client_cert import client_cert
from service.demo.gateway.events import http_context, rest_context
from service.demo.gateway.model import Api, Kind, Request
from service.demo.gateway.resources import Match

_HEADERS: Final = ("method.request.header.", "$request.header.")
_QUERY: Final = ("method.request.querystring.", "$request.querystring.")
_CONTEXT: Final = ("context.", "$context.")
_STAGE: Final = ("stageVariables.", "$stageVariables.")


class MissingIdentityError(Exception):
    """A request without what the authorizer is to be asked about."""


def identity_of(sources: tuple[str, ...], api: Api, request: Request, match: Match) -> tuple[str, ...]:
    """What each source stands for, in their order.

    Raises:
        MissingIdentityError: a source is missing from the request, or empty.
        ValueError: there is no such source.
    """
    values = tuple(_value(source, api, request, match) for source in sources)
    if not all(values):
        raise MissingIdentityError
    return values


def _value(source: str, api: Api, request: Request, match: Match) -> str:
    if name := _after(_HEADERS, source):
        return request.header(name)
    if name := _after(_QUERY, source):
        return dict(parse_qsl(request.query)).get(name, "")
    if name := _after(_CONTEXT, source):
        return _walk(_context(api, request, match), name)
    if name := _after(_STAGE, source):
        return api.stage_variables.get(name, "")
    raise ValueError(f"{source} is no identity source")


def _after(prefixes: tuple[str, ...], source: str) -> str:
    return next((source.removeprefix(one) for one in prefixes if source.startswith(one)), "")


def _context(api: Api, request: Request, match: Match) -> dict[str, Any]:
    """The `$context` variables: both kinds of API have the certificate at `identity.clientCert`."""
    match api.kind:
        case Kind.REST:
            return rest_context(api, request, match)
        case Kind.HTTP:
            return {**http_context(api, request, match), "identity": {"clientCert": client_cert(request.certificate)}}


def _walk(context: Mapping[str, Any], name: str) -> str:
    value: Any = context
    for part in name.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value if isinstance(value, str) else ""
