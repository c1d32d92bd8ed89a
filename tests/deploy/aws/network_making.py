"""How the types of a network are made that moto's CloudFormation makes by halves.

It leaves out how a VPC resolves names, what a security group lets out, and which subnet a table of routes is for.
"""

from tests.deploy.aws.calls import Aws, Properties
from tests.deploy.aws.taught import Made, maker


@maker("AWS::EC2::VPC")
def _vpc(aws: Aws, _: str, properties: Properties) -> Made:
    names = {one: properties.pop(one) for one in ("EnableDnsSupport", "EnableDnsHostnames")}
    properties.pop("Tags", None)
    vpc = aws.call("ec2", "create_vpc", **properties)["Vpc"]["VpcId"]
    for name, value in names.items():
        aws.call("ec2", "modify_vpc_attribute", VpcId=vpc, **{name: {"Value": value}})
    return Made(vpc, {"VpcId": vpc})


@maker("AWS::EC2::SubnetRouteTableAssociation")
def _association(aws: Aws, _: str, properties: Properties) -> Made:
    return Made(aws.call("ec2", "associate_route_table", **properties)["AssociationId"])


@maker("AWS::EC2::SecurityGroup")
def _security_group(aws: Aws, name: str, properties: Properties) -> Made:
    ingress, egress = (properties.pop(one, []) for one in ("SecurityGroupIngress", "SecurityGroupEgress"))
    about = {"Description": properties.pop("GroupDescription"), "GroupName": name}
    group = {"GroupId": aws.call("ec2", "create_security_group", **about, **properties)["GroupId"]}
    if egress:
        everything = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
        aws.call("ec2", "revoke_security_group_egress", **group, IpPermissions=[everything])
        aws.call(
            "ec2", "authorize_security_group_egress", **group, IpPermissions=[_permission_of(one) for one in egress]
        )
    if ingress:
        allowed = [_permission_of(one) for one in ingress]
        aws.call("ec2", "authorize_security_group_ingress", **group, IpPermissions=allowed)
    return Made(group["GroupId"], {"GroupId": group["GroupId"], "VpcId": properties["VpcId"]})


@maker("AWS::EC2::SecurityGroupIngress")
def _security_group_ingress(aws: Aws, name: str, properties: Properties) -> Made:
    group = {"GroupId": properties.pop("GroupId")}
    aws.call("ec2", "authorize_security_group_ingress", **group, IpPermissions=[_permission_of(properties)])
    return Made(name)


def _permission_of(rule: Properties) -> Properties:
    """A rule in the form of the interface, which has lists of peers."""
    rule = dict(rule)
    description = {"Description": rule.pop("Description")}
    peers: Properties = {}
    for group in ("SourceSecurityGroupId", "DestinationSecurityGroupId"):
        if group in rule:
            peers["UserIdGroupPairs"] = [{"GroupId": rule.pop(group), **description}]
    if "CidrIp" in rule:
        peers["IpRanges"] = [{"CidrIp": rule.pop("CidrIp"), **description}]
    return {**rule, **peers}
