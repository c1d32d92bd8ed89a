"""The service as it came up: who reaches it, what it may do, what it is told, and whether Revet takes it."""

import re
from typing import Any

import pytest

from service.settings import Settings, load_settings
from tests.deploy.aws import checks
from tests.deploy.aws.account import Account
from tests.deploy.aws.stacks import Stack, arn
from tests.deploy.aws.templates import parsed, template
from tests.e2e.running import ROOT

REACHED = {
    ("LoadBalancerSecurityGroup", 443, "CallerSecurityGroup"),
    ("ReplicaSecurityGroup", 8080, "LoadBalancerSecurityGroup"),
    ("ReplicaSecurityGroup", 9090, "LoadBalancerSecurityGroup"),
    ("CacheSecurityGroup", 6379, "ReplicaSecurityGroup"),
}

REACHING = {
    ("CallerSecurityGroup", 443, "LoadBalancerSecurityGroup"),
    ("LoadBalancerSecurityGroup", 8080, "ReplicaSecurityGroup"),
    ("LoadBalancerSecurityGroup", 9090, "ReplicaSecurityGroup"),
    ("ReplicaSecurityGroup", 6379, "CacheSecurityGroup"),
    ("ReplicaSecurityGroup", 443, "0.0.0.0/0"),
    ("ReplicaSecurityGroup", 80, "0.0.0.0/0"),
    ("CacheSecurityGroup", 6379, "127.0.0.1/32"),
}


@pytest.fixture(scope="module")
def networked(given: Account) -> Stack:
    """The service with everything that can be left out: a network load balancer, keys, CRLs, files of settings."""
    return given.service(
        LoadBalancerType="network",
        ImageRepositoryArn=arn("ecr", "repository/revet"),
        CrlBucket="example-crls",
        CrlMap="http://example-crls.s3.us-east-1.amazonaws.com/crl/=s3://example-crls/crl/",
        SettingsFileArn=f"arn:aws:s3:::{given.bucket}/revet.env",
        AdminTokensSecretArn=given.secrets["administrators"],
        KmsKeyArn=arn("kms", "key/0123"),
        AlarmTopicArn=arn("sns", "alarms"),
    )


@pytest.fixture(params=["application", "network"])
def either(request: pytest.FixtureRequest, service: Stack, networked: Stack) -> Stack:
    """The service behind either load balancer."""
    return service if request.param == "application" else networked


def settings_of(stack: Stack, **more: str) -> Settings:
    """The settings that Revet reads out of the task's environment."""
    container = checks.containers(stack)["revet"]
    return load_settings(None, {"HOME": "/nonexistent", **checks.environment(stack, container), **more})


def alarms(stack: Stack) -> dict[str, dict[str, Any]]:
    """The alarms of a stack, as they came up, by the figure that they watch."""
    names = [made["AlarmName"] for made in stack.aws.made("put_metric_alarm")]
    found = stack.ask("cloudwatch", "describe_alarms", AlarmNames=names)["MetricAlarms"]
    return {one.get("MetricName") or one["Metrics"][0]["Label"]: one for one in found}


def test_what_holds_for_every_stack(either: Stack) -> None:
    """Policies, logs, containers, alarms, TLS."""
    checks.check_all(either)


def test_who_reaches_whom(either: Stack) -> None:
    """Callers the load balancer, it the replicas, they the cache; nobody else anybody."""
    assert REACHED == checks.ways_in(either)
    assert REACHING == checks.ways_out(either)


def test_revet_takes_the_settings(service: Stack) -> None:
    """All are names that it knows, with values that do not contradict each other."""
    settings = settings_of(service)

    assert ("0.0.0.0", 8080, 9090) == (settings.host, settings.port, settings.management_port)
    assert "hard-fail" == settings.revocation_mode
    assert 1 == len(settings.api_tokens)
    assert settings.redis_url is not None
    assert settings.fleet_key


def test_revet_takes_the_settings_that_can_be_left_out(networked: Stack) -> None:
    """CRLs in a bucket, under the names that certificates have for them; administrators."""
    settings = settings_of(networked)

    assert ["s3://example-crls/crl/"] == [str(one) for one in settings.crl_sources]
    assert 1 == len(settings.admin_tokens)
    assert settings.crl_map


