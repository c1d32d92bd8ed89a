"""Everything that the story needs, running: authorities, the service, the application, and the doors.

Rules: what is here is what production has, but for the stand-ins for API Gateway and for an Application Load Balancer.
Everything listens on loopback, at ports of its own, keeps its files below one directory, and ends with the context that
it was entered in. Callers verify servers by a private CA; nothing skips verification.
"""

import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

import service
from service.adapters.clock import SystemClock
from service.demo.clients import GOOD
from service.demo.companion import Companion, Program, StopAsked, answers_200
from service.demo.files import Mode, write_atomically
from service.demo.gateway.own_certificate import OwnCertificate, make_own_certificate
from service.demo.pki import DemoPki
from service.demo.ports import LOOPBACK, Listeners
from service.demo.servers import DemoServers
from service.demo.service_program import NAME, READY, SERVE, service_environment
from service.demo.story.application import Application
from service.demo.story.curl import Curl
from service.demo.story.doors import FORGED_HEADERS, SERVERS_CA, Door
from service.demo.story.errors import InterruptedStoryError
from service.demo.story.programs import Programs
from service.demo.story.reserved import ReservedPorts

REFRESH_S: Final = 1
"""Seconds between two looks for a newer CRL. A service's own defaults are far longer, since authorities do not issue
CRLs by the second; this one does, on demand."""

PATIENCE_MS: Final = 5000
"""Milliseconds for one decision, fetches included, and for those who ask for it: ten times what it takes by default,
since a machine that is busy with other things would tell a story of time-outs."""

WORKERS: Final = 2
"""Processes of the service that answer: more than one, so that what one of them learns has to reach another."""

SERVERS_NAME: Final = "Private CA of the servers"
"""Whom callers of the service and of the doors trust; it has nothing to do with the clients' authorities."""

HANDED_ON: Final = ("X-Amzn-Mtls-Clientcert", "X-Amzn-Mtls-Clientcert-Leaf", "X-SSL-Client-Cert")
"""Headers in which load balancers and sidecars hand a certificate on."""

ADMINISTRATOR: Final = "administrator.txt"
"""The file with an administrator's header of authorization, in the directory where curl runs."""


@dataclass(frozen=True, slots=True)
class Base:
    """What the doors are built on.

    Attributes:
        directory: For files.
        programs: Of others.
        environment: For programs that are started, without settings of the user's own.
        servers: The private CA, and a certificate for whoever answers over TLS.
        ports: More of them.
        pki: The clients' authorities.
        service_url: Where the service is.
        caller: What every caller of the service is told of it, as the authorizer and the sidecar read it.
        application_url: Where the application is.
    """

    directory: Path
    programs: Programs
    environment: Mapping[str, str]
    servers: OwnCertificate
    ports: ReservedPorts
    pki: DemoPki
    service_url: str
    caller: Mapping[str, str]
    application_url: str


@dataclass(frozen=True, slots=True)
class Opening:
    """A door that has been begun.

    Attributes:
        door: What it is.
        companions: The programs that it consists of, started.
    """

    door: Door
    companions: tuple[Companion, ...]


