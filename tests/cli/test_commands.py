"""The command line: what it prints, and how it exits."""

import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from service.cli.app import app
from tests.cli.conftest import Files
from tests.pki import Authority, pem
from tests.pki.clock import validity_of_now

TOKEN = "a-token-of-sixteen-characters"


def run(*arguments: object) -> Result:
    """Run a command."""
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def check(files: Files, *paths: Path) -> Result:
    """`revet check` with the trust store."""
    return run("check", "--trust-store", files.trust_store, *paths)


def test_allowed(files: Files) -> None:
    """Exit code 0; nothing is declared, so that nothing is known of revocation."""
    result = check(files, files.good)
    assert 0 == result.exit_code
    assert "allow / unknown" in result.stdout


def test_denied(files: Files) -> None:
    """Exit code 1, and the reason."""
    result = check(files, files.expired)
    assert 1 == result.exit_code
    assert "deny / invalid  (expired)" in result.stdout


def test_one_denied_of_several(files: Files) -> None:
    """Exit code 1, and an answer for each."""
    result = check(files, files.good, files.foreign)
    assert 1 == result.exit_code
    assert ["allow", "deny"] == [line.split()[1] for line in result.stdout.splitlines() if " / " in line]


def test_a_source_that_may_not_be_asked(files: Files) -> None:
    """The egress guard holds at the command line as well; the reason names source and address."""
    result = check(files, files.declared)
    assert 1 == result.exit_code
    assert "http://127.0.0.1:1/a.crl: refused by the egress guard" in result.stdout


def test_json(files: Files) -> None:
    """The answer as the API gives it."""
    result = run("check", "--json", "--trust-store", files.trust_store, files.good)
    (row,) = json.loads(result.stdout)["results"]
    assert (str(files.good), "CN=good", None) == (row["file"], row["answer"]["subject"], row["error"])


def test_explain(files: Files) -> None:
    """The path and what is known of each certificate, as a tree."""
    result = run("explain", "--trust-store", files.trust_store, files.good)
    assert 0 == result.exit_code
    assert result.stdout.index("CN=good") < result.stdout.index("CN=Sub")
    assert 2 == result.stdout.count("revocation: not_checked")


def test_explain_without_a_path(files: Files) -> None:
    """No anchor was reached."""
    result = run("explain", "--trust-store", files.trust_store, files.foreign)
    assert 1 == result.exit_code
    assert "no path to a trust anchor" in result.stdout


def test_an_unreadable_file(files: Files) -> None:
    """Exit code 2: the question could not be asked."""
    result = check(files, files.directory / "nobody.pem")
    assert 2 == result.exit_code
    assert "nobody.pem" in result.stderr


def test_what_is_no_certificate(files: Files) -> None:
    """A file of anything is DER that does not parse: denied as malformed."""
    (files.directory / "noise.pem").write_bytes(b"noise")
    result = check(files, files.directory / "noise.pem")
    assert (1, True) == (result.exit_code, "malformed" in result.stdout)


def test_two_ways_at_once(files: Files) -> None:
    """`--url` and `--trust-store` contradict each other."""
    result = run("check", "--url", "http://127.0.0.1:1", "--trust-store", files.trust_store, files.good)
    assert 2 == result.exit_code


