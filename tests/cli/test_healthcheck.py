"""`revet healthcheck`: asks where the settings have the service listen, and says what is wrong in time."""

import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest
from typer.testing import CliRunner

from service.cli import healthcheck
from service.cli.app import app
from service.cli.healthcheck import Target, UnhealthyError
from service.settings import load_settings
from tests.cli.serving import answering
from tests.pki import Authority, CertificateOverrides
from tests.pki.clock import validity_of_now
from tests.ports import free_port
from tests.sidecar.material import Pair, write

SERVERS: Final = Authority.root("Servers", **validity_of_now())
OF_A_SERVER: Final[CertificateOverrides] = {
    **validity_of_now(),
    "san": ["DNS:revet.internal"],
    "extended_key_usage": ["serverAuth"],
}
TOKENS: Final = {"REVET_API_TOKENS": "a-token-of-a-health-check"}


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    """A server's certificate for a name that is not the machine's."""
    leaf = SERVERS.issue("server", **OF_A_SERVER)
    return write(tmp_path_factory.mktemp("tls"), "server", leaf, SERVERS)


def alive(*_: object) -> tuple[int, dict[str, Any]]:
    """Answer as `/healthz` does."""
    return 200, {"status": "ok"}


def port_of(url: str) -> str:
    """The port in a URL."""
    return url.rpartition(":")[2]


def tls_of(pair: Pair) -> ssl.SSLContext:
    """A server's TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.certificate, pair.key)
    return context


def asked(environment: Mapping[str, str], *arguments: str) -> tuple[int, str]:
    """Exit code and complaint of the command."""
    foreign = {name: None for name in os.environ if name.startswith("REVET_")}
    done = CliRunner().invoke(app, ["healthcheck", *arguments], env={**foreign, **environment})
    return done.exit_code, done.stderr


def test_asks_the_management_port(pair: Pair) -> None:
    """Where there is one, whatever the main port wants."""
    seen: list[tuple[str, str]] = []

    def respond(method: str, path: str, _body: object) -> tuple[int, dict[str, Any]]:
        seen.append((method, path))
        return alive()

    with answering(respond) as url:
        main = {"REVET_TLS_CERT": str(pair.certificate), "REVET_TLS_CLIENT_CA": str(pair.certificate)}
        environment = {**main, "REVET_HOST": "0.0.0.0", "REVET_PORT": "1", "REVET_MANAGEMENT_PORT": port_of(url)}
        assert (0, "") == asked(environment)

    assert [("GET", "/healthz")] == seen


def test_asks_the_main_port() -> None:
    """Where there is no other."""
    with answering(alive) as url:
        assert (0, "") == asked({"REVET_PORT": port_of(url)})


def test_reads_the_file(tmp_path: Path) -> None:
    """The settings may stand in the TOML file, named by option or environment; the environment wins."""
    with answering(alive) as url:
        file = tmp_path / "revet.toml"
        file.write_text(f"management_port = {port_of(url)}\n")
        assert [0, 0] == [asked({}, "--config", str(file))[0], asked({"REVET_CONFIG": str(file)})[0]]
        assert asked({"REVET_CONFIG": str(file), "REVET_MANAGEMENT_PORT": str(free_port())})[0] == 1


def test_goes_on_without_a_file_that_was_spoiled(tmp_path: Path) -> None:
    """What the environment says holds: the service goes on, and has to be found."""
    file = tmp_path / "revet.toml"
    file.write_text("port = [")
    with answering(alive) as url:
        assert (0, "") == asked({"REVET_CONFIG": str(file), "REVET_PORT": port_of(url)})


def test_believes_the_service_s_own_certificate(pair: Pair) -> None:
    """By TLS on the main port, whatever name stands in it."""
    with answering(alive, tls_of(pair)) as url:
        assert (0, "") == asked({"REVET_PORT": port_of(url), "REVET_TLS_CERT": str(pair.certificate)})


def test_believes_no_other_certificate(pair: Pair, tmp_path: Path) -> None:
    """One of the same authority, and even for the same name, is somebody else's."""
    other = write(tmp_path, "other", SERVERS.issue("other", **OF_A_SERVER))
    with answering(alive, tls_of(other)) as url:
        named = {"REVET_TLS_CERT": str(pair.certificate), "REVET_TLS_KEY": str(pair.key)}
        code, said = asked({"REVET_PORT": port_of(url), **named}, "--timeout", "1")

    assert (1, True) == (code, "does not show what REVET_TLS_CERT has" in said)


def a_copy(pair: Pair, directory: Path) -> Pair:
    """Files of the same content, to be spoiled."""
    copy = Pair(directory / "copy.pem", directory / "copy.key")
    copy.certificate.write_bytes(pair.certificate.read_bytes())
    copy.key.write_bytes(pair.key.read_bytes())
    return copy


