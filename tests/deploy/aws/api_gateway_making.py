"""How the types of API Gateway are made.

Moto imports an OpenAPI document's paths and integrations and passes over its authorizers and what the methods say of
them: those are made here, by API Gateway's own operations, as it makes them of a document. So is an integration of type
mock, at which moto's import fails.
"""

import copy
import json
from collections.abc import Mapping
from typing import Final

from tests.deploy.aws.calls import Aws, Properties
from tests.deploy.aws.taught import Made, maker

ANY_METHOD: Final = "x-amazon-apigateway-any-method"
AUTHORIZER: Final = "x-amazon-apigateway-authorizer"
INTEGRATION: Final = "x-amazon-apigateway-integration"


# --- REST ------------------------------------------------------------------------------------------------------------


@maker("AWS::ApiGateway::RestApi")
def _rest_api(aws: Aws, _: str, properties: Properties) -> Made:
    document, warnings = properties.pop("Body"), properties.pop("FailOnWarnings")
    api = {"restApiId": aws.call("apigateway", "create_rest_api", **properties)["id"]}
    body = json.dumps(_without_mocks(document))
    aws.call("apigateway", "put_rest_api", **api, mode="overwrite", failOnWarnings=warnings, body=body)
    authorizers = {
        name: aws.call("apigateway", "create_authorizer", **api, name=name, **_of_type(scheme[AUTHORIZER]))["id"]
        for name, scheme in document["components"]["securitySchemes"].items()
    }
    for item in aws.call("apigateway", "get_resources", **api, embed=["methods"])["items"]:
        operation = document["paths"].get(item["path"], {}).get(ANY_METHOD)
        if operation is not None:
            _method(aws, {**api, "resourceId": item["id"], "httpMethod": "ANY"}, operation, authorizers)
    return Made(api["restApiId"])


def _method(aws: Aws, resource: Properties, operation: Properties, authorizers: Mapping[str, str]) -> None:
    """One that names no authorizer is open to everybody, as it would be at API Gateway."""
    if operation.get("security"):
        (security,) = operation["security"]
        (name,) = security
        aws.call("apigateway", "put_method", **resource, authorizationType="CUSTOM", authorizerId=authorizers[name])
    else:
        aws.call("apigateway", "put_method", **resource, authorizationType="NONE")
    said = {key: value for key, value in operation[INTEGRATION].items() if key != "responses"}
    kind, method = said.pop("type").upper(), said.pop("httpMethod", None)
    if method is not None:
        said["integrationHttpMethod"] = method
    aws.call("apigateway", "put_integration", **resource, type=kind, **said)


def _without_mocks(document: Properties) -> Properties:
    bare = copy.deepcopy(document)
    for item in bare["paths"].values():
        if item[ANY_METHOD][INTEGRATION]["type"] == "mock":
            del item[ANY_METHOD][INTEGRATION]
    return bare


def _of_type(authorizer: Properties) -> Properties:
    return {**authorizer, "type": authorizer["type"].upper()}


@maker("AWS::ApiGateway::VpcLink")
def _rest_vpc_link(aws: Aws, _: str, properties: Properties) -> Made:
    return Made(aws.call("apigateway", "create_vpc_link", **properties)["id"])


@maker("AWS::ApiGateway::Deployment")
def _deployment(aws: Aws, _: str, properties: Properties) -> Made:
    return Made(aws.call("apigateway", "create_deployment", **properties)["id"])


@maker("AWS::ApiGateway::Stage")
def _rest_stage(aws: Aws, _: str, properties: Properties) -> Made:
    log, settings = properties.pop("AccessLogSetting"), properties.pop("MethodSettings")
    made = aws.call("apigateway", "create_stage", **properties)["stageName"]
    about = {"restApiId": properties["RestApiId"], "stageName": made}
    values = {"/accessLogSettings/destinationArn": log["DestinationArn"], "/accessLogSettings/format": log["Format"]}
    (every,) = settings
    assert (every.pop("ResourcePath"), every.pop("HttpMethod")) == ("/*", "*")
    for name, value in every.items():
        values[f"/*/*/{_METHOD_SETTINGS[name]}"] = str(value).lower() if isinstance(value, bool) else str(value)
    operations = [{"op": "replace", "path": path, "value": value} for path, value in values.items()]
    aws.call("apigateway", "update_stage", **about, patchOperations=operations)
    return Made(made)