@contextmanager
def answering(status: int, document: bytes) -> Iterator[tuple[str, list[Any]]]:
    """A service that always gives one answer, and the requests it got."""
    received: list[Any] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            received.append((self.path, self.headers["authorization"], json.loads(body)))
            self.send_response(status)
            self.send_header("content-length", str(len(document)))
            self.end_headers()
            self.wfile.write(document)

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", received
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_asking_a_service(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file goes as it is, with the caller's token, past any proxy of the environment."""
    monkeypatch.setenv("REVET_TOKEN", TOKEN)
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    (row,) = json.loads(run("check", "--json", "--trust-store", files.trust_store, files.good).stdout)["results"]
    with answering(200, json.dumps(row["answer"]).encode()) as (url, received):
        result = run("check", "--url", url, files.good)
    assert 0 == result.exit_code, result.stderr
    path, authorization, body = received[0]
    assert ("/v1/validate", f"Bearer {TOKEN}") == (path, authorization)
    assert files.good.read_text() == body["certificate"]


@pytest.mark.parametrize(
    ("status", "document", "words"),
    [
        (401, b'{"title": "Unauthorized", "detail": "a token is needed"}', "401: a token is needed"),
        (200, b"<html>", "not JSON"),
        (200, b"[]", "no object"),
    ],
)
def test_a_service_that_does_not_answer_the_question(files: Files, status: int, document: bytes, words: str) -> None:
    """Exit code 2, and what it said."""
    with answering(status, document) as (url, _):
        result = run("check", "--url", url, files.good)
    assert 2 == result.exit_code
    assert words in result.stderr


def test_a_service_out_of_reach(files: Files) -> None:
    """Exit code 2."""
    result = run("check", "--url", "http://127.0.0.1:1", files.good)
    assert 2 == result.exit_code
    assert "could not be asked" in result.stderr


@pytest.mark.parametrize("form", ["DER", "PEM"])
def test_showing_a_crl(files: Files, form: str) -> None:
    """Its header, whichever form it is in."""
    path = files.directory / "list.crl"
    if form == "PEM":
        path.write_text(pem(path.read_bytes(), "X509 CRL"))
    result = run("crl", "show", path)
    assert 0 == result.exit_code
    assert "CN=Sub" in result.stdout
    assert "complete for its issuer" in result.stdout


def test_showing_what_is_no_crl(files: Files) -> None:
    """Exit code 2, and why."""
    result = run("crl", "show", files.good)
    assert 2 == result.exit_code
    assert str(files.good) in result.stderr


@pytest.mark.usefixtures("files")
def test_showing_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every setting as JSON; of tokens only their number."""
    monkeypatch.setenv("REVET_API_TOKENS", TOKEN)
    result = run("config", "show")
    assert 0 == result.exit_code
    assert 8080 == json.loads(result.stdout)["REVET_PORT"]
    assert TOKEN not in result.stdout


RULES = """
[[issuer]]
match = { name = "CN=Sub" }
grace_s = 60
exemptions = [{ serial_number = "%s", until = 2030-01-01, reason = "an old gateway" }]
"""


def test_showing_what_holds_for_a_certificate(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each certificate of its chain with the rule for it, and why; as JSON for machines."""
    monkeypatch.setenv("REVET_TRUST_STORE", str(files.trust_store))
    config = files.directory / "revet.toml"
    serial = json.loads(run("check", files.declared, "--json").stdout)["results"][0]["answer"]["serial_number"]
    config.write_text(RULES % serial)
    result = run("config", "show", "--config", config, "--for", files.declared, "--json")
    leaf, sub = json.loads(result.stdout)
    assert (0, "CN=declared", "issuer[1]", 60) == (result.exit_code, leaf["subject"], leaf["rule"], leaf["grace_s"])
    assert ("the rule gives the name of its issuer", ["http://127.0.0.1:1/a.crl"]) == (leaf["why"], leaf["crl_urls"])
    assert {"until": "2030-01-01T23:59:59.999999Z", "reason": "an old gateway"} == leaf["exemption"]
    assert ("CN=Sub", None, 0, None) == (sub["subject"], sub["rule"], sub["grace_s"], sub["exemption"])
    assert sub["why"].startswith("no rule of 1 is about its issuer, CN=Root (key identifier ")
    text = run("config", "show", "--config", config, "--for", files.declared).stdout
    assert "issuer[1]: the rule gives the name of its issuer" in text
    assert "what holds for all: no rule of 1" in text
    assert "needs no answer until 2030-01-01T23:59:59.999999Z: an old gateway" in text


def test_showing_what_holds_for_a_certificate_of_a_stranger(files: Files) -> None:
    """Without a trust store there are the certificates of the file."""
    result = run("config", "show", "--for", files.good, "--json")
    assert ["CN=good", "CN=Sub"] == [one["subject"] for one in json.loads(result.stdout)]


@pytest.mark.parametrize(("name", "problem"), [("nowhere.pem", "No such file"), ("list.crl", "list.crl: ")])
def test_showing_what_holds_for_no_certificate(files: Files, name: str, problem: str) -> None:
    """Exit code 2 and the reason."""
    result = run("config", "show", "--for", files.directory / name)
    assert 2 == result.exit_code
    assert problem in result.stderr


def test_checking_the_settings(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    """Good with a trust store; with none, or a broken one, exit code 2 and the reason."""
    without = run("config", "check")
    monkeypatch.setenv("REVET_TRUST_STORE", str(files.trust_store))
    good = run("config", "check")
    files.trust_store.write_text("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n")
    broken = run("config", "check")
    assert [2, 0, 2] == [without.exit_code, good.exit_code, broken.exit_code]
    assert "REVET_TRUST_STORE" in without.stderr
    assert "trust.pem" in broken.stderr


def test_checking_traces(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are refused before anything is started, where they cannot be sent."""
    monkeypatch.setenv("REVET_TRUST_STORE", str(files.trust_store))
    monkeypatch.setenv("REVET_TRACING", "otlp")
    good = run("config", "check")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
    broken = run("config", "check")
    assert [0, 2] == [good.exit_code, broken.exit_code]
    assert "REVET_TRACING: OTEL_EXPORTER_OTLP_PROTOCOL is grpc" in broken.stderr


def test_checking_settings_that_may_not_be_meant(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are good, and what is odd about them is told."""
    monkeypatch.setenv("REVET_TRUST_STORE", str(files.trust_store))
    monkeypatch.setenv("REVET_REDIS_URL", "redis://:a-password@127.0.0.1:1")
    result = run("config", "check")
    warning, verdict = result.stdout.splitlines()
    assert (0, "The settings are good.") == (result.exit_code, verdict)
    assert warning.startswith("Warning: REVET_REDIS_URL is given and REVET_FLEET_KEY is not: ")


@pytest.mark.parametrize(
    ("command", "exit_code"), [(("config", "check"), 2), (("serve",), 78), (("check", "good.pem"), 2)]
)
def test_trusted_responders_that_cannot_be_read(
    files: Files, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...], exit_code: int
) -> None:
    """Neither the service starts nor does anything else that decides: whom to trust is not known."""
    monkeypatch.chdir(files.directory)
    monkeypatch.setenv("REVET_TRUST_STORE", str(files.trust_store))
    monkeypatch.setenv("REVET_OCSP_TRUSTED_RESPONDERS", str(files.directory / "list.crl"))
    result = run(*command)
    assert exit_code == result.exit_code
    assert "REVET_OCSP_TRUSTED_RESPONDERS: " in result.stderr
    assert "list.crl" in result.stderr
    assert "Traceback" not in result.output


@pytest.mark.usefixtures("files")
def test_settings_that_are_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    """`serve` does not start: exit code 78, with everything that is wrong."""
    monkeypatch.setenv("REVET_PORT", "99999")
    monkeypatch.setenv("REVET_NO_SUCH_THING", "1")
    result = run("serve")
    assert 78 == result.exit_code
    first, *others = result.stderr.splitlines()
    assert "revet: 2 problems with the settings:" == first
    assert ["- REVET_NO_SUCH_THING", "- REVET_PORT"] == sorted(" ".join(line.split()[:2]) for line in others)


def test_version() -> None:
    """`revet --version`."""
    result = run("--version")
    assert (0, "revet ") == (result.exit_code, result.stdout[:6])


def test_a_subject_cannot_command_the_terminal(files: Files) -> None:
    """Escape sequences in a name are shown, not sent."""
    validity = validity_of_now()
    root = Authority.root("Root", **validity)
    (files.directory / "escape.pem").write_text(root.issue("\x1b[2Jgone", **validity).pem)
    for command in ("check", "explain"):
        result = run(command, "--trust-store", files.trust_store, files.directory / "escape.pem")
        assert "\x1b" not in result.stdout
        assert "\\x1b[2Jgone" in result.stdout
