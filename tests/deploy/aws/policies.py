"""Whether a policy gives no more than it has to.

Rules: an allowance names its actions and its resources, whole services and all resources are none; a trust policy names
a service of AWS's, and ECS only for this account. Exceptions are the actions for which AWS knows no resources, and a
pattern that Lambda's documentation asks for.
"""

from collections.abc import Iterator
from typing import Any, Final

WITHOUT_RESOURCE: Final = frozenset(
    {"ecr:GetAuthorizationToken", "ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets"}
)
"""AWS's service authorization reference lists no resource type for them."""

NETWORK_INTERFACES: Final = frozenset(
    {
        "ec2:AssignPrivateIpAddresses",
        "ec2:CreateNetworkInterface",
        "ec2:DeleteNetworkInterface",
        "ec2:UnassignPrivateIpAddresses",
    }
)
"""Of Lambda functions in a VPC: Lambda's documentation wants all of the account's resources for them."""

BELOW_A_PREFIX: Final = frozenset({"s3:GetObject"})
"""Whose resource may end in a star: the objects below a prefix."""


def faults(document: dict[str, Any]) -> list[str]:
    """What is too much in a policy of a role."""
    return [fault for statement in document["Statement"] for fault in _faults_of(statement)]


def faults_of_trust(document: dict[str, Any]) -> list[str]:
    """What is too much in who may take a role."""
    found = []
    for statement in document["Statement"]:
        service = statement["Principal"].get("Service") if isinstance(statement["Principal"], dict) else None
        if service is None:
            found.append(f"anybody: {statement['Principal']}")
        condition = statement.get("Condition", {})
        if service == "ecs-tasks.amazonaws.com" and "aws:SourceAccount" not in condition.get("StringEquals", {}):
            found.append("ecs-tasks for any account")
    return found


def listed(value: Any) -> list[Any]:  # noqa: ANN401 - one or several
    """One or several, as several."""
    return value if isinstance(value, list) else [value]


def _faults_of(statement: dict[str, Any]) -> Iterator[str]:
    if statement["Effect"] == "Deny":
        return
    actions = set(listed(statement["Action"]))
    if "NotAction" in statement or "NotResource" in statement:
        yield "everything but something"
    for action in actions:
        if "*" in action:
            yield f"{action}: which actions?"
    for resource in listed(statement["Resource"]):
        yield from _of_resource(resource, actions)


def _of_resource(resource: str, actions: set[str]) -> Iterator[str]:
    if resource == "*":
        yield from (f"{action} on everything" for action in sorted(actions - WITHOUT_RESOURCE))
    elif resource.endswith(":*/*"):
        yield from (f"{action} on everything of ec2" for action in sorted(actions - NETWORK_INTERFACES))
    elif resource.startswith("arn:aws:logs:"):
        if ":log-group:/" not in resource or resource.count("*") > 1:
            yield f"{resource}: which log group?"
    elif resource.startswith("arn:aws:s3:::") and resource.endswith("/*"):
        if actions - BELOW_A_PREFIX or resource.count("/") < len("bk"):
            yield f"{resource}: which objects?"
    elif "*" in resource:
        yield f"{resource}: which ones?"
