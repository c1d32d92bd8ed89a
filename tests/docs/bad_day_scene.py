"""The bad day that `docs/operations.md` walks through: an authority, a service, a shell, and a Prometheus that watches.

Two things are quicker than in life. The authority's last CRL ends seconds after it was published, not days; so that it
ends just then, no skew of clocks is allowed for. And each `for:` of the shipped rules is a second, since an alert that
waits five minutes would have the test wait as long; nothing else of the rules is changed.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import httpx

from tests.docs.pages import ROOT
from tests.docs.shell import Shell, shell
from tests.e2e.published import Published, publishing
from tests.e2e.running import PATIENCE_S, Service, running_service, until
from tests.pki import Authority, CertificateOverrides, Issued
from tests.pki.clock import now, validity_of_now
from tests.ports import free_port

ADMIN: Final = "admin-0123456789abcdef-of-a-bad-day"
ISSUER: Final = "CN=Example Issuing"
PATH: Final = "/issuing.crl"

_LIVES_S: Final = (2, 4, 8, 16, 32)
"""Seconds that the last CRL has left when it is published: more each time that a busy machine has taken it too late."""

_PROMETHEUS: Final = """\
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: [alerts.yaml]
scrape_configs:
  - job_name: revet
    static_configs: [{{targets: ["{target}"], labels: {{namespace: production}}}}]
"""


@dataclass(frozen=True, slots=True)
class Alerts:
    """A Prometheus that evaluates the shipped rules.

    Attributes:
        url: Where it answers.
    """

    url: str

    def firing(self) -> set[tuple[str, str]]:
        """Alerts that are sent now, and about which issuer; nothing while it does not answer."""
        try:
            answer = httpx.get(f"{self.url}/api/v1/alerts", timeout=PATIENCE_S)
        except httpx.TransportError:
            return set()
        if answer.status_code != httpx.codes.OK:
            return set()
        found = [one for one in answer.json()["data"]["alerts"] if one["state"] == "firing"]
        return {(one["labels"]["alertname"], one["labels"].get("issuer", "")) for one in found}

    def has_seen(self, metric: str) -> bool:
        """Whether it has scraped anything of that name."""
        try:
            answer = httpx.get(f"{self.url}/api/v1/query", params={"query": metric}, timeout=PATIENCE_S)
        except httpx.TransportError:
            return False
        return answer.status_code == httpx.codes.OK and bool(answer.json()["data"]["result"])


@dataclass(frozen=True, slots=True)
class Day:
    """Everything of it.

    Attributes:
        issuing: The authority.
        published: Where it publishes.
        service: Who decides.
        shell: Where an operator types; `revet` asks the service.
        alerts: Who watches.
        clients: Certificates, by name; `stolen` is one.
    """

    issuing: Authority
    published: Published
    service: Service
    shell: Shell
    alerts: Alerts
    clients: Mapping[str, Issued]

    def publish(self, number: int, lives: timedelta, *stolen: str) -> None:
        """Publish a CRL with the clients on it that were stolen."""
        begin = now() - timedelta(days=1)
        self.published.bodies[PATH] = self.issuing.crl(
            number=number,
            revoked={self.clients[name].serial: "keyCompromise" for name in stolen},
            this_update=begin + timedelta(seconds=number),
            next_update=now() + lives,
        )

    def publish_the_last(self) -> None:
        """Publish one that ends soon, and nothing after it; the service holds it, and it was in time."""
        for number, seconds in enumerate(_LIVES_S, start=2):
            self.publish(number, timedelta(seconds=seconds))
            self.shell.run("revet refresh --wait")
            if self.line()["crl_number"] == number:
                del self.published.bodies[PATH]
                return
        raise AssertionError(f"none was taken in time: {self.line()}")

    def line(self) -> Mapping[str, Any]:
        """What the service says of the authority's CRL."""
        (line,) = self.get("/v1/crls")["crls"]
        return dict(line)

    def get(self, path: str) -> Any:  # noqa: ANN401 - any JSON
        """What the service answers."""
        answer = httpx.get(f"{self.service.url}{path}", headers=_HEADERS, timeout=PATIENCE_S)
        assert httpx.codes.OK == answer.status_code, answer.text
        return answer.json()

    def code(self, name: str) -> str:
        """The code of a client's decision."""
        body = {"certificate": self.clients[name].pem}
        answer = httpx.post(f"{self.service.url}/v1/validate", json=body, headers=_HEADERS, timeout=PATIENCE_S)
        assert httpx.codes.OK == answer.status_code, answer.text
        return str(answer.json()["code"])


_HEADERS: Final = {"authorization": f"Bearer {ADMIN}"}


@contextmanager
def bad_day(place: Path) -> Iterator[Day]:
    """A day that begins well: what the authority has published is held, and the client is let in."""
    valid = validity_of_now()
    issuing = Authority.root("Example Issuing", **valid)
    (place / "issuing.pem").write_text(issuing.pem)
    with publishing() as published:
        url = f"{published.url}{PATH}"
        overrides: CertificateOverrides = {**valid, "crl_urls": [url]}
        clients = {name: issuing.issue(name, **overrides) for name in ("client", "stolen")}
        for name, client in clients.items():
            (place / f"{name}.pem").write_text(client.pem)
        published.bodies[PATH] = issuing.crl(
            number=1, revoked=[], this_update=now() - timedelta(days=1), next_update=now() + timedelta(days=1)
        )
        settings = {
            "REVET_CRL_SOURCES": url,
            "REVET_CLOCK_SKEW_S": "0",
            "REVET_ADMIN_TOKENS": ADMIN,
            "REVET_API_TOKENS": f"caller-{ADMIN}",
        }
        own = {name: value for name, value in os.environ.items() if not name.startswith("REVET_")}
        typed = {**own, "PATH": f"{ROOT / '.venv' / 'bin'}:{own['PATH']}", "REVET_TOKEN": ADMIN}
        with (
            running_service(place, place / "issuing.pem", settings, management=True) as service,
            _prometheus(place / "prometheus", service.management_url) as alerts,
            shell(place, typed) as made,
        ):
            made.run(f'revet() {{ command revet "$@" --url {service.url}; }}')
            yield Day(issuing, published, service, made, alerts, clients)


@contextmanager
def _prometheus(place: Path, target: str) -> Iterator[Alerts]:
    """Watch a service with the shipped alerts, each of which waits for a second."""
    program = shutil.which("prometheus")
    assert program is not None, "prometheus is missing: scripts/system-packages prometheus"
    place.mkdir()
    shipped = (ROOT / "deploy" / "prometheus" / "alerts.yaml").read_text(encoding="utf-8")
    (place / "alerts.yaml").write_text(re.sub(r"(?m)^( +for:) .*$", r"\1 1s", shipped))
    (place / "prometheus.yml").write_text(_PROMETHEUS.format(target=target.removeprefix("http://")))
    address = f"127.0.0.1:{free_port()}"
    with (place / "log").open("wb") as log:
        process = subprocess.Popen(
            (
                program,
                f"--config.file={place / 'prometheus.yml'}",
                f"--storage.tsdb.path={place / 'data'}",
                f"--web.listen-address={address}",
            ),
            stdout=log,
            stderr=log,
        )
        alerts = Alerts(f"http://{address}")
        try:
            until(lambda: alerts.has_seen("revet_build_info") or process.poll() is not None, "it has scraped")
            assert process.poll() is None, (place / "log").read_text()
            yield alerts
        finally:
            process.terminate()
            process.wait(PATIENCE_S)
