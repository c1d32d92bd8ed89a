"""How the types are made that moto's CloudFormation lacks or makes by halves, but for those of API Gateway.

A property that goes to an operation of its own (attributes of a load balancer, the retention of a log) is sent there,
as CloudFormation does. What moto's services lack (`Aws.keep`): trust stores of load balancers, mutual TLS of listeners,
groups of ElastiCache's users, bucket policies with conditions.
"""

import json

from moto.core.models import DEFAULT_ACCOUNT_ID

from tests.deploy.aws.calls import Aws, Properties
from tests.deploy.aws.taught import Made, maker
from tests.e2e.front_doors.private_ca import REGION


def _named(service: str, kind: str, name: str) -> str:
    return f"arn:aws:{service}:{REGION}:{DEFAULT_ACCOUNT_ID}:{kind}/{name}"


# --- ECS -------------------------------------------------------------------------------------------------------------


@maker("AWS::ECS::Cluster")
def _cluster(aws: Aws, name: str, properties: Properties) -> Made:
    settings = properties.pop("ClusterSettings", [])
    made = aws.call("ecs", "create_cluster", **{"ClusterName": name, **properties, "settings": settings})["cluster"]
    return Made(made["clusterName"], {"Arn": made["clusterArn"]})


@maker("AWS::ECS::TaskDefinition")
def _task_definition(aws: Aws, _: str, properties: Properties) -> Made:
    made = aws.call("ecs", "register_task_definition", **properties)["taskDefinition"]
    return Made(made["taskDefinitionArn"], {"TaskDefinitionArn": made["taskDefinitionArn"]})


@maker("AWS::ECS::Service")
def _service(aws: Aws, name: str, properties: Properties) -> Made:
    made = aws.call("ecs", "create_service", **{"ServiceName": name, **properties})["service"]
    return Made(made["serviceArn"], {"Name": made["serviceName"], "ServiceArn": made["serviceArn"]})


@maker("AWS::ApplicationAutoScaling::ScalableTarget")
def _scalable_target(aws: Aws, _: str, properties: Properties) -> Made:
    aws.call("application-autoscaling", "register_scalable_target", **properties)
    return Made("|".join(properties[one] for one in ("ResourceId", "ScalableDimension", "ServiceNamespace")))


@maker("AWS::ApplicationAutoScaling::ScalingPolicy")
def _scaling_policy(aws: Aws, _: str, properties: Properties) -> Made:
    resource, dimension, namespace = properties.pop("ScalingTargetId").split("|")
    about = {"ResourceId": resource, "ScalableDimension": dimension, "ServiceNamespace": namespace}
    return Made(aws.call("application-autoscaling", "put_scaling_policy", **about, **properties)["PolicyARN"])


# --- load balancers --------------------------------------------------------------------------------------------------


def _pairs(properties: Properties, name: str) -> list[Properties]:
    return list(properties.pop(name, []))


@maker("AWS::ElasticLoadBalancingV2::LoadBalancer")
def _load_balancer(aws: Aws, name: str, properties: Properties) -> Made:
    attributes = _pairs(properties, "LoadBalancerAttributes")
    (made,) = aws.call("elbv2", "create_load_balancer", **{"Name": name, **properties})["LoadBalancers"]
    arn = made["LoadBalancerArn"]
    aws.call("elbv2", "modify_load_balancer_attributes", LoadBalancerArn=arn, Attributes=attributes)
    return Made(
        arn,
        {
            "DNSName": made["DNSName"],
            "CanonicalHostedZoneID": made["CanonicalHostedZoneId"],
            "LoadBalancerFullName": arn.partition(":loadbalancer/")[2],
        },
    )


@maker("AWS::ElasticLoadBalancingV2::TargetGroup")
def _target_group(aws: Aws, name: str, properties: Properties) -> Made:
    attributes = _pairs(properties, "TargetGroupAttributes")
    (made,) = aws.call("elbv2", "create_target_group", **{"Name": name, **properties})["TargetGroups"]
    arn = made["TargetGroupArn"]
    aws.call("elbv2", "modify_target_group_attributes", TargetGroupArn=arn, Attributes=attributes)
    return Made(arn, {"TargetGroupFullName": arn.rpartition(":")[2]})


@maker("AWS::ElasticLoadBalancingV2::Listener")
def _listener(aws: Aws, _: str, properties: Properties) -> Made:
    attributes = _pairs(properties, "ListenerAttributes")
    (made,) = aws.call("elbv2", "create_listener", **properties)["Listeners"]
    arn = made["ListenerArn"]
    if attributes:
        aws.call("elbv2", "modify_listener_attributes", ListenerArn=arn, Attributes=attributes)
    return Made(arn, {"ListenerArn": arn})


@maker("AWS::ElasticLoadBalancingV2::TrustStore")
def _trust_store(aws: Aws, name: str, properties: Properties) -> Made:
    aws.keep("elbv2", "create_trust_store", **{"Name": name, **properties})
    arn = _named("elasticloadbalancing", "truststore", f"{properties.get('Name', name)}/0123456789abcdef")
    return Made(arn, {"TrustStoreArn": arn})


# --- ElastiCache, secrets --------------------------------------------------------------------------------------------


@maker("AWS::ElastiCache::SubnetGroup")
def _cache_subnets(aws: Aws, name: str, properties: Properties) -> Made:
    about = {"CacheSubnetGroupDescription": properties.pop("Description"), "CacheSubnetGroupName": name.lower()}
    aws.call("elasticache", "create_cache_subnet_group", **about, **properties)
    return Made(name.lower())


@maker("AWS::ElastiCache::User")
def _cache_user(aws: Aws, _: str, properties: Properties) -> Made:
    aws.call("elasticache", "create_user", **properties)
    return Made(properties["UserId"])


