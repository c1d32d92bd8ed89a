"""What an allow is for: never for more than the settings say, whatever path the client has called."""

from typing import Any, Final

import pytest

from tests.authorizer.conftest import Making
from tests.authorizer.events import ARN, DEFAULT_STAGE, STAGE, rest
from tests.authorizer.servers import ALLOW, DENY, answer, serving

ACCOUNT: Final = "arn:aws:execute-api:eu-central-1:123456789012"


def decided(making: Making, arn: str, said: dict[str, Any] | None = None, **settings: str) -> tuple[str, str, str]:
    """Effect, resource and code of a policy."""
    with serving(answer(said or ALLOW)) as server:
        found: Any = making(server.url, **settings).authorize(rest(arn=arn))
    (statement,) = found["policyDocument"]["Statement"]
    return statement["Effect"], statement["Resource"], found["context"]["code"]


@pytest.mark.parametrize(
    ("arn", "stage"),
    [
        (ARN, STAGE),
        (f"{STAGE}/GET/", STAGE),
        (f"{DEFAULT_STAGE}/POST/a", DEFAULT_STAGE),
        (f"{STAGE}/GET/*", STAGE),
        (f"{STAGE}/GET/a:b/c:d", STAGE),
        (f"{STAGE}/GET/{'long/' * 300}", STAGE),
        (
            "arn:aws-cn:execute-api:cn-north-1:123456789012:abc/v1/GET/",
            "arn:aws-cn:execute-api:cn-north-1:123456789012:abc/v1",
        ),
        (
            "arn:aws-us-gov:execute-api:us-gov-west-1:1:abc/a_b-C/GET/",
            "arn:aws-us-gov:execute-api:us-gov-west-1:1:abc/a_b-C",
        ),
    ],
)
def test_the_stage(making: Making, arn: str, stage: str) -> None:
    """By default: API Gateway may keep it for whatever the client calls next."""
    assert ("Allow", f"{stage}/*", "ok") == decided(making, arn)
    assert ("Deny", f"{stage}/*", "revoked") == decided(making, arn, DENY)


@pytest.mark.parametrize("arn", [ARN, f"{STAGE}/GET/", f"{DEFAULT_STAGE}/POST/a", f"{STAGE}/GET/$x/%2A"])
def test_the_method(making: Making, arn: str) -> None:
    """The one that was called, and no other."""
    assert ("Allow", arn, "ok") == decided(making, arn, POLICY_SCOPE="method")
    assert ("Deny", arn, "revoked") == decided(making, arn, DENY, POLICY_SCOPE="method")


@pytest.mark.parametrize("path", ["*", "pets/*", "pets/?", "${*}", "${aws:username}", "x" * 512])
def test_a_path_that_no_resource_holds(making: Making, path: str) -> None:
    """The client chooses it: with `*` in it, a policy for it would be one for others."""
    arn = f"{STAGE}/GET/{path}"
    assert ("Deny", "*", "unsupported_path") == decided(making, arn, POLICY_SCOPE="method")
    assert ("Deny", "*", "revoked") == decided(making, arn, DENY, POLICY_SCOPE="method")


@pytest.mark.parametrize("length", [512, 513])
def test_the_longest_resource(making: Making, length: int) -> None:
    """API Gateway takes 512 characters."""
    arn = f"{STAGE}/GET/".ljust(length, "x")
    expected = ("Allow", arn, "ok") if length == 512 else ("Deny", "*", "unsupported_path")
    assert expected == decided(making, arn, POLICY_SCOPE="method")


@pytest.mark.parametrize(
    "arn",
    [
        "",
        "*",
        "GET/pets",
        STAGE,
        f"{ACCOUNT}:abc/*/GET/",
        f"{ACCOUNT}:*/prod/GET/",
        f"{ACCOUNT}:abc//GET/",
        f"{ACCOUNT}:abc/$other/GET/",
        "arn:aws:execute-api:*:123456789012:abc/prod/GET/",
        "arn:aws:s3:eu-central-1:123456789012:abc/prod/GET/",
        f" {ARN}",
    ],
)
@pytest.mark.parametrize("scope", ["stage", "method"])
def test_what_is_no_method_s_arn(making: Making, arn: str, scope: str) -> None:
    """No allow is made of it."""
    assert ("Deny", "*", "unsupported_path") == decided(making, arn, POLICY_SCOPE=scope)
