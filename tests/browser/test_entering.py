"""Who sees the dashboard, and how it hears of what is new."""

import json
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Route, expect

from tests.browser.conftest import Visiting
from tests.browser.serving import ADMIN, CALLER, Served, serving
from tests.browser.watching import Visit, visiting
from tests.e2e.running import until

pytestmark = pytest.mark.slow


def stored(visit: Visit) -> str:
    """Everything that the page could have left with the browser, as one text."""
    kept: Any = visit.page.evaluate(
        "() => [location.href, document.cookie, JSON.stringify(localStorage), JSON.stringify(sessionStorage),"
        " JSON.stringify(history.state), window.name]"
    )
    return json.dumps([*kept, visit.context.cookies(), visit.context.storage_state(), visit.asked])


def test_it_asks_for_a_token_and_shows_nothing(visit: Visiting, served: Served) -> None:
    """Whoever comes without one reads that one is needed; there is no figure and no name in the page."""
    served.validate(revoked=1)
    with visit() as one:
        one.open()
        expect(one.page.get_by_label("Token", exact=True)).to_be_visible()
        expect(one.page.locator("#main")).to_be_hidden()
        one.page.wait_for_load_state("networkidle")
        text = one.page.locator("body").inner_text()
        assert [] == [word for word in ("Root", "revoked", "good", "worker") if word in text]


def test_a_wrong_token_is_told(visit: Visiting) -> None:
    """And nothing is shown."""
    with visit() as one:
        one.expect_failures(401)
        one.open()
        one.log_in("wrong-0123456789abcdef")
        expect(one.page.get_by_role("alert").filter(has_text="token")).to_be_visible()
        expect(one.page.locator("#main")).to_be_hidden()
        one.log_in(CALLER)
        one.wait_for_figures()


@pytest.mark.parametrize("token", [CALLER, ADMIN])
def test_a_token_opens_it(visit: Visiting, token: str) -> None:
    """A caller's, and an administrator's; the figures come by the stream."""
    with visit() as one:
        one.enter(token)
        one.wait_for_contact("live")
        expect(one.page.get_by_label("Token", exact=True)).to_be_hidden()


def test_the_token_is_left_nowhere(visit: Visiting) -> None:
    """Not in an address, a cookie, a storage or the history; loading the page again forgets it."""
    with visit() as one:
        one.enter(CALLER)
        one.wait_for_contact("live")
        assert CALLER not in stored(one)
        assert "" == one.page.locator("#token").input_value()
        one.page.reload()
        expect(one.page.get_by_label("Token", exact=True)).to_be_visible()
        assert CALLER not in stored(one)


def test_logging_out(visit: Visiting) -> None:
    """Nothing of what was shown stays in the page."""
    with visit() as one:
        one.enter(CALLER)
        one.page.get_by_role("button", name="Log out").click()
        expect(one.page.get_by_label("Token", exact=True)).to_be_visible()
        expect(one.page.locator("#main")).to_be_hidden()
        assert "Root" not in one.page.content()


def test_without_tokens_there_is_nothing_to_ask_for(browser: Browser, tmp_path: Path) -> None:
    """On loopback, where nobody is asked who he is, as in the demonstration."""
    with serving(tmp_path, tokens=False) as served, visiting(browser, served.url) as one:
        one.open()
        one.wait_for_figures()
        expect(one.page.get_by_label("Token", exact=True)).to_be_hidden()
        expect(one.page.get_by_role("button", name="Log out")).to_be_hidden()


def test_new_figures_come_by_themselves(visit: Visiting, served: Served) -> None:
    """While traffic runs, without anything being asked but the stream."""
    with visit() as one:
        one.enter(CALLER)
        one.wait_for_contact("live")
        for _ in range(3):
            before = one.shown_at()
            served.validate(good=3, revoked=2)
            one.page.locator(f'main[data-at]:not([data-at="{before}"])').wait_for()
        expected = served.counted()
        row = one.page.locator("#codes tr", has=one.page.get_by_text("revoked", exact=True))
        expect(row.get_by_role("cell").nth(3)).to_have_text(str(expected["revoked"]))


def test_without_the_stream_it_asks(visit: Visiting) -> None:
    """A proxy that lets no stream through: the statistics are asked for, again and again."""

    def refuse(route: Route) -> None:
        route.fulfill(status=503, content_type="application/problem+json", body='{"title": "no streams"}')

    with visit() as one:
        one.expect_failures(503)
        one.page.route("**/v1/events", refuse)
        one.enter(CALLER)
        one.wait_for_contact("polling")
        before = one.shown_at()
        one.page.locator(f'main[data-at]:not([data-at="{before}"])').wait_for()
        assert len([asked for asked in one.asked if asked.endswith("/v1/stats")]) >= 2


def test_when_streams_are_full_it_asks(browser: Browser, tmp_path: Path) -> None:
    """The service refuses the stream itself."""
    with serving(tmp_path, {"REVET_MAX_EVENT_STREAMS": "0"}) as served, visiting(browser, served.url) as one:
        one.expect_failures(503)
        one.enter(CALLER)
        one.wait_for_contact("polling")


def test_it_lives_through_a_restart(browser: Browser, tmp_path: Path) -> None:
    """Workers are replaced below it: it comes back by itself, and is live again."""
    with serving(tmp_path) as served, visiting(browser, served.url) as one:
        one.expected.append("Failed to load resource|ERR_")
        one.enter(CALLER)
        one.wait_for_contact("live")
        before = served.service.children("worker")
        served.service.process.send_signal(1)
        until(lambda: not set(before) & set(served.service.children("worker")), "both workers are others")
        shown = one.shown_at()
        one.page.locator(f'main[data-at]:not([data-at="{shown}"])').wait_for()
        one.wait_for_contact("live")
