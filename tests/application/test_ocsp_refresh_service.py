"""A service asks for hot answers ahead of their end, and no request waits for that."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from service.adapters.lmdb.store import Store
from service.application.validate import Fetching
from service.core.model.policy import EvidenceOrder, Policy
from service.core.ocsp.cert_id import store_key
from tests.application.chain import OCSP_URL, ROOT, SUB, leaf, read
from tests.application.fakes import settle
from tests.application.ocsp_refreshing import (
    ISSUER,
    KEY,
    LEAF,
    LIFE,
    SERIAL,
    answer,
    hold,
    point,
)
from tests.application.world import ALLOWED, REVOKED, World, request, world
from tests.pki import NOW, days, hours

pytestmark = pytest.mark.anyio


async def service(store: Store, directory: Path, *, status: str = "good") -> World:
    """A service that holds an answer of whose life more than half has passed."""
    here = world(store, directory)
    here.clock.advance(point(0.6))
    await hold(store, answer(status=status))
    here.origin.answers[OCSP_URL] = answer(NOW + hours(5))
    return here


async def refreshed(here: World) -> None:
    """Wait until nothing is under way."""
    async with asyncio.timeout(30):
        while here.client.report().refreshes.under_way:
            await settle()


async def test_a_hot_certificate_never_waits(store: Store, tmp_path: Path) -> None:
    """The request is answered by what is held, while the responder is silent; the next one has the new answer."""
    here = await service(store, tmp_path)
    here.origin.gate.clear()
    assert ALLOWED == await here.ask(LEAF)
    await here.origin.asked.wait()
    assert ALLOWED == await here.ask(LEAF)
    assert 1 == len(here.origin.requests)
    here.origin.gate.set()
    await refreshed(here)
    assert ALLOWED == await here.ask(LEAF)
    assert NOW + hours(5) == here.asked[-1].verdict.path[0].revocation.this_update
    assert (1, 1) == (len(here.origin.requests), here.client.report().refreshes.renewed)


async def test_a_revocation_that_comes_ahead(store: Store, tmp_path: Path) -> None:
    """It counts with the next request."""
    here = await service(store, tmp_path)
    here.origin.answers[OCSP_URL] = answer(NOW + hours(5), "revoked")
    assert ALLOWED == await here.ask(LEAF)
    await refreshed(here)
    assert REVOKED == await here.ask(LEAF)


async def test_what_revokes_is_refreshed_too(store: Store, tmp_path: Path) -> None:
    """A certificate that was on hold is allowed again without waiting for the answer's end."""
    here = await service(store, tmp_path, status="revoked")
    assert REVOKED == await here.ask(LEAF)
    await refreshed(here)
    assert ALLOWED == await here.ask(LEAF)


async def test_a_refresh_that_fails_disturbs_nobody(store: Store, tmp_path: Path) -> None:
    """What is held serves until its end."""
    here = await service(store, tmp_path)
    here.origin.answers.clear()
    assert [ALLOWED] * 3 == [await here.ask(LEAF) for _ in range(3)]
    await refreshed(here)
    assert (1, 1) == (len(here.origin.requests), here.client.report().refreshes.failed)
    here.client.forget()
    assert ALLOWED == await here.ask(LEAF)
    await refreshed(here)
    assert 2 == len(here.origin.requests)


@pytest.mark.parametrize("passed", [False, True], ids=["offline", "in the past"])
async def test_requests_that_may_not_fetch(store: Store, tmp_path: Path, *, passed: bool) -> None:
    """They refresh nothing."""
    here = await service(store, tmp_path)
    asked = request(LEAF, at=here.clock.now() - timedelta(seconds=1) if passed else None)
    await here.validate(asked if passed else replace(asked, fetching=Fetching.OFFLINE))
    await settle()
    assert ([], 0) == (here.origin.requests, here.client.report().refreshes.under_way)


async def test_a_stranger_makes_nobody_ask(store: Store, tmp_path: Path) -> None:
    """A certificate with the names and the number of a held answer that chains to nothing: its URL is never asked."""
    here = await service(store, tmp_path)
    forged = read(SUB.issue("leaf", serial=SERIAL, ocsp_urls="http://attacker.example/", corrupt_signature=True))
    assert KEY == store_key(forged, ISSUER)
    assert ("deny", "invalid", "bad_signature") == await here.ask(forged)
    await settle()
    assert ([], 0) == (here.origin.requests, here.client.report().refreshes.under_way)


async def test_only_what_a_verdict_rests_on(store: Store, tmp_path: Path) -> None:
    """An answer that is held beside a CRL that is fetched first is not asked for."""
    here = await service(store, tmp_path)
    certificate = leaf("both", serial=SERIAL, ocsp_urls=OCSP_URL, crl_urls="http://crl.example/")
    here.origin.answers["http://crl.example/"] = SUB.crl(next_update=NOW + days(1))
    await here.hold_crl("http://crl.example/", SUB)
    asked = len(here.origin.requests)
    assert ALLOWED == await here.ask(certificate)
    await settle()
    assert asked == len(here.origin.requests)


async def test_an_intermediate(store: Store, tmp_path: Path) -> None:
    """Its issuer is the anchor."""
    here = await service(store, tmp_path)
    sub = ROOT.subordinate("Sub", ocsp_urls="http://root.example/")
    old, new = (
        ROOT.ocsp(read(sub).serial_number, this_update=begin, next_update=begin + LIFE, produced_at=begin)
        for begin in (NOW, NOW + hours(5))
    )
    here.origin.answers["http://root.example/"] = new
    await hold(store, old, key=store_key(read(sub), read(ROOT)))
    policy = Policy(evidence_order=EvidenceOrder.OCSP_ONLY)
    assert ALLOWED == await here.validate(replace(request(LEAF, policy), intermediates=(read(sub),)))
    await refreshed(here)
    assert {"http://root.example", OCSP_URL.rstrip("/")} == {url.rsplit("/", 1)[0] for url in here.origin.urls}
