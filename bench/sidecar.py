"""Mutual TLS through the sidecar with a long CRL, beside nginx without any and nginx with that list as its `ssl_crl`.

    python -m bench.sidecar            1,000,000 entries: about a minute and a half
    python -m bench.sidecar 100000     fewer

What is measured of whom, in turns of one run: handshakes with a client's certificate and one request in each, every
time a new connection and nothing resumed, by four `openssl s_time` of four clients, which check the server's
certificate. Behind each nginx, which has one worker, is one that answers `200`.

- nginx, no CRL: it checks that the client's certificate chains to the root, and hands the request on.
- sidecar: `nlb` mode, a Revet with one worker that holds the CRL and must have it (`require`).
- sidecar, verdicts kept: the same with REVET_SIDECAR_CACHE_S.
- nginx, ssl_crl: as the first, with the list.

Clients and servers share the machine, so that a rate tells of all of them together: that is why the processor's time of
nginx and Revet alone is printed beside it.
"""

import argparse
import base64
import contextlib
import os
import re
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final

from bench.measuring import Timing
from bench.pki import crl
from bench.processes import MEGABYTE, memory
from bench.serving import UnusableError
from service.adapters.clock import SystemClock
from tests.e2e.running import Service, running_service, until
from tests.pki import Authority, CertificateOverrides
from tests.ports import free_port
from tests.sidecar.material import Pair, write
from tests.sidecar.running import running_sidecar

PLAIN: Final = "nginx, no CRL"
OURS: Final = "sidecar"
KEPT: Final = "sidecar, verdicts kept"
THEIRS: Final = "nginx, ssl_crl"

ENTRIES: Final = 1_000_000
CLIENTS: Final = 4
TURNS: Final = 4
"""Of each, the first included, which warms up and does not count."""
TURN_S: Final = 3

_SAID: Final = re.compile(r"(\d+) connections in \d+ real seconds, (\d+) bytes read per connection")
_TARGET: Final = "http://127.0.0.1/"
"""With a host in it: `s_time` says HTTP/1.0, and no more of whom it means."""
_REQUEST: Final = f"GET {_TARGET} HTTP/1.0\r\n\r\n".encode()
_TICKS: Final = os.sysconf("SC_CLK_TCK")

_NGINX: Final = """
daemon off;
worker_processes 1;
pid {place}/nginx.pid;
error_log {place}/error.log;
events {{ worker_connections 1024; }}
http {{
    client_body_temp_path {place}/body;
    proxy_temp_path {place}/proxy;
    fastcgi_temp_path {place}/fastcgi;
    uwsgi_temp_path {place}/uwsgi;
    scgi_temp_path {place}/scgi;
    access_log {place}/access.log;
    {more}
}}
"""
APPLICATION: Final = """
    server {{
        listen 127.0.0.1:{port};
        access_log off;
        keepalive_requests 1000000;
        location / {{ return 200 'the application'; }}
    }}
"""
_FRONT: Final = """
    upstream application {{
        server 127.0.0.1:{application};
        keepalive 32;
    }}
    server {{
        listen 127.0.0.1:{port} ssl;
        ssl_certificate {server.certificate};
        ssl_certificate_key {server.key};
        ssl_protocols TLSv1.2 TLSv1.3;
        ssl_verify_client on;
        ssl_client_certificate {root};
        {crl}
        location / {{
            proxy_pass http://application;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
        }}
    }}
"""


@dataclass(frozen=True, slots=True)
class Material:
    """Files.

    Attributes:
        root: PEM of who has issued everything.
        crls: A directory with its CRL, as DER.
        crl: The same as PEM, for nginx.
    """

    root: Path
    crls: Path
    crl: Path
    server: Pair
    clients: tuple[Pair, ...]


@dataclass(slots=True)
class Lane:
    """Who is measured, and what was found.

    Attributes:
        master: nginx's master process.
        service: Who is asked.
        octets: Of one answer.
        seconds: A request, turn by turn: passing time.
        nginx: The same in the processor's time of nginx.
        revet: And of Revet's workers.
    """

    port: int
    master: int
    service: Service | None = None
    octets: int = 0
    seconds: list[float] = field(default_factory=list)
    nginx: list[float] = field(default_factory=list)
    revet: list[float] = field(default_factory=list)

    @property
    def workers(self) -> list[int]:
        """Processes that nginx's master has started."""
        return _children(self.master)

    @property
    def resident(self) -> int:
        """Octets of the largest of them."""
        return max(memory(pid, "VmRSS") for pid in self.workers)


