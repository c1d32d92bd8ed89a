"""What cannot be run here, played: requests as ingress-nginx and older versions of Traefik and Envoy make them."""

import ssl
from collections.abc import Iterator
from hashlib import sha256
from urllib.parse import quote, quote_plus

import httpx
import pytest

from tests.deploy.scene import TOKEN, Scene, running_scene
from tests.e2e.running import PATIENCE_S


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """A Revet as docs/proxies.md sets it up for ingress-nginx."""
    with running_scene(tmp_path_factory.mktemp("played"), REVET_AUTHORIZE_HEADER_NGINX="ssl-client-cert") as made:
        yield made


def ask(scene: Scene, front: str, headers: dict[str, str]) -> httpx.Response:
    """One question of a proxy."""
    context = ssl.create_default_context(cafile=scene.directory / "infrastructure.pem")
    url = f"https://{scene.revet}/v1/authorize/{front}"
    with httpx.Client(verify=context, trust_env=False, timeout=PATIENCE_S) as client:
        return client.get(url, headers={"X-Revet-Token": TOKEN, **headers})


def pem(scene: Scene, client: str) -> str:
    """What a client presents."""
    return (scene.directory / f"{client}.pem").read_text()


def bodies(text: str) -> list[str]:
    """The base64 of each certificate, without line breaks."""
    blocks = text.split("-----END CERTIFICATE-----")[:-1]
    return ["".join(block.split("-----BEGIN CERTIFICATE-----")[1].split()) for block in blocks]


@pytest.mark.parametrize(("client", "expected"), [("good", 200), ("revoked", 403), ("impostor", 403)])
def test_ingress_nginx(scene: Scene, client: str, expected: int) -> None:
    """Its header is `ssl-client-cert`, beside others that are not read; the client's headers come along."""
    headers = {
        "ssl-client-cert": quote(pem(scene, client), safe="-"),
        "ssl-client-verify": "SUCCESS",
        "ssl-client-subject-dn": "CN=somebody else",
        "X-SSL-Client-Cert": quote(pem(scene, "good")),
        "Authorization": "Bearer of-the-client",
    }
    assert expected == ask(scene, "nginx", headers).status_code


def test_ingress_nginx_without_a_certificate(scene: Scene) -> None:
    """No header is sent for an empty variable."""
    answer = ask(scene, "nginx", {"ssl-client-verify": "NONE"})
    assert (401, "no_certificate") == (answer.status_code, answer.headers["X-Revet-Code"])


@pytest.mark.parametrize(("client", "expected"), [("good", 200), ("revoked", 403), ("chained", 200)])
def test_traefik_of_both_escapings(scene: Scene, client: str, expected: int) -> None:
    """Base64 as it is (2.9.4 and later), and each of them escaped (before)."""
    plain = bodies(pem(scene, client))
    for value in (",".join(plain), ",".join(map(quote_plus, plain))):
        assert expected == ask(scene, "traefik", {"X-Forwarded-Tls-Client-Cert": value}).status_code


@pytest.mark.parametrize(("client", "expected"), [("good", 200), ("revoked", 403), ("chained", 200)])
def test_envoy_with_more_details(scene: Scene, client: str, expected: int) -> None:
    """Whoever wants more in the header for an application may have it: Hash, Subject, URI, DNS, Cert."""
    chain = pem(scene, client)
    leaf = chain.split("-----END CERTIFICATE-----")[0] + "-----END CERTIFICATE-----\n"
    digest = sha256(ssl.PEM_cert_to_DER_cert(leaf)).hexdigest()
    value = (
        f'By=spiffe://proxy;Hash={digest};Cert="{quote(leaf, safe="")}";Chain="{quote(chain, safe="")}"'
        ';Subject="CN=\\"a\\", b;c";URI=spiffe://a/b;DNS=a.example;DNS=b.example'
    )
    assert expected == ask(scene, "envoy", {"X-Forwarded-Client-Cert": value}).status_code
