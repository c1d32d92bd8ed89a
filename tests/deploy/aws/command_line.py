"""A stand-in for the AWS command line, for the commands of the walk-throughs: it calls moto by AWS's own interfaces.

`aws SERVICE OPERATION --OPTION VALUE…`, with `--query` and `--output text`: options are the parameters of botocore's
models, so that one that the real command line does not know is refused here too. Besides, `aws cloudformation deploy`,
which looks at the parameters as CloudFormation does and wants the capability that it wants; `aws s3 cp FILE s3://…`;
`aws SERVICE wait`, which does not wait; `aws logs tail`, which looks whether there is such a log; and
`aws cloudformation delete-stack`, which deletes nothing, and refuses what AWS would not get done: a stack whose load
balancer is protected, and one of which another stack, that is not gone yet, was given an output.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import jmespath
from botocore import xform_name
from botocore.model import ListShape, Shape, StructureShape
from botocore.validate import validate_parameters

from tests.deploy.aws.calls import Properties
from tests.deploy.aws.server import client_of
from tests.deploy.aws.stacks import create, update
from tests.deploy.aws.templates import parsed, resources

NOT_AT_MOTO: Final = frozenset(
    {("apigateway", "flush_stage_authorizers_cache"), ("elasticache", "modify_user"), ("route53", "delete_hosted_zone")}
)
"""Operations whose parameters are looked at, and no more. (At moto the zone still has the record of a stack.)"""

Options = Mapping[str, list[str]]


class UsageError(Exception):
    """What the real command line would refuse too."""


@dataclass(slots=True)
class CommandLine:
    """The command line of one account.

    Attributes:
        endpoint: Of moto's server.
        stacks: The parameters of each stack that was deployed, by its name.
        outputs: What each of them said; of lists, each part.
        protected: Those whose load balancer refuses to be deleted.
        going: Those that are being deleted, until somebody has waited for it.
        gone: Those that are, in their order.
    """

    endpoint: str
    stacks: dict[str, Properties] = field(default_factory=dict)
    outputs: dict[str, set[str]] = field(default_factory=dict)
    protected: set[str] = field(default_factory=set)
    going: set[str] = field(default_factory=set)
    gone: list[str] = field(default_factory=list)

    def run(self, arguments: list[str], directory: Path) -> str:
        """What a command prints.

        Raises:
            UsageError: it cannot be understood.
        """
        service, operation, *rest = arguments
        service = {"s3api": "s3"}.get(service, service)
        positional, options = _read(rest)
        query, _ = options.pop("query", [None])[0], options.pop("output", [])
        match arguments[0], operation:
            case "cloudformation", "deploy":
                return self._deploy(options, directory)
            case "cloudformation", "delete-stack":
                return self._delete(options)
            case "s3", "cp":
                return self._copy(positional, directory)
            case "logs", "tail":
                return self._tail(positional)
            case _, "wait":
                return self._wait(service, positional, options)
            case _:
                return self._operation(service, operation, positional, options, query, directory)

    def _operation(
        self, service: str, operation: str, positional: list[str], options: Options, query: str | None, directory: Path
    ) -> str:
        if positional:
            raise UsageError(f"unknown options: {positional}")
        answer = self.call(service, operation, options, directory)
        return _printed(jmespath.search(query, answer) if query else answer)

    def call(self, service: str, operation: str, options: Options, directory: Path) -> Any:  # noqa: ANN401 - AWS's
        """What AWS answers to an operation.

        Raises:
            UsageError: there is no such operation or option.
        """
        client = client_of(service, self.endpoint)
        method = operation.replace("-", "_")
        if method not in client.meta.method_to_api_mapping:
            raise UsageError(f"{service} has no {operation}")
        model = client.meta.service_model.operation_model(client.meta.method_to_api_mapping[method])
        parameters = _parameters(model.input_shape, options, directory)
        validate_parameters(parameters, model.input_shape)
        return {} if (service, method) in NOT_AT_MOTO else getattr(client, method)(**parameters)

    def _deploy(self, options: Options, directory: Path) -> str:
        unknown = set(options) - {"stack-name", "template-file", "capabilities", "parameter-overrides"}
        if unknown:
            raise UsageError(f"deploy has no {sorted(unknown)}")
        (stack,), (file,) = options["stack-name"], options["template-file"]
        text = (directory / file).read_text()
        roles = resources(parsed(text), "AWS::IAM::Role")
        if roles and options.get("capabilities") != ["CAPABILITY_IAM"]:
            raise UsageError(f"{stack}: roles need CAPABILITY_IAM")
        given = dict(one.split("=", 1) for one in options.get("parameter-overrides", []))
        if stack in self.stacks:
            made = update(self.endpoint, Path(file).stem, stack, {**self.stacks[stack], **given})
        else:
            made = create(self.endpoint, Path(file).stem, given, stack=stack)
        self.stacks[stack] = {**self.stacks.get(stack, {}), **given}
        self.outputs[stack] = _parts(made.outputs.values())
        protection = _declared(text).get("DeletionProtection", {"Default": "false"})
        if self.stacks[stack].get("DeletionProtection", protection["Default"]) == "true":
            self.protected.add(stack)
        else:
            self.protected.discard(stack)
        return ""

    def _delete(self, options: Options) -> str:
        if set(options) != {"stack-name"}:
            raise UsageError(f"delete-stack: {sorted(options)}")
        (stack,) = options["stack-name"]
        if stack not in self.stacks:
            raise UsageError(f"there is no stack {stack}")
        if stack in self.protected:
            raise UsageError(f"{stack}: its load balancer is protected")
        for other, given in self.stacks.items():
            if other != stack and _parts(given.values()) & self.outputs[stack]:
                raise UsageError(f"{other}, which is there still, has something of {stack}")
        self.going.add(stack)
        return ""

    def _copy(self, positional: list[str], directory: Path) -> str:
        source, target = positional
        bucket, _, key = target.removeprefix("s3://").partition("/")
        client = client_of("s3", self.endpoint)
        client.put_object(Bucket=bucket, Key=key, Body=(directory / source).read_bytes())
        return ""

    def _tail(self, positional: list[str]) -> str:
        (name,) = positional
        client = client_of("logs", self.endpoint)
        groups = client.describe_log_groups(logGroupNamePrefix=name)["logGroups"]
        if name not in {one["logGroupName"] for one in groups}:
            raise UsageError(f"there is no {name}")
        return ""

    def _wait(self, service: str, positional: list[str], options: Options) -> str:
        (name,) = positional
        client = client_of(service, self.endpoint)
        if name.replace("-", "_") not in client.waiter_names:
            raise UsageError(f"{service} cannot wait for {name}")
        if name == "stack-delete-complete":
            (stack,) = options["stack-name"]
            self.going.remove(stack)
            del self.stacks[stack]
            self.gone.append(stack)
        return ""


def _parts(values: Iterable[str]) -> set[str]:
    return {part for value in values for part in value.split(",") if part}


def _declared(text: str) -> Properties:
    parameters: Properties = parsed(text).get("Parameters", {})
    return parameters


def _read(arguments: list[str]) -> tuple[list[str], dict[str, list[str]]]:
    """What stands alone, and the values of each option."""
    positional: list[str] = []
    options: dict[str, list[str]] = {}
    values = positional
    for argument in arguments:
        if argument.startswith("--"):
            values = options.setdefault(argument.removeprefix("--"), [])
        else:
            values.append(argument)
    return positional, options


def _parameters(shape: StructureShape, options: Options, directory: Path) -> Properties:
    members = {xform_name(name, "-"): name for name in shape.members}
    found: Properties = {}
    for option, values in options.items():
        positive = option.removeprefix("no-") if option not in members else option
        if positive not in members:
            raise UsageError(f"there is no --{option}")
        member = members[positive]
        found[member] = _value(shape.members[member], values, directory, is_on=positive == option)
    return found


def _value(shape: Shape, values: list[str], directory: Path, *, is_on: bool = True) -> Any:  # noqa: ANN401 - any of AWS's
    if shape.type_name == "boolean":
        return is_on
    if isinstance(shape, ListShape) and not values[0].startswith(("[", "file://")):
        return [_value(shape.member, [one], directory) for one in values]
    (value,) = values
    for scheme in ("fileb://", "file://"):
        if value.startswith(scheme):
            content = (directory / value.removeprefix(scheme)).read_bytes()
            if shape.type_name == "blob":
                return content
            value = content.decode()
    if shape.type_name in {"structure", "map", "list"}:
        is_json = value.lstrip().startswith(("{", "["))
        return json.loads(value) if is_json else dict(one.split("=", 1) for one in value.split(","))
    return int(value) if shape.type_name in {"integer", "long"} else value


def _printed(answer: Any) -> str:  # noqa: ANN401 - any of AWS's
    """As `--output text` prints it."""
    if isinstance(answer, list):
        return "\t".join(_printed(one) for one in answer)
    return str(answer)
