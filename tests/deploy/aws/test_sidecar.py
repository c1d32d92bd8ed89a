"""The sidecar in its task as it came up: who reaches it, what it is told, and that it runs so."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.aws import checks
from tests.deploy.aws.account import TOKEN, TRUST_STORE, Account
from tests.deploy.aws.stacks import Stack, arn
from tests.e2e.running import ROOT
from tests.sidecar.application import Application, running_application
from tests.sidecar.curl import curl
from tests.sidecar.material import ROOT as AUTHORITY
from tests.sidecar.material import SERVERS, VALIDITY, Pair, authority_file, in_header, write
from tests.sidecar.running import ENTRYPOINT, running_sidecar, sidecar_environment
from tests.sidecar.stand_in import ALLOW, StandIn, answer, standing_in
from tests.sidecar.test_proxy_protocol import VERSION_2, through

RUN_DIRECTORY = "/run/revet-sidecar"
SETTINGS = re.compile(r"^\| ((?:`REVET_[A-Z0-9_]+`(?:, )?)+) \|", re.MULTILINE)
HEADER = "X-Cert-0123456789abcdef0123456789abcdef"


@pytest.fixture(scope="module")
def passthrough(given: Account, service: Stack) -> Stack:
    """Behind an Application Load Balancer that looks at no chain, with everything that can be left out."""
    more = {
        "MutualTls": "passthrough",
        "CertHeaderName": HEADER,
        "ApplicationCommand": "python,-m,http.server",
        "ApplicationRoleArn": arn("iam", "role/application").replace("us-east-1", ""),
        "ImageRepositoryArns": arn("ecr", "repository/revet-sidecar"),
        "CaBundle": "/etc/sidecar/ca.pem",
        "TrustStoreName": "vehicles",
        "CacheSeconds": "5",
        "KmsKeyArn": arn("kms", "key/0123"),
        "AlarmTopicArn": arn("sns", "alarms"),
    }
    return given.sidecar("sidecar-alb", service, **more)


@pytest.fixture(params=["alb", "passthrough", "nlb"])
def each(request: pytest.FixtureRequest) -> Stack:
    """The application behind each load balancer."""
    stack: Stack = request.getfixturevalue(request.param)
    return stack


@pytest.fixture(scope="module")
def revet() -> Iterator[StandIn]:
    """Revet, which says what it is told to say."""
    with standing_in() as made:
        yield made


@pytest.fixture(scope="module")
def application() -> Iterator[Application]:
    """The application."""
    with running_application() as made:
        yield made


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    """A client's certificate."""
    return write(tmp_path_factory.mktemp("client"), "good", AUTHORITY.issue("good", **VALIDITY))


def environment(stack: Stack) -> dict[str, str]:
    """What the sidecar finds in its environment."""
    return checks.environment(stack, checks.containers(stack)["sidecar"])


def here(stack: Stack, revet: StandIn, application: Application) -> dict[str, str]:
    """The same, with addresses that there are here."""
    there = {"REVET_URL": revet.url, "REVET_SIDECAR_UPSTREAM": application.url}
    return {**environment(stack), **there, "REVET_SIDECAR_TRUSTED_PROXIES": "127.0.0.1/32"}


def port(stack: Stack) -> int:
    """Where the sidecar listens."""
    return int(stack.aws.the("create_service")["loadBalancers"][0]["containerPort"])


def test_what_holds_for_every_stack(each: Stack) -> None:
    """Policies, logs, containers, alarms, TLS."""
    checks.check_all(each)


def test_who_reaches_whom(each: Stack) -> None:
    """Clients the load balancer, it alone the sidecar, and nobody the application."""
    reached = {
        ("LoadBalancerSecurityGroup", 443, "0.0.0.0/0"),
        ("TaskSecurityGroup", port(each), "LoadBalancerSecurityGroup"),
        ("TaskSecurityGroup", 8081, "LoadBalancerSecurityGroup"),
    }
    reaching = {
        ("LoadBalancerSecurityGroup", port(each), "TaskSecurityGroup"),
        ("LoadBalancerSecurityGroup", 8081, "TaskSecurityGroup"),
        ("TaskSecurityGroup", 443, "0.0.0.0/0"),
    }

    assert reached == checks.ways_in(each)
    assert reaching == checks.ways_out(each)


def test_the_application_is_behind_the_sidecar(each: Stack, service: Stack) -> None:
    """It has no port of its own; the sidecar finds it on loopback, and Revet by the group of callers."""
    containers = checks.containers(each)
    groups = each.aws.the("create_service")["networkConfiguration"]["awsvpcConfiguration"]["securityGroups"]

    assert "portMappings" not in containers["application"] or not containers["application"]["portMappings"]
    assert "http://127.0.0.1:9000" == environment(each)["REVET_SIDECAR_UPSTREAM"]
    assert [each.resources["TaskSecurityGroup"], service.outputs["CallerSecurityGroupId"]] == groups
    assert {"containerName": "application", "condition": "START"} in containers["sidecar"]["dependsOn"]


