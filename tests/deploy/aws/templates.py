"""The templates in deploy/aws, as text and parsed."""

from pathlib import Path
from typing import Any, Final

import yaml

from tests.e2e.running import ROOT

DIRECTORY: Final = ROOT / "deploy" / "aws"

Parsed = dict[str, Any]


class _Loader(yaml.SafeLoader):
    """Reads the short forms of CloudFormation's functions as the long ones."""


def _function(loader: yaml.SafeLoader, tag: str, node: yaml.Node) -> Parsed:
    value: Any
    if isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    elif isinstance(node, yaml.MappingNode):
        value = loader.construct_mapping(node, deep=True)
    else:
        value = loader.construct_scalar(node)  # type: ignore[arg-type]  # there is no fourth kind
    if tag == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {tag if tag in {"Ref", "Condition"} else f"Fn::{tag}": value}


_Loader.add_multi_constructor("!", _function)


def template(name: str) -> Path:
    """A template's file, by its name without the ending."""
    return DIRECTORY / f"{name}.yaml"


def names() -> list[str]:
    """All of them."""
    return sorted(one.stem for one in DIRECTORY.glob("*.yaml"))


def parsed(text: str) -> Parsed:
    """A template's text, with its functions in their long forms."""
    loaded: Parsed = yaml.load(text, _Loader)  # noqa: S506 - a safe loader with functions added
    return loaded


def resources(document: Parsed, resource_type: str) -> dict[str, Parsed]:
    """The resources of a type."""
    return {name: one for name, one in document["Resources"].items() if one["Type"] == resource_type}
