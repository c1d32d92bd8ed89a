"""Everybody can use the dashboard: by keyboard, with a screen reader, on a phone, in light and in dark."""

from typing import Any, Final

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visiting
from tests.browser.serving import ADMIN, CALLER, Served
from tests.browser.watching import Visit
from tests.e2e.life_cycle.scene import REVOKED
from tests.e2e.running import until

pytestmark = pytest.mark.slow

DESK: Final = {"width": 1280, "height": 800}
PHONE: Final = {"width": 390, "height": 844}

LOOKS: Final[dict[str, dict[str, Any]]] = {
    "light": {"viewport": DESK, "color_scheme": "light"},
    "dark": {"viewport": DESK, "color_scheme": "dark"},
    "phone": {"viewport": PHONE, "color_scheme": "light", "has_touch": True},
    "dark phone": {"viewport": PHONE, "color_scheme": "dark", "has_touch": True},
}

STOPS_AT_MOST: Final = 400
"""Elements that the keyboard comes by; far more than there are."""


def faults(page: Page) -> list[str]:
    """What axe-core finds wrong; it takes the page as it is now."""
    found = Axe().run(page).response["violations"]
    return [f"{one['id']}: {one['help']}: {[node['target'] for node in one['nodes']]}" for one in found]


def fill(visit: Visit, served: Served) -> None:
    """Have every part show something: a denial that is open, a tree, an error."""
    served.validate(good=1, revoked=1)
    until(lambda: bool(served.get("/v1/decisions")["decisions"]), "a denial is kept")
    visit.expect_failures(400)
    visit.enter(ADMIN)
    page = visit.page
    page.get_by_label("Certificate, PEM").fill(REVOKED.pem)
    page.get_by_role("button", name="Explain").click()
    page.locator("#explain-answer .branches").wait_for()
    page.get_by_label("SHA-256 of the certificate (hex)").fill("no digest")
    page.get_by_label("Reason (verdicts repeat it)").fill("why")
    page.get_by_role("button", name="Block", exact=True).click()
    expect(page.locator("#block-error")).not_to_be_empty()
    page.locator("#decisions-rows tr[data-decision-id] button").first.click()
    page.locator("#decisions-rows details").first.wait_for()


@pytest.mark.parametrize("look", LOOKS)
def test_nothing_keeps_anybody_out_of_the_figures(visit: Visiting, served: Served, look: str) -> None:
    """No fault by axe-core, and nothing to scroll sideways."""
    with visit(reduced_motion="reduce", **LOOKS[look]) as one:
        fill(one, served)
        assert [] == faults(one.page)
        width = LOOKS[look]["viewport"]["width"]
        assert width == one.page.evaluate("document.documentElement.scrollWidth")


@pytest.mark.parametrize("look", LOOKS)
def test_nothing_keeps_anybody_out_of_the_form(visit: Visiting, look: str) -> None:
    """The one for the token, as it comes and with an error."""
    with visit(**LOOKS[look]) as one:
        one.expect_failures(401)
        one.open()
        expect(one.page.get_by_label("Token", exact=True)).to_be_visible()
        assert [] == faults(one.page)
        one.log_in("wrong-0123456789abcdef")
        expect(one.page.locator("#login-error")).not_to_be_empty()
        assert [] == faults(one.page)
        assert LOOKS[look]["viewport"]["width"] == one.page.evaluate("document.documentElement.scrollWidth")


def test_the_switch_turns_the_colours(visit: Visiting) -> None:
    """To dark, without a fault, and back; nothing is stored."""
    with visit(color_scheme="light") as one:
        one.enter(CALLER)
        ground = "getComputedStyle(document.body).backgroundColor"
        light = one.page.evaluate(ground)
        one.page.get_by_role("button", name="Show in dark colours").click()
        assert light != one.page.evaluate(ground)
        assert [] == faults(one.page)
        one.page.get_by_role("button", name="Show in light colours").click()
        assert light == one.page.evaluate(ground)
        assert 0 == one.page.evaluate("localStorage.length + sessionStorage.length")


def focused(page: Page) -> dict[str, Any]:
    """What has the keyboard: what it is, and whether that can be seen."""
    return dict(
        page.evaluate(
            """() => {
              const element = document.activeElement;
              const style = getComputedStyle(element);
              return {
                tag: element.tagName,
                id: element.id,
                text: element.getAttribute("aria-label") ?? element.textContent.trim().slice(0, 40),
                outlined: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0,
              };
            }"""
        )
    )


def test_everything_is_reached_by_keyboard(visit: Visiting, served: Served) -> None:
    """Tab comes by every control, each shows that it has the keyboard, and leads out at the end: there is no trap."""
    served.validate(revoked=1)
    until(lambda: bool(served.get("/v1/decisions")["decisions"]), "a denial is kept")
    with visit(reduced_motion="reduce", viewport=DESK) as one:
        one.open()
        expect(one.page.get_by_label("Token", exact=True)).to_be_focused()
        one.page.keyboard.type(ADMIN)
        one.page.keyboard.press("Enter")
        one.wait_for_figures()
        one.page.locator("#decisions-rows button").first.wait_for()
        one.page.evaluate("document.activeElement.blur(); document.body.tabIndex = -1; document.body.focus()")
        stops: list[dict[str, Any]] = []
        while len(stops) < STOPS_AT_MOST:
            one.page.keyboard.press("Tab")
            here = focused(one.page)
            if here["tag"] == "BODY" or (stops and here["text"].startswith("Skip to")):
                break
            stops.append(here)
        assert len(stops) < STOPS_AT_MOST
        assert [] == [stop for stop in stops if not stop["outlined"]]
        ids = {stop["id"] for stop in stops}
        assert {"theme", "logout", "crls-search", "crls-status", "block-reason", "explain-certificate"} <= ids
        assert {"Block", "Explain"} <= {stop["text"] for stop in stops}
        assert "Skip to the figures" == stops[0]["text"]


def test_a_denial_is_opened_by_keyboard(visit: Visiting, served: Served) -> None:
    """And the keyboard stays where it was, also when news come."""
    served.validate(revoked=1)
    until(lambda: bool(served.get("/v1/decisions")["decisions"]), "a denial is kept")
    with visit() as one:
        one.enter(CALLER)
        newest = one.page.locator("#decisions-rows tr[data-decision-id] button").first
        key = str(newest.get_attribute("data-key"))
        same = one.page.locator(f'[data-key="{key}"]')  # what is newest may be another one any moment
        same.focus()
        one.page.keyboard.press("Enter")
        expect(same).to_have_attribute("aria-expanded", "true")
        served.service_answer(REVOKED.pem)
        served.service_answer("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
        until(lambda: key != newest.get_attribute("data-key"), "news have come")
        expect(same).to_be_focused()
        expect(same).to_have_attribute("aria-expanded", "true")
