"""Events as API Gateway makes them, in each of its formats."""

from typing import Any, Final

PEM: Final = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
"""For services that read nothing."""

SERIAL: Final = "0a:1b:2c:3d"
STAGE: Final = "arn:aws:execute-api:eu-central-1:123456789012:abcdef1234/prod"
ARN: Final = f"{STAGE}/GET/pets/7"
DEFAULT_STAGE: Final = "arn:aws:execute-api:eu-central-1:123456789012:abcdef1234/$default"

Event = dict[str, Any]


def client_cert(pem: str, serial: str = SERIAL) -> Event:
    """What is said of a client's certificate, in every format."""
    return {
        "clientCertPem": pem,
        "subjectDN": "CN=client",
        "issuerDN": "CN=Authority",
        "serialNumber": serial,
        "validity": {"notBefore": "May 28 12:30:02 2019 GMT", "notAfter": "Aug  5 09:36:04 2031 GMT"},
    }


def rest(pem: str | None = PEM, arn: str = ARN, serial: str = SERIAL) -> Event:
    """Of a REST API, type REQUEST; without a certificate, mutual TLS is off."""
    identity: Event = {"sourceIp": "192.0.2.1", "userAgent": "curl"}
    if pem is not None:
        identity["clientCert"] = client_cert(pem, serial)
    return {
        "type": "REQUEST",
        "methodArn": arn,
        "resource": "/pets/{id}",
        "path": "/pets/7",
        "httpMethod": "GET",
        "headers": {"Host": "api.example.com"},
        "requestContext": {"stage": "prod", "identity": identity, "requestId": "r-1"},
    }


def http_1(pem: str | None = PEM, arn: str = ARN) -> Event:
    """Of an HTTP API whose authorizer wants payload format 1.0."""
    return {"version": "1.0", "identitySource": "x", **rest(pem, arn)}


def http_2(pem: str | None = PEM, arn: str = f"{DEFAULT_STAGE}/GET/pets/7") -> Event:
    """Of an HTTP API whose authorizer wants payload format 2.0."""
    return {
        "version": "2.0",
        "type": "REQUEST",
        "routeArn": arn,
        "identitySource": None,
        "routeKey": "GET /pets/{id}",
        "rawPath": "/pets/7",
        "requestContext": {
            "authentication": None if pem is None else {"clientCert": client_cert(pem)},
            "http": {"method": "GET", "path": "/pets/7", "sourceIp": "192.0.2.1"},
            "stage": "$default",
        },
    }


def token() -> Event:
    """Of a REST API, type TOKEN: it has a header's value, and nothing of a certificate."""
    return {"type": "TOKEN", "authorizationToken": "allow", "methodArn": ARN}
