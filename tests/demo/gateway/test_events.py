"""The events of both kinds of API, beside the names of API Gateway's developer guide."""

import json

from service.demo.gateway.events import event_for
from service.demo.gateway.model import Api, Kind
from service.demo.gateway.resources import Match
from tests.demo.gateway.clients import LEAF, a_request

REQUEST = a_request(
    "/devices/7",
    "a=1&a=2&b=%C3%BC",
    ("Host", "api.demo.example"),
    ("X-Tag", "one"),
    ("X-Tag", "two"),
    ("Cookie", "c=1; d=2"),
    ("User-Agent", "curl/8"),
)
MATCH = Match("/devices/{id}", {"id": "7"})


def test_a_rest_api() -> None:
    """The event of type REQUEST has the method's ARN, single and multiple values, and a certificate in the identity."""
    event = json.loads(json.dumps(event_for(Api(), REQUEST, MATCH, ())))

    arn = "arn:aws:execute-api:eu-central-1:123456789012:a1b2c3d4e5/prod/GET/devices/7"
    assert ("REQUEST", arn) == (event["type"], event["methodArn"])
    assert ("/devices/{id}", "/devices/7", "GET") == (event["resource"], event["path"], event["httpMethod"])
    assert "two" == event["headers"]["X-Tag"]
    assert ["one", "two"] == event["multiValueHeaders"]["X-Tag"]
    assert {"a": "2", "b": "ü"} == event["queryStringParameters"]
    assert {"a": ["1", "2"], "b": ["ü"]} == event["multiValueQueryStringParameters"]
    assert {"id": "7"} == event["pathParameters"]
    identity = event["requestContext"]["identity"]
    assert ("198.51.100.7", "curl/8") == (identity["sourceIp"], identity["userAgent"])
    parts = {"clientCertPem", "subjectDN", "issuerDN", "serialNumber", "validity"}
    assert parts == identity["clientCert"].keys()
    assert "CN=device-1" == identity["clientCert"]["subjectDN"]
    assert "version" not in event


def test_an_http_api() -> None:
    """The event of payload format 2.0 has a route, joined values, cookies apart, and the certificate elsewhere."""
    event = json.loads(json.dumps(event_for(Api(Kind.HTTP), REQUEST, MATCH, ("x", "y"))))

    assert ("2.0", "REQUEST", ["x", "y"]) == (event["version"], event["type"], event["identitySource"])
    assert event["routeArn"].endswith("/prod/GET/devices/7")
    assert "methodArn" not in event
    assert {"host": "api.demo.example", "x-tag": "one,two", "user-agent": "curl/8"} == event["headers"]
    assert ["c=1", "d=2"] == event["cookies"]
    assert {"a": "1,2", "b": "ü"} == event["queryStringParameters"]
    assert ("/devices/7", "a=1&a=2&b=%C3%BC") == (event["rawPath"], event["rawQueryString"])
    context = event["requestContext"]
    assert "CN=device-1" == context["authentication"]["clientCert"]["subjectDN"]
    assert "identity" not in context
    assert "GET" == context["http"]["method"]
    assert int(REQUEST.at.timestamp() * 1000) == context["timeEpoch"]
    assert LEAF.subject.rfc4514_string() in json.dumps(event)
