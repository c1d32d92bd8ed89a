"""What holds for every stack, whatever is in it, as it came up at moto's server."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from tests.deploy.aws import policies
from tests.deploy.aws.stacks import Stack

Edge = tuple[str, int, str]
"""Who, to which port, from or to whom: names of the template, or networks."""

DESCRIBED: Final = re.compile(r"[A-Za-z0-9 ._:/()#,@\[\]+=&;{}!$*-]{1,255}")
"""What EC2 takes as the description of a group or rule."""


def check_all(stack: Stack) -> None:
    """All of them."""
    check_policies(stack)
    check_logs(stack)
    check_containers(stack)
    check_descriptions(stack)
    check_alarms(stack)
    check_load_balancers(stack)


def check_policies(stack: Stack) -> None:
    """Roles may do what they have to, and nobody else may take them."""
    for made in stack.aws.made("create_role"):
        role = stack.ask("iam", "get_role", RoleName=made["RoleName"])["Role"]
        assert [] == policies.faults_of_trust(role["AssumeRolePolicyDocument"]), made["RoleName"]
        for name in stack.ask("iam", "list_role_policies", RoleName=made["RoleName"])["PolicyNames"]:
            asked = {"RoleName": made["RoleName"], "PolicyName": name}
            document = stack.ask("iam", "get_role_policy", **asked)["PolicyDocument"]
            assert [] == policies.faults(document), made["RoleName"]


def check_logs(stack: Stack) -> None:
    """No log is kept for ever."""
    for made in stack.aws.made("create_log_group"):
        asked = {"logGroupNamePrefix": made["logGroupName"]}
        (group,) = stack.ask("logs", "describe_log_groups", **asked)["logGroups"]
        assert group.get("retentionInDays") == 90, made["logGroupName"]


def containers(stack: Stack) -> dict[str, dict[str, Any]]:
    """The containers of the stack's task, by their names; none where it has no task."""
    return {one["name"]: one for task in _tasks(stack) for one in task["containerDefinitions"]}


def check_containers(stack: Stack) -> None:
    """Nothing is writable but volumes, nobody is root nor has capabilities, and all say what they do."""
    for task in _tasks(stack):
        assert (task["networkMode"], ["FARGATE"]) == ("awsvpc", task["requiresCompatibilities"])
        for one in task["containerDefinitions"]:
            assert one["readonlyRootFilesystem"] is True, one["name"]
            assert {"drop": ["ALL"]} == one["linuxParameters"]["capabilities"], one["name"]
            assert not one.get("privileged", False)
            assert "awslogs" == one["logConfiguration"]["logDriver"]
            if one["name"] != "application":
                assert one["user"] in {"10001:10001", "10101:10101"}, one["name"]
    for made in stack.aws.made("create_service"):
        assert "DISABLED" == made["networkConfiguration"]["awsvpcConfiguration"]["assignPublicIp"]
        assert {"enable": True, "rollback": True} == made["deploymentConfiguration"]["deploymentCircuitBreaker"]
        assert 100 == made["deploymentConfiguration"]["minimumHealthyPercent"]
        assert made["enableExecuteCommand"] is False
        assert "desiredCount" not in made, "the scaling's to say"


def check_descriptions(stack: Stack) -> None:
    """EC2 takes the descriptions of groups and rules."""
    for call in stack.aws.calls:
        if call.service == "ec2":
            for text in _described(call.parameters):
                assert DESCRIBED.fullmatch(text), text


def check_alarms(stack: Stack) -> None:
    """Alarms are about something, and say where to read on; one about how many there are tells of none at all."""
    alarms = stack.aws.made("put_metric_alarm")
    for made in alarms:
        assert made["AlarmDescription"]
        if made.get("MetricName") == "HealthyHostCount":
            assert "breaching" == made["TreatMissingData"]
    filtered = {
        (one["metricNamespace"], one["metricName"])
        for made in stack.aws.made("put_metric_filter")
        for one in made["metricTransformations"]
    }
    own = {(made["Namespace"], made["MetricName"]) for made in alarms if made.get("Namespace", "").startswith("Revet/")}
    assert filtered == own, "each figure out of the log has its alarm"


