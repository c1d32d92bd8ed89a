"""What counts as too much in a policy."""

from typing import Any

import pytest

from tests.deploy.aws import policies


def allowing(action: str | list[str], resource: str) -> dict[str, Any]:
    """A policy of one statement."""
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": resource}]}


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("*", "arn:aws:s3:::bucket/key"),
        ("s3:*", "arn:aws:s3:::bucket/key"),
        ("s3:Get*", "arn:aws:s3:::bucket/key"),
        ("s3:GetObject", "*"),
        ("s3:GetObject", "arn:aws:s3:::*"),
        ("s3:GetObject", "arn:aws:s3:::bucket/*"),
        ("s3:PutObject", "arn:aws:s3:::bucket/crl/*"),
        ("secretsmanager:GetSecretValue", "*"),
        ("secretsmanager:GetSecretValue", "arn:aws:secretsmanager:us-east-1:123456789012:secret:*"),
        ("logs:PutLogEvents", "arn:aws:logs:us-east-1:123456789012:*"),
        ("ec2:TerminateInstances", "arn:aws:ec2:us-east-1:123456789012:*/*"),
        (["ecr:GetAuthorizationToken", "ecr:PutImage"], "*"),
    ],
)
def test_too_much(action: str | list[str], resource: str) -> None:
    """Whole services, and all resources."""
    assert policies.faults(allowing(action, resource))


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("s3:GetObject", "arn:aws:s3:::bucket/key"),
        ("s3:GetObject", "arn:aws:s3:::bucket/crl/*"),
        ("logs:PutLogEvents", "arn:aws:logs:us-east-1:123456789012:log-group:/revet/service:*"),
        ("ecr:GetAuthorizationToken", "*"),
        ("ec2:CreateNetworkInterface", "arn:aws:ec2:us-east-1:123456789012:*/*"),
    ],
)
def test_not_too_much(action: str | list[str], resource: str) -> None:
    """What is named, and what AWS has no resource for."""
    assert [] == policies.faults(allowing(action, resource))


@pytest.mark.parametrize(
    ("principal", "condition"),
    [("*", {}), ({"AWS": "123456789012"}, {}), ({"Service": "ecs-tasks.amazonaws.com"}, {})],
)
def test_anybody_may_take_it(principal: object, condition: dict[str, Any]) -> None:
    """A role is for a service of AWS's, and that of ECS for this account."""
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole", "Condition": condition}

    assert policies.faults_of_trust({"Statement": [statement]})
