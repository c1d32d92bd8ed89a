"""Every `REVET_…` that a page names is a setting: of the service, or of something else that is shipped here."""

import re
from pathlib import Path
from typing import Final

import pytest

from service.settings import Settings
from tests.docs.pages import DOCS, ROOT

PAGES: Final = (*ROOT.glob("*.md"), *DOCS.rglob("*.md"))

_NAME: Final = re.compile(r"REVET_[A-Z0-9_]*[A-Z0-9]\b(?!_)")

NO_SETTINGS: Final = {
    "REVET_CERTIFICATE",  # a name in an operator's own shell, as the pages on AWS have it
    "REVET_DEADLINE",  # shown as what nobody knows
    "REVET_X_TOKENS",  # any of the three
    "REVET_X_TOKENS_FILE",
}
"""What looks like one and is none."""


def shipped() -> set[str]:
    """Every name that the service, the command line, the sidecar, the authorizer or a front's example reads."""
    sources = [
        path for place in ("authorizer", "service/cli", "sidecar", "deploy") for path in (ROOT / place).rglob("*")
    ]
    readable = [path for path in sources if path.is_file() and path.suffix not in {".md", ".pyc"}]
    found = {name for path in readable for name in _NAME.findall(path.read_text("utf-8", errors="replace"))}
    return found | {f"REVET_{name.upper()}" for name in Settings.model_fields}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_names_of_settings(page: Path) -> None:
    """A name that nothing reads would be refused at the start, or do nothing."""
    assert set() == set(_NAME.findall(page.read_text(encoding="utf-8"))) - shipped() - NO_SETTINGS
