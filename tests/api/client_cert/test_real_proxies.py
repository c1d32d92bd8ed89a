"""What Envoy and Traefik themselves write is read: hard names, chains, and names that were made to deceive."""

from collections.abc import Iterator
from typing import Final

import pytest

from service.api.client_cert.reading import read_client_certificate
from service.application.fronts import Front
from tests.api.client_cert.any_headers import NAMES, outcome
from tests.api.client_cert.certificates import LEAVES, OTHER, PLUS, SUB, ders_of
from tests.api.client_cert.proxies import envoy_cert, envoy_chain
from tests.api.client_cert.real_proxies import Client, application, envoy, traefik
from tests.pki import Issued

pytestmark = pytest.mark.slow

NAMES_ALONE: Final = {"uri": True, "dns": True}
EVERYTHING: Final = {"subject": True, "cert": True, "chain": True, **NAMES_ALONE}
EVIL: Final = {
    "a URI that ends in a certificate": f"URI:spiffe://a;{envoy_cert(OTHER.der).decode()}",
    "a URI that ends in a chain": f"URI:spiffe://a;{envoy_chain(OTHER.der, SUB.der).decode()}",
    "a DNS name that ends in a certificate": f"DNS:a;{envoy_cert(OTHER.der).decode()}",
    "a URI that ends in an element": f"URI:spiffe://a,{envoy_cert(OTHER.der).decode()}",
}
"""Names with somebody else's certificate in them."""

each_leaf = pytest.mark.parametrize("leaf", LEAVES.values(), ids=list(LEAVES))


@pytest.fixture(scope="module")
def upstream() -> Iterator[int]:
    """An application behind the proxies."""
    with application() as port:
        yield port


@pytest.fixture(scope="module")
def telling_envoy(upstream: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """Envoy that tells all it can."""
    with envoy(tmp_path_factory.mktemp("telling"), upstream, EVERYTHING) as client:
        yield client


@pytest.fixture(scope="module")
def leaf_envoy(upstream: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """Envoy that tells the leaf alone."""
    with envoy(tmp_path_factory.mktemp("leaf"), upstream, {"cert": True}) as client:
        yield client


@pytest.fixture(scope="module")
def silent_envoy(upstream: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """Envoy that tells names and no certificate."""
    with envoy(tmp_path_factory.mktemp("silent"), upstream, NAMES_ALONE) as client:
        yield client


@pytest.fixture(scope="module")
def running_traefik(upstream: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """Traefik."""
    with traefik(tmp_path_factory.mktemp("traefik"), upstream) as client:
        yield client


@each_leaf
def test_envoy_tells_everything(telling_envoy: Client, leaf: Issued) -> None:
    """Leaf and intermediate, beside names with quotes and backslashes in them, and hundreds of names."""
    headers = telling_envoy.sent(leaf, SUB.der)
    assert (leaf.der, SUB.der) == ders_of(read_client_certificate(Front.ENVOY, headers, NAMES))


@each_leaf
def test_envoy_tells_the_leaf(leaf_envoy: Client, leaf: Issued) -> None:
    """With `cert` alone."""
    headers = leaf_envoy.sent(leaf, SUB.der)
    assert (leaf.der,) == ders_of(read_client_certificate(Front.ENVOY, headers, NAMES))


def test_envoy_tells_names_alone(silent_envoy: Client) -> None:
    """The refusal says what its configuration lacks."""
    reason = outcome(Front.ENVOY, silent_envoy.sent(PLUS))
    assert (
        "x-forwarded-client-cert: neither Cert nor Chain: set_current_client_cert_details of Envoy needs cert or chain"
        == reason
    )


@pytest.mark.parametrize("name", EVIL.values(), ids=list(EVIL))
def test_a_name_brings_nobody_elses_certificate(telling_envoy: Client, silent_envoy: Client, name: str) -> None:
    """Envoy writes the name as it is, and what comes of it is refused, whatever else it was told to write."""
    deceiver = SUB.issue("deceiver", san=name)
    for client in (telling_envoy, silent_envoy):
        headers = client.sent(deceiver)
        assert any(envoy_cert(OTHER.der)[6:-1] in value for _, value in headers)
        assert isinstance(outcome(Front.ENVOY, headers), str)


def test_envoy_and_no_certificate(telling_envoy: Client) -> None:
    """What the client says itself does not arrive."""
    own = {"X-Forwarded-Client-Cert": envoy_cert(OTHER.der).decode()}
    assert outcome(Front.ENVOY, telling_envoy.sent(None, headers=own)) is None
    headers = telling_envoy.sent(PLUS, headers=own)
    assert (PLUS.der,) == ders_of(read_client_certificate(Front.ENVOY, headers, NAMES))


@each_leaf
def test_traefik_tells_the_chain(running_traefik: Client, leaf: Issued) -> None:
    """Leaf and intermediate."""
    headers = running_traefik.sent(leaf, SUB.der)
    assert (leaf.der, SUB.der) == ders_of(read_client_certificate(Front.TRAEFIK, headers, NAMES))


def test_traefik_replaces_what_a_client_says(running_traefik: Client) -> None:
    """With a certificate of his own and without."""
    own = {"X-Forwarded-Tls-Client-Cert": "AAAA"}
    assert outcome(Front.TRAEFIK, running_traefik.sent(None, headers=own)) is None
    headers = running_traefik.sent(PLUS, headers=own)
    assert (PLUS.der,) == ders_of(read_client_certificate(Front.TRAEFIK, headers, NAMES))