def timings(entries: int = ENTRIES) -> list[Timing]:
    """Seconds for a handshake and a request, turn by turn.

    Raises:
        UnusableError: a program is missing, or somebody does not answer.
    """
    with lanes(entries) as (found, _):
        return [Timing(name, lane.seconds) for name, lane in found.items()]


@contextlib.contextmanager
def lanes(entries: int) -> Iterator[tuple[Mapping[str, Lane], Service]]:
    """All of them, measured and still running; ended when the block is left."""
    for program in ("nginx", "openssl"):
        if shutil.which(program) is None:
            raise UnusableError(f"{program} is missing: apt install {program}")
    with TemporaryDirectory(prefix="revet-bench-") as directory, contextlib.ExitStack() as stack:
        place = Path(directory)
        place.chmod(0o711)  # nginx's workers are somebody else
        files = material(place, entries)
        service = stack.enter_context(_served(place, files))
        found = _started(stack, place, files, service)
        for lane in found.values():
            lane.octets = _octets_of_one_answer(lane.port, files)
        for turn in range(TURNS):
            for lane in found.values():
                _take_turn(lane, files, counts=turn > 0)
        yield found, service


def material(place: Path, entries: int) -> Material:
    """A root, its CRL, and the certificates of a server and some clients."""
    now = SystemClock().now()
    validity: CertificateOverrides = {"not_before": now - timedelta(days=1), "not_after": now + timedelta(days=30)}
    root = Authority.root("Bench Root", **validity)
    listed = crl(root, entries, 1, now - timedelta(hours=1), now + timedelta(days=1))
    server: CertificateOverrides = {**validity, "san": ["IP:127.0.0.1"], "extended_key_usage": ["serverAuth"]}
    found = Material(
        root=place / "root.pem",
        crls=place / "crls",
        crl=place / "crl.pem",
        server=write(place, "server", root.issue("server", **server)),
        clients=tuple(write(place, f"client-{one}", root.issue(f"client {one}", **validity)) for one in range(CLIENTS)),
    )
    found.root.write_text(root.pem)
    found.crls.mkdir()
    (found.crls / "root.crl").write_bytes(listed)
    armour = b"-----BEGIN X509 CRL-----\n%b-----END X509 CRL-----\n"
    found.crl.write_bytes(armour % base64.encodebytes(listed))
    return found


@contextlib.contextmanager
def _served(place: Path, files: Material) -> Iterator[Service]:
    """Revet, ready: it holds the CRL."""
    settings = {
        "REVET_WORKERS": "1",
        "REVET_CRL_SOURCES": str(files.crls),
        "REVET_REVOCATION_MODE": "require",
        "REVET_LOG_LEVEL": "error",
    }
    with running_service(place, files.root, settings) as service:
        yield service


def _started(stack: contextlib.ExitStack, place: Path, files: Material, service: Service) -> dict[str, Lane]:
    application, plain, listed = free_port(), free_port(), free_port()
    stack.enter_context(_nginx(place / "application", APPLICATION.format(port=application), application))

    def front(name: str, port: int, more: str) -> Lane:
        text = _FRONT.format(application=application, port=port, server=files.server, root=files.root, crl=more)
        return Lane(port, stack.enter_context(_nginx(place / name, text, port)))

    def sidecar(**more: str) -> Lane:
        environment = {
            "REVET_URL": service.url,
            "REVET_SIDECAR_UPSTREAM": f"http://127.0.0.1:{application}",
            "REVET_SIDECAR_TLS_CERT": str(files.server.certificate),
            "REVET_SIDECAR_TLS_KEY": str(files.server.key),
            **more,
        }
        running = stack.enter_context(running_sidecar(place, "nlb", environment))
        return Lane(running.port, running.process.pid, service)

    return {
        PLAIN: front("plain", plain, ""),
        OURS: sidecar(),
        KEPT: sidecar(REVET_SIDECAR_CACHE_S="10"),
        THEIRS: front("listed", listed, f"ssl_crl {files.crl};"),
    }


