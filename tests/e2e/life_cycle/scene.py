"""What every test of the life cycle has: an authority, a client who is good, one who is not, and a running service."""

import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import httpx

from tests.e2e.published import Published
from tests.e2e.running import PATIENCE_S, Service, events_in, running_service, until
from tests.pki import Authority, Issued
from tests.pki.clock import now, validity_of_now

ROOT: Final = Authority.root("Root", **validity_of_now())
OTHER: Final = Authority.root("Other", **validity_of_now())
"""One whose CRL has to be fetched."""

GOOD: Final = ROOT.issue("good", **validity_of_now())
REVOKED: Final = ROOT.issue("revoked", **validity_of_now())

EXPECTED: Final[Mapping[str, tuple[Issued, str]]] = {"good": (GOOD, "allow"), "revoked": (REVOKED, "deny")}
"""Who asks, and what is decided about him at any time."""


def crl_of(authority: Authority, *revoked: Issued) -> bytes:
    """A CRL that is good for a day."""
    listed = [one.serial for one in revoked]
    begin = now() - timedelta(hours=1)
    return authority.crl(number=1, revoked=listed, this_update=begin, next_update=now() + timedelta(days=1))


def client_of_other(published: Published) -> Issued:
    """A client of the other authority, whose CRL is published there."""
    published.bodies["/other.crl"] = crl_of(OTHER)
    overrides = validity_of_now()
    overrides["crl_urls"] = [f"{published.url}/other.crl"]
    return OTHER.issue("client of the other", **overrides)


def write_evidence(place: Path) -> Path:
    """A trust store of both authorities, and beside it a directory with the CRL of one; the trust store."""
    (place / "crls").mkdir()
    (place / "crls" / "root.crl").write_bytes(crl_of(ROOT, REVOKED))
    trust_store = place / "trust.pem"
    trust_store.write_text(ROOT.pem + OTHER.pem)
    return trust_store


@dataclass(frozen=True, slots=True)
class Living:
    """A service that runs, and what it has said.

    Attributes:
        service: It.
        log_file: Its log.
        config: The TOML file that it reads.
    """

    service: Service
    log_file: Path
    config: Path

    def events(self, name: str) -> list[dict[str, Any]]:
        """What the log has of an event."""
        return events_in(self.log_file, name)

    def wait_for(self, name: str, count: int = 1) -> Mapping[str, Any]:
        """Wait until the log has it so often; the last one."""
        until(lambda: len(self.events(name)) >= count, f"{name} x{count} is in the log")
        return self.events(name)[-1]

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the supervisor."""
        self.service.process.send_signal(number)

    def children(self) -> list[int]:
        """Process ids of all that it has started."""
        return [*self.service.children("worker"), *self.service.children("prefetcher")]


@contextmanager
def living(place: Path, toml: str = "", *, management: bool = False, **settings: str) -> Iterator[Living]:
    """A service that holds the authority's CRL, until the block is left.

    Args:
        place: For its files.
        toml: Settings in its file.
        management: Whether it has a management port.
        settings: More settings, in the environment, without `REVET_`.
    """
    trust_store = write_evidence(place)
    config = place / "revet.toml"
    config.write_text(toml)
    environment = {
        "REVET_CONFIG": str(config),
        "REVET_CRL_SOURCES": str(place / "crls"),
        "REVET_CRL_FIRST_DELAY_S": "0",
        "REVET_LOG_LEVEL": "info",
        "REVET_LOG_FORMAT": "json",
        **{f"REVET_{name}": value for name, value in settings.items()},
    }
    # The environment would win over the file, and `running_service` has a number there.
    inside = ("env", "-u", "REVET_WORKERS") if "workers" in toml else ()
    with running_service(place, trust_store, environment, management=management, inside=inside) as service:
        yield Living(service, place / "service.log", config)


@contextmanager
def asking(alive: Living, certificate: Issued) -> Iterator[Callable[[], httpx.Response]]:
    """A request that goes on while the block does; gives what waits for its answer."""
    answers: list[httpx.Response] = []

    def ask() -> None:
        answers.append(
            httpx.post(f"{alive.service.url}/v1/validate", json={"certificate": certificate.pem}, timeout=PATIENCE_S)
        )

    thread = threading.Thread(target=ask)

    def answer() -> httpx.Response:
        thread.join(PATIENCE_S)
        return answers[0]

    thread.start()
    try:
        yield answer
    finally:
        thread.join(PATIENCE_S)
