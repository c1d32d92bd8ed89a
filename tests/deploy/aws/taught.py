"""Teaches moto's CloudFormation the types of resources that it does not know, or makes only half of.

Each type is a function that makes the resource by AWS's own interfaces (`calls.Aws`). Everything else of CloudFormation
is moto's: parameters, conditions, references, outputs, and the types that it makes whole (EC2, IAM, S3, Route 53).
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from moto.cloudformation import parsing
from moto.cloudformation.exceptions import UnformattedGetAttTemplateException
from moto.core.common_models import CloudFormationModel

from tests.deploy.aws.calls import Aws, Properties


@dataclass(frozen=True, slots=True)
class Made:
    """A resource that was made.

    Attributes:
        identity: What `Ref` gives.
        attributes: What `Fn::GetAtt` gives.
    """

    identity: str
    attributes: Mapping[str, str] = field(default_factory=dict)


Maker = Callable[[Aws, str, Properties], Made]
"""Makes a resource: of a name that CloudFormation has thought of, with these properties."""

MAKERS: Final[dict[str, Maker]] = {}
"""How each type is made."""

_current: list[Aws] = []


def maker(resource_type: str) -> Callable[[Maker], Maker]:
    """Register how a type is made."""

    def register(function: Maker) -> Maker:
        MAKERS[resource_type] = function
        return function

    return register


def _present(value: Any) -> Any:  # noqa: ANN401 - any of a template
    """What is left without `AWS::NoValue`, which moto takes out of objects and leaves in lists."""
    if isinstance(value, dict):
        return {name: _present(one) for name, one in value.items() if one is not None}
    if isinstance(value, list):
        return [_present(one) for one in value if one is not None]
    return value


class _Taught(CloudFormationModel):
    """A resource of a type that was taught."""

    resource_type = ""

    def __init__(self, made: Made) -> None:
        self.made = made

    @classmethod
    def cloudformation_type(cls) -> str:
        return cls.resource_type

    @staticmethod
    def cloudformation_name_type() -> str:
        return ""

    @classmethod
    def has_cfn_attr(cls, attr: str) -> bool:
        return bool(attr)  # whether it is there is seen when it is asked for

    @classmethod
    def create_from_cloudformation_json(
        cls,
        resource_name: str,
        cloudformation_json: dict[str, Any],
        account_id: str,  # noqa: ARG003 - as moto calls it
        region_name: str,  # noqa: ARG003 - as moto calls it
        **kwargs: Any,  # noqa: ANN401, ARG003 - as moto calls it
    ) -> "_Taught":
        (aws,) = _current
        properties = _present(cloudformation_json["Properties"])
        return cls(MAKERS[cls.resource_type](aws, resource_name, properties))

    @classmethod
    def update_from_cloudformation_json(
        cls,
        original_resource: "_Taught",
        new_resource_name: str,  # noqa: ARG003 - as moto calls it
        cloudformation_json: dict[str, Any],  # noqa: ARG003 - as moto calls it
        account_id: str,  # noqa: ARG003 - as moto calls it
        region_name: str,  # noqa: ARG003 - as moto calls it
    ) -> "_Taught":
        """What is there stays as it is: an update shows that its parameters are taken, and no more."""
        return original_resource

    @property
    def physical_resource_id(self) -> str:
        return self.made.identity

    def get_cfn_attribute(self, attribute_name: str) -> str:
        if attribute_name not in self.made.attributes:
            raise UnformattedGetAttTemplateException
        return self.made.attributes[attribute_name]

    def is_created(self) -> bool:
        return True


@contextmanager
def teaching(aws: Aws) -> Iterator[None]:
    """While this lasts, stacks make what moto does not know by these calls. One stack at a time."""
    known = parsing.get_model_map().copy()
    for resource_type in MAKERS:
        name = resource_type.replace("::", "")
        parsing.get_model_map()[resource_type] = type(name, (_Taught,), {"resource_type": resource_type})
    _current.append(aws)
    try:
        yield
    finally:
        _current.clear()
        parsing.get_model_map().clear()
        parsing.get_model_map().update(known)
