"""The bad days of `docs/runbooks.md`, brought about: for each section a service to which just that has happened."""

import os
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Final, Literal, TypeAlias
from urllib.parse import quote

import httpx
import lmdb

from service.adapters.lmdb.environment import MAP_OCTETS, MAX_DATABASES, MAX_READERS
from tests.docs.pages import ROOT
from tests.docs.shell import Shell, shell
from tests.e2e.data_directory.disks import MIB, small_disk
from tests.e2e.published import Published, publishing
from tests.e2e.running import Service, running_service, until
from tests.e2e.test_tls import write
from tests.pki import Authority, CertificateOverrides, Issued, bundle
from tests.pki.clock import now, validity_of_now
from tests.redis_servers import RedisServer, redis_server

VALID: Final = validity_of_now()
CA: Final = Authority.root("Example Root", **VALID)
CLIENT: Final = CA.issue("client", **VALID)
NOBODY: Final = "http://127.0.0.1:9/root.crl"
"""Where nobody listens."""

SETTINGS: Final = {"REVET_LOG_FORMAT": "json", "REVET_WORKERS": "1", "REVET_CRL_FIRST_DELAY_S": "0"}
FLEET: Final = {"REVET_FLEET_KEY": "a-key-of-the-runbook-0123456789abcdef", "REVET_REVOCATION_MODE": "off"}
NOBODYS_KEY: Final = "another-key-of-nobody-0123456789abcdef"


_ASKING: Final = """\
revet() { case $1-$2 in config-*|crl-show) command revet "$@";; *) command revet "$@" --url SERVICE;; esac; }
page=http://127.0.0.1:8080 real=MANAGEMENT
curl() { command curl "${@/$page/$real}"; }
"""
"""Has commands as the page shows them ask a service that is elsewhere."""


@dataclass(frozen=True, slots=True)
class Stage:
    """Where commands are typed.

    Attributes:
        shell: In the directory of the service's files; `revet` and `curl` ask the service.
        service: It.
        place: That directory.
        instead: What stands on the page, and what is typed instead: ports, ids.
    """

    shell: Shell
    service: Service
    place: Path
    instead: dict[str, str] = field(default_factory=dict)

    def ask(self, times: int = 1) -> None:
        """Have the service decide upon the client."""
        for _ in range(times):
            httpx.post(f"{self.service.url}/v1/validate", json={"certificate": CLIENT.pem}, timeout=20)

    def has_logged(self, event: str) -> None:
        """Wait until it has."""
        until(lambda: f'"{event}"' in (self.place / "service.log").read_text(), f"{event} is in the log")


Scene: TypeAlias = Callable[[Path], AbstractContextManager[Stage]]


@contextmanager
def stage(
    place: Path,
    client: Issued = CLIENT,
    settings: Mapping[str, str] | None = None,
    *,
    inside: tuple[str, ...] = (),
    is_ready: bool = True,
) -> Iterator[Stage]:
    """A service with its files in a directory, and a shell there."""
    place.mkdir(parents=True, exist_ok=True)
    (place / "trust.pem").write_text(CA.pem)
    (place / "client.pem").write_text(client.pem)
    (place / "revet.toml").touch()
    given = {**SETTINGS, "REVET_CONFIG": str(place / "revet.toml"), **(settings or {})}
    own = {name: value for name, value in os.environ.items() if not name.startswith("REVET_")}
    typed = {**own, "PATH": f"{ROOT / '.venv' / 'bin'}:{own['PATH']}", "REVET_TRUST_STORE": "trust.pem"}
    typed |= {name: value for name, value in given.items() if name not in {"REVET_CONFIG", "REVET_DATA_DIR"}}
    awaiting: Literal["is_ready", "answers"] = "is_ready" if is_ready else "answers"
    tls = "REVET_TLS_CERT" in given
    with (
        running_service(place, place / "trust.pem", given, management=tls, awaiting=awaiting, inside=inside) as service,
        shell(place, typed) as made,
    ):
        (place / "revet.log").unlink(missing_ok=True)
        (place / "revet.log").symlink_to(place / "service.log")
        for line in _ASKING.splitlines():
            made.run(line.replace("MANAGEMENT", service.management_url).replace("SERVICE", service.url))
        yield Stage(made, service, place)


def crl(number: int, begins: int = -1, ends: int = 24) -> bytes:
    """A CRL that nobody is on, from so many hours from now to so many."""
    this_update, next_update = (now() + timedelta(hours=hours) for hours in (begins, ends))
    return CA.crl(number=number, revoked=[], this_update=this_update, next_update=next_update)


def _client(**sources: list[str]) -> Issued:
    """One whose certificate names where its revocation is told."""
    overrides: CertificateOverrides = {**VALID, **sources}  # type: ignore[typeddict-item]
    return CA.issue("client", **overrides)


