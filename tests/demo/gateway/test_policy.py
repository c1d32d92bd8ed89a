"""IAM's evaluation of an authorizer's policy against one method."""

import pytest

from service.demo.gateway.model import Event
from service.demo.gateway.policy import Effect, InvalidAnswerError, evaluate, evaluate_simple
from tests.demo.gateway.clients import ARN, policy


@pytest.mark.parametrize(
    ("resource", "effect"),
    [
        ("*", Effect.ALLOW),
        (ARN, Effect.ALLOW),
        ("arn:aws:execute-api:*:*:a1b2c3d4e5/prod/*", Effect.ALLOW),
        ("arn:aws:execute-api:eu-central-1:123456789012:a1b2c3d4e5/*/GET/*", Effect.ALLOW),
        ("arn:aws:execute-api:eu-central-1:123456789012:a1b2c3d4e5/prod/GET/devices/?", Effect.ALLOW),
        ("arn:aws:execute-api:eu-central-1:123456789012:a1b2c3d4e5/prod/GET/devices", Effect.IMPLICIT_DENY),
        ("arn:aws:execute-api:eu-central-1:123456789012:a1b2c3d4e5/prod/POST/devices/7", Effect.IMPLICIT_DENY),
        ("arn:aws:execute-api:eu-central-1:123456789012:a1b2c3d4e5/test/GET/devices/7", Effect.IMPLICIT_DENY),
        (ARN.replace(".", "x").upper(), Effect.IMPLICIT_DENY),
    ],
)
def test_resources(resource: str, effect: Effect) -> None:
    """A statement covers the methods that its resource matches, with `*` and `?`."""
    assert effect is evaluate(policy("Allow", resource), ARN)


def test_a_deny_wins() -> None:
    """A statement that denies wins over one that allows, in either order."""
    both = [policy("Allow"), policy("Deny", ARN)]
    statements = [one["policyDocument"]["Statement"][0] for one in both]
    for order in (statements, statements[::-1]):
        answer = {"principalId": "x", "policyDocument": {"Version": "2012-10-17", "Statement": order}}
        assert Effect.EXPLICIT_DENY is evaluate(answer, ARN)


@pytest.mark.parametrize(
    ("action", "effect"),
    [
        ("execute-api:Invoke", Effect.ALLOW),
        ("execute-api:*", Effect.ALLOW),
        ("execute-api:ManageConnections", Effect.IMPLICIT_DENY),
    ],
)
def test_actions(action: str, effect: Effect) -> None:
    """A statement about another action says nothing."""
    assert effect is evaluate(policy("Allow", "*", action), ARN)


def test_no_statement_is_an_implicit_deny() -> None:
    """Nobody may what nothing allows."""
    answer = {"principalId": "x", "policyDocument": {"Version": "2012-10-17", "Statement": []}}

    assert Effect.IMPLICIT_DENY is evaluate(answer, ARN)


@pytest.mark.parametrize(
    "answer",
    [
        None,
        "Allow",
        {},
        {"principalId": "x"},
        {"policyDocument": policy("Allow")["policyDocument"]},
        policy("allow"),
        policy("Allow") | {"policyDocument": {"Version": "2008-10-17", "Statement": []}},
        policy("Allow") | {"policyDocument": {"Version": "2012-10-17", "Statement": ["*"]}},
        policy("Allow", resource=7),  # type: ignore[arg-type] # what no function should answer
        {"isAuthorized": True},
    ],
)
def test_what_is_no_policy(answer: object) -> None:
    """What is no policy allows nothing."""
    with pytest.raises(InvalidAnswerError):
        evaluate(answer, ARN)


@pytest.mark.parametrize(
    ("answer", "effect"),
    [({"isAuthorized": True}, Effect.ALLOW), ({"isAuthorized": False, "context": {}}, Effect.EXPLICIT_DENY)],
)
def test_simple_answers(answer: Event, effect: Effect) -> None:
    """A simple answer says yes or no."""
    assert effect is evaluate_simple(answer)


@pytest.mark.parametrize("answer", [{}, {"isAuthorized": "true"}, {"isAuthorized": 1}, policy("Allow"), None, True])
def test_what_is_no_simple_answer(answer: object) -> None:
    """Only true is a yes."""
    with pytest.raises(InvalidAnswerError):
        evaluate_simple(answer)