def test_the_environment_holds_digests_of_tokens_alone(networked: Stack) -> None:
    """Nobody who reads it can ask Revet. The keys of what replicas share are secrets of their own."""
    environment = checks.environment(networked, checks.containers(networked)["revet"])
    secret = {"REVET_REDIS_URL", "REVET_FLEET_KEY", "REVET_API_TOKENS", "REVET_ADMIN_TOKENS"}
    given = {one["name"] for one in checks.containers(networked)["revet"]["secrets"]}

    assert secret == given
    for name in ("REVET_API_TOKENS", "REVET_ADMIN_TOKENS"):
        assert re.fullmatch("sha256:[0-9a-f]{64}", environment[name])


def test_it_is_stopped_after_it_has_drained(either: Stack) -> None:
    """ECS waits longer than the settings have it drain and finish."""
    settings = settings_of(either)
    container = checks.containers(either)["revet"]

    assert settings.drain_s + settings.shutdown_grace_s < container["stopTimeout"] <= 120


def test_the_container_is_the_images(either: Stack) -> None:
    """The user, the command, the probe, and volumes where the image declares them, whose owner they get then."""
    container = checks.containers(either)["revet"]
    dockerfile = (ROOT / "Dockerfile").read_text()

    assert (["serve"], "10001:10001") == (container["command"], container["user"])
    assert ["CMD", "/opt/revet/bin/revet", "healthcheck"] == container["healthCheck"]["command"]
    assert 'CMD ["/opt/revet/bin/revet", "healthcheck"]' in dockerfile
    assert f"USER {container['user']}\n" in dockerfile
    mounted = [one["containerPath"] for one in container["mountPoints"]]
    assert ["/var/lib/revet", "/tmp"] == mounted  # noqa: S108 - what is asserted
    assert f"VOLUME {mounted}".replace("'", '"') in dockerfile
    assert {8080, 9090} == {one["containerPort"] for one in container["portMappings"]}
    assert "EXPOSE 8080 9090" in dockerfile


def test_probes_ask_whether_it_is_ready(either: Stack) -> None:
    """At the management port, which has neither TLS nor tokens."""
    arn_of = either.resources["TargetGroup"]
    (group,) = either.ask("elbv2", "describe_target_groups", TargetGroupArns=[arn_of])["TargetGroups"]

    asked = tuple(group[f"HealthCheck{one}"] for one in ("Protocol", "Port", "Path"))
    assert (("HTTP", "9090", "/readyz"), {"HttpCode": "200"}) == (asked, group["Matcher"])
    assert ("ip", 8080) == (group["TargetType"], group["Port"])
    balancing = either.aws.the("create_service")["loadBalancers"]
    assert [{"containerName": "revet", "containerPort": 8080, "targetGroupArn": arn_of}] == balancing


@pytest.mark.parametrize(
    ("stack", "kind", "protocol"), [("service", "application", "HTTPS"), ("networked", "network", "TLS")]
)
def test_callers_come_by_tls(
    stack: str, kind: str, protocol: str, given: Account, request: pytest.FixtureRequest
) -> None:
    """To an internal load balancer with ACM's certificate, and its name is in the private zone."""
    made: Stack = request.getfixturevalue(stack)
    (listener,) = made.ask("elbv2", "describe_listeners", LoadBalancerArn=made.resources["LoadBalancer"])["Listeners"]
    (balancer,) = made.ask("elbv2", "describe_load_balancers", LoadBalancerArns=[made.resources["LoadBalancer"]])[
        "LoadBalancers"
    ]
    records = made.ask("route53", "list_resource_record_sets", HostedZoneId=given.zone)["ResourceRecordSets"]

    assert (443, protocol) == (listener["Port"], listener["Protocol"])
    assert [given.certificate] == [one["CertificateArn"] for one in listener["Certificates"]]
    assert ("internal", kind) == (balancer["Scheme"], balancer["Type"])
    assert made.outputs["Url"] in {f"https://{one['Name'].rstrip('.')}" for one in records if one["Type"] == "A"}


