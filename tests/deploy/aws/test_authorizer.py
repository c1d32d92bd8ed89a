"""The authorizer as it came up: its archive, its settings, its network, and what it may do."""

import base64
import hashlib
from typing import Any

import pytest

from lambda_function import Authorizer
from tests.deploy.aws import checks
from tests.deploy.aws.account import TOKEN, Account, extension_layer
from tests.deploy.aws.stacks import Stack


@pytest.fixture(scope="module")
def extended(given: Account, service: Stack) -> Stack:
    """The one that reads its token at run time, with everything else that can be left out."""
    layer = extension_layer(given.endpoint)
    more = {"CaBundle": "/var/task/ca.pem", "TrustStoreName": "vehicles", "SecretsExtensionLayerArn": layer}
    return given.authorizer(service, **more)


def function(stack: Stack) -> dict[str, Any]:
    """The function's configuration, as Lambda has it."""
    found: dict[str, Any] = stack.ask("lambda", "get_function_configuration", FunctionName=stack.outputs["FunctionArn"])
    return found


def environment(stack: Stack) -> dict[str, str]:
    """What it finds in its environment."""
    found: dict[str, str] = function(stack)["Environment"]["Variables"]
    return found


def test_what_holds_for_every_stack(authorizer: Stack, extended: Stack) -> None:
    """Policies, logs, alarms."""
    checks.check_all(authorizer)
    checks.check_all(extended)


def test_the_archive_is_the_one_that_was_made(authorizer: Stack, given: Account) -> None:
    """Octet for octet, by the version of its object, under the handler that it has."""
    made = function(authorizer)
    archive = given.archive
    digest = base64.b64encode(hashlib.sha256(archive.read_bytes()).digest()).decode()

    assert digest == made["CodeSha256"]
    assert given.versions["authorizer.zip"] == authorizer.aws.the("create_function")["Code"]["S3ObjectVersion"]
    assert ("python3.13", "lambda_function.lambda_handler") == (made["Runtime"], made["Handler"])


def test_the_authorizer_takes_its_settings(
    authorizer: Stack, service: Stack, capsys: pytest.CaptureFixture[str]
) -> None:
    """All are names that it knows; it fails closed and unkept, asks over HTTPS, and shows its token."""
    said = environment(authorizer)
    made = Authorizer(said)

    assert "" == capsys.readouterr().out, "no setting is unknown"
    assert {"REVET_URL", "REVET_FAIL_MODE", "REVET_TIMEOUT_MS", "REVET_TOKEN"} == set(said)
    assert service.outputs["Url"] == said["REVET_URL"]
    assert said["REVET_URL"].startswith("https://")
    assert "error" == said["REVET_FAIL_MODE"]
    assert TOKEN == said["REVET_TOKEN"]
    assert made.revet.timeout_s < function(authorizer)["Timeout"]


def test_the_token_is_not_in_the_environment_where_it_is_read_at_run_time(
    extended: Stack, given: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its name is, and the layer and the right to read that one secret."""
    said = environment(extended)
    Authorizer({name: value for name, value in said.items() if name != "REVET_CA_BUNDLE"})

    assert "" == capsys.readouterr().out, "no setting is unknown"
    assert given.secrets["token"] == said["REVET_TOKEN_SECRET"]
    assert "REVET_TOKEN" not in said
    assert ("/var/task/ca.pem", "vehicles") == (said["REVET_CA_BUNDLE"], said["REVET_TRUST_STORE"])
    assert given.secrets["token"] == checks.statements(extended, "Role")["Token"]["Resource"]
    assert 1 == len(function(extended)["Layers"])


def test_it_reaches_revet_alone(authorizer: Stack, given: Account, service: Stack) -> None:
    """In the private subnets, with the group of callers and no other; it has no group of its own to reach more."""
    network = function(authorizer)["VpcConfig"]

    assert given.network.outputs["PrivateSubnetIds"].split(",") == network["SubnetIds"]
    assert [service.outputs["CallerSecurityGroupId"]] == network["SecurityGroupIds"]
    assert set() == checks.ways_in(authorizer) | checks.ways_out(authorizer)


def test_it_reaches_the_secret_where_it_reads_one(extended: Stack) -> None:
    """By HTTPS; and nobody reaches it."""
    assert {("SecretsSecurityGroup", 443, "0.0.0.0/0")} == checks.ways_out(extended)
    assert set() == checks.ways_in(extended)
    assert extended.resources["SecretsSecurityGroup"] in function(extended)["VpcConfig"]["SecurityGroupIds"]


def test_the_function_itself_may_not_touch_the_network(authorizer: Stack) -> None:
    """What Lambda may set up for it is denied to its code."""
    allowed = checks.statements(authorizer, "Role")
    denied = allowed["NotTheFunction"]

    assert {"Log", "Network", "NetworkNames", "NotTheFunction"} == set(allowed)
    assert set(allowed["Network"]["Action"] + allowed["NetworkNames"]["Action"]) == set(denied["Action"])
    arn = authorizer.outputs["FunctionArn"]
    assert {"ArnEquals": {"lambda:SourceFunctionArn": arn}} == denied["Condition"]


def test_it_writes_into_the_log_that_is_kept_for_so_long(authorizer: Stack) -> None:
    """And every failure in it is counted."""
    made = authorizer.aws.the("create_function")
    counted = authorizer.aws.the("put_metric_filter")

    assert (
        made["LoggingConfig"]["LogGroup"] == authorizer.outputs["LogGroupName"] == f"/aws/lambda/{made['FunctionName']}"
    )
    assert (authorizer.outputs["LogGroupName"], '{ $.level = "error" }') == (
        counted["logGroupName"],
        counted["filterPattern"],
    )
