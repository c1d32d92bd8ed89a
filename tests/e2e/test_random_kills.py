"""A hundred kills at random moments, while certificates are revoked and blocked: what was acknowledged stays.

A revocation is acknowledged when a request was denied for it, a block when its 201 has come. From then on no answer
allows, whoever is killed: a worker, the prefetcher, or the supervisor with everybody.
"""

import os
import random
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from tests.e2e.published import Published, publishing
from tests.e2e.running import Service, running_service, until
from tests.pki import Authority, Issued
from tests.pki.clock import now, validity_of_now

pytestmark = pytest.mark.slow

KILLS: Final = 100
SEED: Final = 20
"""Of the order of events; when exactly each falls, the machine decides."""

VICTIMS: Final = ("worker",) * 4 + ("prefetcher",) * 4 + ("service",)
LONGEST_WAIT_S: Final = 0.4
"""From a change at the authority to a kill: a refresh takes about a quarter of it."""

SETTINGS: Final = {
    "REVET_CRL_REFRESH_MIN_S": "0.1",
    "REVET_CRL_REFRESH_MAX_S": "0.2",
    "REVET_CRL_RETRY_S": "0.1",
    "REVET_CRL_RETRY_MAX_S": "0.2",
    "REVET_CRL_FIRST_DELAY_S": "0",
    "REVET_REVOCATION_MODE": "require",
    "REVET_REVOCATION_SCOPE": "leaf",
}


class Story:
    """What happens, and what has been acknowledged of it."""

    def __init__(self, tmp_path: Path, published: Published) -> None:
        """An authority, a hundred certificates, and a service that is not begun yet."""
        self.chance = random.Random(SEED)  # noqa: S311 - an order, and no secret
        self._path = tmp_path
        self._published = published
        self._authority = Authority.root("Root", **validity_of_now())
        begin, end = now() - timedelta(days=1), now() + timedelta(days=30)
        self._begun_at = now() - timedelta(hours=2)
        leaves = (f"leaf {number}" for number in range(KILLS + 1))
        self.good, *rest = [
            self._authority.issue(leaf, crl_urls=f"{published.url}/root.crl", not_before=begin, not_after=end)
            for leaf in leaves
        ]
        self._waiting = rest
        self._revoked: list[Issued] = []
        self._blocked: list[Issued] = []
        self._number = 0
        self.acknowledged: dict[str, str] = {}
        self._trust_store = tmp_path / "trust.pem"
        self._trust_store.write_text(self._authority.pem)
        self._running = ExitStack()
        self.service = self._begin()
        self.publish()

    def _begin(self) -> Service:
        return self._running.enter_context(running_service(self._path, self._trust_store, SETTINGS))

    def end(self) -> None:
        """End the service."""
        self._running.close()

    def publish(self) -> None:
        """A CRL with everything that is revoked."""
        self._number += 1
        self._published.bodies["/root.crl"] = self._authority.crl(
            number=self._number,
            revoked=[one.serial for one in self._revoked],
            this_update=self._begun_at + timedelta(seconds=self._number),
            next_update=now() + timedelta(days=1),
        )

    def change(self) -> None:
        """Revoke a certificate at the authority, or block one here."""
        leaf = self._waiting.pop()
        if self.chance.random() < 0.7:
            self._revoked.append(leaf)
            self.publish()
            return
        answer = self._post("/v1/blocks", {"fingerprint_sha256": sha256(leaf.der).hexdigest(), "reason": "a test"})
        if answer is not None and answer.status_code == httpx.codes.CREATED:
            self._blocked.append(leaf)
            self.acknowledged[leaf.pem] = "blocked"

    def kill(self) -> None:
        """Kill somebody, and have the service back if it was everybody."""
        victim = self.chance.choice(VICTIMS)
        if victim == "service":
            os.kill(self.service.process.pid, signal.SIGKILL)
            self.service.process.wait(30)
            self.end()
            self.service = self._begin()
            return
        children = self.service.children(victim)
        if children:
            os.kill(self.chance.choice(children), signal.SIGKILL)

    def look(self) -> None:
        """Ask about everything that is revoked or blocked; nothing that was acknowledged is allowed."""
        asked = [leaf.pem for leaf in (*self._revoked, *self._blocked)]
        results = self._ask(asked)
        for pem, result in zip(asked, results, strict=True):
            known = self.acknowledged.get(pem)
            assert known is None or result["decision"] == "deny", (known, result)
            if result["code"] in ("revoked", "blocked"):
                self.acknowledged[pem] = str(result["code"])

    def all_are_denied(self) -> bool:
        """Whether everything that was revoked is known to be."""
        self.look()
        return all(leaf.pem in self.acknowledged for leaf in self._revoked)

    def good_is_allowed(self) -> bool:
        """Whether the certificate that nobody revoked is allowed."""
        return [("allow", "good")] == [(one["decision"], one["status"]) for one in self._ask([self.good.pem])]

    def _ask(self, certificates: list[str]) -> list[dict[str, Any]]:
        """Answers, whoever is being replaced at this moment."""
        found: list[httpx.Response] = []

        def answered() -> bool:
            answer = self._post("/v1/validate/batch", {"items": [{"certificate": one} for one in certificates]})
            if answer is not None and answer.status_code == httpx.codes.OK:
                found.append(answer)
            return bool(found)

        until(answered, "somebody answers")
        return list(found[0].json()["results"])

    def _post(self, path: str, body: object) -> httpx.Response | None:
        """An answer, or None where whoever had the request was killed."""
        try:
            return httpx.post(f"{self.service.url}{path}", json=body, timeout=10)
        except httpx.TransportError:
            return None


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    """One, with a place where its CRL is published."""
    with publishing() as published:
        begun = Story(tmp_path, published)
        try:
            yield begun
        finally:
            begun.end()


def test_a_hundred_kills(story: Story, tmp_path: Path) -> None:
    """Never a corrupt store, never a lost block, never an allow of what was known to be revoked."""
    until(story.good_is_allowed, "it works")
    for _ in range(KILLS):
        story.change()
        time.sleep(story.chance.uniform(0, LONGEST_WAIT_S))
        story.kill()
        story.look()
    story.publish()
    until(story.all_are_denied, "everything that was revoked is denied")
    until(story.good_is_allowed, "what was not revoked is allowed")
    until(story.service.is_ready, "ready")
    log = (tmp_path / "service.log").read_text(errors="replace")
    assert "damaged" not in log
    assert "Traceback" not in log