def test_settings_are_the_sidecars(each: Stack) -> None:
    """All are names of its page; the token is the one that it shows."""
    page = (ROOT / "docs" / "sidecar.md").read_text()
    known = {name for row in SETTINGS.findall(page) for name in re.findall("REVET_[A-Z0-9_]+", row)}
    said = environment(each)

    assert set(said) <= known
    assert TOKEN == said["REVET_TOKEN"]
    assert said["REVET_URL"].startswith("https://")


def test_only_the_load_balancers_networks_are_trusted(each: Stack, given: Account) -> None:
    """Those of its subnets, and no others."""
    networks = environment(each)["REVET_SIDECAR_TRUSTED_PROXIES"].split(",")

    assert given.network.outputs["PublicSubnetCidrs"].split(",") == networks
    assert given.network.outputs["PublicSubnetIds"].split(",") == each.aws.the("create_load_balancer")["Subnets"]


def test_the_container_is_the_images(each: Stack) -> None:
    """The user, the probe, and how long it takes to end."""
    container = checks.containers(each)["sidecar"]
    dockerfile = (ROOT / "sidecar" / "Dockerfile").read_text()

    assert f"USER {container['user']}\n" in dockerfile
    assert f'"{container["healthCheck"]["command"][1]}"' in dockerfile
    assert "STOPSIGNAL SIGQUIT" in dockerfile
    assert 30 < container["stopTimeout"] <= 120, "nginx gives requests under way 30 seconds"


def test_the_volume_is_the_images(each: Stack) -> None:
    """Fargate gives it to root, unless the image declares a volume there: then it has the image's owner."""
    container = checks.containers(each)["sidecar"]

    assert [RUN_DIRECTORY] == [one["containerPath"] for one in container["mountPoints"]]
    assert f'VOLUME ["{RUN_DIRECTORY}"]' in (ROOT / "sidecar" / "Dockerfile").read_text()


def test_the_load_balancer_verifies(alb: Stack, given: Account) -> None:
    """By the trust store that Revet reads; an expired certificate is not let through; the sidecar reads the leaf."""
    listener, store = alb.aws.the("create_listener"), alb.aws.the("create_trust_store")

    said = {"Mode": "verify", "TrustStoreArn": alb.resources["TrustStore"], "IgnoreClientCertificateExpiry": False}
    assert said == listener["MutualAuthentication"]
    assert given.bucket == store["CaCertificatesBundleS3Bucket"]
    assert (TRUST_STORE, given.versions[TRUST_STORE]) == (
        store["CaCertificatesBundleS3Key"],
        store["CaCertificatesBundleS3ObjectVersion"],
    )
    assert "verify" == environment(alb)["REVET_SIDECAR_ALB_HEADER"]
    assert [given.certificate] == [one["CertificateArn"] for one in listener["Certificates"]]


def test_the_load_balancer_passes_through(passthrough: Stack) -> None:
    """Under a name of the header that nobody outside knows, which both have."""
    assert {"Mode": "passthrough"} == passthrough.aws.the("create_listener")["MutualAuthentication"]
    (attribute,) = passthrough.aws.the("modify_listener_attributes")["Attributes"]
    assert {"Key": "routing.http.request.x_amzn_mtls_clientcert.header_name", "Value": HEADER} == attribute
    said = environment(passthrough)
    assert ("passthrough", HEADER) == (said["REVET_SIDECAR_ALB_HEADER"], said["REVET_SIDECAR_CERT_HEADER"])
    assert [] == passthrough.aws.made("create_trust_store")


@pytest.fixture(scope="module")
def back_to_verify(given: Account, service: Stack) -> Stack:
    """One that was passed through before, and still has the name from then: `deploy` keeps what it is not told anew."""
    return given.sidecar("sidecar-alb", service, MutualTls="verify", CertHeaderName=HEADER)


def test_a_name_of_before_is_forgotten(back_to_verify: Stack) -> None:
    """Nobody sets or removes that header where the load balancer verifies: what stands in it, a client has written."""
    said = environment(back_to_verify)

    assert "verify" == said["REVET_SIDECAR_ALB_HEADER"]
    assert "REVET_SIDECAR_CERT_HEADER" not in said
    assert [] == back_to_verify.aws.made("modify_listener_attributes")


def test_nlb_passes_octets_on(nlb: Stack) -> None:
    """TCP both ways, with the PROXY protocol, which says who the client is; the sidecar believes it of nobody else."""
    group = nlb.resources["TargetGroup"]
    (made,) = nlb.ask("elbv2", "describe_target_groups", TargetGroupArns=[group])["TargetGroups"]
    attributes = nlb.ask("elbv2", "describe_target_group_attributes", TargetGroupArn=group)["Attributes"]
    (listener,) = nlb.ask("elbv2", "describe_listeners", LoadBalancerArn=nlb.resources["LoadBalancer"])["Listeners"]

    assert ("TCP", "TCP", []) == (listener["Protocol"], made["Protocol"], listener.get("Certificates", []))
    assert {"Key": "proxy_protocol_v2.enabled", "Value": "true"} in attributes
    assert {"Key": "preserve_client_ip.enabled", "Value": "false"} in attributes
    assert "on" == environment(nlb)["REVET_SIDECAR_PROXY_PROTOCOL"]


