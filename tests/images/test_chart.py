"""The chart's pods in the image itself: what `helm install` with its defaults makes reaches a verdict."""

import base64
import contextlib
import itertools
import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.e2e.running import until
from tests.helm.bundled_redis import command
from tests.helm.engine import Engine, Release, running_engine
from tests.images.building import Image
from tests.images.conftest import Material
from tests.images.pods import Object, Place, find, pod, renew
from tests.images.running import Container
from tests.pki import Authority
from tests.pki.certificate import CertificateOverrides, Issued
from tests.pki.clock import validity_of_now

pytestmark = pytest.mark.slow

RELEASE = Release("revet", "pki")
SERVICE = "revet.pki.svc"
NAMES = (SERVICE, "revet-redis.pki.svc")


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    """Helm's own."""
    with running_engine() as running:
        yield running


def rendered(engine: Engine, values: Mapping[str, Any], *more: Object) -> list[Object]:
    """What an installation makes, on the port that pods listen on: there is no kube-proxy here."""
    return [*engine.render({"service": {"port": 8080}, **values}, RELEASE), *more]


@contextlib.contextmanager
def redis_of(objects: list[Object], container: Container, directory: Path) -> Iterator[None]:
    """The bundled Redis with its rendered configuration, in the network of a container: this machine's redis-server."""
    directory.mkdir()
    network = ("nsenter", "--target", str(container.pid), "--net")
    with (directory / "log").open("wb") as log:
        server = subprocess.Popen(
            (*network, *command([dict(one) for one in objects], directory)), stdout=log, stderr=log
        )
    try:
        yield
    finally:
        server.terminate()
        server.wait()


def ready(container: Container) -> bool:
    """Whether its readiness probe says so."""
    address = "http://127.0.0.1:9090/readyz"
    curl = ("nsenter", "--target", str(container.pid), "--net", "curl", "-sf", address)
    assert container.process.poll() is None, container.log.read_text()
    return subprocess.run(curl, capture_output=True, check=False).returncode == 0


def talks_to_redis(container: Container) -> bool:
    """Whether there is a connection to port 6379, as proc(5) writes it down: local, remote and state 01."""
    return f":{6379:04X} 01 " in Path(f"/proc/{container.pid}/net/tcp").read_text()


def helm_test(image: Image, objects: list[Object], place: Place) -> tuple[int, str]:
    """How the pod of `helm test` ends, and its log."""
    with pod(image, "Pod/revet-test", objects, place) as asking:
        code = asking.process.wait(30)
        return code, asking.log.read_text()


def crl_map(material: Material) -> Object:
    """The CRL in a ConfigMap of the operator's."""
    octets = (material.directory / "crls/root.crl").read_bytes()
    data = {"root.crl": base64.b64encode(octets).decode()}
    return {"kind": "ConfigMap", "metadata": {"name": "crls"}, "data": {}, "binaryData": data}


