"""The sidecar as a process: its files, its signals, its probes, its log."""

import json
import os
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import httpx
import pytest

from tests.e2e.running import PATIENCE_S, Service, running_service, until
from tests.ports import free_port
from tests.sidecar.application import Application
from tests.sidecar.curl import curl
from tests.sidecar.material import ROOT, SERVERS, TOKEN, VALIDITY, Pair, server_pair, write
from tests.sidecar.running import ENTRYPOINT, NOBODY, Sidecar, running_sidecar, sidecar_environment, stop
from tests.sidecar.stand_in import ALLOW, StandIn, answer, deny


@pytest.fixture(scope="module")
def environment(stand_in: StandIn, application: Application, tls: dict[str, str]) -> dict[str, str]:
    """Settings of a sidecar that asks a stand-in."""
    return {**tls, "REVET_URL": stand_in.url, "REVET_TOKEN": TOKEN, "REVET_SIDECAR_UPSTREAM": application.url}


@pytest.fixture(scope="module")
def sidecar(tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str]) -> Iterator[Sidecar]:
    """A sidecar."""
    with running_sidecar(tmp_path_factory.mktemp("log"), "nlb", environment) as running:
        yield running


# --- files and secrets -----------------------------------------------------------------------------------------------


def test_who_may_read_what(sidecar: Sidecar) -> None:
    """Only the sidecar itself reads its token, and there is one place for it."""
    work = sidecar.run_dir / "nginx"
    assert 0o600 == (work / "token.conf").stat().st_mode & 0o777
    assert [work / "token.conf"] == [one for one in work.rglob("*") if one.is_file() and TOKEN in one.read_text()]
    assert work.stat().st_mode & 0o777 == (0o711 if os.getuid() == 0 else 0o700)
    assert TOKEN not in Path(f"/proc/{sidecar.process.pid}/environ").read_text()
    assert {"nginx"} == {one.name for one in sidecar.run_dir.iterdir()}


def test_a_token_from_a_file(
    tmp_path: Path, environment: dict[str, str], stand_in: StandIn, authority: Path, good: Pair
) -> None:
    """It is what is sent."""
    token = tmp_path / "token"
    token.write_text("a-token-out-of-a-file/+=\n")
    with running_sidecar(
        tmp_path, "nlb", {**environment, "REVET_TOKEN": "", "REVET_TOKEN_FILE": str(token)}
    ) as sidecar:
        curl(sidecar, authority=authority, client=good)
    assert ["a-token-out-of-a-file/+="] == stand_in.values("X-Revet-Token")