@maker("AWS::ElastiCache::UserGroup")
def _cache_users(aws: Aws, _: str, properties: Properties) -> Made:
    aws.keep("elasticache", "create_user_group", **properties)
    return Made(properties["UserGroupId"])


@maker("AWS::ElastiCache::ReplicationGroup")
def _cache(aws: Aws, name: str, properties: Properties) -> Made:
    about = {"ReplicationGroupId": name[:40].lower(), **properties}
    made = aws.call("elasticache", "create_replication_group", **about)["ReplicationGroup"]
    (shard,) = made["NodeGroups"]
    # Moto's CloudFormation asks for the first part of `PrimaryEndPoint.Address` alone.
    return Made(made["ReplicationGroupId"], {"PrimaryEndPoint": shard["PrimaryEndpoint"]["Address"]})


@maker("AWS::SecretsManager::Secret")
def _secret(aws: Aws, name: str, properties: Properties) -> Made:
    generated = properties.pop("GenerateSecretString", None)
    if generated is not None:
        properties["SecretString"] = aws.call("secretsmanager", "get_random_password", **generated)["RandomPassword"]
    return Made(aws.call("secretsmanager", "create_secret", **{"Name": name, **properties})["ARN"])


# --- logs and alarms -------------------------------------------------------------------------------------------------


@maker("AWS::Logs::LogGroup")
def _log_group(aws: Aws, name: str, properties: Properties) -> Made:
    retention = properties.pop("RetentionInDays", None)
    name = properties.pop("LogGroupName", name)
    aws.call("logs", "create_log_group", LogGroupName=name, **properties)
    if retention is not None:
        aws.call("logs", "put_retention_policy", LogGroupName=name, RetentionInDays=retention)
    arn = f"arn:aws:logs:{REGION}:{DEFAULT_ACCOUNT_ID}:log-group:{name}:*"
    return Made(name, {"Arn": arn})


@maker("AWS::Logs::MetricFilter")
def _metric_filter(aws: Aws, name: str, properties: Properties) -> Made:
    aws.call("logs", "put_metric_filter", **{"FilterName": name, **properties})
    return Made(name)


@maker("AWS::CloudWatch::Alarm")
def _alarm(aws: Aws, name: str, properties: Properties) -> Made:
    aws.call("cloudwatch", "put_metric_alarm", **{"AlarmName": name, **properties})
    return Made(name)


# --- IAM -------------------------------------------------------------------------------------------------------------


@maker("AWS::IAM::Role")
def _role(aws: Aws, name: str, properties: Properties) -> Made:
    name = properties.pop("RoleName", name)[:64]
    policies = properties.pop("Policies", [])
    managed = properties.pop("ManagedPolicyArns", [])
    trust = json.dumps(properties.pop("AssumeRolePolicyDocument"))
    made = aws.call("iam", "create_role", RoleName=name, AssumeRolePolicyDocument=trust, **properties)["Role"]
    for one in policies:
        document = json.dumps(one["PolicyDocument"])
        aws.call("iam", "put_role_policy", RoleName=name, PolicyName=one["PolicyName"], PolicyDocument=document)
    for one in managed:
        aws.keep("iam", "attach_role_policy", RoleName=name, PolicyArn=one)
    return Made(name, {"Arn": made["Arn"], "RoleId": made["RoleId"]})


# --- S3, Lambda ------------------------------------------------------------------------------------------------------


@maker("AWS::S3::Bucket")
def _bucket(aws: Aws, name: str, properties: Properties) -> Made:
    bucket = {"Bucket": properties.pop("BucketName", name.lower())}
    owner = properties.pop("OwnershipControls")["Rules"]
    aws.call("s3", "create_bucket", **bucket)
    aws.call("s3", "put_bucket_ownership_controls", **bucket, OwnershipControls={"Rules": owner})
    versioning = properties.pop("VersioningConfiguration")
    aws.call("s3", "put_bucket_versioning", **bucket, VersioningConfiguration=versioning)
    public = properties.pop("PublicAccessBlockConfiguration")
    aws.call("s3", "put_public_access_block", **bucket, PublicAccessBlockConfiguration=public)
    (rule,) = properties.pop("BucketEncryption")["ServerSideEncryptionConfiguration"]
    encryption = {"Rules": [{"ApplyServerSideEncryptionByDefault": rule["ServerSideEncryptionByDefault"]}]}
    aws.call("s3", "put_bucket_encryption", **bucket, ServerSideEncryptionConfiguration=encryption)
    _all_used("AWS::S3::Bucket", properties)
    return Made(bucket["Bucket"], {"Arn": f"arn:aws:s3:::{bucket['Bucket']}"})


@maker("AWS::S3::BucketPolicy")
def _bucket_policy(aws: Aws, name: str, properties: Properties) -> Made:
    policy = json.dumps(properties["PolicyDocument"])
    # Moto looks at no condition of one: what is refused without TLS, it would refuse always.
    aws.keep("s3", "put_bucket_policy", Bucket=properties["Bucket"], Policy=policy)
    return Made(name)


@maker("AWS::Lambda::Function")
def _function(aws: Aws, name: str, properties: Properties) -> Made:
    made = aws.call("lambda", "create_function", **{"FunctionName": name, **properties})
    return Made(made["FunctionName"], {"Arn": made["FunctionArn"]})


@maker("AWS::Lambda::Permission")
def _permission(aws: Aws, name: str, properties: Properties) -> Made:
    aws.call("lambda", "add_permission", **{"StatementId": name, **properties})
    return Made(name)


def _all_used(resource_type: str, properties: Properties) -> None:
    if properties:
        raise NotImplementedError(f"{resource_type}: nobody makes {sorted(properties)}")
