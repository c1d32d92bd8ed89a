"""Inputs that broke something once: each goes through its target, and stays there."""

from pathlib import Path

import pytest

from fuzz.__main__ import REGRESSIONS, regressions
from fuzz.targets import TARGETS, run

KEPT = [(target, path) for target in TARGETS for path in regressions(target)]


@pytest.mark.parametrize(("target", "path"), KEPT, ids=[f"{target}-{path.name}" for target, path in KEPT])
def test_input_breaks_nothing_any_more(target: str, path: Path) -> None:
    """What was found is put right."""
    run(TARGETS[target], path.read_bytes())


def test_every_input_belongs_to_a_target() -> None:
    """A directory that no target is called after would be replayed by nobody."""
    assert {path.name for path in REGRESSIONS.iterdir()} <= set(TARGETS)
