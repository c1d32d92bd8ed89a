"""The two APIs as they came up: mutual TLS, no way past it, the authorizer everywhere, results kept by certificate."""

import json
from typing import Any

import pytest

from service.demo.gateway.parameters import IDENTITY
from tests.deploy.aws import checks
from tests.deploy.aws.account import TRUST_STORE, Account
from tests.deploy.aws.stacks import Stack, arn
from tests.e2e.front_doors.openapi import authorizer_of

BALANCER = arn("elasticloadbalancing", "loadbalancer/net/backend/0123456789abcdef")
BACKEND = "backend.internal.example"


@pytest.fixture(scope="module", params=["public", "private"])
def backed(request: pytest.FixtureRequest, given: Account, authorizer: Stack) -> tuple[str, Stack]:
    """A REST API with a backend, and whose certificate that has."""
    more = {"BackendLoadBalancerArn": BALANCER, "BackendName": BACKEND, "BackendCertificate": request.param}
    return request.param, given.api("api-gateway-rest", authorizer, AlarmTopicArn=arn("sns", "alarms"), **more)


@pytest.fixture(params=["rest", "http"])
def either(request: pytest.FixtureRequest, rest: Stack, http: Stack) -> Stack:
    """An API of either kind."""
    return rest if request.param == "rest" else http


def methods(stack: Stack) -> dict[tuple[str, str], dict[str, Any]]:
    """The methods of a REST API, by their paths and names."""
    api = {"restApiId": stack.outputs["ApiId"]}
    found = stack.ask("apigateway", "get_resources", **api, embed=["methods"])["items"]
    return {
        (one["path"], name): stack.ask("apigateway", "get_method", **api, resourceId=one["id"], httpMethod=name)
        for one in found
        for name in one.get("resourceMethods", {})
        # What moto takes the extension's name for.
        if not name.startswith("X-AMAZON-")
    }


def test_what_holds_for_every_stack(either: Stack) -> None:
    """Logs, alarms, descriptions."""
    checks.check_all(either)


def test_mutual_tls_of_the_domain(rest: Stack, http: Stack, given: Account) -> None:
    """By the trust store that Revet reads, in that version; TLS 1.2 at least."""
    trust = f"s3://{given.bucket}/{TRUST_STORE}"
    name = http.aws.the("create_domain_name")["DomainName"]
    of_http = http.ask("apigatewayv2", "get_domain_name", DomainName=name)
    # Of a REST API's domain moto keeps everything else.
    of_rest = rest.aws.the("create_domain_name")
    kept = rest.ask("apigateway", "get_domain_name", domainName=of_rest["domainName"])

    assert {"TruststoreUri": trust, "TruststoreVersion": given.versions[TRUST_STORE]} == of_http[
        "MutualTlsAuthentication"
    ]
    assert {"truststoreUri": trust, "truststoreVersion": given.versions[TRUST_STORE]} == of_rest[
        "mutualTlsAuthentication"
    ]
    assert ("TLS_1_2", ["REGIONAL"]) == (kept["securityPolicy"], kept["endpointConfiguration"]["types"])
    (configuration,) = of_http["DomainNameConfigurations"]
    assert ("TLS_1_2", "REGIONAL") == (configuration["SecurityPolicy"], configuration["EndpointType"])


def test_nobody_goes_past_mutual_tls(rest: Stack, http: Stack) -> None:
    """The endpoints that have none are off."""
    assert rest.ask("apigateway", "get_rest_api", restApiId=rest.outputs["ApiId"])["disableExecuteApiEndpoint"] is True
    assert http.ask("apigatewayv2", "get_api", ApiId=http.outputs["ApiId"])["DisableExecuteApiEndpoint"] is True


def test_the_domain_leads_to_the_stage(rest: Stack, http: Stack) -> None:
    """And its name to the domain."""
    name = rest.aws.the("create_domain_name")["domainName"]
    (mapping,) = rest.ask("apigateway", "get_base_path_mappings", domainName=name)["items"]
    other = http.aws.the("create_domain_name")["DomainName"]
    (mapped,) = http.ask("apigatewayv2", "get_api_mappings", DomainName=other)["Items"]

    assert (rest.outputs["ApiId"], "prod") == (mapping["restApiId"], mapping["stage"])
    assert (http.outputs["ApiId"], "$default") == (mapped["ApiId"], mapped["Stage"])
    assert rest.outputs["Url"] == f"https://{name}/"


def test_the_authorizer_of_a_rest_api(rest: Stack, authorizer: Stack) -> None:
    """Its results are kept for the certificate, for a minute at most; it is at every method."""
    api = {"restApiId": rest.outputs["ApiId"]}
    (made,) = rest.ask("apigateway", "get_authorizers", **api)["items"]
    found = methods(rest)

    assert ("REQUEST", "context.identity.clientCert.clientCertPem") == (made["type"], made["identitySource"])
    assert 60 == made["authorizerResultTtlInSeconds"]
    assert f"/functions/{authorizer.outputs['FunctionArn']}/invocations" in made["authorizerUri"]
    assert {("/", "ANY"), ("/{proxy+}", "ANY")} == set(found)
    for path, method in found.items():
        assert ("CUSTOM", made["id"]) == (method["authorizationType"], method["authorizerId"]), path


