"""The commands of the walk-throughs, as a reader types them: in one shell, page after page.

`aws.md` first, then `aws-rest-api.md`, `aws-private-ca.md`, `aws-private-network.md` and `aws-sidecar.md`, and in the
end how all of it is taken away. A stand-in for the AWS command line calls moto. Blocks that say why nobody runs them
are left out.
"""

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest

from tests.deploy.aws.calls import Properties
from tests.deploy.aws.command_line import CommandLine, Options, UsageError
from tests.deploy.aws.programs import program
from tests.deploy.aws.server import client_of, server
from tests.deploy.aws.templates import names, parsed, template
from tests.docs.pages import DOCS, page
from tests.docs.shell import shell
from tests.e2e.running import ROOT
from tests.sidecar.material import SERVERS, server_pair

PAGES: Final = ("aws.md", "aws-rest-api.md", "aws-private-ca.md", "aws-private-network.md", "aws-sidecar.md")

RUN: Final = "<!-- run by tests/deploy/aws/test_walk_through.py -->"

END: Final = "\n## Taking it away\n"
"""From there on `aws.md` is about the end of everything."""

OF_OTHERS: Final = {
    "EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic",
    "EnableExecuteCommand",
    "AccessDeniedException",
    "AuthorizerConfigurationException",
    "SSLCertVerificationError",
}
"""Names in sentences that are nobody's parameters."""

_BLOCK: Final = re.compile(r"^(<!-- [^\n]+ -->)\n```sh\n(.*?)```$", re.MULTILINE | re.DOTALL)


def blocks(text: str) -> list[str]:
    """The blocks of a text that are run."""
    found = _BLOCK.findall(text)
    assert len(found) == text.count("```sh\n")
    return [text for above, text in found if above == RUN]


def walk() -> Iterator[tuple[str, str]]:
    """All blocks that are run, each with where it stands: what takes away last."""
    for name in PAGES:
        yield from ((name, block) for block in blocks(page(name).partition(END)[0]))
    (last,) = blocks(page("aws.md").partition(END)[2])
    yield END, last


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A clone, as far as the commands need one, with what is the reader's."""
    directory = tmp_path / "revet"
    directory.mkdir()
    for shared in ("Makefile", "authorizer", "deploy", "scripts"):
        (directory / shared).symlink_to(ROOT / shared)
    (directory / "truststore.pem").write_text(SERVERS.pem)
    (directory / "private-root.pem").write_text(SERVERS.pem)
    server_pair(directory, "revet", "DNS:revet.internal.example.com")
    server_pair(directory, "app", "DNS:app-nlb.example.com")
    return directory


@pytest.fixture
def endpoint() -> Iterator[str]:
    """An account with a public zone: one, though what is made at moto outlives a server."""
    with server() as made:
        route53 = client_of("route53", made)
        if not route53.list_hosted_zones_by_name(DNSName="example.com")["HostedZones"]:
            route53.create_hosted_zone(Name="example.com", CallerReference="walk-through")
        yield made


@pytest.mark.slow
def test_every_command_is_taken(workspace: Path, endpoint: str, tmp_path: Path) -> None:
    """From an empty account to every architecture: all stacks come up, and nothing is refused."""
    command_line = CommandLine(endpoint)
    binaries = tmp_path / "bin"
    binaries.mkdir()
    path = f"{binaries}:{ROOT / '.venv' / 'bin'}:{os.environ['PATH']}"

    with program(binaries, command_line) as aws, shell(workspace, {"PATH": path, "HOME": str(tmp_path)}) as bash:
        bash.run("set -u")
        for name, block in walk():
            if name == END:
                _check_what_there_is(dict(command_line.stacks))
                _check_what_is_refused(endpoint)
                _check_the_password(endpoint, workspace)
            printed = bash.run(block)
            assert [] == aws.refused, f"{name}: {block}"
            assert "not found" not in printed
            assert "unbound variable" not in printed

    assert {"api-gateway-account"} == set(command_line.stacks), "on which other APIs may rely"
    assert set() == command_line.going, "somebody has waited"
    assert "revet-network" == command_line.gone[-1]
    assert not list(workspace.glob("*.token")), "no token is left lying about"


