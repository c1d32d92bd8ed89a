"""The OpenAPI template of a REST API, as the stand-in for API Gateway is configured from it."""

from collections.abc import Mapping
from typing import Any, Final

import yaml

from service.demo.gateway.model import Api, AuthorizerSettings
from tests.e2e.running import ROOT

TEMPLATE: Final = ROOT / "deploy" / "aws" / "openapi" / "rest.yaml"

ANY_METHOD: Final = "x-amazon-apigateway-any-method"
INTEGRATION: Final = "x-amazon-apigateway-integration"
AUTHORIZER: Final = "x-amazon-apigateway-authorizer"

Document = dict[str, Any]


def template() -> Document:
    """The template, parsed."""
    parsed: Document = yaml.safe_load(TEMPLATE.read_text())
    return parsed


def resources_of(document: Document) -> Api:
    """An API with the template's resources."""
    return Api(resources=tuple(document["paths"]))


def authorizer_of(document: Document) -> AuthorizerSettings:
    """How the template has the authorizer called."""
    (scheme,) = document["components"]["securitySchemes"].values()
    said = scheme[AUTHORIZER]
    sources = tuple(one.strip() for one in said["identitySource"].split(","))
    return AuthorizerSettings(sources, float(said["authorizerResultTtlInSeconds"]))


def integrations_of(document: Document) -> list[Document]:
    """Every integration of the template."""
    return [path[ANY_METHOD][INTEGRATION] for path in document["paths"].values()]


def request_parameters_of(document: Document) -> Mapping[str, str]:
    """What the integration of all paths sets."""
    (greedy,) = (one for one in integrations_of(document) if one["uri"].endswith("/{proxy}"))
    parameters: dict[str, str] = greedy["requestParameters"]
    return parameters


def skips_verification(document: Document) -> bool:
    """Whether some integration takes a backend's certificate that nobody vouches for."""
    return any(one.get("tlsConfig", {}).get("insecureSkipVerification", False) for one in integrations_of(document))
