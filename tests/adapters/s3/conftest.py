"""An S3 server on loopback for all tests of a process, and a bucket for each."""

from collections.abc import Iterator
from uuid import uuid4

import pytest

from tests.adapters.s3.bucket import ENVIRONMENT, Bucket, s3_server


@pytest.fixture(scope="session")
def s3_endpoint() -> Iterator[str]:
    """Where the server listens; it ends with the tests."""
    with s3_server() as endpoint:
        yield endpoint


@pytest.fixture
def bucket(s3_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    """An empty bucket, and an environment in which it is found."""
    for name, value in {**ENVIRONMENT, "AWS_ENDPOINT_URL_S3": s3_endpoint}.items():
        monkeypatch.setenv(name, value)
    made = Bucket.create(f"test-{uuid4().hex}", s3_endpoint)
    yield made
    made.close()
