"""A browser that looks at one service, and everything that it complains about.

Debian's chromium, driven over a pipe. It reaches loopback and nothing else; what it writes to its console as a warning
or an error, what a script does not catch, what the page's policy forbids, and every request that is for somebody else
makes a test fail, unless the test has said that it is to be.
"""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, expect, sync_playwright

from tests.e2e.running import PATIENCE_S

FLAGS: Final = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-dev-shm-usage",
    "--disable-extensions",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--no-first-run",
    "--no-proxy-server",
)

_HARMLESS: Final = frozenset({"log", "info", "debug", "dir", "dirxml", "trace", "table"})
"""What scripts write that is no complaint."""

_WATCH_POLICY: Final = """
addEventListener("securitypolicyviolation", (event) => {
  console.error(`policy: ${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`);
});
"""

# Five seconds are its own, and nothing that `set_default_timeout` changes.
expect.set_options(timeout=PATIENCE_S * 1000)


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser, until the block is left.

    Raises:
        AssertionError: there is none.
    """
    program = shutil.which("chromium")
    assert program is not None, "chromium is missing: scripts/system-packages chromium"
    # Its sandbox wants users of its own, which root in a container may not make.
    flags = [*FLAGS, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=flags, timeout=PATIENCE_S * 1000)
        try:
            yield browser
        finally:
            browser.close()


@dataclass(slots=True)
class Visit:
    """One look at a service: a page of its own, that shares nothing with another visit.

    Attributes:
        url: The service's.
        page: What is shown.
        context: The browser's memory of this visit: cookies, storage.
        expected: Parts of complaints that are to be; regular expressions.
        complaints: What the browser has complained about.
        asked: Every request: method and URL.
    """

    url: str
    page: Page
    context: BrowserContext
    expected: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def open(self) -> None:
        """Go to the dashboard."""
        answer = self.page.goto(f"{self.url}/dashboard")
        assert answer is not None
        assert 200 == answer.status

    def log_in(self, token: str) -> None:
        """Give a token to the page that asks for one."""
        self.page.get_by_label("Token", exact=True).fill(token)
        self.page.get_by_role("button", name="Log in").click()

    def enter(self, token: str) -> None:
        """Open the dashboard, give a token, and wait until figures are shown."""
        self.open()
        self.log_in(token)
        self.wait_for_figures()

    def wait_for_figures(self) -> None:
        """Wait until the page shows figures, from a moment that it names (`data-at`)."""
        self.page.locator("main[data-at]").wait_for(state="visible")

    def shown_at(self) -> str:
        """The moment of the figures that are shown."""
        return str(self.page.locator("main[data-at]").get_attribute("data-at"))

    def contact(self) -> str:
        """How the page gets its figures: `live`, `polling`, and so on."""
        return str(self.page.locator("#contact").get_attribute("data-contact"))

    def wait_for_contact(self, how: str) -> None:
        """Wait until it gets them in this way."""
        self.page.locator(f'#contact[data-contact="{how}"]').wait_for(state="attached")

    def unexpected(self) -> list[str]:
        """Complaints that nobody has expected, and requests that have left the service."""
        wrong = [one for one in self.complaints if not any(re.search(part, one) for part in self.expected)]
        allowed = (f"{self.url}/", "data:", "blob:")
        return wrong + [one for one in self.asked if not one.partition(" ")[2].startswith(allowed)]

    def expect_failures(self, *statuses: int) -> None:
        """Requests may fail with these statuses: the browser itself writes each to the console."""
        self.expected += [rf"Failed to load resource.*status of {status}\b" for status in statuses]

    def note_message(self, message: ConsoleMessage) -> None:
        """Keep what was written to the console, if it is a complaint."""
        if message.type not in _HARMLESS:
            self.complaints.append(f"{message.type}: {message.text} ({message.location.get('url', '')})")

    def note_request(self, request: Request) -> None:
        """Keep what was asked."""
        self.asked.append(f"{request.method} {request.url}")


@contextmanager
def visiting(browser: Browser, url: str, **context: Any) -> Iterator[Visit]:  # noqa: ANN401 - playwright's own options
    """Visit a service; whatever the browser complains about is an error when the block is left in order.

    Args:
        browser: It.
        url: The service's.
        **context: Options of playwright's `new_context`: `viewport`, `color_scheme` and the like.

    Raises:
        AssertionError: it has complained.
    """
    opened = browser.new_context(**{"locale": "en-GB", "timezone_id": "UTC", **context})
    try:
        opened.set_default_timeout(PATIENCE_S * 1000)
        opened.add_init_script(_WATCH_POLICY)
        page = opened.new_page()
        # Playwright hangs attributes on whatever a method that it is given is of: it is given none of ours.
        visit = Visit(url, page, opened)
        page.on("console", lambda message: visit.note_message(message))  # noqa: PLW0108 - as above
        page.on("pageerror", lambda error: visit.complaints.append(f"not caught: {error}"))
        page.on("crash", lambda _: visit.complaints.append("the page has crashed"))
        opened.on("request", lambda request: visit.note_request(request))  # noqa: PLW0108 - as above
        yield visit
        assert [] == visit.unexpected()
    finally:
        opened.close()
