"""docs/proxies.md says why lines of the examples are there: they are there, and so is every file it names."""

import re
from typing import Final

import pytest

from tests.deploy.proxies import PROXIES
from tests.deploy.scene import DEPLOY, ROOT
from tests.docs.pages import page, table, words

_FILE: Final = re.compile(r"`(deploy/[^`]+|tests/[^`]+)`")


@pytest.mark.parametrize("name", [proxy.name for proxy in PROXIES])
def test_the_lines_are_there(name: str) -> None:
    """Each as it stands in the example."""
    texts = [path.read_text() for path in (DEPLOY / name).iterdir()]
    lines = [word for row in table("proxies.md", name) for word in words(row["line"])]
    assert lines
    assert [] == [line for line in lines if not any(line in text for text in texts)]


def test_the_files_are_there() -> None:
    """Those to be copied, and the tests."""
    named = set(_FILE.findall(page("proxies.md")))
    assert {f"deploy/{proxy.name}" for proxy in PROXIES} <= named
    assert [] == [name for name in named if not (ROOT / name).exists()]
