"""Rules for every test.

Under CI a skipped test is a failed one: what the suite needs, the suite installs, so a skip there is a test that
nobody runs any more without anybody noticing. What passes is counted there and not printed, so that a log that is cut
short still has what failed. Nothing here knows what the project does; builders and fakes live in modules of their own.
"""

import os
from collections.abc import Generator

import pytest
from hypothesis import settings

_CI = os.environ.get("CI") == "true"

# How long an example takes says something about the machine, not about the code. The rest is hypothesis' own profile,
# which under CI is a deterministic one.
settings.register_profile("suite", settings(), deadline=None)
settings.load_profile("suite")


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """The event loop that the service runs on."""
    return "asyncio"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skipped test into a failed one under CI; an expected failure stays what it is."""
    report = yield
    if _CI and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped under CI, which counts as a failure: {report.longrepr}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Turn a skipped module into a failed one under CI."""
    report = yield
    if _CI and report.skipped:
        report.outcome = "failed"
        report.longrepr = f"skipped under CI, which counts as a failure: {report.longrepr}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_report_teststatus(
    report: pytest.CollectReport | pytest.TestReport,
) -> Generator[None, tuple[str, str, object], tuple[str, str, object]]:
    """Under CI, leave out the dots of tests that pass, and name at once whatever does not."""
    category, letter, word = yield
    if not _CI or not letter:
        return category, letter, word
    if category == "passed":
        return category, "", ""
    return category, f"{report.nodeid} {category}\n", word
