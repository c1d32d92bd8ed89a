"""`docs/runbooks.md` has a section for every alert, and its commands print what it shows of them."""

import re
import time
from pathlib import Path
from typing import Final

import pytest
import yaml

from tests.docs.bad_days import SCENES, Stage
from tests.docs.console import Command, commands, is_same
from tests.docs.pages import ROOT, blocks, page, sections, words
from tests.e2e.running import PATIENCE_S

SECTIONS: Final = sections(page("runbooks.md"), 2)
OF_ALERTS: Final = {heading: text for heading, text in SECTIONS.items() if "| alert |" in text}
ROWS: Final = ("alert", "means", "callers see", "do", "it is over")

_ROW: Final = re.compile(r"^\| ([a-z ]+) \| (.+) \|$", re.MULTILINE)
_ONCE: Final = re.compile(r"refresh|block (add|remove)|echo")
"""Commands that are typed once: a second time they would find what the first one did."""


def _alerts() -> dict[str, str]:
    """The heading that each alert leads to."""
    rules = yaml.safe_load((ROOT / "helm" / "files" / "alerts.yaml").read_text(encoding="utf-8"))
    anchors = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-"): heading for heading in SECTIONS}
    return {
        rule["alert"]: anchors[rule["annotations"]["runbook"].partition("#")[2]]
        for group in rules["groups"]
        for rule in group["rules"]
    }


def test_every_alert_has_its_section() -> None:
    """It leads to the section that names it, and no section names one that there is not."""
    named = {
        alert: heading
        for heading, text in OF_ALERTS.items()
        for name, says in _ROW.findall(text)
        if name == "alert"
        for alert in words(says)
    }
    assert _alerts() == named


@pytest.mark.parametrize("heading", OF_ALERTS)
def test_what_every_section_says(heading: str) -> None:
    """What the alert means, what callers see, how to look, what to do, and when it is over, in this order."""
    text = OF_ALERTS[heading]
    rows = [name for name, _ in _ROW.findall(text)]
    assert list(ROWS) == [name for name in rows if name in ROWS]
    assert 1 == len(blocks(text, "console"))


def test_every_section_is_brought_about() -> None:
    """By a scene."""
    assert set(OF_ALERTS) == set(SCENES)


def _typed(made: Stage, command: Command) -> str:
    """What a command prints in the end: what it is about may take a moment to be seen."""
    line = command.line
    for shown, instead in made.instead.items():
        line = line.replace(shown, instead)
    give_up_at = time.monotonic() + PATIENCE_S
    while True:
        printed = made.shell.run(line)
        for shown, instead in made.instead.items():
            printed = printed.replace(instead, shown)
        if is_same(command.expected, printed) or _ONCE.search(line) or time.monotonic() > give_up_at:
            return printed
        time.sleep(0.2)


@pytest.mark.slow
@pytest.mark.timeout(180)
@pytest.mark.parametrize("heading", SCENES)
def test_how_to_look(heading: str, tmp_path: Path) -> None:
    """Each command of a section prints what it shows, on such a day."""
    (block,) = blocks(SECTIONS[heading], "console")
    with SCENES[heading](tmp_path / "day") as made:
        for command in commands(block):
            printed = _typed(made, command)
            assert is_same(command.expected, printed), f"$ {command.line}\n{printed}"