def settings_of(url: str, pair: Pair) -> dict[str, str]:
    """A service with TLS on its main port alone."""
    return {"REVET_PORT": port_of(url), "REVET_TLS_CERT": str(pair.certificate), "REVET_TLS_KEY": str(pair.key)}


def other_certificate(pair: Pair) -> None:
    """Only half of what was to be replaced."""
    pair.certificate.write_text(SERVERS.issue("other", **OF_A_SERVER).pem)


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (other_certificate, "key values mismatch"),
        (lambda pair: pair.key.unlink(), "copy.key: No such file or directory"),
        (lambda pair: pair.certificate.unlink(), "copy.pem: No such file or directory"),
        (lambda pair: pair.certificate.write_text("-----BEGIN CERTIFICATE-----\n"), "(certificate)"),
    ],
    ids=["half", "no key", "no certificate", "cut"],
)
def test_lives_with_what_it_had(pair: Pair, tmp_path: Path, spoil: Callable[[Pair], object], why: str) -> None:
    """A service whose files were spoiled goes on, and one that began anew would not: it lives, and somebody is told."""
    files = a_copy(pair, tmp_path)
    spoil(files)
    with answering(alive, tls_of(pair)) as url:
        code, said = asked(settings_of(url, files))

    assert (0, True, True, 1) == (code, why in said, "a new start would fail" in said, said.count("\n")), said


@pytest.mark.parametrize("answered", [503, None])
def test_spoiled_files_excuse_nothing_else(pair: Pair, tmp_path: Path, answered: int | None) -> None:
    """Whoever says that he does not live, or says nothing, does not."""
    files = a_copy(pair, tmp_path)
    other_certificate(files)
    if answered is None:
        with dripping(b"") as port:
            code, said = asked({**settings_of("", files), "REVET_PORT": str(port)}, "--timeout", "0.5")
    else:
        with answering(lambda *_: (answered, {}), tls_of(pair)) as url:
            code, said = asked(settings_of(url, files))

    assert (1, True) == (code, ("did not answer" if answered is None else "answered 503") in said), said


def test_waits_for_a_certificate_to_be_taken(pair: Pair, tmp_path: Path) -> None:
    """The service looks at its files every second; until then it shows the one before, and lives."""
    new = write(tmp_path, "new", SERVERS.issue("new", **OF_A_SERVER))
    context = tls_of(pair)
    with answering(alive, context) as url:
        taken = threading.Timer(0.5, context.load_cert_chain, (new.certificate, new.key))
        taken.start()
        code, said = asked(settings_of(url, new), "--timeout", "30")
        taken.join()

    # The server of the test says of each connection that was broken off that it was.
    assert (0, False) == (code, "revet:" in said), said


def test_takes_a_certificate_with_a_text_before_it(pair: Pair, tmp_path: Path) -> None:
    """In any language: the service shows it as well."""
    files = a_copy(pair, tmp_path)
    files.certificate.write_bytes("Zertifikat für alle\n".encode() + pair.certificate.read_bytes())
    with answering(alive, tls_of(files)) as url:
        assert (0, "") == asked(settings_of(url, files))


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"REVET_TLS_CERT": "x", "REVET_TLS_CLIENT_CA": "y"}, "give REVET_MANAGEMENT_PORT"),
        ({"REVET_TLS_CERT": "/nowhere"}, "REVET_TLS_CERT cannot be used: No such file"),
        ({"REVET_TLS_CERT": __file__}, "REVET_TLS_CERT cannot be used"),
        ({"REVET_PORT": "0"}, "REVET_PORT is 0"),
        ({"REVET_MANAGEMENT_PORT": "0"}, "REVET_MANAGEMENT_PORT is 0"),
        ({"REVET_PORT": "http"}, "REVET_PORT is no port"),
        ({"REVET_PORT": "65536"}, "REVET_PORT is no port"),
        ({"REVET_PORT": "1"}, "http://127.0.0.1:1/healthz could not be asked: Connection refused"),
        ({"REVET_PORT": "1", "REVET_HOST": "::"}, "http://[::1]:1/healthz could not be asked"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_says_what_is_wrong(environment: dict[str, str], said: str) -> None:
    """One line, and the code that container runtimes know."""
    code, complaint = asked(environment)

    assert (1, True, 1) == (code, said in complaint, complaint.count("\n")), complaint


@pytest.mark.parametrize("status", [204, 301, 404, 503])
def test_anything_but_200_is_a_failure(status: int) -> None:
    """A redirect too: `/healthz` has none."""
    with answering(lambda *_: (status, {})) as url:
        code, said = asked({"REVET_PORT": port_of(url)})

    assert (1, True) == (code, f"answered {status}" in said)


def test_asks_whether_it_is_ready() -> None:
    """With `--ready`; a service that lives need not be."""

    def respond(_method: str, path: str, _body: object) -> tuple[int, dict[str, Any]]:
        return (503 if path == "/readyz" else 200), {}

    with answering(respond) as url:
        environment = {"REVET_PORT": port_of(url)}
        (lives, _), (ready, said) = asked(environment), asked(environment, "--ready")

    assert (0, 1, True) == (lives, ready, "/readyz answered 503" in said)


@contextmanager
def dripping(octet: bytes) -> Iterator[int]:
    """Send one octet after the other, without an end; at which port."""
    stop = threading.Event()

    def serve(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            while octet and not stop.wait(0.02):
                try:
                    connection.sendall(octet)
                except OSError:
                    return
            stop.wait()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            stop.set()
            thread.join()


@pytest.mark.parametrize("octet", [b"", b"H"], ids=["silent", "slow"])
def test_ends_in_time(octet: bytes) -> None:
    """Whoever says nothing, or a little again and again, is given up."""
    with dripping(octet) as port, pytest.raises(UnhealthyError, match=r"did not answer within 0\.5 s"):
        Target("127.0.0.1", port).ask(0.5)


def test_what_is_no_http_is_a_failure() -> None:
    """Something else may listen there."""
    with dripping(b"x" * 300) as port, pytest.raises(UnhealthyError, match="nothing that is HTTP"):
        Target("127.0.0.1", port).ask()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "0.0.0.0", "::"])  # what may be listened at
