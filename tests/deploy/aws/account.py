"""An account as the walk-throughs make it, at moto's server: network, bucket, names, secrets; then stacks."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from scripts import authorizer_archive
from tests.deploy.aws.calls import Properties
from tests.deploy.aws.server import client_of, server
from tests.deploy.aws.stacks import Stack, arn, create, unique
from tests.e2e.front_doors.private_ca import REGION
from tests.sidecar.material import Pair, server_pair

TOKEN: Final = "a-token-of-the-authorizer-0123456789"
"""What the authorizer, or the sidecar, shows."""

ZONE: Final = "internal.example"
TRUST_STORE: Final = "truststore.pem"
IMAGE: Final = "123456789012.dkr.ecr.us-east-1.amazonaws.com/revet:0.1.0"


@dataclass(frozen=True, slots=True)
class Account:
    """What is there before a service is made.

    Attributes:
        endpoint: Of moto's server.
        network: The stack of network.yaml.
        archive: The authorizer's.
        bucket: With the trust store and the archive.
        versions: Of each object in it, by its name.
        zone: The hosted zone.
        certificate: ACM's, for all names of the zone.
        secrets: ARNs, by what they are.
    """

    endpoint: str
    network: Stack
    archive: Path
    bucket: str
    versions: dict[str, str]
    zone: str
    certificate: str
    secrets: dict[str, str]

    def service(self, text: str | None = None, **more: str) -> Stack:
        """The stack of service.yaml."""
        name = unique("revet")
        given = {
            "FleetName": name,
            "Image": IMAGE,
            "VpcId": self.network.outputs["VpcId"],
            "PrivateSubnetIds": self.network.outputs["PrivateSubnetIds"],
            "DomainName": f"{name}.{ZONE}",
            "HostedZoneId": self.zone,
            "CertificateArn": self.certificate,
            "TrustStoreBucket": self.bucket,
            "ApiTokensSecretArn": self.secrets["digests"],
        }
        return create(self.endpoint, "service", {**given, **more}, text)

    def authorizer(self, service: Stack, text: str | None = None, **more: str) -> Stack:
        """The stack of authorizer.yaml."""
        given = {
            "FunctionName": unique("revet-authorizer"),
            "CodeBucket": self.bucket,
            "CodeVersion": self.versions["authorizer.zip"],
            "VpcId": self.network.outputs["VpcId"],
            "PrivateSubnetIds": self.network.outputs["PrivateSubnetIds"],
            "CallerSecurityGroupId": service.outputs["CallerSecurityGroupId"],
            "RevetUrl": service.outputs["Url"],
            "TokenSecretArn": self.secrets["token"],
        }
        return create(self.endpoint, "authorizer", {**given, **more}, text)

    def api(self, template: str, authorizer: Stack, text: str | None = None, **more: str) -> Stack:
        """The stack of api-gateway-rest.yaml or api-gateway-http.yaml."""
        name = unique("devices")
        given = {
            "ApiName": name,
            "DomainName": f"{name}.{ZONE}",
            "HostedZoneId": self.zone,
            "CertificateArn": self.certificate,
            "TrustStoreUri": f"s3://{self.bucket}/{TRUST_STORE}",
            "TrustStoreVersion": self.versions[TRUST_STORE],
            "AuthorizerFunctionArn": authorizer.outputs["FunctionArn"],
        }
        if template == "api-gateway-http":
            given |= {
                "VpcId": self.network.outputs["VpcId"],
                "PrivateSubnetIds": self.network.outputs["PrivateSubnetIds"],
                "BackendListenerArn": arn(
                    "elasticloadbalancing", "listener/app/backend/0123456789abcdef/0123456789abcdef"
                ),
                "BackendName": f"backend.{ZONE}",
            }
        return create(self.endpoint, template, {**given, **more}, text)

    def sidecar(self, template: str, service: Stack, text: str | None = None, **more: str) -> Stack:
        """The stack of sidecar-alb.yaml or sidecar-nlb.yaml."""
        given = self.sidecar_parameters(template, service)
        return create(self.endpoint, template, {**given, **more}, text)

    def sidecar_parameters(self, template: str, service: Stack) -> Properties:
        """What such a stack is given."""
        name = unique("app")
        given = {
            "ApplicationName": name,
            "ApplicationImage": IMAGE.replace("revet", "application"),
            "ApplicationPort": "9000",
            "SidecarImage": IMAGE.replace("revet", "revet-sidecar"),
            "VpcId": self.network.outputs["VpcId"],
            "PrivateSubnetIds": self.network.outputs["PrivateSubnetIds"],
            "LoadBalancerSubnetIds": self.network.outputs["PublicSubnetIds"],
            "LoadBalancerCidrs": self.network.outputs["PublicSubnetCidrs"],
            "DomainName": f"{name}.{ZONE}",
            "HostedZoneId": self.zone,
            "RevetUrl": service.outputs["Url"],
            "CallerSecurityGroupId": service.outputs["CallerSecurityGroupId"],
            "TokenSecretArn": self.secrets["token"],
        }
        if template == "sidecar-alb":
            given |= {"CertificateArn": self.certificate, "TrustStoreBucket": self.bucket}
            given |= {"TrustStoreVersion": self.versions[TRUST_STORE]}
        else:
            given |= {"TlsCertSecretArn": self.secrets["certificate"], "TlsKeySecretArn": self.secrets["key"]}
        return given


@contextmanager
def account(directory: Path, trust_store: bytes) -> Iterator[Account]:
    """An account with all of that, at a server that ends with the block."""
    with server() as endpoint:
        network = create(endpoint, "network", {})
        bucket = create(endpoint, "trust-store", {}).outputs["BucketName"]
        archive = directory / "authorizer.zip"
        authorizer_archive.pack(archive, [authorizer_archive.FUNCTION])
        objects = {TRUST_STORE: trust_store, "authorizer.zip": archive.read_bytes()}
        yield Account(
            endpoint,
            network,
            archive,
            bucket,
            {name: _put(endpoint, bucket, name, content) for name, content in objects.items()},
            _zone(endpoint, network.outputs["VpcId"]),
            _certificate(endpoint),
            _secrets(endpoint, server_pair(directory)),
        )


def _put(endpoint: str, bucket: str, name: str, content: bytes) -> str:
    client = client_of("s3", endpoint)
    return str(client.put_object(Bucket=bucket, Key=name, Body=content)["VersionId"])


def extension_layer(endpoint: str) -> str:
    """A layer of the name of AWS's extension: which version of it there is."""
    client = client_of("lambda", endpoint)
    name = "AWS-Parameters-and-Secrets-Lambda-Extension"
    return str(client.publish_layer_version(LayerName=name, Content={"ZipFile": b"AWS's own"})["LayerVersionArn"])


def _zone(endpoint: str, vpc: str) -> str:
    about = {"HostedZoneConfig": {"PrivateZone": True}, "VPC": {"VPCRegion": REGION, "VPCId": vpc}}
    made = client_of("route53", endpoint).create_hosted_zone(Name=ZONE, CallerReference=unique("zone"), **about)
    return str(made["HostedZone"]["Id"]).rpartition("/")[2]


def _certificate(endpoint: str) -> str:
    client = client_of("acm", endpoint)
    return str(client.request_certificate(DomainName=f"*.{ZONE}")["CertificateArn"])


def _secrets(endpoint: str, sidecar: Pair) -> dict[str, str]:
    digests = {of: f"sha256:{hashlib.sha256(of.encode()).hexdigest()}" for of in (TOKEN, "an administrator's")}
    texts = {
        "token": TOKEN,
        "digests": digests[TOKEN],
        "administrators": digests["an administrator's"],
        "certificate": sidecar.certificate.read_text().strip(),
        "key": sidecar.key.read_text().strip(),
    }
    client = client_of("secretsmanager", endpoint)
    return {
        name: str(client.create_secret(Name=unique(name), SecretString=text)["ARN"]) for name, text in texts.items()
    }
