"""What the service answers, and what a client gets: nothing passes but what it has allowed in so many words."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.e2e.running import PATIENCE_S
from tests.ports import free_port
from tests.sidecar.application import Application
from tests.sidecar.curl import curl
from tests.sidecar.material import TOKEN, Pair
from tests.sidecar.running import Sidecar, running_sidecar
from tests.sidecar.stand_in import ALLOW, StandIn, answer, deny

NOT_AVAILABLE = (503, "deny", "unavailable")


@pytest.fixture(scope="module")
def sidecar(
    tmp_path_factory: pytest.TempPathFactory, stand_in: StandIn, application: Application, tls: dict[str, str]
) -> Iterator[Sidecar]:
    """A sidecar that asks a stand-in."""
    environment = {**tls, "REVET_URL": stand_in.url, "REVET_TOKEN": TOKEN, "REVET_SIDECAR_UPSTREAM": application.url}
    with running_sidecar(tmp_path_factory.mktemp("log"), "nlb", environment) as running:
        yield running


def test_allowed(sidecar: Sidecar, stand_in: StandIn, application: Application, authority: Path, good: Pair) -> None:
    """The application answers, and knows who asks."""
    stand_in.says = answer(200, *ALLOW, ("X-Revet-Subject", "CN=good"), ("X-Revet-Serial", "1f"))
    told = curl(sidecar, authority=authority, client=good, path="/path?argument=1")
    assert (200, b"the application\n") == (told.status, told.body)
    arrived = application.last
    assert "GET /path?argument=1 HTTP/1.1" == arrived.line
    names = ("X-Revet-Subject", "X-Revet-Serial", "X-Revet-Decision-Id", "X-Revet-Code")
    assert [["CN=good"], ["1f"], ["D1"], ["ok"]] == [arrived.values(name) for name in names]


@pytest.mark.parametrize(
    ("says", "told"),
    [
        (deny(403, "revoked"), (403, "deny", "revoked")),
        (deny(403, "constraint_violation"), (403, "deny", "constraint_violation")),
        (deny(401, "no_certificate", ("WWW-Authenticate", "Bearer")), (401, "deny", "no_certificate")),
        (deny(400, "bad_request"), (400, "deny", "bad_request")),
        (deny(503, "unavailable"), NOT_AVAILABLE),
        # Faults of the sidecar's own, which concern no client.
        (deny(401, "unauthenticated", ("WWW-Authenticate", "Bearer")), NOT_AVAILABLE),
        (deny(404, "bad_request"), NOT_AVAILABLE),
        (deny(429, "unavailable"), NOT_AVAILABLE),
        (deny(500, "unavailable"), NOT_AVAILABLE),
        # Answers of somebody else.
        (answer(200), NOT_AVAILABLE),
        (answer(204, *ALLOW), NOT_AVAILABLE),
        (answer(206, *ALLOW), NOT_AVAILABLE),
        (answer(200, ("X-Revet-Decision", "Allow")), NOT_AVAILABLE),
        (answer(200, ("X-Revet-Decision", "allow, allow")), NOT_AVAILABLE),
        (deny(200, "revoked"), NOT_AVAILABLE),
        (answer(403), NOT_AVAILABLE),
        (answer(403, *ALLOW), NOT_AVAILABLE),
        (answer(401), NOT_AVAILABLE),
        (answer(301, ("Location", "http://127.0.0.1:1/"), *ALLOW), NOT_AVAILABLE),
        (answer(500), NOT_AVAILABLE),
        (answer(999, *ALLOW), NOT_AVAILABLE),
        (deny(403, '","decision":"allow'), NOT_AVAILABLE),
        (deny(403, "Revoked"), NOT_AVAILABLE),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", NOT_AVAILABLE),
        (b"HTTP/1.1 200 OK\r\nX-Revet-Decision: allow\r\n\0: \r\n\r\n", NOT_AVAILABLE),
    ],
)
def test_not_allowed(
    sidecar: Sidecar,
    stand_in: StandIn,
    application: Application,
    authority: Path,
    good: Pair,
    says: bytes,
    told: tuple[int, str, str],
) -> None:
    """Each answer has one meaning for the client, as JSON, and nothing reaches the application."""
    stand_in.says = says
    answered = curl(sidecar, authority=authority, client=good)
    assert told == answered.told
    assert "application/json" == answered.headers["content-type"]
    assert "no-store" == answered.headers["cache-control"]
    assert "www-authenticate" not in answered.headers
    assert ("1" if told == NOT_AVAILABLE else None) == answered.headers.get("retry-after")
    assert [] == application.arrived


@pytest.mark.parametrize("version", ["--http1.1", "--http2"])
def test_head_is_answered_without_a_body(
    sidecar: Sidecar, stand_in: StandIn, authority: Path, good: Pair, version: str
) -> None:
    """The head says what a GET would be told."""
    stand_in.says = deny(403, "revoked")
    answered = curl(sidecar, version, "--head", authority=authority, client=good)
    assert (403, "56", b"") == (answered.status, answered.headers["content-length"], answered.body)


@pytest.mark.parametrize("version", ["--http1.1", "--http2"])
def test_a_refused_upload(
    sidecar: Sidecar, stand_in: StandIn, application: Application, authority: Path, good: Pair, version: str
) -> None:
    """A client that sends a body gets its answer all the same, and the service is not sent the body."""
    stand_in.says = deny(403, "revoked")
    answered = curl(sidecar, version, "--data", "x" * 100_000, authority=authority, client=good)
    assert (403, "deny", "revoked") == answered.told
    assert ([], "HEAD") == (application.arrived, stand_in.last[0].split(" ")[0])
    assert [[], []] == [stand_in.values(name) for name in ("Content-Length", "Transfer-Encoding")]


def test_what_the_service_is_asked(sidecar: Sidecar, stand_in: StandIn, authority: Path, good: Pair) -> None:
    """The certificate and the sidecar's own token; nothing of what the client sends."""
    stand_in.says = answer(200, *ALLOW)
    sent = (
        "X-Revet-Token: mine",
        "Authorization: Bearer mine",
        "Cookie: mine",
        "X-SSL-Client-Cert: mine",
        "X-Any: mine",
    )
    options = [word for header in sent for word in ("-H", header)]
    assert 200 == curl(sidecar, *options, authority=authority, client=good, path="/v1/../x").status
    assert "HEAD /v1/authorize/nginx HTTP/1.1" == stand_in.last[0]
    names = sorted(line.partition(":")[0].lower() for line in stand_in.last[1:])
    assert ["host", "x-revet-token", "x-ssl-client-cert"] == names
    assert ([TOKEN], [stand_in.url.removeprefix("http://")]) == (
        stand_in.values("X-Revet-Token"),
        stand_in.values("Host"),
    )
    assert good.certificate.read_text() == unquote(stand_in.values("X-SSL-Client-Cert")[0])


