"""What the templates can be given: everything is described, bounded where it can be, and refused where it is wrong."""

import json
import re
from importlib.resources import files

import pytest

from tests.deploy.aws.account import Account
from tests.deploy.aws.parameters import complaints
from tests.deploy.aws.stacks import Stack
from tests.deploy.aws.templates import DIRECTORY, Parsed, names, parsed, resources, template
from tests.docs.pages import page, sections

FREE = {"CrlMap", "ApplicationCommand", "ImageRepositoryArns", "LoadBalancerCidrs"}
"""Which no pattern describes: lists, and a map that Revet itself looks at."""

PATTERN = "not of its pattern"

MAX_TEMPLATE_OCTETS = 51_200
"""CloudFormation's quota for a template that is sent along."""


def document(name: str) -> dict[str, dict[str, dict[str, object]]]:
    """A template."""
    return parsed(template(name).read_text())


@pytest.mark.parametrize("name", names())
def test_every_parameter_is_described_and_bounded(name: str) -> None:
    """By a type of AWS's own, a pattern, values, or bounds."""
    for parameter, about in document(name).get("Parameters", {}).items():
        assert about["Description"], parameter
        bounded = {"AllowedPattern", "AllowedValues", "MinValue"} & set(about)
        assert parameter in FREE or bounded or str(about["Type"]).startswith(("AWS::", "List<AWS::")), parameter


@pytest.mark.parametrize("name", names())
def test_what_a_failed_creation_made_does_not_stay(name: str) -> None:
    """The next try would find it there, and fail at its name; what was in use stays."""
    policies = [one.get("DeletionPolicy", "Delete") for one in parsed(template(name).read_text())["Resources"].values()]

    assert set(policies) <= {"Delete", "RetainExceptOnCreate"}


def test_what_is_kept() -> None:
    """When its stack goes, or is made of another template: what was logged, who is trusted, and the fleet's key."""
    kept = {
        (name, resource): one["UpdateReplacePolicy"]
        for name in names()
        for resource, one in parsed(template(name).read_text())["Resources"].items()
        if one.get("DeletionPolicy") == "RetainExceptOnCreate"
    }
    logs = {
        (name, resource)
        for name in names()
        for resource in resources(parsed(template(name).read_text()), "AWS::Logs::LogGroup")
    }
    others = {("service", "FleetKey"), ("trust-store", "Bucket")}
    others |= {("api-gateway-account", "Account"), ("api-gateway-account", "LogRole")}

    assert logs | others == set(kept)
    assert {"Retain"} == set(kept.values())


def create_only(resource: Parsed) -> Parsed:
    """Which properties of a resource cannot change without another one in its place, by CloudFormation's schema."""
    schemas = files("cfnlint").joinpath("data/schemas")
    file = json.loads(schemas.joinpath("providers/us-east-1.json").read_text())[resource["Type"]]
    fixed = json.loads(schemas.joinpath(f"resources/{file}.json").read_text()).get("createOnlyProperties", [])
    return {name: one for name, one in resource.get("Properties", {}).items() if f"/properties/{name}" in fixed}


def replacing(about: Parsed, name: str) -> set[str]:
    """The parameters of a template that have a resource replaced: itself, or what it names that is replaced."""
    found: set[str] = set()
    waiting, seen = [create_only(about["Resources"][name])], {name}
    while waiting:
        named = set(re.findall(r"\w+", json.dumps(waiting.pop()))) - seen
        seen |= named
        found |= named & set(about["Parameters"])
        waiting += [about["Conditions"][one] for one in named & set(about["Conditions"])]
        waiting += [create_only(about["Resources"][one]) for one in named & set(about["Resources"])]
    return found


def test_what_replaces_the_cache_is_said() -> None:
    """Another one is another fleet, without blocks: the parameter says so where it is described, and the page."""
    about = document("service")

    assert {"KmsKeyArn"} == replacing(about, "Cache")
    assert "replaces ElastiCache" in str(about["Parameters"]["KmsKeyArn"]["Description"])
    assert "`KmsKeyArn` is the one parameter" in sections(page("aws.md"), 2)["Another ElastiCache is another fleet"]
    assert {"LoadBalancerType"} <= replacing(about, "LoadBalancer"), "others are found too"