def test_what_replicas_share_is_encrypted_and_fails_over(either: Stack) -> None:
    """TLS alone, at rest, two zones, another that takes over; by a user and with a password that nobody chose."""
    said = either.aws.the("create_replication_group")
    (made,) = either.ask("elasticache", "describe_replication_groups", ReplicationGroupId=said["ReplicationGroupId"])[
        "ReplicationGroups"
    ]
    url = checks.environment(either, checks.containers(either)["revet"])["REVET_REDIS_URL"]
    (user,) = (one for one in either.aws.made("create_user") if one["UserName"] == "revet")

    assert (True, "required", True) == tuple(
        said[f"{one}"] for one in ("TransitEncryptionEnabled", "TransitEncryptionMode", "AtRestEncryptionEnabled")
    )
    assert (True, True) == (made["TransitEncryptionEnabled"], made["AtRestEncryptionEnabled"])
    assert ("enabled", "enabled", 2) == (made["AutomaticFailover"], made["MultiAZ"], said["NumCacheClusters"])
    assert [either.resources["CacheUsers"]] == said["UserGroupIds"]
    assert user["UserId"] in either.aws.the("create_user_group")["UserIds"]
    (password,) = user["AuthenticationMode"]["Passwords"]
    assert re.fullmatch("[A-Za-z0-9]{64}", password)
    assert f"rediss://{user['UserName']}:{password}@{made['NodeGroups'][0]['PrimaryEndpoint']['Address']}:6379/0" == url


def test_the_user_of_the_cache_may_what_the_page_says(service: Stack) -> None:
    """The commands of docs/fleet.md, and no others."""
    page = (ROOT / "docs" / "fleet.md").read_text()
    (documented,) = re.findall(r"ACL SETUSER revet on >PASSWORD (.+?)```", page, re.DOTALL)

    (user,) = (one for one in service.aws.made("create_user") if one["UserName"] == "revet")
    assert f"on {' '.join(documented.split())}" == user["AccessString"]


def test_who_names_no_user_at_the_cache_may_do_nothing(service: Stack) -> None:
    """The group has the user `default`, which is off, has no right, and has a password as groups of Valkey want it."""
    users = {one["UserId"]: one for one in service.aws.made("create_user")}
    group = service.aws.the("create_user_group")
    (default,) = (one for one in users.values() if one["UserName"] == "default")

    assert "off -@all" == default["AccessString"]
    assert set(users) == set(group["UserIds"])
    assert {"valkey"} == {one["Engine"] for one in (*users.values(), group)}
    assert ["password"] * 2 == [one["AuthenticationMode"]["Type"] for one in users.values()]


def test_it_reads_the_trust_store_and_nothing_else(service: Stack, given: Account) -> None:
    """One object."""
    allowed = checks.statements(service, "TaskRole")

    assert ["TrustStore"] == list(allowed)
    assert ["s3:GetObject", "s3:GetObjectVersion"] == allowed["TrustStore"]["Action"]
    assert f"arn:aws:s3:::{given.bucket}/truststore.pem" == allowed["TrustStore"]["Resource"]


def test_crls_in_a_bucket_are_read_below_their_prefix(networked: Stack) -> None:
    """Objects and names, below the prefix; of keys, the one that was named."""
    allowed = checks.statements(networked, "TaskRole")

    assert {"TrustStore", "Crls", "CrlNames", "Key"} == set(allowed)
    assert "arn:aws:s3:::example-crls/crl/*" == allowed["Crls"]["Resource"]
    assert {"StringLike": {"s3:prefix": "crl/*"}} == allowed["CrlNames"]["Condition"]
    assert (arn("kms", "key/0123"), "kms:Decrypt") == (allowed["Key"]["Resource"], allowed["Key"]["Action"])
    assert via_services("s3") == allowed["Key"]["Condition"]


def via_services(*names: str) -> dict[str, Any]:
    """The condition of a key that is used for what these services have encrypted, and for nothing else."""
    return {"StringEquals": {"kms:ViaService": [f"{name}.us-east-1.amazonaws.com" for name in names]}}


def test_the_key_opens_no_more_than_is_read(networked: Stack) -> None:
    """Who starts a task has secrets and the file of settings decrypted, and nothing that it might get elsewhere."""
    assert via_services("secretsmanager", "s3") == checks.statements(networked, "ExecutionRole")["Key"]["Condition"]


def test_who_starts_it_reads_its_own_secrets(either: Stack) -> None:
    """Exactly those that the task names."""
    named = {one["valueFrom"] for one in checks.containers(either)["revet"]["secrets"]}

    assert named == set(checks.statements(either, "ExecutionRole")["Secrets"]["Resource"])


