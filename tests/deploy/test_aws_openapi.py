"""The OpenAPI template of a REST API: what API Gateway's documentation wants of it, and what Revet does."""

import json
from typing import Any, Final

import pytest

from lambda_function import Authorizer
from service.demo.gateway.parameters import IDENTITY, set_headers
from tests.adapters.s3.bucket import s3_server
from tests.authorizer.events import rest
from tests.e2e.front_doors.moto_ca import aws_client
from tests.e2e.front_doors.openapi import (
    ANY_METHOD,
    AUTHORIZER,
    Document,
    authorizer_of,
    integrations_of,
    resources_of,
    skips_verification,
    template,
)
from tests.e2e.running import ROOT

NOWHERE: Final = "http://127.0.0.1:9"
"""Where nobody answers."""

PATH: Final = {"integration.request.path.proxy": "method.request.path.proxy"}


@pytest.fixture(scope="module")
def document() -> Document:
    """The template."""
    return template()


def test_no_method_is_open(document: Document) -> None:
    """Each path has the one method that stands for all, and that method has the authorizer."""
    schemes = document["components"]["securitySchemes"]

    assert ["revet"] == list(schemes)
    for path, item in document["paths"].items():
        assert [ANY_METHOD] == list(item), path
        assert [{"revet": []}] == item[ANY_METHOD]["security"], path


def test_nobody_goes_past_mutual_tls(document: Document) -> None:
    """The endpoint without mutual TLS is off, at the place where OpenAPI 3 has it."""
    (server,) = document["servers"]

    assert {"disableExecuteApiEndpoint": True} == server["x-amazon-apigateway-endpoint-configuration"]


def test_the_authorizer(document: Document) -> None:
    """It is of type request, as identity sources out of the context want it, and bound to the certificate."""
    scheme = document["components"]["securitySchemes"]["revet"]
    authorizer, settings = scheme[AUTHORIZER], authorizer_of(document)

    said = (scheme["type"], scheme["name"], scheme["in"], scheme["x-amazon-apigateway-authtype"])
    assert ("apiKey", "Unused", "header", "custom") == said
    assert "request" == authorizer["type"]
    assert authorizer["authorizerUri"].endswith(":function:revet-authorizer/invocations")
    assert "identityValidationExpression" not in authorizer, "for authorizers of type token"
    assert all(source.startswith("context.identity.clientCert.") for source in settings.identity_sources)
    assert settings.result_ttl_s <= 60, "a revocation does not reach what API Gateway keeps"


def test_the_backend_is_verified(document: Document) -> None:
    """The private integration goes by the VPC link over HTTPS, and no certificate is taken unverified."""
    for integration in integrations_of(document):
        assert ("http_proxy", "VPC_LINK") == (integration["type"], integration["connectionType"])
        assert "when_no_match" == integration["passthroughBehavior"]
        assert integration["uri"].startswith("https://")
        assert "${stageVariables.vpcLinkId}" == integration["connectionId"]
    assert not skips_verification(document)


def test_the_whole_path_reaches_the_backend(document: Document) -> None:
    """The greedy path is handed on, and the root has a resource of its own."""
    assert ("/", "/{proxy+}") == resources_of(document).resources
    greedy = integrations_of(document)[1]
    assert set(PATH.items()) <= set(greedy["requestParameters"].items())
    assert greedy["uri"].endswith("/{proxy}")


def test_every_integration_sets_who_was_let_in(document: Document) -> None:
    """All headers with what Revet says, and nothing else: of one that is left out, the client's own arrives."""
    bare, greedy = (one["requestParameters"] for one in integrations_of(document))

    assert IDENTITY == bare
    assert {**PATH, **IDENTITY} == greedy


def test_the_headers_are_those_of_the_sidecar(document: Document) -> None:
    """A backend finds the same names behind each front; what the sidecar sets is set here too."""
    removed = (ROOT / "sidecar" / "conf" / "removed-headers").read_text()
    (identity,) = (part for part in removed.split("\n# --- ") if part.startswith("identity"))
    of_sidecar = {line for line in identity.splitlines() if line.startswith("X-")}

    for integration in integrations_of(document):
        set_here = {one.name for one in set_headers(integration["requestParameters"])}
        assert of_sidecar | {"X-Revet-Decision"} == set_here


@pytest.mark.parametrize("fail_mode", ["closed", "open"])
@pytest.mark.parametrize("event", [rest(), rest(None)], ids=["nobody answers", "no certificate"])
def test_the_authorizer_says_all_that_is_mapped(document: Document, fail_mode: str, event: dict[str, Any]) -> None:
    """With no answer of Revet's at all every key has text: what API Gateway does where one is missing, nobody says."""
    answer: Any = Authorizer({"REVET_URL": NOWHERE, "REVET_FAIL_MODE": fail_mode}).authorize(event)

    for integration in integrations_of(document):
        keys = [one.key for one in set_headers(integration["requestParameters"])]
        assert [] == [key for key in keys if not answer["context"].get(key)]


def test_it_can_be_imported(document: Document) -> None:
    """Moto takes it as a REST API: it is an OpenAPI document without a fault. Authorizers, moto leaves out."""
    with s3_server() as endpoint:
        client = aws_client("apigateway", endpoint)
        made = client.import_rest_api(body=json.dumps(document).encode(), failOnWarnings=True)
        resources = client.get_resources(restApiId=made["id"])["items"]
        client.close()

    assert {"/", "/{proxy+}"} == {one["path"] for one in resources}
