"""An S3 server on loopback for the tests of a module, and an empty bucket for each."""

from collections.abc import Iterator
from uuid import uuid4

import pytest

from tests.adapters.s3.bucket import Bucket, s3_server


@pytest.fixture(scope="module")
def aws() -> Iterator[str]:
    """Where S3, and AWS Private CA, answer."""
    with s3_server() as endpoint:
        yield endpoint


@pytest.fixture
def bucket(aws: str) -> Iterator[Bucket]:
    """An empty bucket."""
    made = Bucket.create(f"doors-{uuid4().hex}", aws)
    yield made
    made.close()