def test_a_directory_that_is_in_use(tmp_path: Path, sidecar: Sidecar, environment: dict[str, str]) -> None:
    """Two sidecars in one directory would overwrite each other's configuration."""
    more = {
        "REVET_SIDECAR_MODE": "nlb",
        "REVET_SIDECAR_RUN_DIR": str(sidecar.run_dir),
        "REVET_SIDECAR_LISTEN": f"127.0.0.1:{sidecar.port}",  # where it would not get far
    }
    ended = subprocess.run(
        [ENTRYPOINT],
        env=sidecar_environment({**environment, **more}),
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert (78, "revet-sidecar: REVET_SIDECAR_RUN_DIR: another sidecar runs with it\n") == (
        ended.returncode,
        ended.stderr,
    )
    assert sidecar.is_healthy()
    assert [] == list(tmp_path.iterdir())


def test_kept_answers_do_not_survive(
    tmp_path: Path, environment: dict[str, str], stand_in: StandIn, authority: Path, good: Pair
) -> None:
    """A sidecar that starts anew may have another token, another trust store, another service."""
    stand_in.says = answer(200, *ALLOW, ("X-Accel-Expires", "60"))
    kept = {**environment, "REVET_SIDECAR_CACHE_S": "60"}
    with running_sidecar(tmp_path, "nlb", kept) as first:
        assert 200 == curl(first, authority=authority, client=good).status
        stop(first.process)
        assert any(one.is_file() for one in (first.run_dir / "nginx" / "cache").rglob("*"))
        stand_in.says = deny(403, "revoked")
        with running_sidecar(tmp_path, "nlb", {**kept, "REVET_SIDECAR_RUN_DIR": str(first.run_dir)}) as second:
            assert 403 == curl(second, authority=authority, client=good).status


@pytest.mark.skipif(os.getuid() != 0, reason="becomes somebody else")
def test_as_nobody(tmp_path: Path, environment: dict[str, str], stand_in: StandIn, authority: Path, good: Pair) -> None:
    """The image starts it as somebody who may do nothing; keeping answers works then, too."""
    stand_in.says = answer(200, *ALLOW, ("X-Accel-Expires", "60"))
    command = ["setpriv", "--reuid", str(NOBODY), "--regid", str(NOBODY), "--clear-groups", str(ENTRYPOINT)]
    with tempfile.TemporaryDirectory(prefix="revet-sidecar-of-nobody-") as directory:
        os.chown(directory, NOBODY, NOBODY)
        copies = {name: Path(directory) / name for name in ("REVET_SIDECAR_TLS_CERT", "REVET_SIDECAR_TLS_KEY")}
        for name, copy in copies.items():
            copy.write_bytes(Path(environment[name]).read_bytes())
            os.chown(copy, NOBODY, NOBODY)
        more = {"REVET_SIDECAR_RUN_DIR": directory, "REVET_SIDECAR_CACHE_S": "60"}
        whole = {**environment, **more, **{name: str(copy) for name, copy in copies.items()}}
        with running_sidecar(tmp_path, "nlb", whole, command=command, owner=NOBODY) as sidecar:
            answers = [curl(sidecar, authority=authority, client=good).status for _ in range(2)]
            entries = sidecar.requests()
            assert 0o700 == (sidecar.run_dir / "nginx").stat().st_mode & 0o777
    assert ([200, 200], ["MISS", "HIT"]) == (answers, [entry["revet_cache"] for entry in entries])


# --- signals ---------------------------------------------------------------------------------------------------------


def test_a_graceful_end(
    tmp_path: Path,
    environment: dict[str, str],
    application: Application,
    stand_in: StandIn,
    authority: Path,
    good: Pair,
) -> None:
    """SIGQUIT: requests that are under way are answered, new ones are not taken."""
    stand_in.says = answer(200, *ALLOW)
    application.gate.clear()
    with running_sidecar(tmp_path, "nlb", environment) as sidecar:
        bodies: list[bytes] = []
        request = threading.Thread(
            target=lambda: bodies.append(curl(sidecar, authority=authority, client=good, path="/stream").body)
        )
        request.start()
        until(lambda: bool(application.arrived), "the request has arrived")
        sidecar.process.send_signal(signal.SIGQUIT)
        until(lambda: not sidecar.is_healthy(), "nothing new is taken")
        application.gate.set()
        request.join(PATIENCE_S)
        assert 0 == sidecar.process.wait(PATIENCE_S)
    assert [b"data: one\n\ndata: two\n\n"] == bodies


def test_a_renewed_certificate(
    tmp_path: Path, environment: dict[str, str], stand_in: StandIn, authority: Path, good: Pair
) -> None:
    """SIGHUP: the files of TLS are read again."""
    stand_in.says = answer(200, *ALLOW)
    pair = server_pair(tmp_path, "renewed", "DNS:somebody.else")
    files = {"REVET_SIDECAR_TLS_CERT": str(pair.certificate), "REVET_SIDECAR_TLS_KEY": str(pair.key)}
    with running_sidecar(tmp_path, "nlb", {**environment, **files}) as sidecar:
        with pytest.raises(AssertionError, match="curl: \\(60\\)"):
            curl(sidecar, authority=authority, client=good)
        server_pair(tmp_path, "renewed")
        sidecar.process.send_signal(signal.SIGHUP)

        def status() -> int:
            try:
                return curl(sidecar, authority=authority, client=good).status
            except AssertionError:
                return 0

        until(lambda: status() == 200, "the new certificate is in use")


# --- TLS to the service ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def service_over_tls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Service, Path]]:
    """A service on HTTPS that knows its callers by their certificates, and where its files are."""
    place = tmp_path_factory.mktemp("tls")
    own = server_pair(place, "service", "DNS:revet.internal")
    (place / "trust.pem").write_text(ROOT.pem)
    (place / "servers.pem").write_text(SERVERS.pem)
    settings = {
        "REVET_TLS_CERT": str(own.certificate),
        "REVET_TLS_KEY": str(own.key),
        "REVET_TLS_CLIENT_CA": str(place / "servers.pem"),
        "REVET_WORKERS": "1",
    }
    write(place, "caller", SERVERS.issue("sidecar", **VALIDITY))
    with running_service(place, place / "trust.pem", settings, management=True) as running:
        yield running, place


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({}, 200),
        ({"REVET_SIDECAR_REVET_NAME": "revet.elsewhere"}, 503),
        ({"REVET_SIDECAR_REVET_NAME": ""}, 503),
        ({"REVET_CA_BUNDLE": "trust.pem"}, 503),
        ({"REVET_CLIENT_CERT": "", "REVET_CLIENT_KEY": ""}, 503),
    ],
)
def test_tls_to_the_service(
    tmp_path: Path,
    environment: dict[str, str],
    service_over_tls: tuple[Service, Path],
    authority: Path,
    good: Pair,
    more: dict[str, str],
    status: int,
) -> None:
    """Its certificate, the name in it, and who we are: where any of them is wrong, nobody is let through."""
    service, place = service_over_tls
    settings = {
        **environment,
        "REVET_TOKEN": "",
        "REVET_URL": service.url.replace("http:", "https:"),
        "REVET_SIDECAR_REVET_NAME": "revet.internal",
        "REVET_CA_BUNDLE": str(place / "servers.pem"),
        "REVET_CLIENT_CERT": str(place / "caller.pem"),
        "REVET_CLIENT_KEY": str(place / "caller.key"),
        "REVET_SIDECAR_READY_URL": f"{service.management_url}/readyz",
        **{name: str(place / value) if value == "trust.pem" else value for name, value in more.items()},
    }
    with running_sidecar(tmp_path, "nlb", settings) as sidecar:
        assert status == curl(sidecar, authority=authority, client=good).status
        assert httpx.codes.OK == httpx.get(f"{sidecar.health_url}/readyz", timeout=PATIENCE_S).status_code


