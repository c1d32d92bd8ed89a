"""Numbers are true: a known mix of traffic, and exactly those counts everywhere that counts are shown."""

import os
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import httpx
import pytest
from typer.testing import CliRunner

from service.cli.app import app
from tests.adapters.metrics_reader import samples
from tests.browser.shown import shown_decisions, shown_of_fleet
from tests.browser.watching import Visit, chromium, visiting
from tests.e2e.running import Service, running_service, until
from tests.pki import Authority
from tests.pki.clock import now, validity_of_now
from tests.redis_servers import redis_server

pytestmark = pytest.mark.slow

NOW: Final = validity_of_now()
ROOT: Final = Authority.root("Root", **NOW)
OTHER: Final = Authority.root("Other", **NOW)
GOOD: Final = ROOT.issue("good", **NOW)
BETTER: Final = ROOT.issue("better", **NOW)
REVOKED: Final = ROOT.issue("revoked", **NOW)
BLOCKED: Final = ROOT.issue("blocked", **NOW)
STRANGER: Final = OTHER.issue("stranger", **NOW)
CODES: Final = {
    GOOD.pem: ("allow", "ok"),
    BETTER.pem: ("allow", "ok"),
    REVOKED.pem: ("deny", "revoked"),
    BLOCKED.pem: ("deny", "blocked"),
    STRANGER.pem: ("deny", "untrusted"),
}
"""What is decided of each."""

WORKERS: Final = 2
PATIENCE_S: Final = 60.0

Kind = tuple[str, str, str]
"""A decision, its code and its front."""


@dataclass
class Sent:
    """What was asked of one replica, and must be found in its counts.

    Attributes:
        kinds: Decisions, by their kind.
        told: Those of them whose answer says whether it was kept, by that: a proxy's does not.
    """

    kinds: Counter[Kind] = field(default_factory=Counter)
    told: Counter[str] = field(default_factory=Counter)

    def by_code(self) -> Counter[tuple[str, str]]:
        """By decision and code alone."""
        found: Counter[tuple[str, str]] = Counter()
        for (decision, code, _), count in self.kinds.items():
            found[decision, code] += count
        return found


@dataclass
class Asking:
    """Asks one replica through connections to each of its workers, and keeps the books.

    Attributes:
        lines: A connection to each worker, by its process id.
    """

    service: Service
    lines: dict[int, httpx.Client]
    sent: Sent

    def validate(self, pid: int, pem: str, times: int = 1) -> None:
        """Ask a worker about a certificate."""
        for _ in range(times):
            answer = self.lines[pid].post("/v1/validate", json={"certificate": pem}).json()
            assert CODES[pem] == (answer["decision"], answer["code"])
            self._count(answer)

    def batch(self, pid: int, *pems: str) -> None:
        """Ask a worker about several at once."""
        answer = self.lines[pid].post("/v1/validate/batch", json={"items": [{"certificate": pem} for pem in pems]})
        for pem, one in zip(pems, answer.json()["results"], strict=True):
            assert CODES[pem] == (one["decision"], one["code"])
            self._count(one)

    def authorize(self, pid: int, pem: str) -> None:
        """Ask as nginx does."""
        answer = self.lines[pid].get("/v1/authorize/nginx", headers={"x-ssl-client-cert": quote(pem)})
        decision, code = CODES[pem]
        assert (200 if decision == "allow" else 403, code) == (answer.status_code, answer.json()["code"])
        self.sent.kinds[*CODES[pem], "nginx"] += 1

    def ask_for_nothing(self, pid: int) -> None:
        """Requests that nothing is decided of: they are no decisions."""
        line = self.lines[pid]
        assert 400 == line.post("/v1/validate", content=b"{").status_code
        assert 404 == line.get("/v1/nothing").status_code
        line.get("/v1/authorize/nginx")

    def _count(self, answer: dict[str, Any]) -> None:
        self.sent.kinds[answer["decision"], answer["code"], "api"] += 1
        self.sent.told[answer["cache"]] += 1

    def stats(self) -> Iterator[Any]:
        """What each worker says, several times."""
        for _ in range(2):
            for line in self.lines.values():
                yield line.get("/v1/stats").json()


