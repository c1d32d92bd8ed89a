"""Stacks at moto's server, made from the templates, and what came up."""

from dataclasses import dataclass
from typing import Any, Final
from uuid import uuid4

from moto.core.models import DEFAULT_ACCOUNT_ID

from tests.deploy.aws import api_gateway_making, making, network_making
from tests.deploy.aws.calls import Aws, Properties
from tests.deploy.aws.parameters import complaints
from tests.deploy.aws.server import client_of
from tests.deploy.aws.taught import teaching
from tests.deploy.aws.templates import parsed, template
from tests.e2e.front_doors.private_ca import REGION

MAKING: Final = (making, network_making, api_gateway_making)
"""Where the types are taught."""

MADE: Final = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE"})


@dataclass(frozen=True, slots=True)
class Stack:
    """A stack.

    Attributes:
        aws: What it called.
        outputs: By their names.
        resources: What each resource is called at AWS, by its name in the template.
    """

    aws: Aws
    outputs: dict[str, str]
    resources: dict[str, str]

    def ask(self, service: str, operation: str, **parameters: Any) -> Any:  # noqa: ANN401 - any of AWS's
        """Ask AWS about what came up."""
        return getattr(client_of(service, self.aws.endpoint), operation)(**parameters)


def unique(name: str) -> str:
    """A name that no other test has."""
    return f"{name}-{uuid4().hex[:8]}"


def arn(service: str, resource: str) -> str:
    """An ARN of the account and region of the tests."""
    return f"arn:aws:{service}:{REGION}:{DEFAULT_ACCOUNT_ID}:{resource}"


def create(
    endpoint: str, name: str, parameters: Properties, text: str | None = None, stack: str | None = None
) -> Stack:
    """Create a stack of a template.

    Args:
        endpoint: Of moto's server.
        name: Of the template.
        parameters: For it.
        text: In place of the template's own.
        stack: What it is called, where that matters.
    """
    text = text or template(name).read_text()
    assert [] == complaints(parsed(text), parameters)
    aws = Aws(endpoint)
    stack = stack or unique(name)
    said = {"StackName": stack, "TemplateBody": text, "Parameters": _listed(parameters)}
    with teaching(aws):
        client_of("cloudformation", endpoint).create_stack(**said, Capabilities=["CAPABILITY_IAM"])
    return _found(aws, stack)


def update(endpoint: str, name: str, stack: str, parameters: Properties) -> Stack:
    """Update a stack: with the template as it is, and all its parameters."""
    text = template(name).read_text()
    assert [] == complaints(parsed(text), parameters)
    aws = Aws(endpoint)
    said = {"StackName": stack, "TemplateBody": text, "Parameters": _listed(parameters)}
    with teaching(aws):
        client_of("cloudformation", endpoint).update_stack(**said, Capabilities=["CAPABILITY_IAM"])
    return _found(aws, stack)


def _listed(parameters: Properties) -> list[Properties]:
    return [{"ParameterKey": key, "ParameterValue": str(value)} for key, value in parameters.items()]


def _found(aws: Aws, stack: str) -> Stack:
    client = client_of("cloudformation", aws.endpoint)
    (made,) = client.describe_stacks(StackName=stack)["Stacks"]
    pages = client.get_paginator("list_stack_resources").paginate(StackName=stack)
    resources = [one for page in pages for one in page["StackResourceSummaries"]]
    assert made["StackStatus"] in MADE
    return Stack(
        aws,
        {one["OutputKey"]: one["OutputValue"] for one in made.get("Outputs", [])},
        {one["LogicalResourceId"]: one["PhysicalResourceId"] for one in resources},
    )
