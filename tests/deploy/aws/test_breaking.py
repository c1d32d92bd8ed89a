"""The checks can fail: each thing that matters is broken in a copy of its template, and a check has to notice."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import pytest

from service.settings import SettingsError
from tests.deploy.aws import checks, test_api_gateway, test_authorizer, test_service, test_sidecar
from tests.deploy.aws.account import Account
from tests.deploy.aws.stacks import Stack
from tests.deploy.aws.templates import template

Check = Callable[[Stack, "World"], object]


@dataclass(frozen=True, slots=True)
class World:
    """What checks and stacks need besides.

    Attributes:
        given: The account.
        service: A service.
        authorizer: An authorizer.
        good: A stack of each template as it is.
        capsys: What is printed.
    """

    given: Account
    service: Stack
    authorizer: Stack
    good: dict[str, Stack]
    capsys: pytest.CaptureFixture[str]


def _on(check: Callable[[Stack], object]) -> Check:
    return lambda stack, _: check(stack)


def _with_account(check: Callable[[Stack, Account], object]) -> Check:
    return lambda stack, world: check(stack, world.given)


def _rest(check: Callable[[Stack, Stack], object]) -> Check:
    return lambda stack, world: check(stack, world.good["api-gateway-http"])


def _settings_of_the_authorizer(stack: Stack, world: World) -> None:
    test_authorizer.test_the_authorizer_takes_its_settings(stack, world.service, world.capsys)


def _the_authorizer_of(check: Callable[[Stack, Stack], object]) -> Check:
    return lambda stack, world: check(stack, world.authorizer)


def _nlb_probes(stack: Stack, world: World) -> None:
    test_sidecar.test_probes_do_not_ask_about_revet(world.good["sidecar-alb"], stack)


BREAKS: Final[list[tuple[str, str, str, Check]]] = [
    ("service", "ReadonlyRootFilesystem: true", "ReadonlyRootFilesystem: false", _on(checks.check_containers)),
    ("service", 'User: "10001:10001"', 'User: "0:0"', _on(checks.check_containers)),
    ("service", "Drop: [ALL]", "Drop: [NET_RAW]", _on(checks.check_containers)),
    ("service", "AssignPublicIp: DISABLED", "AssignPublicIp: ENABLED", _on(checks.check_containers)),
    ("service", "Rollback: true", "Rollback: false", _on(checks.check_containers)),
    ("service", "StopTimeout: 30", "StopTimeout: 10", _on(test_service.test_it_is_stopped_after_it_has_drained)),
    ("service", "ContainerPath: /tmp", "ContainerPath: /var/tmp", _on(test_service.test_the_container_is_the_images)),
    (
        "service",
        "HealthCheckPath: /readyz",
        "HealthCheckPath: /",
        _on(test_service.test_probes_ask_whether_it_is_ready),
    ),
    ("service", "REVET_MANAGEMENT_PORT", "REVET_MANAGMENT_PORT", _on(test_service.test_revet_takes_the_settings)),
    ("service", "Name: REVET_API_TOKENS", "Name: REVET_TOKEN", _on(test_service.test_revet_takes_the_settings)),
    (
        "service",
        "SourceSecurityGroupId: !Ref CallerSecurityGroup",
        "CidrIp: 10.0.0.0/8",
        _on(test_service.test_who_reaches_whom),
    ),
    (
        "service",
        "SourceSecurityGroupId: !Ref LoadBalancerSecurityGroup",
        "SourceSecurityGroupId: !Ref CallerSecurityGroup",
        _on(test_service.test_who_reaches_whom),
    ),
    ("service", "CidrIp: 127.0.0.1/32", "CidrIp: 0.0.0.0/0", _on(test_service.test_who_reaches_whom)),
    (
        "service",
        "${TrustStoreBucket}/${TrustStoreKey}\n              - !If",
        "*\n              - !If",
        _on(checks.check_policies),
    ),
    ("service", "Action: secretsmanager:GetSecretValue", "Action: secretsmanager:*", _on(checks.check_policies)),
    (
        "service",
        "                aws:SourceAccount: !Ref AWS::AccountId",
        "                aws:x: y",
        _on(checks.check_policies),
    ),
    ("service", "      RetentionInDays: !Ref LogRetentionDays\n", "", _on(checks.check_logs)),
    ("service", "rediss://", "redis://", _on(test_service.test_what_replicas_share_is_encrypted_and_fails_over)),
    (
        "service",
        "TransitEncryptionMode: required",
        "TransitEncryptionMode: preferred",
        _on(test_service.test_what_replicas_share_is_encrypted_and_fails_over),
    ),
    (
        "service",
        "MultiAZEnabled: true",
        "MultiAZEnabled: false",
        _on(test_service.test_what_replicas_share_is_encrypted_and_fails_over),
    ),
    ("service", "resetchannels -@all", "+@all", _on(test_service.test_the_user_of_the_cache_may_what_the_page_says)),
    ("service", "off -@all", "on +@all", _on(test_service.test_who_names_no_user_at_the_cache_may_do_nothing)),
    (
        "service",
        "        - !Ref CacheDefaultUser\n",
        "",
        _on(test_service.test_who_names_no_user_at_the_cache_may_do_nothing),
    ),
    ("service", "TLS13-1-2-2021-06", "2016-08", _on(checks.check_load_balancers)),
    ("service", "Value: !Ref DeletionProtection", 'Value: "false"', _on(checks.check_load_balancers)),
    (
        "service",
        "MetricName: Faults\n          MetricValue",
        "MetricName: Other\n          MetricValue",
        _on(checks.check_alarms),
    ),
    ("service", "TreatMissingData: breaching", "TreatMissingData: notBreaching", _on(checks.check_alarms)),
    ("service", "Description: Callers\n", "Description: The callers' own\n", _on(checks.check_descriptions)),
    ("authorizer", "          REVET_FAIL_MODE:", "          REVET_FAILMODE:", _settings_of_the_authorizer),
    ("authorizer", "Default: error", "Default: open", _settings_of_the_authorizer),
    (
        "authorizer",
        "SecurityGroupIds:\n",
        "SecurityGroupIds:\n          - sg-0\n",
        lambda stack, world: test_authorizer.test_it_reaches_revet_alone(stack, world.given, world.service),
    ),
    ("authorizer", "Effect: Deny", "Effect: Allow", _on(checks.check_policies)),
    (
        "api-gateway-rest",
        "DisableExecuteApiEndpoint: true",
        "DisableExecuteApiEndpoint: false",
        _rest(test_api_gateway.test_nobody_goes_past_mutual_tls),
    ),
    (
        "api-gateway-rest",
        "              security:\n                - revet: []\n",
        "",
        _the_authorizer_of(test_api_gateway.test_the_authorizer_of_a_rest_api),
    ),
    (
        "api-gateway-rest",
        "identitySource: context.identity.clientCert.clientCertPem",
        "identitySource: method.request.header.Device",
        _the_authorizer_of(test_api_gateway.test_the_authorizer_of_a_rest_api),
    ),
    (
        "api-gateway-rest",
        "DataTraceEnabled: false",
        "DataTraceEnabled: true",
        _rest(test_api_gateway.test_stages_say_who_was_let_in_and_no_more),
    ),
    (
        "api-gateway-rest",
        "        TruststoreVersion: !Ref TrustStoreVersion\n",
        "",
        lambda stack, world: test_api_gateway.test_mutual_tls_of_the_domain(
            stack, world.good["api-gateway-http"], world.given
        ),
    ),
    (
        "api-gateway-http",
        "AuthorizationType: CUSTOM\n      AuthorizerId: !Ref Authorizer",
        "AuthorizationType: NONE",
        _the_authorizer_of(test_api_gateway.test_the_authorizer_of_an_http_api),
    ),
    (
        "api-gateway-http",
        "EnableSimpleResponses: true",
        "EnableSimpleResponses: false",
        _the_authorizer_of(test_api_gateway.test_the_authorizer_of_an_http_api),
    ),
    (
        "api-gateway-http",
        "overwrite:header.X-Revet-Subject",
        "append:header.X-Revet-Subject",
        _with_account(test_api_gateway.test_the_backend_of_an_http_api),
    ),
    (
        "api-gateway-http",
        "      TlsConfig:\n        ServerNameToVerify: !Ref BackendName\n",
        "",
        _with_account(test_api_gateway.test_the_backend_of_an_http_api),
    ),
    (
        "api-gateway-http",
        "DisableExecuteApiEndpoint: true",
        "DisableExecuteApiEndpoint: false",
        lambda stack, world: test_api_gateway.test_nobody_goes_past_mutual_tls(world.good["api-gateway-rest"], stack),
    ),
    (
        "sidecar-alb",
        "[IsVerify, false,",
        "[IsVerify, true,",
        _with_account(test_sidecar.test_the_load_balancer_verifies),
    ),
    (
        "sidecar-alb",
        "SourceSecurityGroupId: !Ref LoadBalancerSecurityGroup",
        "CidrIp: 10.0.0.0/8",
        _on(test_sidecar.test_who_reaches_whom),
    ),
    (
        "sidecar-alb",
        'Value: !Join [",", !Ref LoadBalancerCidrs]',
        "Value: 10.0.0.0/8",
        _with_account(test_sidecar.test_only_the_load_balancers_networks_are_trusted),
    ),
    ("sidecar-alb", "Value: append", "Value: preserve", _on(test_sidecar.test_the_load_balancers_attributes)),
    (
        "sidecar-alb",
        "REVET_SIDECAR_ALB_HEADER",
        "REVET_SIDECAR_ALB_HEADERS",
        _on(test_sidecar.test_settings_are_the_sidecars),
    ),
    (
        "sidecar-alb",
        "http://127.0.0.1:",
        "http://0.0.0.0:",
        lambda stack, world: test_sidecar.test_the_application_is_behind_the_sidecar(stack, world.service),
    ),
    (
        "sidecar-nlb",
        'proxy_protocol_v2.enabled\n          Value: "true"',
        'proxy_protocol_v2.enabled\n          Value: "false"',
        _on(test_sidecar.test_nlb_passes_octets_on),
    ),
    ("sidecar-nlb", "HealthCheckProtocol: TCP", "HealthCheckProtocol: HTTP", _nlb_probes),
    ("sidecar-nlb", "StopTimeout: 40", "StopTimeout: 30", _on(test_sidecar.test_the_container_is_the_images)),
]


@pytest.fixture
def world(
    given: Account,
    service: Stack,
    authorizer: Stack,
    rest: Stack,
    http: Stack,
    alb: Stack,
    nlb: Stack,
    capsys: pytest.CaptureFixture[str],
) -> World:
    """What there is besides the stack that is broken."""
    good = {"service": service, "authorizer": authorizer, "api-gateway-rest": rest, "api-gateway-http": http}
    return World(given, service, authorizer, {**good, "sidecar-alb": alb, "sidecar-nlb": nlb}, capsys)


def _created(name: str, text: str, world: World) -> Stack:
    match name:
        case "service":
            return world.given.service(text)
        case "authorizer":
            return world.given.authorizer(world.service, text)
        case "api-gateway-rest" | "api-gateway-http":
            return world.given.api(name, world.authorizer, text)
        case _:
            return world.given.sidecar(name, world.service, text)


@pytest.mark.parametrize(
    ("name", "before", "after", "check"), BREAKS, ids=[f"{one[0]}-{one[1][:40]}" for one in BREAKS]
)
def test_it_is_noticed(name: str, before: str, after: str, check: Check, world: World) -> None:
    """The check passes; the broken stack comes up, and the check fails."""
    check(world.good[name], world)
    text = template(name).read_text()
    assert before in text
    stack = _created(name, text.replace(before, after, 1), world)

    with pytest.raises((AssertionError, SettingsError, KeyError, ValueError)):
        check(stack, world)
