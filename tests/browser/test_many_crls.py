"""Two thousand CRLs: the worst first, found by searching, a page at a time, and no more in the page than that."""

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.serving import CALLER, Served
from tests.browser.watching import Visit, visiting
from tests.e2e.life_cycle.scene import ROOT
from tests.e2e.running import running_service, until
from tests.pki import pem
from tests.pki.clock import now
from tests.pki.crl import IssuingDistributionPoint

pytestmark = pytest.mark.slow

CRLS: Final = 2_000
"""Partitions of one authority, each about URLs of its own."""

SOONEST: Final = 1_234
"""The one that ends before the others."""

ROWS: Final = 15
"""Lines of a page."""

PATIENCE_S: Final = 180.0
"""Until all of them are held."""


def write_partitions(file: Path) -> None:
    """All of them into one file: as files of their own they take minutes to be read."""
    crls = []
    begin, end = now() - timedelta(hours=1), now() + timedelta(days=1)
    for number in range(CRLS):
        point = IssuingDistributionPoint((f"URI:http://crl.example/{number}.crl",))
        sooner = timedelta(hours=6 if number == SOONEST else 0)
        crls.append(ROOT.crl(number=number + 1, idp=point, this_update=begin, next_update=end - sooner))
    file.write_text("".join(pem(crl, "X509 CRL") for crl in crls))


@pytest.fixture
def many(browser: Browser, tmp_path: Path) -> Iterator[tuple[Served, Visit]]:
    """A service that holds them, and somebody who looks at it."""
    write_partitions(tmp_path / "partitions.pem")
    (tmp_path / "trust.pem").write_text(ROOT.pem)
    settings = {"REVET_CRL_SOURCES": str(tmp_path / "partitions.pem"), "REVET_API_TOKENS": CALLER}
    os.sync()  # each CRL is: what tests before this one have written is not waited for two thousand times
    with running_service(tmp_path, tmp_path / "trust.pem", settings, awaiting="answers") as service:
        served = Served(service, tmp_path, CALLER)  # it is ready only when all of them are held
        until(lambda: served.get("/v1/stats")["host"]["crls"]["held"] == CRLS, "all are held", PATIENCE_S)
        with visiting(browser, served.url) as visit:
            visit.enter(CALLER)
            yield served, visit


def test_it_stays_quick(many: tuple[Served, Visit]) -> None:
    """The page has one page of lines in it, whatever there is; what ends first comes first, and search finds any."""
    _, visit = many
    page = visit.page
    rows = page.locator("#crls-rows tr")
    pages = page.locator("#crls-pages")
    expect(pages).to_contain_text(f"1 to {ROWS} of 2,000")
    expect(rows).to_have_count(ROWS)
    expect(rows.first).to_contain_text(f"http://crl.example/{SOONEST}.crl")
    assert page.locator("*").count() < 3_000
    pages.get_by_role("button", name="Next CRLs").click()
    expect(pages).to_contain_text(f"{ROWS + 1} to {2 * ROWS} of 2,000")
    expect(pages.get_by_role("button", name="Next CRLs")).to_be_focused()
    expect(rows).to_have_count(ROWS)
    page.get_by_label("Search").first.fill("/1777.crl")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("http://crl.example/1777.crl")
    page.get_by_label("Status").select_option("ended")
    expect(page.locator("#crls-rows")).to_contain_text("No CRL and no source is so.")