def with_crls(material: Material, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - values
    """An authority and its CRL, and nothing else but the chart's defaults."""
    return {
        "trustStore": {"pem": (material.directory / "trust.pem").read_text()},
        "settings": {"crl_sources": ["/mnt/crls"], "crl_first_delay_s": 0},
        "extraVolumes": [{"name": "crls", "configMap": {"name": "crls"}}],
        "extraVolumeMounts": [{"name": "crls", "mountPath": "/mnt/crls", "readOnly": True}],
        **more,
    }


def test_defaults_reach_a_verdict(engine: Engine, service_image: Image, material: Material, tmp_path: Path) -> None:
    """With its defaults and a trust store, `helm test` is answered with a verdict, with the token that was made."""
    objects = rendered(engine, {"trustStore": {"pem": (material.directory / "trust.pem").read_text()}})
    with (
        pod(service_image, "Deployment/revet", objects, Place(tmp_path / "service", NAMES)) as service,
        redis_of(objects, service, tmp_path / "redis"),
    ):
        until(lambda: ready(service), "the service is ready")
        code, log = helm_test(service_image, objects, Place(tmp_path / "test", NAMES, service))

    assert code == 0, log
    status, _, answer = log.partition(" ")
    assert ("200", "deny", "untrusted") == (status, *(json.loads(answer)[name] for name in ("decision", "code")))


def test_the_fetcher_runs_without_tokens(
    engine: Engine, service_image: Image, material: Material, tmp_path: Path
) -> None:
    """`fetcher.enabled` is `revet prefetch` with the fleet's key and the URL of Redis, and nobody's token."""
    values = {"trustStore": {"pem": (material.directory / "trust.pem").read_text()}, "fetcher": {"enabled": True}}
    objects = rendered(engine, values)
    with (
        pod(service_image, "Deployment/revet-fetcher", objects, Place(tmp_path / "fetcher", NAMES)) as fetcher,
        redis_of(objects, fetcher, tmp_path / "redis"),
    ):
        until(lambda: fetcher.process.poll() is not None or talks_to_redis(fetcher), "it talks to Redis")
        told = fetcher.log.read_text()
        alive = fetcher.process.poll() is None
        healthy = fetcher.healthy()

    assert alive, told
    assert healthy
    assert {"fleet-key", "redis-url"} == {one.name for one in (tmp_path / "fetcher/secrets/..data").iterdir()}


def test_notes_are_to_be_typed(engine: Engine, service_image: Image, material: Material, tmp_path: Path) -> None:
    """What the notes say to type asks for a verdict; `kubectl` is a script that reads the rendered Secrets."""
    values = with_crls(material, redis={"mode": "none"}, service={"port": 8080})
    objects = rendered(engine, values, crl_map(material))
    (notes,) = (text for path, text in engine.texts(values, RELEASE).items() if path.endswith("NOTES.txt"))
    typed = notes.partition("3. Ask whether")[2].partition("\n")[2].partition("   The answer begins")[0]
    (tmp_path / "client.pem").write_text(material.revoked)
    kubectl = tmp_path / "kubectl"
    kubectl.write_text(f"#!/bin/sh\nprintf %s {find(objects, 'Secret/revet-callers')['data']['api-tokens']}\n")
    kubectl.chmod(0o755)
    with pod(service_image, "Deployment/revet", objects, Place(tmp_path / "service", NAMES)) as service:
        until(lambda: ready(service), "the service is ready")
        command = ("nsenter", "--target", str(service.pid), "--net", "bash", "-euc", typed)
        path = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
        done = subprocess.run(command, cwd=tmp_path, env=path, capture_output=True, text=True, check=False)

    assert "kubectl --namespace pki get secret revet-callers" in typed
    assert done.stdout.startswith('{"decision":"deny","status":"revoked"'), done.stderr


@pytest.mark.parametrize(
    ("which", "expect", "code"), [("good", "allow", 0), ("revoked", "deny", 0), ("revoked", "allow", 1)]
)
def test_the_test_compares(
    engine: Engine, service_image: Image, material: Material, tmp_path: Path, which: str, expect: str, code: int
) -> None:
    """`test.expect` is what has to come of `test.certificate`, with the CRL of `settings.crl_sources`."""
    test = {"certificate": (material.directory / f"{which}.pem").read_text(), "expect": expect}
    values = with_crls(material, test=test, redis={"mode": "none"})
    objects = rendered(engine, values, crl_map(material))
    with pod(service_image, "Deployment/revet", objects, Place(tmp_path / "service", NAMES)) as service:
        until(lambda: ready(service), "the service is ready")
        ended, log = helm_test(service_image, objects, Place(tmp_path / "test", NAMES, service))

    assert code == ended, log


def test_tls_and_certificates_of_callers(
    engine: Engine, service_image: Image, material: Material, tmp_path: Path
) -> None:
    """The service's certificate is verified, and who presents none of `tls.clientCa` is not let in."""
    authority = Authority.root("Authority of both", **validity_of_now())
    of_the_service: CertificateOverrides = {
        **validity_of_now(),
        "san": f"DNS:{SERVICE}",
        "extended_key_usage": "serverAuth",
    }
    server = authority.issue("server", **of_the_service)
    caller = authority.issue("caller", **validity_of_now())
    pairs = {"revet-tls": server, "revet-test-client": caller}
    secrets = [key_pair(name, pair, authority) for name, pair in pairs.items()]
    values = {
        "trustStore": {"pem": (material.directory / "trust.pem").read_text()},
        "tls": {"existingSecret": "revet-tls", "clientCa": {"pem": authority.pem}},
        "redis": {"mode": "none"},
        "test": {"clientCertificate": {"existingSecret": "revet-test-client"}},
    }
    objects = rendered(engine, values, *secrets)
    stranger = [one for one in objects if one["metadata"]["name"] != "revet-test-client"]
    other = Authority.root("Another", **validity_of_now()).issue("caller", **validity_of_now())
    stranger.append(key_pair("revet-test-client", other, authority))
    with pod(service_image, "Deployment/revet", objects, Place(tmp_path / "service", NAMES)) as service:
        until(lambda: ready(service), "the service is ready")
        code, log = helm_test(service_image, objects, Place(tmp_path / "test", NAMES, service))
        refused, _ = helm_test(service_image, stranger, Place(tmp_path / "stranger", NAMES, service))

    assert code == 0, log
    assert refused == 1


def test_what_rotates_is_in_force_without_a_restart(
    engine: Engine, service_image: Image, material: Material, tmp_path: Path
) -> None:
    """Another token, and another certificate by another authority, arrive in a pod that runs."""
    values = with_crls(material, tls={"existingSecret": "revet-tls"}, redis={"mode": "none"})
    of_the_service: CertificateOverrides = {
        **validity_of_now(),
        "san": f"DNS:{SERVICE}",
        "extended_key_usage": "serverAuth",
    }
    states = []
    for name in ("Old", "New"):  # the engine sees no cluster, and makes other tokens each time
        authority = Authority.root(name, **validity_of_now())
        server = authority.issue("server", **of_the_service)
        states.append(rendered(engine, values, crl_map(material), key_pair("revet-tls", server, authority)))
    old, new = states
    place = Place(tmp_path / "service", NAMES)
    attempts = (tmp_path / f"attempt-{number}" for number in itertools.count())
    with pod(service_image, "Deployment/revet", old, place) as service:

        def answered(objects: list[Object]) -> bool:
            return helm_test(service_image, objects, Place(next(attempts), NAMES, service))[0] == 0

        until(lambda: ready(service), "the service is ready")
        before = answered(old)
        renew("Deployment/revet", new, place)
        until(lambda: answered(new), "a worker has the new token and the new certificate")
        until(lambda: not answered(old), "no worker lets in who has the old ones")

    assert before


def key_pair(name: str, issued: Issued, authority: Authority) -> Object:
    """A Secret of type kubernetes.io/tls, as cert-manager makes them."""
    key = issued.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    files = {"tls.crt": issued.pem.encode(), "tls.key": key, "ca.crt": authority.pem.encode()}
    data = {name: base64.b64encode(octets).decode() for name, octets in files.items()}
    return {"kind": "Secret", "metadata": {"name": name}, "data": data}