# --- probes ----------------------------------------------------------------------------------------------------------


def test_probes(sidecar: Sidecar, stand_in: StandIn) -> None:
    """One says that nginx lives, the other that the service is ready, and there is nothing else on that port."""
    stand_in.says = answer(200).replace(b"Content-Length: 2", b"Content-Length: 0")
    told = {
        path: httpx.get(f"{sidecar.health_url}{path}", timeout=PATIENCE_S)
        for path in ("/healthz", "/readyz", "/", "/x")
    }
    assert {"/healthz": 200, "/readyz": 200, "/": 404, "/x": 404} == {
        path: one.status_code for path, one in told.items()
    }
    assert {"status": "ok"} == told["/healthz"].json()
    assert ("GET /readyz HTTP/1.1", []) == (stand_in.last[0], stand_in.values("X-Revet-Token"))
    stand_in.says = answer(503)
    unready = httpx.get(f"{sidecar.health_url}/readyz", timeout=PATIENCE_S)
    assert (503, {"status": "unready"}) == (unready.status_code, unready.json())
    assert 200 == httpx.get(f"{sidecar.health_url}/healthz", timeout=PATIENCE_S).status_code


@pytest.mark.parametrize(
    ("more", "path"),
    [
        ({"REVET_URL": "/below/"}, "/below/readyz"),
        ({"REVET_SIDECAR_READY_URL": ""}, "/readyz"),
        ({"REVET_SIDECAR_READY_URL": "/live/ready"}, "/live/ready"),
    ],
)
def test_where_readiness_is_asked_for(
    tmp_path: Path, environment: dict[str, str], stand_in: StandIn, more: dict[str, str], path: str
) -> None:
    """Below the address of the service, or where the operator says."""
    stand_in.says = answer(200).replace(b"Content-Length: 2", b"Content-Length: 0")
    settings = {**environment, **{name: f"{stand_in.url}{value}" for name, value in more.items()}}
    with running_sidecar(tmp_path, "nlb", settings) as sidecar:
        assert 200 == httpx.get(f"{sidecar.health_url}/readyz", timeout=PATIENCE_S).status_code
    assert f"GET {path} HTTP/1.1" == stand_in.last[0]


@pytest.mark.parametrize("listen", ["127.0.0.1", "0.0.0.0"])
def test_the_probe_of_the_image(tmp_path: Path, environment: dict[str, str], listen: str) -> None:
    """It ends with 0 while the sidecar lives, however its probes are asked."""
    for proxy_protocol in ("off", "on"):
        settings = {
            "REVET_SIDECAR_HEALTH_LISTEN": f"{listen}:{free_port()}",
            "REVET_SIDECAR_HEALTH_PROXY_PROTOCOL": proxy_protocol,
        }

        probe = partial(probed, settings)
        with running_sidecar(tmp_path, "nlb", {**environment, **settings}, awaiting=lambda _: probe() == 0):  # noqa: B023 - used within the round
            assert 0 == probe()
        assert 0 != probe()


def probed(settings: dict[str, str]) -> int:
    """What the image's probe ends with."""
    command, whole = [ENTRYPOINT.parent / "healthcheck"], sidecar_environment(settings)
    return subprocess.run(command, env=whole, capture_output=True, check=False, timeout=10).returncode


# --- logs ------------------------------------------------------------------------------------------------------------