def _damage(store: Path, database: bytes) -> str:
    """Put what nobody can read under the first key of a database, while others have it open; the key."""
    path = str(store / "hot")
    with lmdb.open(path, map_size=MAP_OCTETS, max_dbs=MAX_DATABASES, max_readers=MAX_READERS) as environment:
        opened = environment.open_db(database, create=False)
        with environment.begin(write=True, db=opened) as transaction, transaction.cursor() as cursor:
            assert cursor.first()
            key = cursor.key()
            transaction.put(key, b"{}" if database == b"blocks" else b"?")
    return key.decode(errors="replace")


@contextmanager
def _publishing(place: Path, body: bytes, *, is_ready: bool = True) -> Iterator[tuple[Stage, Published]]:
    """A source of CRLs beside it, which is on the page as 35239."""
    with publishing() as published:
        published.bodies["/root.crl"] = body
        url = f"{published.url}/root.crl"
        client = _client(crl_urls=[url])
        with stage(place, client, {"REVET_CRL_SOURCES": url}, is_ready=is_ready) as made:
            made.instead["http://127.0.0.1:35239"] = published.url
            yield made, published


@contextmanager
def denied(place: Path) -> Iterator[Stage]:
    """Nobody knows the CA of those who ask."""
    stranger = Authority.root("Stranger", **VALID).issue("client", **VALID)
    with stage(place, stranger) as made:
        for _ in range(3):
            made.service.validate(stranger.pem)
        yield made


@contextmanager
def untold(place: Path) -> Iterator[Stage]:
    """The CRL of a client cannot be fetched."""
    with stage(place, _client(crl_urls=[NOBODY])) as made:
        yield made


@contextmanager
def ca_down(place: Path) -> Iterator[Stage]:
    """A configured source does not answer."""
    with stage(place, settings={"REVET_CRL_SOURCES": NOBODY}, is_ready=False) as made:
        yield made


@contextmanager
def responder_down(place: Path) -> Iterator[Stage]:
    """Nor does a responder."""
    client = _client(ocsp_urls=["http://127.0.0.1:9/ocsp"])
    with stage(place, client) as made:
        made.service.validate(client.pem)
        yield made


@contextmanager
def stuck(place: Path) -> Iterator[Stage]:
    """A CRL that ended an hour ago."""
    with _publishing(place, crl(7, -48, -1), is_ready=False) as (made, _):
        yield made


@contextmanager
def older(place: Path) -> Iterator[Stage]:
    """Number 7 after number 8."""
    with _publishing(place, crl(8)) as (made, published):
        published.bodies["/root.crl"] = crl(7, -2)
        made.shell.run("revet refresh --wait")
        yield made


@contextmanager
def store_unreadable(place: Path) -> Iterator[Stage]:
    """The record of a CRL is damaged."""
    with _publishing(place, crl(8)) as (made, published):
        _damage(place / "data" / "store", b"crl-slots")
        published.bodies["/root.crl"] = crl(9)
        yield made


@contextmanager
def blocks_unreadable(place: Path) -> Iterator[Stage]:
    """A block is damaged, and was not read before."""
    with stage(place) as made:
        made.shell.run("revet block add client.pem --reason stolen")
    block = _damage(place / "data" / "store", b"blocks")
    with stage(place, is_ready=False) as made:
        made.instead["01a20559de239894f47338a7c6bf4b9d"] = block
        yield made


@contextmanager
def proxies_unanswered(place: Path) -> Iterator[Stage]:
    """The same, seen from a proxy."""
    with blocks_unreadable(place) as made:
        header = {"x-ssl-client-cert": quote(CLIENT.pem)}
        assert 503 == httpx.get(f"{made.service.url}/v1/authorize/nginx", headers=header).status_code
        yield made


@contextmanager
def disk_full(place: Path) -> Iterator[Stage]:
    """Nothing more fits."""
    place.mkdir()
    with small_disk(place / "disk", 24 * MIB) as disk:
        settings = {"REVET_DATA_DIR": str(disk.path / "data")}
        with stage(place, settings=settings, inside=disk.inside) as made:
            disk.fill_for_good()
            made.shell.run("revet block add client.pem --reason stolen")
            yield made


@contextmanager
def trust_store_refused(place: Path) -> Iterator[Stage]:
    """It is overwritten with something else."""
    with stage(place) as made:
        (place / "trust.pem").write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
        yield made


@contextmanager
def trust_store_ends(place: Path) -> Iterator[Stage]:
    """One of two roots has ten days left."""
    validity: CertificateOverrides = {**VALID, "not_after": now() + timedelta(days=10)}
    with stage(place) as made:
        (place / "trust.pem").write_text(bundle([CA, Authority.root("Old Root", **validity)]))
        yield made


@contextmanager
def reload_refused(place: Path) -> Iterator[Stage]:
    """A setting is wrong."""
    with stage(place) as made:
        (place / "revet.toml").write_text("grace_s = -1\n")
        made.service.process.send_signal(signal.SIGHUP)
        yield made


@contextmanager
def file_refused(place: Path) -> Iterator[Stage]:
    """A file of tokens is emptied."""
    place.mkdir()
    (place / "tokens").write_text("a-token-of-the-runbook-1234567890\n")
    with stage(place, settings={"REVET_API_TOKENS_FILE": str(place / "tokens")}) as made:
        (place / "tokens").write_text("")
        yield made