def _check_what_there_is(stacks: dict[str, Properties]) -> None:
    expected = {"revet-network", "revet-trust-store", "revet-service", "revet-authorizer", "api-gateway-account"}
    expected |= {
        "revet-nlb-service",
        "revet-api",
        "revet-http-api",
        "revet-private-authorizer",
        "revet-private-api",
        "app-alb",
        "app-nlb",
    }
    assert expected == set(stacks)
    assert "network" == stacks["revet-nlb-service"]["LoadBalancerType"]
    assert re.fullmatch("X-Cert-[0-9a-f]{32}", stacks["app-alb"]["CertHeaderName"])


def _check_what_is_refused(endpoint: str) -> None:
    """An update that would put another ElastiCache in the place of a service's, with everything else allowed."""
    for stack in ("revet-service", "revet-nlb-service"):
        said = client_of("cloudformation", endpoint).get_stack_policy(StackName=stack)["StackPolicyBody"]
        allowed, denied = json.loads(said)["Statement"]
        assert ("Allow", "Update:*", "*") == (allowed["Effect"], allowed["Action"], allowed["Resource"])
        assert ("Deny", "LogicalResourceId/Cache") == (denied["Effect"], denied["Resource"])
        assert ["Update:Replace", "Update:Delete"] == denied["Action"]
        assert {"*"} == {allowed["Principal"], denied["Principal"]}
    assert "AWS::ElastiCache::ReplicationGroup" == parsed(template("service").read_text())["Resources"]["Cache"]["Type"]


def _check_the_password(endpoint: str, workspace: Path) -> None:
    """Both secrets, of which CloudFormation and the tasks read one each, have the new one; no file has it."""
    cloudformation, secrets = (client_of(one, endpoint) for one in ("cloudformation", "secretsmanager"))
    found = []
    for name in ("CachePassword", "CacheUrl"):
        resource = cloudformation.describe_stack_resource(StackName="revet-service", LogicalResourceId=name)
        arn = resource["StackResourceDetail"]["PhysicalResourceId"]
        found.append(secrets.get_secret_value(SecretId=arn)["SecretString"])
    password, address = found
    assert re.fullmatch("[0-9a-f]{64}", password)
    assert address.startswith(f"rediss://revet:{password}@")
    assert [] == [one for one in workspace.iterdir() if one.is_file() and password in one.read_text(errors="replace")]


NETWORK: Final = "deploy --stack-name network --template-file deploy/aws/network.yaml"
BUCKET: Final = "deploy --stack-name bucket --template-file deploy/aws/trust-store.yaml"


def test_what_somebody_has_is_not_taken_away(endpoint: str) -> None:
    """The stand-in can fail: at a load balancer that is protected, at who still has an output, and without a wait."""
    command_line = CommandLine(endpoint)

    def run(command: str) -> str:
        return command_line.run(["cloudformation", *command.split()], ROOT)

    run(NETWORK)
    run(BUCKET)
    command_line.stacks["application"] = {"VpcId": next(iter(command_line.outputs["network"]))}
    command_line.outputs["application"] = {"https://application.example"}
    command_line.protected.add("application")

    with pytest.raises(UsageError, match="is protected"):
        run("delete-stack --stack-name application")
    command_line.protected.clear()
    with pytest.raises(UsageError, match="has something of network"):
        run("delete-stack --stack-name network")
    run("delete-stack --stack-name application")
    with pytest.raises(UsageError, match="has something of network"):
        run("delete-stack --stack-name network")
    run("wait stack-delete-complete --stack-name application")
    run("delete-stack --stack-name network")
    run("wait stack-delete-complete --stack-name network")
    with pytest.raises(UsageError, match="there is no stack"):
        run("delete-stack --stack-name network")

    assert ["application", "network"] == command_line.gone
    assert {"bucket"} == set(command_line.stacks)


def zone(name: str, identity: str, *, private: bool = False) -> Properties:
    """A zone, as Route 53 lists it."""
    return {"Id": f"/hostedzone/{identity}", "Name": name, "Config": {"PrivateZone": private}}


