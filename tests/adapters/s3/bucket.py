"""A bucket of an S3 server that really listens."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import boto3
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.s3.models import s3_backends
from moto.server import ThreadedMotoServer

ENVIRONMENT: Mapping[str, str] = {
    "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "made-up",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": "/dev/null",
    "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
}
"""What a process needs to speak to it, beside its address."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket.

    Attributes:
        name: Its own for each test.
        endpoint: Of the server.
        client: For the test itself.
    """

    name: str
    endpoint: str
    client: Any

    @classmethod
    def create(cls, name: str, endpoint: str) -> "Bucket":
        """Make an empty one."""
        client = boto3.client(
            "s3",
            endpoint_url=endpoint,
            region_name=ENVIRONMENT["AWS_DEFAULT_REGION"],
            aws_access_key_id=ENVIRONMENT["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=ENVIRONMENT["AWS_SECRET_ACCESS_KEY"],
        )
        client.create_bucket(Bucket=name)
        return cls(name, endpoint, client)

    def put(self, key: str, content: bytes) -> str:
        """Write an object, and say which version it is."""
        answer = self.client.put_object(Bucket=self.name, Key=key, Body=content)
        return str(answer.get("VersionId", ""))

    def get(self, key: str) -> bytes:
        """Read an object."""
        content: bytes = self.client.get_object(Bucket=self.name, Key=key)["Body"].read()
        return content

    def put_many(self, keys: list[str]) -> None:
        """Write many small objects past HTTP, which takes a thousand times as long."""
        for key in keys:
            s3_backends[DEFAULT_ACCOUNT_ID]["aws"].put_object(self.name, key, key.encode())

    def delete(self, key: str) -> None:
        """Remove an object."""
        self.client.delete_object(Bucket=self.name, Key=key)

    def close(self) -> None:
        """Let go of the connections; the bucket stays."""
        self.client.close()

    def keep_versions(self) -> None:
        """Keep every version of every object from now on."""
        self.client.put_bucket_versioning(Bucket=self.name, VersioningConfiguration={"Status": "Enabled"})


@contextmanager
def s3_server(port: int = 0) -> Iterator[str]:
    """A server on loopback, and where it is; it ends with the block. What is in the buckets outlives it."""
    server = ThreadedMotoServer("127.0.0.1", port, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        yield f"http://{host}:{port}"
    finally:
        server.stop()