@contextmanager
def certificate_ends(place: Path) -> Iterator[Stage]:
    """It speaks TLS."""
    place.mkdir()
    server: CertificateOverrides = {**VALID, "san": ["IP:127.0.0.1"], "extended_key_usage": ["serverAuth"]}
    certificate, key = write(place, "server", CA.issue("server", **server))
    settings = {"REVET_TLS_CERT": str(certificate), "REVET_TLS_KEY": str(key)}
    with stage(place, settings=settings) as made:
        made.instead["server.pem"] = str(certificate)
        yield made


@contextmanager
def audit_failing(place: Path) -> Iterator[Stage]:
    """The directory of its file is gone."""
    (place / "audit").mkdir(parents=True)
    with stage(place, settings={"REVET_AUDIT_LOG": str(place / "audit" / "audit.jsonl")}) as made:
        (place / "audit").rename(place / "away")
        yield made


@contextmanager
def restarted(place: Path) -> Iterator[Stage]:
    """Somebody asks it to stop."""
    with stage(place) as made:
        made.service.process.send_signal(signal.SIGTERM)
        made.service.process.wait(30)
        yield made


@contextmanager
def refusing(place: Path) -> Iterator[Stage]:
    """A caller asks more than he may."""
    with stage(place, settings={"REVET_RATE_LIMIT_PER_S": "1", "REVET_RATE_LIMIT_BURST": "5"}) as made:
        made.ask(20)
        yield made


@contextmanager
def slow(place: Path) -> Iterator[Stage]:
    """A CRL does not come before the deadline."""
    with publishing() as published:
        published.gate.clear()
        client = _client(crl_urls=[f"{published.url}/root.crl"])
        with stage(place, client, {"REVET_DEADLINE_MS": "500"}) as made:
            made.service.validate(client.pem)
            yield made
            published.gate.set()


@contextmanager
def _fleet(place: Path, b: Mapping[str, str]) -> Iterator[tuple[Stage, Stage, RedisServer]]:
    """Two replicas, `revet-0` with a block and `revet-1`, which has settings of its own."""
    place.mkdir()
    with redis_server(place / "redis") as redis:
        settings = {**FLEET, "REVET_REDIS_URL": redis.url, "REVET_REPLICA_NAME": "revet-0"}
        with stage(place / "a", settings=settings) as first:
            first.shell.run("revet block add client.pem --reason stolen")
            other = {**settings, "REVET_REPLICA_NAME": "revet-1", **b}
            with stage(place / "b", settings=other, is_ready="REVET_FLEET_KEY" not in b) as second:
                yield first, second, redis


@contextmanager
def redis_down(place: Path) -> Iterator[Stage]:
    """It is killed."""
    with _fleet(place, {}) as (first, _, redis):
        redis.kill()
        yield first


def _unlike(setting: str, value: str, *, seen_by: Literal["the first", "the second"]) -> Scene:
    """A second replica that has a setting of its own, and which of the two is asked about it."""

    @contextmanager
    def scene(place: Path) -> Iterator[Stage]:
        with _fleet(place, {setting: value}) as (first, second, _):
            yield first if seen_by == "the first" else second

    return scene


@contextmanager
def missing(place: Path) -> Iterator[Stage]:
    """It is killed."""
    with _fleet(place, {}) as (first, second, _):
        until(lambda: "revet-1" in first.shell.run("revet stats"), "it is heard of")
        second.service.process.kill()
        first.instead["http://127.0.0.1:8081"] = second.service.url
        yield first


SCENES: Final[Mapping[str, Scene]] = {
    "Everything is denied": denied,
    "Revocation cannot be told": untold,
    "A CA is down": ca_down,
    "An OCSP responder is down": responder_down,
    "A CRL is stuck": stuck,
    "An older CRL is published": older,
    "A store cannot be read": store_unreadable,
    "Blocks cannot be read": blocks_unreadable,
    "The disk is full": disk_full,
    "A trust store was refused": trust_store_refused,
    "A certificate of a trust store ends": trust_store_ends,
    "A reload was refused": reload_refused,
    "A file was refused": file_refused,
    "The service's own certificate ends": certificate_ends,
    "The audit log cannot be written": audit_failing,
    "Redis is down": redis_down,
    "A replica is behind its fleet": _unlike("REVET_FLEET_KEY", NOBODYS_KEY, seen_by="the second"),
    "Replicas do not see each other": _unlike("REVET_REDIS_PREFIX", "other", seen_by="the first"),
    "Redis holds what this fleet has not written": _unlike("REVET_FLEET_KEY", NOBODYS_KEY, seen_by="the first"),
    "Two replicas bear one name": _unlike("REVET_REPLICA_NAME", "revet-0", seen_by="the first"),
    "A replica is missing or not ready": missing,
    "A replica is started again and again": restarted,
    "Proxies are answered with 503": proxies_unanswered,
    "Callers are told that they ask too much": refusing,
    "Verdicts are slow": slow,
}
"""By the headings of the page."""