@pytest.mark.parametrize("more", [{}, {"REVET_MANAGEMENT_PORT": "9"}, {"REVET_MANAGEMENT_HOST": "127.0.0.2"}])
def test_target_is_where_the_service_listens(host: str, more: dict[str, str]) -> None:
    """Its own reading of the settings comes to what the settings come to."""
    environment = {**TOKENS, "REVET_HOST": host, **more}
    if "REVET_MANAGEMENT_HOST" in more:
        environment["REVET_MANAGEMENT_PORT"] = "9"

    settings = load_settings(None, environment)
    listening, port = settings.management_address() or (settings.host, settings.port)
    target = Target.of(None, environment)

    assert (port, {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(listening, listening)) == (target.port, target.host)


@contextmanager
def first_process(directory: Path, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process called `revet` that looks after something all the time, taken for the first one of a container."""
    script = directory / "revet"
    script.write_text("import time\nprint(flush=True)\nwhile True:\n    time.sleep(0.02)\n")
    process = subprocess.Popen((sys.executable, script, *arguments), stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        process.stdout.readline()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(healthcheck, "_FIRST_PROCESS", Path(f"/proc/{process.pid}"))
            yield process
    finally:
        process.kill()
        process.communicate()


def test_fetcher_lives_while_it_moves(tmp_path: Path) -> None:
    """`revet prefetch` listens nowhere: its container is healthy as long as its process does something."""
    with first_process(tmp_path, "prefetch", "--config", "revet.toml") as process:
        assert (0, "") == asked({"REVET_PORT": "1"})
        process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOWAIT)
        code, said = asked({"REVET_PORT": "1"}, "--timeout", "0.5")

    assert (1, "revet: `revet prefetch` has not moved for 0.5 s\n") == (code, said)


def test_fetcher_is_never_ready(tmp_path: Path) -> None:
    """Who waits for it to decide waits in vain, and is told."""
    with first_process(tmp_path, "prefetch"):
        code, said = asked({}, "--ready")

    assert (1, True) == (code, "answers nobody" in said)


@pytest.mark.parametrize("arguments", [("serve",), ("check", "prefetch"), ()])
def test_whoever_serves_is_asked(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """A process that moves is no service that answers."""
    with first_process(tmp_path, *arguments):
        code, said = asked({"REVET_PORT": "1"})

    assert (1, True) == (code, "could not be asked" in said)


def test_passes_over_what_kubernetes_writes() -> None:
    """Of a Service called `revet`, for every container."""
    assert Target.of(None, {"REVET_PORT": "tcp://10.0.0.1:8080"}).port == 8080


def test_imports_neither_settings_nor_other_commands() -> None:
    """A runtime starts it every few seconds: it takes a tenth of the others' time."""
    program = (
        "import sys, service.__main__ as m; sys.argv = ['revet', 'healthcheck', '--timeout', '0.1']\n"
        "try: m.main()\n"
        "except SystemExit as end: code = end.code\n"
        "heavy = {'rich', 'httpx', 'cryptography', 'service.settings', 'service.cli.app'}\n"
        "print(code, sorted(heavy & set(sys.modules)))\n"
    )
    environment = {**os.environ, "REVET_PORT": "1"}
    done = subprocess.run((sys.executable, "-c", program), capture_output=True, text=True, check=False, env=environment)

    assert "1 []\n" == done.stdout, done.stderr
