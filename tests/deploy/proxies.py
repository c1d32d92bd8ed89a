"""The proxies, each as its example in `deploy/` configures it: started, awaited, ended."""

import http.client
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from types import MappingProxyType
from typing import Final, Protocol, TypeAlias

import pytest

from service.api.client_cert.fronts import HandsOver
from tests.deploy.clients import HOST
from tests.deploy.scene import DEPLOY, TOKEN, Scene
from tests.deploy.talking import connected, context_of
from tests.e2e.running import until
from tests.ports import free_port

Changes: TypeAlias = Mapping[str, str]
"""Texts of an example, and what stands in their place."""

NONE: Final[Changes] = MappingProxyType({})


class Run(Protocol):
    """How a proxy is run."""

    def __call__(self, scene: Scene, revet: str, changes: Changes = NONE) -> AbstractContextManager[int]:
        """Run it until the block is left."""


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy that can be run.

    Attributes:
        name: Of its directory below `deploy/`.
        hands_over: What Revet is told of a client's certificates.
        when_away: The status that its clients get while nobody answers for Revet.
        run: Run it in front of the scene's application, with Revet at this `host:port`, and its example changed as told
            (texts, and what is to stand in their place); its port.
        refuses: Clients whose certificates it refuses without asking Revet.
        minds_the_decision: Whether a 200 that does not say `X-Revet-Decision: allow` lets nobody in.
        limits_the_wait: Whether the example says how long it waits for Revet.
        resumes: Whether it takes up a TLS session again.
        asks: The path at which it asks, for a client that asks for `/a/b`.
    """

    name: str
    hands_over: HandsOver
    when_away: int
    run: "Run"
    refuses: frozenset[str] = frozenset()
    minds_the_decision: bool = False
    limits_the_wait: bool = True
    resumes: bool = True
    asks: str = ""


def program(name: str) -> str:
    """Where a program is: of the system, or one that a package of the virtual environment has brought.

    Raises:
        pytest.fail.Exception: It is not installed; on Linux, for which there is each of them.
        pytest.skip.Exception: It is not installed, elsewhere.
    """
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.exists() else shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    if found is not None:
        return found
    missing = f"{name} is not installed: see scripts/system-packages and the packages for development"
    if sys.platform == "linux":
        pytest.fail(missing)
    pytest.skip(missing)


def _answers(port: int, directory: Path) -> bool:
    """Whether it knows where to send requests: Traefik listens, and answers 404, before it has read all it has to."""
    with (
        suppress(OSError, http.client.HTTPException),
        connected(port, context_of(directory, None)) as connection,
    ):
        return connection.ask().status != HTTPStatus.NOT_FOUND
    return False


@contextmanager
def started(
    command: tuple[str, ...],
    port: int,
    directory: Path,
    environment: Mapping[str, str] = NONE,
    files: Path | None = None,
) -> Iterator[int]:
    """Run a program that listens at a port until the block is left.

    Args:
        command: The program and its arguments.
        port: Where it will listen.
        directory: Where it runs, and has its log.
        environment: Of it, besides ours.
        files: Where the authority's certificate is, with which its own is looked at; in the directory unless given.
    """
    log = directory / f"{Path(command[0]).name}-{port}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, env={**os.environ, **environment}, cwd=directory, stdout=output, stderr=output
        )
        try:
            until(lambda: _answers(port, files or directory) or process.poll() is not None, "the proxy listens")
            assert process.poll() is None, log.read_text()
            yield port
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def examples(scene: Scene, name: str, places: Changes, changes: Changes) -> Path:
    """A directory with the files of an example, at places of ours instead of its own.

    Args:
        scene: Where to make it.
        name: Of the directory below `deploy/`.
        places: Texts that are there, and ours.
        changes: What else to change; before that, and each at one place alone.
    """
    directory = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=scene.directory))
    texts = {path.name: path.read_text() for path in (DEPLOY / name).iterdir()}
    for old, new in changes.items():
        assert 1 == sum(text.count(old) for text in texts.values()), f"the examples say this once: {old}"
        texts = {file: text.replace(old, new) for file, text in texts.items()}
    for old, new in places.items():
        assert any(old in text for text in texts.values()), f"the examples say nothing of {old}"
        texts = {file: text.replace(old, new) for file, text in texts.items()}
    for file, text in texts.items():
        (directory / file).write_text(text)
    return directory


@contextmanager
def haproxy(scene: Scene, revet: str, changes: Changes = NONE) -> Iterator[int]:
    """HAProxy: everything that differs from place to place is in its environment."""
    port, files = free_port(), scene.directory
    example = examples(scene, "haproxy", NONE, changes)
    environment = {
        "REVET_TOKEN": TOKEN,
        "REVET_ADDRESS": revet,
        "REVET_NAME": HOST,
        "APPLICATION_ADDRESS": scene.application.address,
        "CLIENTS_BIND": f"127.0.0.1:{port}",
        "CLIENTS_SERVER_PEM": str(files / "server-both.pem"),
        "CLIENTS_CA_FILE": str(files / "root.pem"),
        "REVET_CA_FILE": str(files / "infrastructure.pem"),
        "REVET_LUA": str(example / "revet.lua"),
        "REVET_SOCKET": f"abns@revet-{port}",
    }
    command = (program("haproxy"), "-db", "-f", str(example / "haproxy.cfg"))
    with started(command, port, files, environment) as listening:
        yield listening


@contextmanager
def envoy(scene: Scene, revet: str, changes: Changes = NONE) -> Iterator[int]:
    """Envoy, with addresses and files of ours."""
    port, (application, application_port) = free_port(), scene.application.address.split(":")
    places = {
        "address: 0.0.0.0, port_value: 8443": f"address: 127.0.0.1, port_value: {port}",
        "address: revet.internal, port_value: 8443": f"address: 127.0.0.1, port_value: {revet.split(':')[1]}",
        "uri: https://revet.internal:8443": f"uri: https://{revet}",
        "revet.internal": HOST,
        "address: application.internal, port_value: 8080": f"address: {application}, port_value: {application_port}",
        "/etc/envoy/server.": f"{scene.directory}/server.",
        "/etc/envoy/clients-ca.pem": f"{scene.directory}/root.pem",
        "/etc/envoy/revet-ca.pem": f"{scene.directory}/infrastructure.pem",
    }
    example = examples(scene, "envoy", places, changes)
    # No hot restart: several run side by side on this machine.
    alone = ("--disable-hot-restart", "--concurrency", "1", "--log-level", "warning")
    command = (program("envoy"), "--config-path", str(example / "envoy.yaml"), *alone)
    with started(command, port, scene.directory, {"REVET_TOKEN": TOKEN}) as listening:
        yield listening


@contextmanager
def traefik(scene: Scene, revet: str, changes: Changes = NONE) -> Iterator[int]:
    """Traefik, with addresses and files of ours."""
    port = free_port()
    places = {
        "/etc/traefik/dynamic.yml": "dynamic.yml",
        '":8443"': f'"127.0.0.1:{port}"',
        "revet.internal:8443": revet,
        "application.internal:8080": scene.application.address,
        "/etc/traefik/revet-ca.pem": f"{scene.directory}/infrastructure.pem",
        "/etc/traefik": str(scene.directory),
    }
    example = examples(scene, "traefik", places, changes)
    command = (program("traefik"), f"--configfile={example / 'traefik.yml'}")
    with started(command, port, example, {"REVET_TOKEN": TOKEN}, scene.directory) as listening:
        yield listening


NGINX_AROUND: Final = """
daemon off;
{user}
pid nginx.pid;
error_log stderr warn;
events {{}}
http {{
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    include auth-request.conf;
}}
"""
"""What is around the example: Debian's nginx.conf without the places that only root may write."""