@contextlib.contextmanager
def _nginx(place: Path, more: str, port: int) -> Iterator[int]:
    """An nginx that answers; its master's process id."""
    place.mkdir()
    configuration = place / "nginx.conf"
    configuration.write_text(_NGINX.format(place=place, more=more))
    command = ["nginx", "-c", str(configuration)]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        until(lambda: _listens(port) or process.poll() is not None, "nginx answers")
        if process.poll() is not None:
            raise UnusableError(f"nginx ends: {(place / 'error.log').read_text()}")
        yield process.pid
    finally:
        process.terminate()
        process.wait()


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def _octets_of_one_answer(port: int, files: Material) -> int:
    """How long an answer is, once it is known that every client gets one.

    Raises:
        UnusableError: one is refused.
    """
    answers = [_answer(port, files.root, client) for client in files.clients]
    for answer in answers:
        if not answer.startswith(b"HTTP/1.1 200") or not answer.endswith(b"the application"):
            raise UnusableError(f"refused: {answer.decode(errors='replace')}")
    return len(answers[0])


def _answer(port: int, root: Path, client: Pair) -> bytes:
    context = ssl.create_default_context(cafile=root)
    context.load_cert_chain(client.certificate, client.key)
    with (
        socket.create_connection(("127.0.0.1", port), 30) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1") as connection,
    ):
        connection.sendall(_REQUEST)
        return b"".join(iter(lambda: connection.recv(65_536), b""))


def _take_turn(lane: Lane, files: Material, *, counts: bool) -> None:
    revet = [] if lane.service is None else lane.service.children("worker")
    before = _processor_time(lane.workers), _processor_time(revet)
    started = time.perf_counter()
    running = [_client(lane.port, files, client) for client in files.clients]
    said = [_SAID.search(one.communicate()[0]) for one in running]
    passed = time.perf_counter() - started
    requests = 0
    for one in said:
        if one is None or int(one[2]) != lane.octets:
            raise UnusableError(f"some were answered otherwise: {one}")
        requests += int(one[1])
    if counts:
        lane.seconds.append(passed / requests)
        lane.nginx.append((_processor_time(lane.workers) - before[0]) / requests)
        lane.revet.append((_processor_time(revet) - before[1]) / requests)


def _client(port: int, files: Material, client: Pair) -> subprocess.Popen[str]:
    command = ["openssl", "s_time", "-new", "-connect", f"127.0.0.1:{port}", "-www", _TARGET, "-time", str(TURN_S)]
    command += ["-cert", str(client.certificate), "-key", str(client.key), "-CAfile", str(files.root), "-verify", "2"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def _processor_time(pids: Sequence[int]) -> float:
    """Seconds that processes have computed so far."""
    fields = (Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in pids)
    return sum(int(one[11]) + int(one[12]) for one in fields) / _TICKS


def _children(pid: int) -> list[int]:
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(prog="python -m bench.sidecar")
    parser.add_argument("entries", nargs="?", type=int, default=ENTRIES)
    given = parser.parse_args(arguments)
    print(f"The load of this machine, before anything is measured: {os.getloadavg()[0]:.1f} of {os.cpu_count()} cores.")
    with lanes(given.entries) as (found, service):
        print(f"\nMutual TLS, one request a connection, {given.entries:,} entries in the CRL of the clients' issuer")
        print(f"{'':<24} {'a second':>9} {'nginx':>9} {'Revet':>9} {'nginx worker':>13}")
        for name, lane in found.items():
            times = [f"{median(one) * 1e6:,.0f} us" for one in (lane.nginx, lane.revet)]
            rate = f"{1 / median(lane.seconds):,.0f}"
            print(f"{name:<24} {rate:>9} {times[0]:>9} {times[1]:>9} {lane.resident / MEGABYTE:>10.0f} MB")
        for ours in (OURS, KEPT):
            for theirs, wanted in ((PLAIN, 0.7), (THEIRS, 20)):
                ratio = median(found[theirs].seconds) / median(found[ours].seconds)
                verdict = "pass" if ratio >= wanted else "FAIL"
                print(f"  {ours} : {theirs} = {ratio:.3g} times as many; {wanted:.3g} wanted: {verdict}")
        (worker,) = service.children("worker")
        print(f"  Revet's worker: {memory(worker, 'VmRSS') / MEGABYTE:.0f} MB resident", end="")
        print(f", {memory(worker, 'RssAnon') / MEGABYTE:.0f} MB of them its own")


if __name__ == "__main__":
    main()
