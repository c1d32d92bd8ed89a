"""What tests in a browser share: one browser and one service for each module.

The browser is a module's, since its driver keeps an event loop for as long as it is there, and others have tests with
loops of their own. A test that changes something for others (a block, a token) starts a service of its own.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from functools import partial
from typing import Any, Protocol

import pytest
from playwright.sync_api import Browser

from tests.browser.serving import Served, serving
from tests.browser.watching import Visit, chromium, visiting


class Visiting(Protocol):
    """Visits the module's service."""

    def __call__(self, **context: Any) -> AbstractContextManager[Visit]:  # noqa: ANN401 - playwright's own options
        """Visit it; `visiting` says how."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser."""
    with chromium() as launched:
        yield launched


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A service with two workers, a caller's token and an administrator's, and a CRL that lists one of two clients."""
    with serving(tmp_path_factory.mktemp("served")) as started:
        yield started


@pytest.fixture
def visit(browser: Browser, served: Served) -> Visiting:
    """Visits to the module's service."""
    return partial(visiting, browser, served.url)