@dataclass(slots=True)
class Listing(CommandLine):
    """An account with the zones that a test gives it: moto lists none but those of the name.

    Attributes:
        zones: In Route 53's order, from the name on.
    """

    zones: list[Properties] = field(default_factory=list)

    def call(self, service: str, operation: str, options: Options, directory: Path) -> Any:  # noqa: ANN401 - AWS's
        """What AWS answers."""
        answer = CommandLine.call(self, service, operation, options, directory)
        return {**answer, "HostedZones": self.zones} if operation == "list-hosted-zones-by-name" else answer


OWN: Final = zone("example.com.", "Z0OWN")
OWN_PRIVATE: Final = zone("example.com.", "Z0PRIVATE", private=True)
STRANGERS: Final = zone("www.example.com.", "Z0STRANGER")


@pytest.mark.parametrize(
    ("zones", "found"),
    [
        ([OWN, STRANGERS], "Z0OWN"),
        ([OWN_PRIVATE, OWN, STRANGERS], "Z0OWN"),
        ([STRANGERS], ""),
        ([OWN_PRIVATE], ""),
        ([], ""),
        ([OWN, zone("example.com.", "Z0OTHER"), STRANGERS], ""),
    ],
    ids=["it is there", "a private one first", "a stranger's alone", "a private one alone", "none", "two"],
)
def test_the_zone_is_ones_own(
    zones: list[Properties], found: str, endpoint: str, workspace: Path, tmp_path: Path
) -> None:
    """The public one of the very name; where there is none, or more than one, nothing is written to any."""
    binaries = tmp_path / "bin"
    binaries.mkdir()
    first, *_ = blocks(page("aws.md"))
    path = f"{binaries}:{os.environ['PATH']}"

    with (
        program(binaries, Listing(endpoint, zones=zones)) as aws,
        shell(workspace, {"PATH": path, "HOME": str(tmp_path)}) as bash,
    ):
        printed = bash.run(first)
        kept = bash.run('printf %s "${PUBLIC_ZONE-}"')

    assert [] == aws.refused
    assert found == kept
    assert bool(found) == (not printed.strip())


def test_revet_knows_the_header_before_the_load_balancer_sends_it() -> None:
    """Passthrough: the file, the stack that names it, tasks that have read it, and only then the listener."""
    (block,) = (one for one in blocks(page("aws-sidecar.md")) if "MutualTls=passthrough" in one)
    steps = ("s3 cp revet.env", "SettingsFileArn=", "update-service", "wait services-stable", "MutualTls=passthrough")

    assert list(steps) == sorted(steps, key=block.index)


def test_every_template_is_on_the_page() -> None:
    """With what it makes."""
    missing = [one for one in names() if f"`{one}.yaml`" not in page("aws.md")]

    assert [] == missing


def test_every_page_is_run() -> None:
    """One that is added is walked through too."""
    assert set(PAGES) == {one.name for one in DOCS.glob("aws*.md")}


@pytest.mark.parametrize("name", PAGES)
def test_parameters_that_are_named_exist(name: str) -> None:
    """Those that sentences give a value, or that a table explains."""
    documents = [parsed(template(one).read_text()) for one in names()]
    known = {one for document in documents for one in (*document.get("Parameters", {}), *document.get("Outputs", {}))}
    prose = _BLOCK.sub("", page(name))
    named = set(re.findall(r"`([A-Z][a-z]+[A-Z][A-Za-z]+)(?:=[^`]*)?`", prose))
    # Resources of the templates, and what others call theirs.
    resources = {one for document in documents for one in document["Resources"]}
    alarms = {one.removesuffix("Alarm") for one in resources}

    assert set() == named - known - resources - alarms - OF_OTHERS


@pytest.mark.parametrize(
    ("command", "fault"),
    [
        ("cloudformation deploy --stack-name x --template-file deploy/aws/service.yaml", "CAPABILITY_IAM"),
        ("cloudformation deploy --stack x --template-file deploy/aws/network.yaml", "deploy has no"),
        ("ecs describe-service --cluster x", "has no"),
        ("ecs describe-services --clusters x", "there is no --clusters"),
        ("logs tail /revet/nothing", "there is no"),
        ("acm wait certificate-valid", "cannot wait"),
    ],
)
def test_what_the_command_line_would_refuse(command: str, fault: str, endpoint: str) -> None:
    """The stand-in can fail."""
    with pytest.raises(UsageError, match=fault):
        CommandLine(endpoint).run(command.split(), ROOT)