@contextmanager
def nginx(scene: Scene, revet: str, changes: Changes = NONE) -> Iterator[int]:
    """A user's own nginx, with addresses and files of ours."""
    port, directory = free_port(), scene.directory
    (directory / "revet-token.conf").write_text(f'proxy_set_header X-Revet-Token "{TOKEN}";\n')
    places = {
        "listen 8443 ssl": f"listen 127.0.0.1:{port} ssl",
        "server revet.internal:8443": f"server {revet}",
        "revet.internal": HOST,
        "application.internal:8080": scene.application.address,
        "/etc/nginx/revet-ca.pem": f"{directory}/infrastructure.pem",
        "/etc/nginx": str(directory),
    }
    example = examples(scene, "nginx", places, changes)
    user = "user root;" if os.geteuid() == 0 else ""  # its workers write below the test's own directory
    (example / "nginx.conf").write_text(NGINX_AROUND.format(user=user))
    command = (program("nginx"), "-p", str(example), "-c", str(example / "nginx.conf"))
    with started(command, port, directory) as listening:
        yield listening


HAPROXY: Final = Proxy(
    "haproxy",
    HandsOver.CHAIN,
    503,
    haproxy,
    minds_the_decision=True,
    resumes=False,
    asks="/v1/authorize/rfc9440",
)

ENVOY: Final = Proxy("envoy", HandsOver.CHAIN, 503, envoy, asks="/v1/authorize/envoy/a/b")

TRAEFIK: Final = Proxy("traefik", HandsOver.CHAIN, 500, traefik, limits_the_wait=False, asks="/v1/authorize/traefik")

NGINX: Final = Proxy(
    "nginx",
    HandsOver.LEAF,
    503,
    nginx,
    refuses=frozenset({"expired"}),
    minds_the_decision=True,
    asks="/v1/authorize/nginx",
)

PROXIES: Final = (HAPROXY, ENVOY, TRAEFIK, NGINX)
