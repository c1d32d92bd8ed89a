"""What is particular to one of the proxies, and what docs/proxies.md says about changing its example."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.deploy.proxies import ENVOY, HAPROXY, NGINX, TRAEFIK, Changes, Proxy, program
from tests.deploy.scene import DEPLOY, Scene, running_scene
from tests.deploy.talking import connected, context_of, curl


def test_haproxy_says_what_it_lacks() -> None:
    """Without a token it does not start."""
    foreign = {name: value for name, value in os.environ.items() if not name.startswith("REVET_")}
    command = (program("haproxy"), "-c", "-f", str(DEPLOY / "haproxy" / "haproxy.cfg"))
    done = subprocess.run(command, env=foreign, check=False, capture_output=True, text=True, timeout=20)
    assert 1 == done.returncode
    assert "REVET_TOKEN, REVET_ADDRESS, REVET_NAME and APPLICATION_ADDRESS have to be set" in done.stderr


def test_haproxy_with_its_own_buffers(scene: Scene) -> None:
    """With 16 KiB, a name of 8 KB is too much, and refused: everybody else comes in."""
    changes = {"    tune.bufsize 65536\n    tune.maxrewrite 32768\n": ""}
    with HAPROXY.run(scene, scene.revet, changes) as port:
        assert [503, 200] == [curl(scene.directory, port, client).status for client in ("long", "good")]


def test_haproxy_refuses_uploads_over_http2(scene: Scene) -> None:
    """It waits for the end of short bodies: it would end the stream with CANCEL, and clients would see no answer."""
    with HAPROXY.run(scene, scene.revet) as port:
        for client, expected in (("revoked", 403), (None, 401)):
            assert expected == curl(scene.directory, port, client, "--http2", "--data-binary", "x=1").status


def test_haproxy_that_takes_up_sessions(scene: Scene) -> None:
    """Then it is asked about each request all the same; but what the client has sent beside its leaf is forgotten."""
    changes = {"    tune.ssl.cachesize 0\n": "", " no-tls-tickets": ""}
    with HAPROXY.run(scene, scene.revet, changes) as port:
        for client, expected in (("second", 200), ("chained", 403)):
            context = context_of(scene.directory, client)
            with connected(port, context) as first:
                assert 200 == first.ask().status
                session = first.tls.session
            with connected(port, context, session) as again:
                assert (expected, True) == (again.ask().status, again.tls.session_reused)
        context = context_of(scene.directory, "good")
        with connected(port, context) as first:
            assert 200 == first.ask().status
            session = first.tls.session
        with scene.blocked("good"), connected(port, context, session) as late:
            assert (403, True) == (late.ask().status, late.tls.session_reused)


@pytest.mark.parametrize(("proxy", "expected"), [(HAPROXY, 503), (ENVOY, 401), (TRAEFIK, 401), (NGINX, 503)])
def test_a_token_that_revet_does_not_know(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, proxy: Proxy, expected: int, path: str
) -> None:
    """Nobody comes in; who can tell it from a client without a certificate says that it is no fault of the client's."""
    monkeypatch.setattr("tests.deploy.proxies.TOKEN", "another")
    with proxy.run(scene, scene.revet) as port:
        assert expected == curl(scene.directory, port, "good", path=path).status
    assert path not in scene.application.paths


@pytest.mark.parametrize("changes", [{"trustForwardHeader: true": "trustForwardHeader: false"}])
def test_traefik_that_does_not_trust_itself(scene: Scene, changes: Changes) -> None:
    """It takes its own word about the certificate out of the question: everybody is refused, and nobody let in."""
    with TRAEFIK.run(scene, scene.revet, changes) as port:
        assert [401, 401] == [curl(scene.directory, port, client).status for client in ("good", "revoked")]


@pytest.mark.slow
def test_traefik_with_a_certificate_of_its_own(tmp_path: Path) -> None:
    """`forwardAuth.tls.cert` and `key` in place of the token."""
    ca = "          ca: /etc/traefik/revet-ca.pem\n"
    own = "          cert: /etc/traefik/caller.pem\n          key: /etc/traefik/caller.key\n"
    changes = {
        ca: ca + own,
        """          X-Revet-Token: '{{ env "REVET_TOKEN" }}'\n""": "",
        "authRequestHeaders: [X-Forwarded-Tls-Client-Cert, X-Revet-Token]": "authRequestHeaders: "
        "[X-Forwarded-Tls-Client-Cert]",
    }
    with running_scene(tmp_path, {"REVET_TLS_CLIENT_CA": str(tmp_path / "infrastructure.pem")}) as scene:
        with TRAEFIK.run(scene, scene.revet, changes) as port:
            assert [200, 403] == [curl(tmp_path, port, client).status for client in ("good", "revoked")]
        with TRAEFIK.run(scene, scene.revet) as port:  # with a token that nobody asks for, and no certificate
            assert TRAEFIK.when_away == curl(tmp_path, port, "good").status