def test_more_settings_come_out_of_a_file(networked: Stack, given: Account) -> None:
    """In S3, which ECS may read: that object, and where its bucket is."""
    allowed = checks.statements(networked, "ExecutionRole")
    file = f"arn:aws:s3:::{given.bucket}/revet.env"

    assert [{"type": "s3", "value": file}] == checks.containers(networked)["revet"]["environmentFiles"]
    assert file == allowed["SettingsFile"]["Resource"]
    assert f"arn:aws:s3:::{given.bucket}" == allowed["SettingsFileBucket"]["Resource"]
    assert {"ecr:GetAuthorizationToken"} == {allowed["ImageToken"]["Action"]}
    assert arn("ecr", "repository/revet") == allowed["Image"]["Resource"]


def test_it_scales(either: Stack) -> None:
    """Between the bounds, by its processor."""
    resource = f"service/{either.outputs['ClusterName']}/{either.outputs['ServiceName']}"
    asked = {"ServiceNamespace": "ecs", "ResourceIds": [resource]}
    (target,) = either.ask("application-autoscaling", "describe_scalable_targets", **asked)["ScalableTargets"]
    policy = either.aws.the("put_scaling_policy")["TargetTrackingScalingPolicyConfiguration"]

    assert (2, 6) == (target["MinCapacity"], target["MaxCapacity"])
    assert "ECSServiceAverageCPUUtilization" == policy["PredefinedMetricSpecification"]["PredefinedMetricType"]


def test_what_is_watched(service: Stack, networked: Stack) -> None:
    """Replicas, errors, memory, the cache, the log; and somebody is told."""
    everywhere = {
        "Faults",
        "UnHealthyHostCount",
        "HealthyHostCount",
        "MemoryUtilization",
        "EngineCPUUtilization",
        "DatabaseMemoryUsagePercentage",
    }
    application, network = alarms(service), alarms(networked)

    assert everywhere | {"HTTPCode_Target_5XX_Count", "HTTPCode_ELB_5XX_Count"} == set(application)
    assert everywhere | {"TCP_Target_Reset_Count"} == set(network)
    assert {"AWS/ApplicationELB"} == {
        application[one]["Namespace"] for one in ("UnHealthyHostCount", "HealthyHostCount")
    }
    assert {"AWS/NetworkELB"} == {network[one]["Namespace"] for one in ("UnHealthyHostCount", "HealthyHostCount")}
    assert [] == [one for alarm in application.values() for one in alarm["AlarmActions"]]
    for alarm in network.values():
        assert [arn("sns", "alarms")] == alarm["AlarmActions"] == alarm["OKActions"]


@pytest.mark.parametrize(
    "replicas", parsed(template("service").read_text())["Parameters"]["CacheReplicas"]["AllowedValues"]
)
def test_every_node_of_the_cache_is_watched(replicas: str, given: Account) -> None:
    """Whichever is the primary, and however many there are: those that there are, and no others."""
    stack = given.service(CacheReplicas=replicas)
    nodes = [f"{stack.resources['Cache']}-00{number}" for number in range(1, int(replicas) + 1)]

    assert int(replicas) == stack.aws.the("create_replication_group")["NumCacheClusters"]
    for figure in ("EngineCPUUtilization", "DatabaseMemoryUsagePercentage"):
        expression, *metrics = alarms(stack)[figure]["Metrics"]
        stats = [one["MetricStat"]["Metric"] for one in metrics]
        assert ("MAX(METRICS())", True) == (expression["Expression"], expression["ReturnData"])
        assert nodes == [one["Value"] for stat in stats for one in stat["Dimensions"]]
        assert {figure} == {one["MetricName"] for one in stats}
        assert {False} == {one["ReturnData"] for one in metrics}


def test_a_key_of_ones_own_is_used_everywhere(networked: Stack) -> None:
    """The log, the secrets and the cache."""
    key = arn("kms", "key/0123")

    assert key == networked.aws.the("create_log_group")["kmsKeyId"]
    assert [key] * 3 == [made["KmsKeyId"] for made in networked.aws.made("create_secret")]
    assert key == networked.aws.the("create_replication_group")["KmsKeyId"]
