"""The events that authorizers are called with: a REST API's of type REQUEST, and an HTTP API's in payload format 2.0.

The names and forms are those of API Gateway's developer guide, "Input to an API Gateway Lambda authorizer" and
"Control access to HTTP APIs with AWS Lambda authorizers". Both hand over the client's certificate without its chain.
"""

from urllib.parse import parse_qsl

from service.demo.gateway.client_cert import client_cert
from service.demo.gateway.model import Api, Event, Kind, Request
from service.demo.gateway.resources import Match


def event_for(api: Api, request: Request, match: Match, identity: tuple[str, ...]) -> Event:
    """What the authorizer of an API is called with.

    Args:
        api: The API.
        request: The client's request.
        match: The resource that it is for.
        identity: What the identity sources stand for.
    """
    match api.kind:
        case Kind.REST:
            return _rest(api, request, match)
        case Kind.HTTP:
            return _http(api, request, match, identity)


def _rest(api: Api, request: Request, match: Match) -> Event:
    query = parse_qsl(request.query, keep_blank_values=True)
    return {
        "type": "REQUEST",
        "methodArn": api.arn(request.method, request.path),
        "resource": match.resource,
        "path": request.path,
        "httpMethod": request.method,
        "headers": dict(request.headers),
        "multiValueHeaders": _grouped(request.headers),
        "queryStringParameters": dict(query),
        "multiValueQueryStringParameters": _grouped(tuple(query)),
        "pathParameters": match.parameters,
        "stageVariables": api.stage_variables,
        "requestContext": rest_context(api, request, match),
    }


def rest_context(api: Api, request: Request, match: Match) -> Event:
    """The `$context` of a REST API's request."""
    return {
        "resourceId": "05c7jb",
        "resourcePath": match.resource,
        "httpMethod": request.method,
        "requestTime": _common_log_time(request),
        "path": request.path,
        "accountId": api.account,
        "protocol": "HTTP/1.1",
        "stage": api.stage,
        "domainPrefix": api.domain.partition(".")[0],
        "requestTimeEpoch": _epoch_ms(request),
        "requestId": request.request_id,
        "identity": {
            "sourceIp": request.source_ip,
            "userAgent": request.header("user-agent"),
            "clientCert": client_cert(request.certificate),
        },
        "domainName": api.domain,
        "apiId": api.api_id,
    }


def _http(api: Api, request: Request, match: Match, identity: tuple[str, ...]) -> Event:
    query = parse_qsl(request.query, keep_blank_values=True)
    lowered = tuple((name.lower(), value) for name, value in request.headers)
    return {
        "version": "2.0",
        "type": "REQUEST",
        "routeArn": api.arn(request.method, request.path),
        "identitySource": list(identity),
        "routeKey": f"ANY {match.resource}",
        "rawPath": request.path,
        "rawQueryString": request.query,
        "cookies": [one for name, value in lowered if name == "cookie" for one in value.split("; ")],
        "headers": {name: ",".join(values) for name, values in _grouped(lowered).items() if name != "cookie"},
        "queryStringParameters": {name: ",".join(values) for name, values in _grouped(tuple(query)).items()},
        "requestContext": http_context(api, request, match),
        "pathParameters": match.parameters,
        "stageVariables": api.stage_variables,
    }


def http_context(api: Api, request: Request, match: Match) -> Event:
    """The request context of an HTTP API's request."""
    return {
        "accountId": api.account,
        "apiId": api.api_id,
        "authentication": {"clientCert": client_cert(request.certificate)},
        "domainName": api.domain,
        "domainPrefix": api.domain.partition(".")[0],
        "http": {
            "method": request.method,
            "path": request.path,
            "protocol": "HTTP/1.1",
            "sourceIp": request.source_ip,
            "userAgent": request.header("user-agent"),
        },
        "requestId": request.request_id,
        "routeKey": f"ANY {match.resource}",
        "stage": api.stage,
        "time": _common_log_time(request),
        "timeEpoch": _epoch_ms(request),
    }


def _grouped(pairs: tuple[tuple[str, str], ...]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return found


def _common_log_time(request: Request) -> str:
    return f"{request.at:%d/%b/%Y:%H:%M:%S} +0000"


def _epoch_ms(request: Request) -> int:
    return int(request.at.timestamp() * 1000)