def test_probes_do_not_ask_about_revet(alb: Stack, nlb: Stack) -> None:
    """When it is away, clients see a reason, and not a load balancer without targets."""
    for stack, asked in ((alb, ("HTTP", "8081", "/healthz")), (nlb, ("TCP", "8081", None))):
        group = stack.resources["TargetGroup"]
        (made,) = stack.ask("elbv2", "describe_target_groups", TargetGroupArns=[group])["TargetGroups"]
        assert asked == (made["HealthCheckProtocol"], made["HealthCheckPort"], made.get("HealthCheckPath"))


def test_the_load_balancers_attributes(alb: Stack) -> None:
    """The client's own addresses come before the one that counts."""
    asked = {"LoadBalancerArn": alb.resources["LoadBalancer"]}
    found = alb.ask("elbv2", "describe_load_balancer_attributes", **asked)["Attributes"]

    assert {"Key": "routing.http.xff_header_processing.mode", "Value": "append"} in found
    assert {"Key": "routing.http.drop_invalid_header_fields.enabled", "Value": "true"} in found


def test_the_sidecar_takes_all_that_can_be_left_out(passthrough: Stack, tmp_path: Path) -> None:
    """Its entry point makes a configuration of it.

    The nginx here may be older than the image's, and may then not keep answers.
    """
    bundle = tmp_path / "ca.pem"
    bundle.write_text(SERVERS.pem)
    said = {**environment(passthrough), "REVET_CA_BUNDLE": str(bundle), "REVET_SIDECAR_CACHE_S": "0"}
    printed = subprocess.run(
        [ENTRYPOINT, "--print"], env=sidecar_environment(said), capture_output=True, text=True, check=False, timeout=30
    )

    assert (0, "") == (printed.returncode, printed.stderr)
    assert HEADER.lower().replace("-", "_") in printed.stdout.lower().replace("-", "_")
    assert "5" == environment(passthrough)["REVET_SIDECAR_CACHE_S"]


def test_what_may_be_left_out_is_used(passthrough: Stack) -> None:
    """A command, a role of the application's, a repository, a key, somebody who is told."""
    task = passthrough.aws.the("register_task_definition")
    allowed = checks.statements(passthrough, "ExecutionRole")

    assert ["python", "-m", "http.server"] == checks.containers(passthrough)["application"]["command"]
    assert task["taskRoleArn"].endswith(":role/application")
    assert [arn("ecr", "repository/revet-sidecar")] == allowed["Images"]["Resource"]
    via = {"StringEquals": {"kms:ViaService": ["secretsmanager.us-east-1.amazonaws.com"]}}
    assert (arn("kms", "key/0123"), via) == (allowed["Key"]["Resource"], allowed["Key"]["Condition"])
    assert {arn("kms", "key/0123")} == {made["kmsKeyId"] for made in passthrough.aws.made("create_log_group")}
    assert all([arn("sns", "alarms")] == made["AlarmActions"] for made in passthrough.aws.made("put_metric_alarm"))


def test_without_a_role_the_task_may_do_nothing(alb: Stack) -> None:
    """At AWS."""
    assert "taskRoleArn" not in alb.aws.the("register_task_definition")


def test_it_runs_behind_an_application_load_balancer(
    alb: Stack, revet: StandIn, application: Application, tmp_path: Path
) -> None:
    """With the environment of the task: the certificate in the header is asked about, with the token, and let in."""
    revet.says = answer(200, *ALLOW)
    leaf = in_header(AUTHORITY.issue("good", **VALIDITY))

    with running_sidecar(tmp_path, "alb", here(alb, revet, application)) as sidecar:
        answered = curl(sidecar, "-H", f"X-Amzn-Mtls-Clientcert-Leaf: {leaf}")

    assert 200 == answered.status
    assert TOKEN.encode() in revet.asked[-1]


def test_it_runs_behind_a_network_load_balancer(
    nlb: Stack, revet: StandIn, application: Application, client: Pair, tmp_path: Path
) -> None:
    """With the files that the first container writes, the PROXY protocol and a client's certificate."""
    files = tmp_path / "run"
    files.mkdir()
    environment_here = here(nlb, revet, application)
    container = checks.containers(nlb)["files"]
    (command,) = container["command"]
    secrets: Any = sidecar_environment(checks.environment(nlb, container))
    written = subprocess.run(
        [*container["entryPoint"], command.replace(RUN_DIRECTORY, str(files))], env=secrets, check=True, timeout=30
    )
    for name, value in list(environment_here.items()):
        environment_here[name] = value.replace(RUN_DIRECTORY, str(files))
    revet.says = answer(200, *ALLOW)

    with running_sidecar(tmp_path, "nlb", environment_here) as sidecar:
        answered = through(sidecar, VERSION_2, authority_file(tmp_path), client)

    assert 200 == answered.status
    assert 0 == written.returncode
    assert {0o600} == {one.stat().st_mode & 0o777 for one in files.glob("tls.*")}
    assert ["203.0.113.9"] == application.last.values("X-Forwarded-For")
