"""The OpenAPI documents and the templates say the same."""

import json
from typing import Any

import pytest
import yaml

from tests.deploy.aws import checks
from tests.deploy.aws.account import Account
from tests.deploy.aws.server import client_of
from tests.deploy.aws.stacks import Stack
from tests.deploy.aws.templates import DIRECTORY
from tests.deploy.aws.test_api_gateway import BACKEND, BALANCER

ANY_METHOD = "x-amazon-apigateway-any-method"
INTEGRATION = "x-amazon-apigateway-integration"
AUTHORIZER = "x-amazon-apigateway-authorizer"


def document(name: str, **filled_in: str) -> dict[str, Any]:
    """An OpenAPI document, with what stands in capital letters filled in."""
    text = (DIRECTORY / "openapi" / f"{name}.yaml").read_text()
    for placeholder, value in filled_in.items():
        assert placeholder.replace("_", "-") in text
        text = text.replace(placeholder.replace("_", "-"), value)
    parsed: dict[str, Any] = yaml.safe_load(text)
    return parsed


def test_the_document_of_a_rest_api_is_the_templates(given: Account, authorizer: Stack) -> None:
    """But for what the template says elsewhere: the endpoint that is off, the name, the link."""
    more = {"BackendLoadBalancerArn": BALANCER, "BackendName": BACKEND}
    made = given.api("api-gateway-rest", authorizer, **more)
    name = authorizer.outputs["FunctionArn"].rpartition(":")[2]
    expected = document("rest", BACKEND=BACKEND, REGION="us-east-1", ACCOUNT="123456789012", revet_authorizer=name)
    actual = checks.body(made)

    (server,) = expected.pop("servers")
    assert {"disableExecuteApiEndpoint": True} == server["x-amazon-apigateway-endpoint-configuration"]
    for said in (expected, actual):
        said["info"].pop("title")
        for path in said["paths"].values():
            path[ANY_METHOD][INTEGRATION].pop("connectionId")
    assert expected == actual


def test_the_document_of_an_http_api_is_the_templates(http: Stack, authorizer: Stack) -> None:
    """The route, the authorizer and the integration."""
    name = authorizer.outputs["FunctionArn"].rpartition(":")[2]
    said = document("http", BACKEND=BACKEND, REGION="us-east-1", ACCOUNT="123456789012", revet_authorizer=name)
    (path,) = said["paths"]
    operation = said["paths"][path][ANY_METHOD]
    integration, authorizes = operation[INTEGRATION], said["components"]["securitySchemes"]["revet"][AUTHORIZER]
    made, made_authorizer = http.aws.the("create_integration"), http.aws.the("create_authorizer")

    assert ("/$default", True, [{"revet": []}]) == (path, operation["isDefaultRoute"], operation["security"])
    assert made["RequestParameters"] == integration["requestParameters"]
    assert made["TlsConfig"] == {"ServerNameToVerify": integration["tlsConfig"]["serverNameToVerify"]}
    assert ("1.0", "VPC_LINK") == (integration["payloadFormatVersion"], integration["connectionType"])
    assert made_authorizer["IdentitySource"] == [authorizes["identitySource"]]
    for name in (
        "AuthorizerUri",
        "AuthorizerPayloadFormatVersion",
        "AuthorizerResultTtlInSeconds",
        "EnableSimpleResponses",
    ):
        assert made_authorizer[name] == authorizes[name[0].lower() + name[1:]]
    (server,) = said["servers"]
    assert {"disableExecuteApiEndpoint": True} == server["x-amazon-apigateway-endpoint-configuration"]


@pytest.mark.parametrize("name", ["rest", "http"])
def test_documents_can_be_imported(name: str, given: Account) -> None:
    """Moto's API Gateway takes them."""
    said = document(name)
    if name == "rest":
        client = client_of("apigateway", given.endpoint)
        made = client.import_rest_api(body=json.dumps(said).encode(), failOnWarnings=True)["id"]
        found = {one["path"] for one in client.get_resources(restApiId=made)["items"]}
    else:
        client = client_of("apigatewayv2", given.endpoint)
        made = client.create_api(Name="imported", ProtocolType="HTTP")["ApiId"]
        client.reimport_api(ApiId=made, Body=yaml.safe_dump(said))
        found = {one["RouteKey"].rpartition(" ")[2] for one in client.get_routes(ApiId=made)["Items"]}

    assert set(said["paths"]) == found
