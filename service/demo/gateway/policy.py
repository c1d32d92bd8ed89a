"""What an authorizer's answer says about one method: IAM's evaluation of a policy, or a simple yes or no.

Rules: a statement that denies wins over any that allows; where nothing matches, nobody may; in a resource `*` stands
for any characters, slashes too, and `?` for one. What is no such answer is the authorizer's fault, and allows nothing.
"""

import re
from enum import Enum
from typing import Any, Final

INVOKE: Final = "execute-api:Invoke"
VERSION: Final = "2012-10-17"


class Effect(Enum):
    """What becomes of a request."""

    ALLOW = "allowed"
    EXPLICIT_DENY = "denied by a statement"
    IMPLICIT_DENY = "allowed by no statement"


class InvalidAnswerError(Exception):
    """An answer that API Gateway would not take."""


def evaluate(answer: object, arn: str) -> Effect:
    """What the policy in an authorizer's answer says about a method.

    Args:
        answer: All of the answer, `principalId` and `policyDocument`.
        arn: The method's ARN.

    Raises:
        InvalidAnswerError: it is no such answer.
    """
    effects = {effect for effect, resources in _statements(answer) if any(_covers(one, arn) for one in resources)}
    if "Deny" in effects:
        return Effect.EXPLICIT_DENY
    return Effect.ALLOW if "Allow" in effects else Effect.IMPLICIT_DENY


def evaluate_simple(answer: object) -> Effect:
    """What a simple answer says.

    Raises:
        InvalidAnswerError: it is no such answer.
    """
    match answer:
        case {"isAuthorized": bool(yes), **more}:
            context_of(more)
            return Effect.ALLOW if yes else Effect.EXPLICIT_DENY
        case _:
            raise InvalidAnswerError("isAuthorized, true or false, is missing")


def context_of(answer: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON of any shape
    """The context in an answer; empty where there is none.

    Raises:
        InvalidAnswerError: it is no object.
    """
    context = answer.get("context", {})
    if not isinstance(context, dict):
        raise InvalidAnswerError("the context is no object")
    return context


def check_flat(context: dict[str, Any]) -> None:
    """See that a REST API could pass a context on: strings, numbers and booleans alone.

    Raises:
        InvalidAnswerError: it could not.
    """
    if not all(isinstance(value, str | int | float) for value in context.values()):
        raise InvalidAnswerError("a value in the context is no string, number or boolean")


def _statements(answer: object) -> list[tuple[str, list[str]]]:
    match answer:
        case {"principalId": str(), "policyDocument": {"Version": "2012-10-17", "Statement": list(statements)}}:
            return [_statement(one) for one in statements]
        case _:
            raise InvalidAnswerError("principalId, or a policyDocument of 2012-10-17 with statements, is missing")


def _statement(statement: object) -> tuple[str, list[str]]:
    match statement:
        case {"Action": action, "Effect": "Allow" | "Deny" as effect, "Resource": resources}:
            actions, named = _strings(action), _strings(resources)
            return effect, named if any(_covers(one, INVOKE) for one in actions) else []
        case _:
            raise InvalidAnswerError("Action, Effect or Resource of a statement is missing")


def _strings(value: object) -> list[str]:
    match value:
        case str():
            return [value]
        case list() if all(isinstance(one, str) for one in value):
            return value
        case _:
            raise InvalidAnswerError("neither a string nor a list of strings")


def _covers(pattern: str, name: str) -> bool:
    expression = "".join({"*": ".*", "?": "."}.get(character, re.escape(character)) for character in pattern)
    return re.fullmatch(expression, name, re.DOTALL) is not None