_METHOD_SETTINGS = {
    "MetricsEnabled": "metrics/enabled",
    "LoggingLevel": "logging/loglevel",
    "DataTraceEnabled": "logging/dataTrace",
    "ThrottlingRateLimit": "throttling/rateLimit",
    "ThrottlingBurstLimit": "throttling/burstLimit",
}


@maker("AWS::ApiGateway::DomainName")
def _rest_domain(aws: Aws, _: str, properties: Properties) -> Made:
    aws.call("apigateway", "create_domain_name", **properties)
    target = f"d-{properties['DomainName'].replace('.', '')[:10]}.execute-api.us-east-1.amazonaws.com"
    return Made(properties["DomainName"], {"RegionalDomainName": target, "RegionalHostedZoneId": "Z1UJRXOUMOOFQ8"})


@maker("AWS::ApiGateway::BasePathMapping")
def _mapping(aws: Aws, name: str, properties: Properties) -> Made:
    aws.call("apigateway", "create_base_path_mapping", **properties)
    return Made(name)


@maker("AWS::ApiGateway::Account")
def _account(aws: Aws, name: str, properties: Properties) -> Made:
    operation = {"op": "replace", "path": "/cloudwatchRoleArn", "value": properties.pop("CloudWatchRoleArn")}
    aws.call("apigateway", "update_account", patchOperations=[operation], **properties)
    return Made(name)


# --- HTTP ------------------------------------------------------------------------------------------------------------


@maker("AWS::ApiGatewayV2::Api")
def _http_api(aws: Aws, _: str, properties: Properties) -> Made:
    return Made(aws.call("apigatewayv2", "create_api", **properties)["ApiId"])


@maker("AWS::ApiGatewayV2::VpcLink")
def _http_vpc_link(aws: Aws, _: str, properties: Properties) -> Made:
    return Made(aws.call("apigatewayv2", "create_vpc_link", **properties)["VpcLinkId"])


@maker("AWS::ApiGatewayV2::Authorizer")
def _authorizer(aws: Aws, _: str, properties: Properties) -> Made:
    return Made(aws.call("apigatewayv2", "create_authorizer", **properties)["AuthorizerId"])


@maker("AWS::ApiGatewayV2::Integration")
def _integration(aws: Aws, _: str, properties: Properties) -> Made:
    return Made(aws.call("apigatewayv2", "create_integration", **properties)["IntegrationId"])


@maker("AWS::ApiGatewayV2::Route")
def _route(aws: Aws, _: str, properties: Properties) -> Made:
    return Made(aws.call("apigatewayv2", "create_route", **properties)["RouteId"])


@maker("AWS::ApiGatewayV2::Stage")
def _http_stage(aws: Aws, _: str, properties: Properties) -> Made:
    return Made(aws.call("apigatewayv2", "create_stage", **properties)["StageName"])


@maker("AWS::ApiGatewayV2::DomainName")
def _http_domain(aws: Aws, _: str, properties: Properties) -> Made:
    made = aws.call("apigatewayv2", "create_domain_name", **properties)
    (configuration,) = made["DomainNameConfigurations"]
    target = configuration.get("ApiGatewayDomainName", "d-0123456789.execute-api.us-east-1.amazonaws.com")
    return Made(made["DomainName"], {"RegionalDomainName": target, "RegionalHostedZoneId": "Z1UJRXOUMOOFQ8"})


@maker("AWS::ApiGatewayV2::ApiMapping")
def _api_mapping(aws: Aws, _: str, properties: Properties) -> Made:
    return Made(aws.call("apigatewayv2", "create_api_mapping", **properties)["ApiMappingId"])