Build = Callable[[Base, ExitStack], Opening]
"""Starts what a door consists of, on a stack that ends it."""


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything, running.

    Attributes:
        base: What the doors are built on.
        doors: The doors, open.
        curl: The client, in the directory of the clients' certificates.
        companions: Every program that was started.
    """

    base: Base
    doors: tuple[Door, ...]
    curl: Curl
    companions: tuple[Companion, ...]

    def check(self) -> None:
        """See whether everything runs.

        Raises:
            CompanionError: something has ended by itself.
        """
        for companion in self.companions:
            companion.check()


@contextmanager
def set_stage(
    directory: Path, programs: Programs, builders: tuple[Build, ...], stop_asked: StopAsked
) -> Iterator[Stage]:
    """Start everything, and stop it at the end.

    Args:
        directory: An empty one, for all files.
        programs: Of others.
        builders: Of the doors.
        stop_asked: Tells whether the user wants to stop.

    Raises:
        DemoError: something did not start, or the user wants to stop.
        OSError: the machine has no more of something.
    """
    with ExitStack() as stack:
        pki = _serve_pki(directory / "pki", stack)
        clients = pki.layout.certificate(GOOD.name).parent
        base, started = _start_service(directory, programs, pki, stack)
        openings = [build(base, stack) for build in builders]
        companions = (started, *(companion for opening in openings for companion in opening.companions))
        for companion in companions:
            if not companion.wait_until_ready(stop_asked):
                raise InterruptedStoryError
        yield Stage(base, tuple(opening.door for opening in openings), Curl(programs, clients), companions)


def _serve_pki(directory: Path, stack: ExitStack) -> DemoPki:
    clock = SystemClock()
    listeners = stack.enter_context(Listeners.anywhere())
    pki = DemoPki.create(directory, listeners.ports, clock.now())
    stack.enter_context(DemoServers(pki, listeners, clock))
    return pki


def _start_service(directory: Path, programs: Programs, pki: DemoPki, stack: ExitStack) -> tuple[Base, Companion]:
    servers = make_own_certificate(directory, (LOOPBACK,), SystemClock().now(), authority_name=SERVERS_NAME)
    ports = stack.enter_context(ReservedPorts())
    port, probe_port = ports.take(), ports.take()
    token, administrator = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
    _equip_clients(pki, servers, administrator)
    environment = _environment(programs)
    settings = {
        **service_environment(environment, pki.layout, port),
        "REVET_WORKERS": str(WORKERS),
        "REVET_MANAGEMENT_PORT": str(probe_port),
        "REVET_TLS_CERT": str(servers.certificate),
        "REVET_TLS_KEY": str(servers.key),
        "REVET_API_TOKENS": token,
        "REVET_ADMIN_TOKENS": administrator,
        "REVET_CRL_REFRESH_MIN_S": str(REFRESH_S),
        "REVET_CRL_REFRESH_MAX_S": str(REFRESH_S),
        "REVET_DEADLINE_MS": str(PATIENCE_MS),
    }
    program = Program(NAME, SERVE, settings, directory / "service.log")
    service_url = f"https://{LOOPBACK}:{port}"
    base = Base(
        directory=directory,
        programs=programs,
        environment=environment,
        servers=servers,
        ports=ports,
        pki=pki,
        service_url=service_url,
        caller={
            "REVET_URL": service_url,
            "REVET_TOKEN": token,
            "REVET_CA_BUNDLE": str(servers.authority),
            "REVET_TIMEOUT_MS": str(PATIENCE_MS),
        },
        application_url=stack.enter_context(Application()).url,
    )
    return base, stack.enter_context(Companion(program, answers_200(probe_port, READY)))


def _equip_clients(pki: DemoPki, servers: OwnCertificate, administrator: str) -> None:
    """Put beside the clients' certificates whom they believe, what they forge, and an administrator's token."""
    good = pki.layout.certificate(GOOD.name)
    clients, forged = good.parent, quote(good.read_text())
    write_atomically(clients / SERVERS_CA, servers.authority.read_bytes())
    write_atomically(clients / ADMINISTRATOR, f"Authorization: Bearer {administrator}\n".encode(), Mode.PRIVATE)
    write_atomically(clients / FORGED_HEADERS, "".join(f"{name}: {forged}\n" for name in HANDED_ON).encode())


def _environment(programs: Programs) -> dict[str, str]:
    """The user's own environment without settings of ours: they would make another service of it.

    Programs of ours are modules of the package that this one is of, whatever lies in the current directory.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("REVET_", "PYTHON"))}
    package = str(Path(service.__file__).parents[1])
    return {**kept, "PATH": programs.search_path, "PYTHONSAFEPATH": "1", "PYTHONPATH": package}
