"""A gateway's certificates, once for all tests of a module."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from service.demo.gateway.integration import Integration, no_content
from service.demo.gateway.model import Api, AuthorizerSettings, Handler
from service.demo.gateway.own_certificate import OwnCertificate, make_own_certificate
from service.demo.gateway.server import Front, Gateway
from service.demo.pki import DemoPki
from tests.demo.conftest import CLOCK, UNSERVED

Open = Callable[..., Gateway]


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> DemoPki:
    """The demonstration's PKI: nobody asks about revocation here."""
    return DemoPki.create(tmp_path_factory.mktemp("clients"), UNSERVED, CLOCK.now())


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> OwnCertificate:
    """The server's certificate."""
    return make_own_certificate(tmp_path_factory.mktemp("own"), (Api().domain,), CLOCK.now())


@pytest.fixture
def opened(clients: DemoPki, own: OwnCertificate) -> Iterator[Open]:
    """Opens gateways that end with the test."""
    with ExitStack() as stack:

        def open_one(
            handler: Handler,
            *,
            api: Api | None = None,
            settings: AuthorizerSettings | None = None,
            integration: Integration = no_content,
            trust_store: bytes | None = None,
        ) -> Gateway:
            store = clients.layout.trust_store.read_bytes() if trust_store is None else trust_store
            front = Front(own.certificate, own.key, store)
            gateway = Gateway(front, handler, CLOCK, api=api, settings=settings, integration=integration)
            return stack.enter_context(gateway)

        yield open_one


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A directory for a function's source."""
    made = tmp_path / "function"
    made.mkdir()
    return made
