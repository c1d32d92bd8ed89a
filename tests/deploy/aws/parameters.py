"""Whether a template's parameters may have some values: CloudFormation looks before it makes anything, and moto not."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from tests.deploy.aws.templates import Parsed


def complaints(document: Parsed, given: Mapping[str, object]) -> list[str]:
    """What is wrong with what a template is given."""
    declared = document.get("Parameters", {})
    found = [f"{name} is no parameter" for name in given if name not in declared]
    values: dict[str, str] = {}
    for name, about in declared.items():
        value = given.get(name, about.get("Default"))
        if value is None:
            found.append(f"{name} is missing")
        else:
            values[name] = str(value)
            found += [f"{name}: {fault}" for fault in _faults(about, str(value))]
    return found + list(_broken_rules(document, values))


def _faults(about: Parsed, value: str) -> Iterator[str]:
    if "AllowedPattern" in about and re.fullmatch(about["AllowedPattern"], value) is None:
        yield "not of its pattern"
    if "AllowedValues" in about and value not in map(str, about["AllowedValues"]):
        yield "none of its values"
    if about["Type"] == "Number":
        number = float(value)
        if not about.get("MinValue", number) <= number <= about.get("MaxValue", number):
            yield "out of its bounds"


def _broken_rules(document: Parsed, values: Mapping[str, str]) -> Iterator[str]:
    for rule in document.get("Rules", {}).values():
        if _holds(rule["RuleCondition"], values):
            for assertion in rule["Assertions"]:
                if not _holds(assertion["Assert"], values):
                    yield assertion["AssertDescription"]


def _holds(condition: Parsed, values: Mapping[str, str]) -> bool:
    ((function, arguments),) = condition.items()
    if function == "Fn::Not":
        return not _holds(arguments[0], values)
    assert function == "Fn::Equals", function
    left, right = (_value(one, values) for one in arguments)
    return left == right


def _value(said: Any, values: Mapping[str, str]) -> str:  # noqa: ANN401 - text, or a reference to a parameter
    return values[said["Ref"]] if isinstance(said, dict) else str(said)