def test_the_authorizer_of_an_http_api(http: Stack, authorizer: Stack) -> None:
    """The same, in the format that the function answers in; it is at the only route, which is for everything."""
    api = {"ApiId": http.outputs["ApiId"]}
    (route,) = http.ask("apigatewayv2", "get_routes", **api)["Items"]
    made = http.ask("apigatewayv2", "get_authorizer", **api, AuthorizerId=route["AuthorizerId"])

    assert ("$default", "CUSTOM") == (route["RouteKey"], route["AuthorizationType"])
    assert ("REQUEST", ["$context.identity.clientCert.clientCertPem"]) == (
        made["AuthorizerType"],
        made["IdentitySource"],
    )
    assert (60, "2.0", True) == (
        made["AuthorizerResultTtlInSeconds"],
        made["AuthorizerPayloadFormatVersion"],
        made["EnableSimpleResponses"],
    )
    assert f"/functions/{authorizer.outputs['FunctionArn']}/invocations" in made["AuthorizerUri"]
    assert f"integrations/{http.resources['Backend']}" == route["Target"]


def test_only_these_apis_may_call_the_function(rest: Stack, http: Stack, authorizer: Stack) -> None:
    """And of the HTTP API, that authorizer."""
    name = authorizer.outputs["FunctionArn"]
    policy = json.loads(authorizer.ask("lambda", "get_policy", FunctionName=name)["Policy"])
    found = {one["Condition"]["ArnLike"]["AWS:SourceArn"] for one in policy["Statement"]}
    own = {f"{arn('execute-api', rest.outputs['ApiId'])}/authorizers/*"}
    own |= {f"{arn('execute-api', http.outputs['ApiId'])}/authorizers/{http.resources['Authorizer']}"}

    assert own <= found
    for one in policy["Statement"]:
        assert {"Service": "apigateway.amazonaws.com"} == one["Principal"]
        assert one["Condition"]["ArnLike"]["AWS:SourceArn"].startswith("arn:aws:execute-api:us-east-1:123456789012:")


def test_without_a_backend_whoever_is_let_in_is_answered(rest: Stack) -> None:
    """204, by API Gateway itself."""
    for method in methods(rest).values():
        assert "MOCK" == method["methodIntegration"]["type"]
        assert {"statusCode": 204} == json.loads(method["methodIntegration"]["requestTemplates"]["application/json"])


def test_the_backend_of_a_rest_api(backed: tuple[str, Stack]) -> None:
    """By the VPC link, over HTTPS; its certificate is verified unless that is said; who was let in is set by Revet."""
    certificate, stack = backed
    found = methods(stack)
    (link,) = (
        one for one in stack.ask("apigateway", "get_vpc_links")["items"] if one["id"] == stack.resources["VpcLink"]
    )

    assert [BALANCER] == link["targetArns"]
    for (path, _), method in found.items():
        made = method["methodIntegration"]
        assert ("HTTP_PROXY", "VPC_LINK") == (made["type"], made["connectionType"])
        assert f"https://{BACKEND}{path.replace('+', '')}" == made["uri"]
        assert certificate == ("private" if made.get("tlsConfig", {}).get("insecureSkipVerification") else "public")
        assert IDENTITY.items() <= made["requestParameters"].items()
    sent = {one["connectionId"] for one in stack.aws.made("put_integration")}
    assert {stack.resources["VpcLink"]} == sent, "moto does not keep it"


def test_the_backend_of_an_http_api(http: Stack, given: Account) -> None:
    """By the VPC link in the private subnets, over HTTPS with a name that is verified; Revet says who was let in."""
    made = http.ask(
        "apigatewayv2", "get_integration", ApiId=http.outputs["ApiId"], IntegrationId=http.resources["Backend"]
    )
    (link,) = (
        one for one in http.ask("apigatewayv2", "get_vpc_links")["Items"] if one["VpcLinkId"] == made["ConnectionId"]
    )

    assert ("HTTP_PROXY", "ANY", "VPC_LINK") == (
        made["IntegrationType"],
        made["IntegrationMethod"],
        made["ConnectionType"],
    )
    assert {"ServerNameToVerify": BACKEND} == made["TlsConfig"]
    assert {overwriting(name): f"${value}" for name, value in IDENTITY.items()} == made["RequestParameters"]
    assert given.network.outputs["PrivateSubnetIds"].split(",") == link["SubnetIds"]
    assert {("LinkSecurityGroup", 443, "10.0.0.0/8")} == checks.ways_out(http)
    assert set() == checks.ways_in(http)


def overwriting(parameter: str) -> str:
    """What an HTTP API calls a parameter of a REST API's integration."""
    return f"overwrite:header.{parameter.removeprefix('integration.request.header.')}"


def test_stages_say_who_was_let_in_and_no_more(rest: Stack, http: Stack) -> None:
    """JSON with the decision, no certificate, no name; requests are bounded; bodies are in no log."""
    stage = rest.ask("apigateway", "get_stage", restApiId=rest.outputs["ApiId"], stageName="prod")
    other = http.ask("apigatewayv2", "get_stage", ApiId=http.outputs["ApiId"], StageName="$default")
    (settings,) = stage["methodSettings"].values()

    for written in (stage["accessLogSettings"], other["AccessLogSettings"]):
        said = {name[0].lower() + name[1:]: value for name, value in written.items()}
        line = json.loads(said["format"])
        assert {"decision", "code", "decision_id", "serial", "status"} <= set(line)
        assert not [one for one in line.values() if "clientCert" in one or "subject" in one]
        assert said["destinationArn"].endswith("-access")
    assert settings["dataTraceEnabled"] is False
    assert (500, 1000) == (settings["throttlingRateLimit"], settings["throttlingBurstLimit"])
    assert (500, 1000) == (
        other["DefaultRouteSettings"]["ThrottlingRateLimit"],
        other["DefaultRouteSettings"]["ThrottlingBurstLimit"],
    )


def test_the_stand_in_takes_the_document(rest: Stack) -> None:
    """The tests of the front doors could configure their gateway from the template's document too."""
    settings = authorizer_of(checks.body(rest))

    assert (("context.identity.clientCert.clientCertPem",), 60.0) == (settings.identity_sources, settings.result_ttl_s)
