"""One account, and one stack of each kind, for all tests: none of them changes any."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deploy.aws.account import Account, account
from tests.deploy.aws.stacks import Stack


@pytest.fixture(scope="package")
def given(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """An account with a network, a bucket, names and secrets."""
    with account(Path(tmp_path_factory.mktemp("aws")), b"the trust store") as made:
        yield made


@pytest.fixture(scope="package")
def service(given: Account) -> Stack:
    """The service, for callers like the authorizer."""
    return given.service()


@pytest.fixture(scope="package")
def authorizer(given: Account, service: Stack) -> Stack:
    """The authorizer, with its token in the environment."""
    return given.authorizer(service)


@pytest.fixture(scope="package")
def rest(given: Account, authorizer: Stack) -> Stack:
    """A REST API without a backend."""
    return given.api("api-gateway-rest", authorizer)


@pytest.fixture(scope="package")
def http(given: Account, authorizer: Stack) -> Stack:
    """An HTTP API."""
    return given.api("api-gateway-http", authorizer)


@pytest.fixture(scope="package")
def alb(given: Account, service: Stack) -> Stack:
    """An application behind an Application Load Balancer that verifies."""
    return given.sidecar("sidecar-alb", service)


@pytest.fixture(scope="package")
def nlb(given: Account, service: Stack) -> Stack:
    """An application behind a Network Load Balancer."""
    return given.sidecar("sidecar-nlb", service)
