"""The walk through a bad day in `operations.md`: with a browser, a Prometheus, and what the page says to type."""

from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import expect

from tests.browser.watching import Visit, chromium, visiting
from tests.docs.bad_day_scene import ADMIN, ISSUER, Day, bad_day
from tests.docs.pages import blocks, page, sections
from tests.e2e.running import PATIENCE_S, until

pytestmark = pytest.mark.slow

WALK: Final = sections(page("operations.md"), 3)["Walked through"]
ENDED, BLOCKED, BACK, REVOKED = (block.splitlines() for block in blocks(WALK, "sh"))

expect.set_options(timeout=PATIENCE_S * 1000)


def typed(day: Day, line: str) -> tuple[int, str]:
    """The exit code of a command, and what it printed."""
    printed = day.shell.run(line)
    return int(day.shell.run("echo $?")), printed


def stop_publishing(day: Day, visit: Visit) -> None:
    """The alert, the page and the command line tell of it; nobody is let in whose revocation cannot be told."""
    day.publish_the_last()
    until(lambda: day.line()["status"] == "ended", "the last CRL has ended", 2 * PATIENCE_S)
    assert "revocation_unavailable" == day.code("client")
    until(lambda: ("RevetCrlEnded", ISSUER) in day.alerts.firing(), "the alert is there")
    expect(visit.page.locator('#health[data-level="bad"]')).to_contain_text("Revocation needs you")
    expect(visit.page.locator("#reasons")).to_contain_text("1 CRL has ended and may not be used any more.")
    row = visit.page.locator("#crls-rows tr").first
    expect(row).to_have_attribute("data-status", "ended")
    expect(row).to_contain_text(ISSUER)
    listing, refresh = ENDED
    code, printed = typed(day, listing)
    assert (0, True) == (code, printed.startswith("ended")), printed
    code, printed = typed(day, refresh)
    assert (1, True) == (code, "http_status (" in printed), printed
    expect(row).to_contain_text("http_status")


def block_what_was_stolen(day: Day, visit: Visit) -> str:
    """From the certificate to the block on the page; the block's id."""
    show = visit.page
    show.get_by_label("Certificate, PEM").fill(day.clients["stolen"].pem)
    show.get_by_role("button", name="Explain", exact=True).click()
    expect(show.locator("#explain-answer")).to_contain_text("revocation_unavailable")
    show.locator("#explain-answer").get_by_role("button", name="Block this certificate").click()
    show.get_by_label("Reason (verdicts repeat it)").fill("Laptop stolen, ticket 4711")
    show.get_by_role("button", name="Block", exact=True).click()
    expect(show.locator("#block-done")).to_contain_text("Blocked, and in force")
    assert "blocked" == day.code("stolen")
    (block,) = day.get("/v1/blocks")["blocks"]
    expect(show.locator(f'#blocks-rows tr[data-block="{block["id"]}"]')).to_contain_text("ticket 4711")
    code, printed = typed(day, *BLOCKED)
    assert (0, True) == (code, block["id"] in printed), printed
    return str(block["id"])


def come_back(day: Day, visit: Visit) -> None:
    """Everybody is let in again but the stolen key; alert and page are content."""
    day.publish(100, timedelta(days=1))
    refresh, check = BACK
    assert 0 == typed(day, refresh)[0]
    code, printed = typed(day, check)
    assert (1, True, True) == (code, "client.pem  allow / good" in printed, "(blocked)" in printed), printed
    until(lambda: ("RevetCrlEnded", ISSUER) not in day.alerts.firing(), "the alert has ended")
    expect(visit.page.locator('#crls-rows tr[data-status="fresh"]')).to_contain_text(ISSUER)
    expect(visit.page.locator("#reasons")).not_to_contain_text("ended")


def unblock_what_is_revoked(day: Day, visit: Visit, block_id: str) -> None:
    """The certificate stays out: now since its authority says so."""
    day.publish(101, timedelta(days=1), "stolen")
    refresh, listing, explain = REVOKED
    assert 0 == typed(day, refresh)[0]
    assert "crl 101" in typed(day, listing)[1]
    assert "blocked" == day.code("stolen")
    visit.page.get_by_role("button", name=f"Remove block {block_id}").click()
    visit.page.get_by_role("button", name="Remove it").click()
    expect(visit.page.locator("#block-done")).to_contain_text(f"Removed: {block_id}")
    assert [] == day.get("/v1/blocks")["blocks"]
    code, printed = typed(day, explain)
    assert (1, True, True) == (code, "deny / revoked" in printed, "crl 101" in printed), printed


def test_the_bad_day_is_walked_through(tmp_path: Path) -> None:
    """A CA stops publishing, a key is stolen and blocked, the CA comes back and revokes it, the block is removed."""
    with bad_day(tmp_path) as day, chromium() as browser, visiting(browser, day.service.url) as visit:
        assert ("ok", "ok") == (day.code("client"), day.code("stolen"))
        visit.enter(ADMIN)
        stop_publishing(day, visit)
        block_id = block_what_was_stolen(day, visit)
        come_back(day, visit)
        unblock_what_is_revoked(day, visit, block_id)