def test_the_connection_to_the_service_is_kept(
    sidecar: Sidecar, stand_in: StandIn, authority: Path, good: Pair
) -> None:
    """Twenty questions need no twenty connections."""
    stand_in.says = answer(200, *ALLOW)
    assert 200 == curl(sidecar, authority=authority, client=good).status
    before = stand_in.connections
    for says in (answer(200, *ALLOW), deny(403, "revoked")) * 10:
        stand_in.says = says
        curl(sidecar, authority=authority, client=good)
    assert (21, 0) == (len(stand_in.asked), stand_in.connections - before)


def test_a_name_of_sixteen_kib(
    sidecar: Sidecar, stand_in: StandIn, application: Application, authority: Path, good: Pair
) -> None:
    """Percent-encoded it is three times as long, and arrives."""
    subject = "CN=" + "%C3%A9" * (8 * 1024)
    stand_in.says = answer(200, *ALLOW, ("X-Revet-Subject", subject))
    assert 200 == curl(sidecar, authority=authority, client=good).status
    assert [subject] == application.last.values("X-Revet-Subject")


class TestFaults:
    """The service does not answer as it should."""

    def test_away(
        self, tmp_path: Path, application: Application, tls: dict[str, str], authority: Path, good: Pair
    ) -> None:
        """Nobody listens."""
        environment = {**tls, "REVET_URL": f"http://127.0.0.1:{free_port()}", "REVET_SIDECAR_UPSTREAM": application.url}
        with running_sidecar(tmp_path, "nlb", environment) as sidecar:
            answered = [curl(sidecar, authority=authority, client=good) for _ in range(3)]
        assert [NOT_AVAILABLE] * 3 == [one.told for one in answered]
        assert ["1"] * 3 == [one.headers["retry-after"] for one in answered]
        assert [] == application.arrived

    def test_slow(
        self,
        tmp_path: Path,
        stand_in: StandIn,
        application: Application,
        tls: dict[str, str],
        authority: Path,
        good: Pair,
    ) -> None:
        """It takes the question and never answers: the client is told after REVET_TIMEOUT_MS, once."""
        stand_in.says = b""
        environment = {
            **tls,
            "REVET_URL": stand_in.url,
            "REVET_SIDECAR_UPSTREAM": application.url,
            "REVET_TIMEOUT_MS": "200",
        }
        with running_sidecar(tmp_path, "nlb", environment) as sidecar:
            assert NOT_AVAILABLE == curl(sidecar, authority=authority, client=good).told
            (entry,) = sidecar.requests()
        assert ("504", True) == (entry["revet_status"], 0.2 <= float(entry["revet_seconds"]) < PATIENCE_S)
        assert (1, []) == (len(stand_in.asked), application.arrived)

    def test_the_application_is_away(
        self, tmp_path: Path, stand_in: StandIn, tls: dict[str, str], authority: Path, good: Pair
    ) -> None:
        """Which is another answer than a refusal."""
        stand_in.says = answer(200, *ALLOW)
        environment = {**tls, "REVET_URL": stand_in.url, "REVET_SIDECAR_UPSTREAM": f"http://127.0.0.1:{free_port()}"}
        with running_sidecar(tmp_path, "nlb", environment) as sidecar:
            assert (502, None, "bad_gateway") == curl(sidecar, authority=authority, client=good).told

    @pytest.mark.parametrize("of_whom", ["the service", "the application"])
    def test_several_addresses(
        self,
        tmp_path: Path,
        stand_in: StandIn,
        application: Application,
        tls: dict[str, str],
        authority: Path,
        good: Pair,
        of_whom: str,
    ) -> None:
        """Where there are two, those whose requests take too long take neither away from others."""
        environment = {**tls, "REVET_URL": stand_in.url, "REVET_SIDECAR_UPSTREAM": application.url}
        environment |= {"REVET_TIMEOUT_MS": "1000", "REVET_SIDECAR_UPSTREAM_TIMEOUT_S": "1"}
        twice = stand_in.url if of_whom == "the service" else application.url
        with running_sidecar(tmp_path, "nlb", {**environment, **with_two_addresses(tmp_path, twice)}) as sidecar:
            stand_in.says = b"" if of_whom == "the service" else answer(200, *ALLOW)
            application.gate.clear()
            slow = [curl(sidecar, authority=authority, client=good, path="/silence").status for _ in range(2)]
            application.gate.set()
            stand_in.says = answer(200, *ALLOW)
            assert 200 == curl(sidecar, authority=authority, client=good).status
        assert [503 if of_whom == "the service" else 502] * 2 == slow


def with_two_addresses(directory: Path, url: str) -> dict[str, str]:
    """An environment in which nginx resolves this address to two, as it does names of several."""
    where = url.removeprefix("http://")
    own = directory / "bin" / "nginx"
    own.parent.mkdir()
    nginx = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    own.write_text(
        "#!/bin/sh\n"
        f"""[ "$1" != -t ] || sed -i '/^ *server {where} /{{p}}' "$REVET_SIDECAR_RUN_DIR/nginx/nginx.conf"\n"""
        f"""exec {nginx} "$@"\n"""
    )
    own.chmod(0o755)
    return {"PATH": f"{own.parent}:{os.environ['PATH']}"}