@contextmanager
def asking(service: Service, sent: Sent) -> Iterator[Asking]:
    """Connections to every worker of a replica: which of them has one, it says itself."""
    with ExitStack() as stack:
        lines: dict[int, httpx.Client] = {}

        def have_all() -> bool:
            one = stack.enter_context(
                httpx.Client(base_url=service.url, timeout=30, limits=httpx.Limits(max_connections=1))
            )
            lines.setdefault(one.get("/v1/stats").json()["worker"]["pid"], one)
            return len(lines) == WORKERS

        until(have_all, "each worker has a connection", PATIENCE_S)
        yield Asking(service, lines, sent)


def send(replica: Asking, times: int) -> None:
    """A mix, through each worker."""
    for place, pid in enumerate(replica.lines):
        replica.validate(pid, GOOD.pem, times + place)
        replica.validate(pid, REVOKED.pem, times)
        replica.validate(pid, STRANGER.pem, 1 + place)
        replica.validate(pid, BLOCKED.pem, 2)
        replica.batch(pid, GOOD.pem, REVOKED.pem, BETTER.pem, BETTER.pem)
        for pem in (GOOD.pem, GOOD.pem, BLOCKED.pem, REVOKED.pem):
            replica.authorize(pid, pem)
        replica.ask_for_nothing(pid)


def check_stats(replica: Asking) -> None:
    """Whichever worker is asked, the counts are those of what was sent."""
    sent = replica.sent
    for stats in replica.stats():
        found = {
            (one["decision"], one["code"], front): count
            for one in stats["decisions"]
            for front, count in one["fronts"].items()
        }
        assert dict(sent.kinds) == found
        assert sent.by_code() == {(one["decision"], one["code"]): one["count"] for one in stats["decisions"]}
        sums = {
            decision: sum(n for kind, n in sent.kinds.items() if kind[0] == decision) for decision in ("allow", "deny")
        }
        assert {"decisions": sent.kinds.total(), **sums} == stats["totals"]
        (verdicts,) = (one for one in stats["caches"] if (one["tier"], one["kind"]) == ("memory", "verdict"))
        made, kept = stats["latency"]["count"], verdicts["hits"]
        assert sent.kinds.total() == made + kept
        assert made >= sent.told["miss"]
        assert kept >= sent.told["hit"] > 0


def check_states(replica: Asking) -> None:
    """Whichever worker is asked comes to speak for both, of what is kept in memory too."""

    def all_say_the_same() -> bool:
        found = list(replica.stats())
        kept = {cache["entries"] for one in found for cache in one["caches"] if cache["kind"] == "verdict"}
        workers = [[worker["pid"] for worker in one["workers"]] for one in found]
        return len(kept) == 1 and 0 not in kept and all(pids == sorted(replica.lines) for pids in workers)

    until(all_say_the_same, "both workers say the same of both", PATIENCE_S)
    until(lambda: all(one["redis"]["up"] for one in replica.stats()), "Redis answers both in time", PATIENCE_S)


def check_metrics(replica: Asking) -> None:
    """The page for Prometheus has the same."""
    stats = next(replica.stats())
    page = samples(httpx.get(f"{replica.service.url}/metrics", timeout=30).content)
    counted = {
        tuple(dict(labels)[name] for name in ("decision", "code", "front")): value
        for (name, labels), value in page.items()
        if name == "revet_validate_requests_total" and value
    }
    assert dict(replica.sent.kinds) == counted
    assert stats["latency"]["count"] == page["revet_validate_duration_seconds_count", frozenset()]
    for cache in stats["caches"]:
        labels = frozenset({("tier", cache["tier"]), ("kind", cache["kind"])})
        assert cache["hits"] == page.get(("revet_cache_hits_total", labels), 0)
        assert cache["misses"] == page.get(("revet_cache_misses_total", labels), 0)


def check_fleet(replicas: list[Asking]) -> None:
    """Each replica comes to say what all of them have decided together, by heartbeats that are newer than that."""
    expected: Counter[tuple[str, str]] = Counter()
    for one in replicas:
        expected.update(one.sent.by_code())
    ended_at = datetime.now(UTC)
    for replica in replicas:
        for line in replica.lines.values():
            found: dict[str, Any] = {}

            def is_newer(found: dict[str, Any] = found, line: httpx.Client = line) -> bool:
                found.update(line.get("/v1/stats").json()["fleet"]["totals"])
                # Where Redis was too slow this time, or a heartbeat came late, a replica is missing for a moment.
                oldest, is_whole = found["oldest_at"], found["counted"] == len(replicas)
                return is_whole and datetime.fromisoformat(oldest) > ended_at

            until(is_newer, "every heartbeat is newer than the traffic", PATIENCE_S)
            assert expected == {(one["decision"], one["code"]): one["count"] for one in found["decisions"]}
            assert (len(replicas), len(replicas)) == (found["replicas"], found["counted"])
            assert expected.total() == found["allow"] + found["deny"]