def check_load_balancers(stack: Stack) -> None:
    """TLS of today, and nobody deletes one by mistake."""
    for made in stack.aws.made("create_listener"):
        if made["Protocol"] in {"HTTPS", "TLS"}:
            assert "ELBSecurityPolicy-TLS13-1-2-2021-06" == made["SslPolicy"]
        else:
            assert "TCP" == made["Protocol"], "plain HTTP is nowhere served to callers"
        assert 443 == made["Port"]
    for made in stack.aws.made("create_load_balancer"):
        (balancer,) = stack.ask("elbv2", "describe_load_balancers", Names=[made["Name"]])["LoadBalancers"]
        asked = {"LoadBalancerArn": balancer["LoadBalancerArn"]}
        attributes = stack.ask("elbv2", "describe_load_balancer_attributes", **asked)["Attributes"]
        assert {"Key": "deletion_protection.enabled", "Value": "true"} in attributes


def ways_in(stack: Stack) -> set[Edge]:
    """Who takes connections at which port, and from whom."""
    return set(_edges(stack, "IpPermissions"))


def ways_out(stack: Stack) -> set[Edge]:
    """Who makes connections to which port, and of whom."""
    return set(_edges(stack, "IpPermissionsEgress"))


def statements(stack: Stack, role: str) -> dict[str, dict[str, Any]]:
    """What a role may do, by the names of the statements."""
    asked = {"RoleName": stack.resources[role]}
    names = stack.ask("iam", "list_role_policies", **asked)["PolicyNames"]
    found = [stack.ask("iam", "get_role_policy", **asked, PolicyName=name)["PolicyDocument"] for name in names]
    return {one["Sid"]: one for document in found for one in document["Statement"]}


def environment(stack: Stack, container: Mapping[str, Any]) -> dict[str, str]:
    """The environment that a container would find: its variables, and its secrets as Secrets Manager has them."""
    given = {one["name"]: one["value"] for one in container.get("environment", [])}
    for one in container.get("secrets", []):
        given[one["name"]] = stack.ask("secretsmanager", "get_secret_value", SecretId=one["valueFrom"])["SecretString"]
    return given


def body(stack: Stack) -> dict[str, Any]:
    """The OpenAPI document that an API was imported from."""
    said: dict[str, Any] = json.loads(stack.aws.the("put_rest_api")["body"])
    return said


def _tasks(stack: Stack) -> list[dict[str, Any]]:
    return [
        stack.ask("ecs", "describe_task_definition", taskDefinition=made["family"])["taskDefinition"]
        for made in stack.aws.made("register_task_definition")
    ]


def _described(value: Any) -> Iterator[str]:  # noqa: ANN401 - any of AWS's
    if isinstance(value, dict):
        for name, one in value.items():
            if name == "Description":
                yield one
            else:
                yield from _described(one)
    elif isinstance(value, list):
        for one in value:
            yield from _described(one)


def _edges(stack: Stack, direction: str) -> Iterator[Edge]:
    names = {identity: name for name, identity in stack.resources.items()}
    own = [identity for identity in stack.resources.values() if identity.startswith("sg-")]
    for group in stack.ask("ec2", "describe_security_groups", GroupIds=own)["SecurityGroups"] if own else []:
        for rule in group[direction]:
            ports = (rule.get("FromPort"), rule.get("ToPort"))
            assert ("tcp", ports[0]) == (rule["IpProtocol"], ports[1]), "one port of TCP at a time"
            peers = [one["GroupId"] for one in rule["UserIdGroupPairs"]]
            for peer in [names.get(one, one) for one in peers] + [one["CidrIp"] for one in rule["IpRanges"]]:
                yield names[group["GroupId"]], int(rule["FromPort"]), peer