@pytest.mark.parametrize("name", names())
def test_it_is_short_enough(name: str) -> None:
    """To be handed over as it is: beyond this size CloudFormation wants it in S3."""
    assert template(name).stat().st_size <= MAX_TEMPLATE_OCTETS


def test_what_no_server_has_seen(rest: Stack, http: Stack, service: Stack, alb: Stack, nlb: Stack) -> None:
    """Calls that moto does not have, which docs/aws.md names: only their names and types are checked, and compared."""
    calls = [call for stack in (rest, http, service, alb, nlb) for call in stack.aws.calls]

    assert {"create_trust_store", "create_user_group"} == {one.operation for one in calls if one.answer is None}


@pytest.mark.parametrize("name", names())
def test_every_output_is_described(name: str) -> None:
    """A reader knows what each is for."""
    for output, about in document(name).get("Outputs", {}).items():
        assert about["Description"], output


def test_every_template_is_here() -> None:
    """One that is added is tested too."""
    expected = {"api-gateway-account", "api-gateway-http", "api-gateway-rest", "authorizer", "network", "service"}
    expected |= {"sidecar-alb", "sidecar-nlb", "trust-store"}

    assert expected == set(names())
    assert {"http.yaml", "rest.yaml"} == {one.name for one in (DIRECTORY / "openapi").iterdir()}


@pytest.mark.parametrize(
    ("name", "parameter", "value", "fault"),
    [
        ("service", "FleetName", "Revet", PATTERN),
        ("service", "Image", "revet", PATTERN),
        ("service", "MinReplicas", 1, "out of its bounds"),
        ("service", "CacheReplicas", 1, "none of its values"),
        ("service", "CacheReplicas", 7, "none of its values"),
        ("service", "RevocationMode", "off", "none of its values"),
        ("service", "ApiTokensSecretArn", "a-token-in-clear-text", PATTERN),
        ("service", "SettingsFileArn", "arn:aws:s3:::bucket/revet.toml", PATTERN),
        ("service", "CrlPrefix", "crl", PATTERN),
        ("authorizer", "RevetUrl", "http://revet.internal.example", PATTERN),
        ("authorizer", "CaBundle", "ca.pem", PATTERN),
        ("authorizer", "FailMode", "allow", "none of its values"),
        ("authorizer", "TimeoutMs", 5000, "out of its bounds"),
        ("authorizer", "SecretsExtensionLayerArn", "arn:aws:lambda:us-east-1:123456789012:layer:other:1", PATTERN),
        ("api-gateway-rest", "ResultTtlSeconds", 300, "out of its bounds"),
        ("api-gateway-rest", "TrustStoreUri", "https://bucket/truststore.pem", PATTERN),
        (
            "api-gateway-rest",
            "BackendLoadBalancerArn",
            "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/x/1",
            PATTERN,
        ),
        ("api-gateway-http", "ResultTtlSeconds", 61, "out of its bounds"),
        ("sidecar-alb", "RevetUrl", "http://revet.internal.example", PATTERN),
        ("sidecar-alb", "CertHeaderName", "X-Cert", PATTERN),
        ("sidecar-alb", "MutualTls", "off", "none of its values"),
        ("sidecar-nlb", "CacheSeconds", 61, "out of its bounds"),
        ("sidecar-nlb", "ApplicationPort", 80, "out of its bounds"),
    ],
)
def test_what_is_wrong_is_refused(name: str, parameter: str, value: object, fault: str) -> None:
    """Before anything is made."""
    assert f"{parameter}: {fault}" in complaints(document(name), {parameter: value})


def test_passthrough_needs_a_header_of_its_own(given: Account, service: Stack) -> None:
    """Without it anybody could send the usual one."""
    said = {**given.sidecar_parameters("sidecar-alb", service), "MutualTls": "passthrough"}

    assert ["MutualTls passthrough needs CertHeaderName"] == complaints(document("sidecar-alb"), said)
    assert [] == complaints(document("sidecar-alb"), {**said, "CertHeaderName": "X-Cert-0123456789abcdef"})
