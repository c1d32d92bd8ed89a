"""Whoever waits for a refresh is answered, whatever becomes of the prefetcher meanwhile."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import httpx

from tests.e2e.published import publishing
from tests.e2e.running import PATIENCE_S, running_service, until
from tests.pki import Authority, bundle
from tests.pki.clock import now, validity_of_now


def test_a_prefetcher_that_dies_with_a_refresh_in_hand(tmp_path: Path) -> None:
    """Its successor does it: the answer comes late, and is the one that would have come."""
    authority = Authority.root("Root", **validity_of_now())
    trust_store = tmp_path / "trust.pem"
    trust_store.write_text(bundle([authority]))
    begin, end = now() - timedelta(hours=1), now() + timedelta(days=1)
    with publishing() as published:
        published.bodies["/root.crl"] = authority.crl(number=1, this_update=begin, next_update=end)
        validity = validity_of_now()
        validity["crl_urls"] = [f"{published.url}/root.crl"]
        leaf = authority.issue("leaf", **validity)
        with running_service(tmp_path, trust_store) as service, ThreadPoolExecutor(1) as thread:
            assert "ok" == service.validate(leaf.pem)["code"]
            (before,) = service.children("prefetcher")
            published.gate.clear()
            asked = published.asked["/root.crl"]
            url = f"{service.url}/v1/refresh?wait=true"
            waiting = thread.submit(httpx.post, url, json={}, timeout=3 * PATIENCE_S)
            until(lambda: published.asked["/root.crl"] > asked, "a fetch is under way")
            os.kill(before, signal.SIGKILL)
            published.bodies["/root.crl"] = authority.crl(
                number=2, revoked=[leaf.serial], this_update=begin, next_update=end
            )
            published.gate.set()
            answer = waiting.result()
            assert (200, [None]) == (answer.status_code, [one["problem"] for one in answer.json()["outcomes"]])
            assert "revoked" == service.validate(leaf.pem)["code"]
            assert [before] != service.children("prefetcher")