def check_pages(replicas: list[Asking]) -> None:
    """Each replica's page comes to show what it has decided, and what all of them have together."""
    codes = [code for one in replicas for code in one.sent.by_code().elements()]
    sums = Counter(decision for decision, _ in codes)
    together = {"present": str(len(replicas)), "fleet-allow": str(sums["allow"]), "fleet-deny": str(sums["deny"])}
    with chromium() as browser:
        for replica in replicas:
            with visiting(browser, replica.service.url) as visit:
                visit.open()
                visit.wait_for_figures()
                until(partial(_shows, visit, dict(replica.sent.by_code()), together), "the page shows it", PATIENCE_S)


def _shows(visit: Visit, codes: dict[tuple[str, str], int], together: dict[str, str]) -> bool:
    """Whether a page shows just these counts, of its replica and of the fleet."""
    return codes == shown_decisions(visit) and together == shown_of_fleet(visit)


def has_a_block(service: Service) -> bool:
    """Whether the block of the fleet is in force there."""
    return bool(httpx.get(f"{service.url}/v1/stats", timeout=30).json()["host"]["blocks"])


def open_replicas(tmp_path: Path, redis_url: str, stack: ExitStack) -> list[Service]:
    """Two, which hold the CRL of the root and have a block in force."""
    trust_store = tmp_path / "trust.pem"
    trust_store.write_text(ROOT.pem)
    found = []
    for name in ("revet-0", "revet-1"):
        place = tmp_path / name
        place.mkdir()
        settings = {
            "REVET_REDIS_URL": redis_url,
            "REVET_FLEET_KEY": "a-key-of-the-tests-0123456789abcdef",
            "REVET_REPLICA_NAME": name,
            "REVET_WORKERS": str(WORKERS),
            "REVET_AUTHORIZE_FRONTS": "nginx",
        }
        found.append(stack.enter_context(running_service(place, trust_store, settings)))
    begin, end = now() - timedelta(minutes=1), now() + timedelta(days=1)
    crl = ROOT.crl(number=1, revoked=[REVOKED.serial], this_update=begin, next_update=end)
    for one in found:
        answer = httpx.put(f"{one.url}/v1/crls/uploads/root.crl", content=crl, timeout=30)
        assert 200 == answer.status_code, answer.text
    block = {"fingerprint_sha256": sha256(BLOCKED.der).hexdigest(), "reason": "stolen"}
    assert 201 == httpx.post(f"{found[0].url}/v1/blocks", json=block, timeout=30).status_code
    for one in found:
        until(partial(has_a_block, one), "it is blocked", PATIENCE_S)
    return found


def test_what_was_sent_is_what_is_counted(tmp_path: Path) -> None:
    """By every worker, for Prometheus, on the page, and of the fleet; a worker that is killed takes nothing with it."""
    sent = [Sent(), Sent()]
    with redis_server(tmp_path / "redis") as redis, ExitStack() as stack:
        services = open_replicas(tmp_path, redis.url, stack)
        with ExitStack() as lines:
            replicas = [lines.enter_context(asking(*one)) for one in zip(services, sent, strict=True)]
            for place, replica in enumerate(replicas):
                send(replica, 3 + place)
                check_stats(replica)
                check_metrics(replica)
            check_fleet(replicas)
        before = services[0].children("worker")
        os.kill(before[0], signal.SIGKILL)
        until(
            lambda: len(services[0].children("worker")) == WORKERS and before[0] not in services[0].children("worker"),
            "it is replaced",
            PATIENCE_S,
        )
        replicas = [stack.enter_context(asking(*one)) for one in zip(services, sent, strict=True)]
        assert before[0] not in replicas[0].lines
        for replica in replicas:
            check_stats(replica)
            send(replica, 2)
            check_stats(replica)
            check_metrics(replica)
        check_fleet(replicas)
        check_pages(replicas)
        check_states(replicas[0])
        shown = CliRunner().invoke(app, ["stats", "--url", services[0].url]).output
        allowed = sum(count for one in sent for kind, count in one.kinds.items() if kind[0] == "allow")
        assert f"{allowed} allow, " in shown
