"""The stacks that the others are built on: the network, the bucket, the role of API Gateway's logs."""

import json

from tests.deploy.aws import checks
from tests.deploy.aws.account import Account
from tests.deploy.aws.stacks import Stack, create

EVERYWHERE = "0.0.0.0/0"


def _default_routes(stack: Stack, subnets: str) -> list[str]:
    """Where each subnet sends what is for elsewhere."""
    found = []
    for subnet in subnets.split(","):
        wanted = [{"Name": "association.subnet-id", "Values": [subnet]}]
        (table,) = stack.ask("ec2", "describe_route_tables", Filters=wanted)["RouteTables"]
        (route,) = (one for one in table["Routes"] if one.get("DestinationCidrBlock") == EVERYWHERE)
        found.append(str(route.get("NatGatewayId") or route["GatewayId"]))
    return found


def test_private_subnets_have_a_way_out_of_their_own_zone(given: Account) -> None:
    """Each private subnet has a NAT gateway in the public subnet of its zone; those have the internet's."""
    network = given.network
    gateways = _default_routes(network, network.outputs["PrivateSubnetIds"])
    found = network.ask("ec2", "describe_nat_gateways", NatGatewayIds=gateways)["NatGateways"]
    subnets = network.ask("ec2", "describe_subnets", SubnetIds=list(network.outputs["PublicSubnetIds"].split(",")))

    assert set(network.outputs["PublicSubnetIds"].split(",")) == {one["SubnetId"] for one in found}
    assert 2 == len({one["AvailabilityZone"] for one in subnets["Subnets"]})
    assert [network.resources["InternetGateway"]] * 2 == _default_routes(network, network.outputs["PublicSubnetIds"])


def test_nobody_has_a_public_address_by_himself(given: Account) -> None:
    """Not even in the public subnets."""
    network = given.network
    subnets = network.ask("ec2", "describe_subnets", Filters=[{"Name": "vpc-id", "Values": [network.outputs["VpcId"]]}])

    assert [False] * 4 == [one["MapPublicIpOnLaunch"] for one in subnets["Subnets"]]


def test_names_resolve(given: Account) -> None:
    """As private hosted zones need it."""
    for attribute in ("enableDnsSupport", "enableDnsHostnames"):
        asked = {"VpcId": given.network.outputs["VpcId"], "Attribute": attribute}
        answer = given.network.ask("ec2", "describe_vpc_attribute", **asked)
        assert {"Value": True} == answer[attribute[0].upper() + attribute[1:]]


def test_s3_is_reached_without_the_nat_gateway(given: Account) -> None:
    """By an endpoint in the tables of both private subnets."""
    vpc = given.network.resources["Vpc"]
    found = given.network.ask("ec2", "describe_vpc_endpoints")["VpcEndpoints"]
    (endpoint,) = (one for one in found if one["VpcId"] == vpc)
    tables = {given.network.resources[f"PrivateRoutesTable{zone}"] for zone in "AB"}

    assert ("Gateway", "com.amazonaws.us-east-1.s3") == (endpoint["VpcEndpointType"], endpoint["ServiceName"])
    assert tables == set(endpoint["RouteTableIds"])


def test_the_bucket_keeps_versions_and_nobody_outside_reaches_it(given: Account) -> None:
    """Versions, encryption, no public access, and nothing without TLS."""
    stack = create(given.endpoint, "trust-store", {})
    bucket = {"Bucket": stack.outputs["BucketName"]}
    policy = json.loads(stack.aws.the("put_bucket_policy")["Policy"])
    (statement,) = policy["Statement"]

    assert {"Status": "Enabled"} == stack.aws.the("put_bucket_versioning")["VersioningConfiguration"]
    assert set(stack.aws.the("put_public_access_block")["PublicAccessBlockConfiguration"].values()) == {True}
    assert ("Deny", "*", "s3:*") == tuple(statement[one] for one in ("Effect", "Principal", "Action"))
    assert {"Bool": {"aws:SecureTransport": "false"}} == statement["Condition"]
    assert {f"arn:aws:s3:::{bucket['Bucket']}{one}" for one in ("", "/*")} == set(statement["Resource"])
    assert "AES256" in json.dumps(stack.aws.the("put_bucket_encryption")["ServerSideEncryptionConfiguration"])


def test_the_role_of_api_gateways_logs(given: Account) -> None:
    """It is AWS's own policy, for API Gateway, and set for the account."""
    stack = create(given.endpoint, "api-gateway-account", {})
    role = stack.ask("iam", "get_role", RoleName=stack.resources["LogRole"])["Role"]
    policy = stack.aws.the("attach_role_policy")["PolicyArn"]

    checks.check_policies(stack)
    assert "arn:aws:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs" == policy
    assert role["Arn"] == stack.ask("apigateway", "get_account")["cloudwatchRoleArn"]