def test_what_is_logged(
    tmp_path: Path, environment: dict[str, str], stand_in: StandIn, authority: Path, good: Pair
) -> None:
    """A line of JSON a request, with what was decided; neither arguments of paths, nor tokens, nor certificates."""
    stand_in.says = answer(200, *ALLOW, ("X-Revet-Subject", "CN=a person"))
    secret = "s3cret"
    headers = (
        "-H",
        f"Authorization: Bearer {secret}",
        "-H",
        f"Cookie: {secret}",
        "-H",
        f"Referer: https://x/?{secret}",
    )
    with running_sidecar(tmp_path, "nlb", environment) as sidecar:
        curl(sidecar, *headers, authority=authority, client=good, path=f'/path"\\quoted?token={secret}')
        stand_in.says = deny(403, "revoked")
        curl(sidecar, *headers, authority=authority, client=good, path=f"/other?{secret}")
        stand_in.says = b"HTTP/1.1 200 OK\r\n\0: \r\n\r\n"  # which nginx has much to say about
        curl(sidecar, *headers, authority=authority, client=good, path=f"/third?{secret}")
        log = sidecar.written()
    first, second, third = (json.loads(line) for line in log.splitlines())
    assert ('/path"\\quoted', "200", "allow", "ok", "D1", "200") == tuple(
        first[name] for name in ("path", "status", "decision", "code", "decision_id", "upstream_status")
    )
    assert ("/other", "403", "deny", "revoked", "D2", "") == tuple(
        second[name] for name in ("path", "status", "decision", "code", "decision_id", "upstream_status")
    )
    assert ("/third", "503", "502") == tuple(third[name] for name in ("path", "status", "revet_status"))
    assert [] == [word for word in (secret, TOKEN, "CERTIFICATE", "a person") if word in log]


@pytest.mark.parametrize(
    ("told", "logged"),
    [
        ((("X-Revet-Enforced-Code", "revoked"),), "revoked"),
        ((("X-Revet-Enforced-Code", "constraint_violation"),), "constraint_violation"),
        ((), ""),
        ((("X-Revet-Enforced-Code", ""),), ""),
        ((("X-Revet-Enforced-Code", 'revoked","code":"mine'),), ""),
        ((("X-Revet-Enforced-Code", "Revoked"),), ""),
    ],
)
def test_what_is_logged_of_shadow_mode(
    tmp_path: Path,
    environment: dict[str, str],
    stand_in: StandIn,
    authority: Path,
    good: Pair,
    told: tuple[tuple[str, str], ...],
    logged: str,
) -> None:
    """The denial that was answered as allow, by its code and nothing else; the client's own header says nothing."""
    stand_in.says = answer(200, *ALLOW, *told)
    with running_sidecar(tmp_path, "nlb", environment) as sidecar:
        assert 200 == curl(sidecar, "-H", "X-Revet-Enforced-Code: mine", authority=authority, client=good).status
        until(lambda: bool(sidecar.requests()), "the request is in the log")
        (entry,) = sidecar.requests()
    assert ("allow", "ok", logged) == tuple(entry[name] for name in ("decision", "code", "enforced"))


@pytest.mark.parametrize(("name", "status"), [("REVET_SIDECAR_UPSTREAM", 502), ("REVET_URL", 503)])
def test_faults_beyond_errors(
    tmp_path: Path,
    environment: dict[str, str],
    stand_in: StandIn,
    authority: Path,
    good: Pair,
    name: str,
    status: int,
) -> None:
    """Not even what is critical to nginx, as a connection that it may not make, brings a target into the log."""
    stand_in.says = answer(200, *ALLOW)
    with running_sidecar(tmp_path, "nlb", {**environment, name: "http://[fe80::1]:1"}) as sidecar:
        assert status == curl(sidecar, authority=authority, client=good, path="/path?s3cret").status
        lines = sidecar.written().splitlines()
    assert ["/path"] == [json.loads(line)["path"] for line in lines]
    with running_sidecar(
        tmp_path, "nlb", {**environment, name: "http://[fe80::1]:1", "REVET_SIDECAR_ERROR_LOG": "error"}
    ) as sidecar:
        curl(sidecar, authority=authority, client=good, path="/path?s3cret")
        assert "[crit]" in sidecar.written()


def test_errors_are_logged_where_they_are_asked_for(
    tmp_path: Path, environment: dict[str, str], stand_in: StandIn, authority: Path, good: Pair
) -> None:
    """With the whole line of the request: hence not unless they are asked for."""
    stand_in.says = b"HTTP/1.1 200 OK\r\n\0: \r\n\r\n"
    with running_sidecar(tmp_path, "nlb", {**environment, "REVET_SIDECAR_ERROR_LOG": "error"}) as sidecar:
        curl(sidecar, authority=authority, client=good)
        assert "[error]" in sidecar.written()
