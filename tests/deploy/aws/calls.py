"""What the resources of a template come down to: calls of AWS's own interfaces, at moto's server.

Properties of CloudFormation become parameters by botocore's models of the services: every name has to be one that the
interface knows, and every value of its type, before anything is sent. Dynamic references are resolved as CloudFormation
does. What moto has no interface for is checked in the same way and kept, and nothing is sent.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from botocore.model import ListShape, MapShape, Shape, StructureShape
from botocore.validate import validate_parameters

from tests.deploy.aws.server import client_of

_SECRET: Final = re.compile(r"\{\{resolve:secretsmanager:([^{}]+?):SecretString(?::([A-Za-z0-9_-]+))?[:]*\}\}")

Properties = dict[str, Any]


class UnknownPropertyError(ValueError):
    """A property that the interface has no parameter for."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call.

    Attributes:
        service: Of AWS.
        operation: Of the service.
        parameters: As they were sent.
        answer: What moto said; None where moto has no such operation.
    """

    service: str
    operation: str
    parameters: Properties
    answer: Mapping[str, Any] | None


@dataclass(slots=True)
class Aws:
    """AWS as it is called by one stack.

    Attributes:
        endpoint: Of moto's server.
        calls: All that were made, in their order.
    """

    endpoint: str
    calls: list[Call] = field(default_factory=list)

    def call(self, service: str, operation: str, **properties: Any) -> Mapping[str, Any]:  # noqa: ANN401 - any of AWS's
        """Call an operation.

        Raises:
            UnknownPropertyError: the interface does not know a property.
            ParamValidationError, ClientError: as of boto3.
        """
        client = client_of(service, self.endpoint)
        parameters = self._parameters(client, operation, properties)
        answer: Mapping[str, Any] = getattr(client, operation)(**parameters)
        self.calls.append(Call(service, operation, parameters, answer))
        return answer

    def keep(self, service: str, operation: str, **properties: Any) -> None:  # noqa: ANN401 - any of AWS's
        """Check and keep a call of an operation that moto does not have."""
        client = client_of(service, self.endpoint)
        parameters = self._parameters(client, operation, properties)
        shape = client.meta.service_model.operation_model(client.meta.method_to_api_mapping[operation]).input_shape
        validate_parameters(parameters, shape)
        self.calls.append(Call(service, operation, parameters, None))

    def made(self, operation: str) -> list[Properties]:
        """The parameters of every call of an operation."""
        return [one.parameters for one in self.calls if one.operation == operation]

    def the(self, operation: str) -> Properties:
        """The parameters of the only call of an operation."""
        (only,) = self.made(operation)
        return only

    def _parameters(self, client: Any, operation: str, properties: Properties) -> Properties:  # noqa: ANN401 - boto3's
        model = client.meta.service_model.operation_model(client.meta.method_to_api_mapping[operation])
        converted: Properties = self._convert(properties, model.input_shape, operation)
        return converted

    def _convert(self, value: Any, shape: Shape, at: str) -> Any:  # noqa: ANN401 - any of AWS's
        if isinstance(shape, StructureShape):
            return self._structure(value, shape, at)
        if isinstance(shape, ListShape):
            return [self._convert(one, shape.member, at) for one in value]
        if isinstance(shape, MapShape):
            return {key: self._convert(one, shape.value, at) for key, one in value.items()}
        return self._scalar(value, shape.type_name)

    def _scalar(self, value: Any, kind: str) -> Any:  # noqa: ANN401 - any of AWS's
        match kind:
            case "string":
                return self.resolved(str(value).lower() if isinstance(value, bool) else str(value))
            case "integer" | "long":
                return int(value)
            case "double" | "float":
                return float(value)
            case "boolean":
                return {"true": True, "false": False}[str(value).lower()]
            case _:
                return value

    def _structure(self, value: Mapping[str, Any], shape: StructureShape, at: str) -> Properties:
        members = {name.lower(): name for name in shape.members}
        converted = {}
        for name, one in value.items():
            if name.lower() not in members:
                raise UnknownPropertyError(f"{at}: {name} is none of {sorted(shape.members)}")
            known = members[name.lower()]
            converted[known] = self._convert(one, shape.members[known], f"{at}.{known}")
        return converted

    def resolved(self, text: str) -> str:
        """A text with what its dynamic references stand for."""

        def look_up(reference: re.Match[str]) -> str:
            found = client_of("secretsmanager", self.endpoint).get_secret_value(SecretId=reference[1])
            return str(found["SecretString"])

        return _SECRET.sub(look_up, text)
